"""What is arriving in the drop folder now, as it grows; and what stopped growing before its end.

Looks at everything that a client may be writing, temporary names as well: it is for people to
watch, and decides nothing. Whether a file is whole is for :mod:`prep_console.intake.drop`.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prep_console.intake.whole import End, end_of
from prep_console.wording import visible

_MOST = 2000
"""Files that are looked at: more are a tree, whose newest ones show the same."""
_DEEPEST = 16
_TEMPORARY = (".part", ".partial", ".filepart", ".tmp", ".temp")


@dataclass(frozen=True, slots=True)
class Arriving:
    """The file that was last written of those that are not whole."""

    file: str
    """Visible name."""
    bytes: int
    bytes_per_s: float
    """Since it was first seen."""
    quiet_s: float
    """Since it last grew."""
    closed: bool = False
    """It may not be read by us: its sender gave its group no right to."""


@dataclass(slots=True)
class _Seen:
    size: int
    mtime_ns: int
    first_at: float
    first_size: int
    moved_at: float
    whole: bool
    closed: bool


class Arrivals:
    """Remembers the files of one folder between two looks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, _Seen] = {}

    def look(self, now: float | None = None) -> Arriving | None:
        """What is coming now; None when all that is there is whole. ``now`` is monotonic."""
        now = time.monotonic() if now is None else now
        found: dict[Path, _Seen] = {}
        for path, status in _files(self._folder, 0):
            if len(found) == _MOST:
                break
            found[path] = self._followed(path, status, now)
        self._seen = found
        coming = [
            (seen.closed, seen.moved_at, path)
            for path, seen in found.items()
            if seen.closed or not seen.whole
        ]
        if not coming:
            return None
        path = max(coming)[2]
        seen = found[path]
        lasted_s = seen.moved_at - seen.first_at
        rate = (seen.size - seen.first_size) / lasted_s if lasted_s > 0 else 0.0
        name = visible(path.name)[:200]
        return Arriving(name, seen.size, rate, now - seen.moved_at, seen.closed)

    def _followed(self, path: Path, status: os.stat_result, now: float) -> _Seen:
        seen = self._seen.get(path)
        size, mtime_ns = status.st_size, status.st_mtime_ns
        if seen is None or size < seen.size:
            return _Seen(size, mtime_ns, now, size, now, *_judged(path))
        if (size, mtime_ns) != (seen.size, seen.mtime_ns):
            seen.size, seen.mtime_ns, seen.moved_at = size, mtime_ns, now
            seen.whole, seen.closed = _judged(path)
        elif seen.closed:  # its rights may be put right, which moves neither
            seen.whole, seen.closed = _judged(path)
        return seen


def _judged(path: Path) -> tuple[bool, bool]:
    """(nothing says that more of it must come, it may not be read)."""
    if path.name.startswith(".") or path.name.lower().endswith(_TEMPORARY):
        return False, False
    try:
        return end_of(path) is not End.MISSING, False
    except PermissionError:
        return True, True
    except OSError:
        return True, False


def _files(folder: Path, depth: int) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        with os.scandir(folder) as listing:
            entries = list(listing)
    except OSError:
        return
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            yield Path(entry.path), status
        elif stat.S_ISDIR(status.st_mode) and depth < _DEEPEST:
            yield from _files(Path(entry.path), depth + 1)
