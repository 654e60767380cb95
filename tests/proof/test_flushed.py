"""Nothing is told as done, and nothing stands on it, before it is on the disk.

A power cut (``test_power_cut.py``) shows what one file system happens to keep: ext4 and xfs write
their names in order, so that a later flush covers one that was forgotten. Here a finished command's
calls are followed one by one: what was written, named and flushed. When the pointer moves, when a
line is written, and at the end, nothing may wait for the kernel's good time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.proof import broken, kills, table
from tests.proof.kills import Point
from tests.proof.scenarios import MAIN, REST, Scenario
from tests.proof.stations import EXTRA, place
from tests.proof.trials import MODULE

pytestmark = pytest.mark.slow

ALL = {**MAIN, **REST}
_ROW = "flushed when the pointer moves, a line is written, or it ends"
_MAP = "public/live.map"
_JOURNAL = "journal/journal.jsonl"
_LOST_AT_WILL = ("run", "incoming", "telemetry")
"""Made anew by whoever needs it."""
_PAGES = "public/estado"
"""Its names become durable with the pointer's, the later ones in one journal (see estado.py)."""
_WRITES = {"write", "pwrite64", "ftruncate", "sendfile", "copy_file_range", "fallocate"}


class Disk:
    """What of a station is not flushed yet: bytes of files, and names in folders."""

    def __init__(self, root: Path) -> None:
        self._inodes = {
            str(path.relative_to(root)): number for number, path in enumerate(root.rglob("*"))
        }
        self._made = len(self._inodes)
        self._bytes: set[int] = set()
        self._names: set[tuple[str, str]] = set()
        """Folder and name."""

    def waiting(self, *besides: str) -> list[str]:
        """What is not flushed, its bytes or its name, ``besides`` these and what may go."""
        found = {path for path, inode in self._inodes.items() if inode in self._bytes}
        found |= {f"{folder}/{name}" for folder, name in self._names if folder != _PAGES}
        aside = (*_LOST_AT_WILL, *besides)
        return sorted(path for path in found if not path.startswith(aside) and not _spare(path))

    def follow(self, point: Point) -> None:
        """One call."""
        names = point.on.split(" ")
        match point.call:
            case "open" | "openat" | "creat" | "mkdir" | "mkdirat":
                if point.on not in self._inodes:
                    self._name(point.on)
            case call if call in _WRITES:
                self._bytes.add(self._inodes.setdefault(names[0], self._next()))
            case "rename" | "renameat" | "renameat2":
                self._move(*names)
            case "link" | "linkat":
                self._name(names[1], self._inodes.get(names[0]))
            case "unlink" | "unlinkat" | "rmdir":
                self._forget("/".join(names))  # a folder's descriptor and a name, or a path
            case "fsync" | "fdatasync":
                self._flush(names[0])
            case "syncfs" | "sync":
                self._bytes.clear()
                self._names.clear()

    def _next(self) -> int:
        self._made += 1
        return self._made

    def _name(self, path: str, inode: int | None = None) -> None:
        self._inodes[path] = self._next() if inode is None else inode
        folder, _, name = path.rpartition("/")
        self._names.add((folder or ".", name))

    def _move(self, old: str, new: str) -> None:
        swapped = new == _MAP and new in self._inodes  # RENAME_EXCHANGE: the one such pair
        if swapped:
            self._inodes[old], self._inodes[new] = self._inodes[new], self._inodes[old]
            self._names.add(("public", "live.map"))
            return
        for path in [p for p in self._inodes if p == old or p.startswith(f"{old}/")]:
            self._inodes[new + path[len(old) :]] = self._inodes.pop(path)
        self._names = {
            (new + folder[len(old) :] if (f"{folder}/").startswith(f"{old}/") else folder, name)
            for folder, name in self._names
            if f"{folder}/{name}" != old
        }
        folder, _, name = new.rpartition("/")
        self._names.add((folder or ".", name))

    def _forget(self, path: str) -> None:
        self._inodes.pop(path, None)
        folder, _, name = path.rpartition("/")
        self._names.discard((folder or ".", name))

    def _flush(self, path: str) -> None:
        self._bytes.discard(self._inodes.get(path, -1))
        self._names = {(folder, name) for folder, name in self._names if folder != path}


def _spare(path: str) -> bool:
    return path.rpartition("/")[2].startswith((".spare.", ".live.map."))


def looked(calls: Sequence[Point], disk: Disk) -> Iterator[tuple[str, list[str]]]:
    """What is not flushed when the pointer moves, a line is written, the journal is archived, and
    at the end."""
    for point in calls:
        switches = point.call.startswith("rename") and point.on.endswith(f" {_MAP}")
        says = point.call in {"write", "pwrite64"} and point.on.startswith(_JOURNAL)
        if switches or point.on.startswith("journal archive/"):
            yield str(point), disk.waiting("staging")
        if says:  # its own bytes are flushed next, and that is looked at later
            yield str(point), disk.waiting("staging", "journal")
        disk.follow(point)
    yield "the end", disk.waiting()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kills.frozen_program(tmp_path_factory.mktemp("program"))


def early(
    scenario: Scenario, folder: Path, program: Path, runner: Sequence[str] = MODULE
) -> dict[str, list[str]]:
    """At which moments of the command something was not flushed, and what."""
    at = place(folder / "at")
    deliveries = at.folder / "deliveries"
    deliveries.mkdir()
    command = scenario.prepare(at, deliveries)
    at.root.mkdir(exist_ok=True)
    disk = Disk(at.root)
    place(at.folder, extra=scenario.settings or EXTRA)
    calls, run = kills.points(at.command(*command, runner=runner), at.root, program)
    assert run.code in {0, 1}, run.told
    return dict(looked(calls, disk))


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_told_or_stood_on_before_it_is_on_the_disk(
    name: str, tmp_path: Path, program: Path
) -> None:
    moments = early(ALL[name], tmp_path, program)
    found = {moment: what for moment, what in moments.items() if what}
    table.walked(_ROW, len(moments), bad=len(found))
    assert found == {}


def test_a_publisher_that_flushes_nothing_is_found(tmp_path: Path, program: Path) -> None:
    runner = (str(broken.__file__), "nothing is flushed")
    moments = early(ALL["receive, completes"], tmp_path, program, runner)
    assert len(moments) == 5, "accepted and sealed, intent, the pointer, done, the end"
    assert all(list(moments.values())[1:]), moments
