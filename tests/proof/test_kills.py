"""A SIGKILL at any mutating system call leaves the state before or the state after, whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.proof import broken, table
from tests.proof.kills import frozen_program
from tests.proof.scenarios import MAIN, REST, Scenario
from tests.proof.trials import prove

ALL: Mapping[str, Scenario] = {**MAIN, **REST}


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: a kill loses nothing that the kernel has taken."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="prep-kills-", dir=memory if memory.is_dir() else tmp_path
    ) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen_program(tmp_path_factory.mktemp("program"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_killed_at_any_call_a_command_leaves_before_or_after(
    name: str, scratch: Path, program: Path
) -> None:
    report = prove(name, ALL[name], scratch, program)
    print(report)
    table.record(f"kill: {name}", tried=report.points, fired=report.kills, bad=len(report.faults))
    assert not report.faults, "\n".join(report.faults[:20])
    assert report.kills == report.points


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "name", "found"),
    [
        ("pointer before pages", "rollback", "the estado pages 5 cannot be read"),
        ("map rewritten in place", "publish", "live.map is not of one piece"),
        ("cut copied into the store", "receive, completes", "its manifest cannot be read"),
    ],
)
def test_the_harness_finds_a_publisher_that_is_broken(
    fault: str, name: str, found: str, scratch: Path, program: Path
) -> None:
    runner = (str(Path(broken.__file__)), fault)
    report = prove(name, ALL[name], scratch, program, runner=runner)
    print(report)
    assert any(found in said for said in report.faults), report
    assert report.kills == report.points
