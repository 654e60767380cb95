"""A system call that fails, at any point: said in order, and never half a cut for the public."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.proof import table
from tests.proof.kills import Point, frozen_program
from tests.proof.scenarios import MAIN, REST
from tests.proof.trials import prove

_OPENS = frozenset({"open", "openat", "creat"})
_WRITES = frozenset({"write", "pwrite64", "writev"})
_FLUSHES = frozenset({"fsync", "fdatasync", "syncfs", "fallocate", "ftruncate"})
_NAMES = frozenset({"rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"})
_TAKES_SPACE = _OPENS | _WRITES | _FLUSHES | _NAMES | {"mkdir", "mkdirat"}
_WAITS = _OPENS | _WRITES | _FLUSHES | {"renameat2"}

ERRORS: Mapping[str, tuple[str, frozenset[str] | None]] = {
    "ENOSPC": ("error=ENOSPC", _TAKES_SPACE),
    "EDQUOT": ("error=EDQUOT", _TAKES_SPACE),
    "EIO": ("error=EIO", None),
    "EROFS": ("error=EROFS", None),
    "EMFILE": ("error=EMFILE", _OPENS),
    "EINTR": ("error=EINTR", _WAITS),
    "no byte written": ("retval=0", _WRITES),
}
"""In strace's words, and the calls that may answer so (None: all). Any other number would claim
bytes that the kernel never got: those that take half are in ``test_short_writes.py``."""

_ALL = {**MAIN, **REST}
SCENARIOS = {
    name: _ALL[name]
    for name in (
        *("receive, completes", "rollback", "publish", "freeze", "hold", "release", "prune"),
        *("station new", "resync, repairs"),
    )
}
_SAMPLE = 2


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="prep-errors-", dir=memory if memory.is_dir() else tmp_path
    ) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen_program(tmp_path_factory.mktemp("program"))


def _pairs() -> list[tuple[str, str]]:
    names = list(SCENARIOS) if table.WHOLE else ["rollback", "receive, completes"]
    return [(error, name) for error in ERRORS for name in names]


@pytest.mark.slow
@pytest.mark.parametrize(("error", "name"), _pairs())
def test_a_call_that_fails_is_told_and_leaves_before_or_after(
    error: str, name: str, scratch: Path, program: Path
) -> None:
    fault, calls = ERRORS[error]

    def may_fail(point: Point) -> bool:
        return calls is None or point.call in calls

    report = prove(
        name,
        SCENARIOS[name],
        scratch,
        program,
        fault=fault,
        of=may_fail,
        at_most=None if table.WHOLE else _SAMPLE,
    )
    print(error, report)
    table.record(
        f"{error}: {name}", tried=report.points, fired=report.kills, bad=len(report.faults)
    )
    assert not report.faults, "\n".join(report.faults[:20])
    assert report.kills == report.points > 0
