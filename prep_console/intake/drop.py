"""The drop folder: what the institute wrote, taken when it is whole, never before.

Silence is no proof and neither is a closed file: a killed upload is closed too. An archive or a
JSON proves itself by its own end; what began like one and has no end is left alone, however long
it has been there. It is removed only once it is sealed, or refused and kept in quarantine.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prep_console.cuts.names import read_name
from prep_console.intake.receive import Receipt
from prep_console.intake.whole import End, end_of

_TEMPORARY = re.compile(
    r"^\.|(\.(part|partial|filepart|tmp|temp|crdownload|swp)|~)$", re.IGNORECASE
)
"""rsync's ``.name.XXXXXX``, and what other clients call a file that is still coming."""

Shape = tuple[int, int, int, int]
"""Inode, size, mtime and ctime in nanoseconds: moves whenever somebody writes."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file in the drop folder that has not been taken yet."""

    path: Path
    shape: Shape
    rested_s: float
    """Since it last changed."""
    end: End


class DropFolder:
    """Remembers what it has seen of one folder between two looks."""

    def __init__(self, folder: Path, settle_s: float) -> None:
        self._folder = folder
        self._settle_s = settle_s
        self._seen: dict[Path, tuple[Shape, float]] = {}
        self._taken: dict[Path, Shape] = {}
        self._waiting: dict[Path, Shape] = {}
        self._put_off: dict[Path, float] = {}

    def look(self, now: float | None = None) -> list[Arrival]:
        """Every file that is still to be taken, those of the oldest cut first.

        ``now`` is the monotonic clock. OSError when the folder cannot be read.
        """
        now = time.monotonic() if now is None else now
        found: dict[Path, tuple[Shape, float]] = {}
        arrivals: list[Arrival] = []
        for path, shape in _files(self._folder):
            before = self._seen.get(path)
            since = before[1] if before is not None and before[0] == shape else now
            found[path] = (shape, since)
            if self._taken.get(path) != shape and now >= self._put_off.get(path, 0.0):
                arrivals.append(Arrival(path, shape, now - since, _end(path)))
        self._seen = found
        self._taken = {p: s for p, s in self._taken.items() if p in found}
        self._waiting = {p: s for p, s in self._waiting.items() if p in found}
        self._put_off = {p: until for p, until in self._put_off.items() if p in found}
        return sorted(arrivals, key=_order)

    def ready(self, arrival: Arrival) -> bool:
        """Whether it may be taken now: it proves its end, or nobody writes it any more."""
        if arrival.end is End.WHOLE:
            return True
        return arrival.end is End.UNKNOWN and arrival.rested_s >= self._settle_s

    def put_off(self, arrival: Arrival, seconds: float) -> None:
        """It could not be taken now (a full disk, a permission): look at it again later."""
        self._put_off[arrival.path] = time.monotonic() + seconds

    def note(self, arrival: Arrival, receipt: Receipt) -> None:
        """What became of it: sealed and refused ones go, waiting ones stay until they are sealed.

        One that turned out to be still coming, or damaged only because it is, is taken again.
        """
        if receipt.still_coming:
            return
        self._taken[arrival.path] = arrival.shape
        if receipt.result == "waiting" or (receipt.result == "had" and receipt.cut is None):
            self._waiting[arrival.path] = arrival.shape
        else:
            self._remove(arrival.path, arrival.shape)

    def remove_sealed(self) -> None:
        """Nothing waits for its cut any more: what was taken can go."""
        for path, shape in list(self._waiting.items()):
            del self._waiting[path]
            self._remove(path, shape)

    def _remove(self, path: Path, shape: Shape) -> None:
        """Delete what was taken, unless something else has come under its name."""
        with suppress(OSError):  # not ours to delete: it is remembered and not taken twice
            if _shape(os.lstat(path)) == shape:
                path.unlink()


def _files(folder: Path) -> list[tuple[Path, Shape]]:
    found: list[tuple[Path, Shape]] = []
    pending = [folder]
    while pending:
        inside = pending.pop()
        try:
            entries = list(os.scandir(inside))
        except FileNotFoundError:
            continue
        for entry in entries:
            if _TEMPORARY.search(entry.name):
                continue
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    pending.append(Path(entry.path))
                else:
                    found.append((Path(entry.path), _shape(status)))
    return found


def _shape(status: os.stat_result) -> Shape:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _end(path: Path) -> End:
    try:
        return end_of(path)
    except OSError:
        return End.MISSING


def _order(arrival: Arrival) -> tuple[str, int]:
    """Backlogs are taken oldest cut first, or their marks would refuse the older ones."""
    stamp = read_name(arrival.path.name).stamp
    return (str(stamp) if stamp else "~", arrival.shape[2])
