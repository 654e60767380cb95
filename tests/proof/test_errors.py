"""A system call that fails, at any point: said in order, and never half a cut for the public."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.proof import table
from tests.proof.kills import Point, frozen_program
from tests.proof.scenarios import MAIN, REST
from tests.proof.trials import Report, prove, spread

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
WHOLE_COMMANDS = (
    *("receive, completes", "rollback", "publish", "freeze", "hold", "release", "prune"),
    *("station new", "resync, repairs"),
)
_IN_EACH_RUN = ("rollback", "receive, completes")
_SAMPLE = 2
_OF_OTHERS = 20
"""Points of the other commands that are tried, with the one error that any call may give."""


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


def _trials() -> list[tuple[str, str, int | None]]:
    if not table.WHOLE:
        return [(error, name, _SAMPLE) for error in ERRORS for name in _IN_EACH_RUN]
    others = [("EIO", name, _OF_OTHERS) for name in _ALL if name not in WHOLE_COMMANDS]
    return [*((error, name, None) for error in ERRORS for name in WHOLE_COMMANDS), *others]


@pytest.mark.slow
@pytest.mark.parametrize(("error", "name", "at_most"), _trials())
def test_a_call_that_fails_is_told_and_leaves_before_or_after(
    error: str, name: str, at_most: int | None, scratch: Path, program: Path
) -> None:
    fault, calls = ERRORS[error]

    def chosen(points: Sequence[Point]) -> Sequence[Point]:
        return spread([p for p in points if calls is None or p.call in calls], at_most)

    _told(error, name, prove(name, _ALL[name], scratch, program, fault=fault, chosen=chosen))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(_ALL) if table.WHOLE else ["rollback"])
@pytest.mark.parametrize("error", ["EIO", "EMFILE"])
def test_a_read_that_fails_is_told_and_leaves_before_or_after(
    error: str, name: str, scratch: Path, program: Path
) -> None:
    """What is opened only to be read, folders that are flushed too, and what is read of it."""

    def chosen(points: Sequence[Point]) -> Sequence[Point]:
        some = [p for p in points if error == "EIO" or p.call in _OPENS]
        if name != "rollback":
            some = list({(p.call, p.on): p for p in some}.values())  # the last of each file
        return spread(some, None if table.WHOLE else 2 * _SAMPLE)

    fault = f"error={error}"
    _told(
        f"{error} on reading",
        name,
        prove(name, _ALL[name], scratch, program, fault=fault, reads=True, chosen=chosen),
    )


def _told(error: str, name: str, report: Report) -> None:
    print(error, report)
    table.record(
        f"{error}: {name}", tried=report.points, fired=report.kills, bad=len(report.faults)
    )
    assert not report.faults, "\n".join(report.faults[:20])
    assert report.kills == report.points > 0
