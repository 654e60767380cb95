"""What the institute's own sessions say of themselves: the marks that its wrapper leaves.

The marks are written under the institute's account: they are bounded when they are read, and
nothing in them is believed but times and an exit code.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from prep_console.decoding import decode

_NEWEST = 50
"""Marks that are looked at: those of the last four hours, and far more than run at once."""
_LARGEST = 4096
_TURNED_AWAY = {1, 2, 126, 127}
"""Exit codes of a command that was not allowed or not understood (rsync(1), EXIT VALUES), and of
one that could not be run."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session of the institute."""

    started_at: datetime
    ended_at: datetime | None
    exit_code: int | None
    open: bool
    """Its wrapper runs still."""

    @property
    def wrote(self) -> bool:
        """It may have written something: rsync was not turned away before it began."""
        return self.ended_at is None or self.exit_code not in _TURNED_AWAY

    @property
    def whole(self) -> bool:
        """It came to its own good end."""
        return self.ended_at is not None and self.exit_code == 0


class _Mark(msgspec.Struct):
    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None


def marks_folder(root: Path) -> Path:
    """Where the marks lie; writable for the institute's account, but not through its sessions."""
    return root / "incoming" / "sessions"


def sessions(folder: Path) -> list[Session]:
    """The newest sessions, oldest first; [] where no wrapper leaves marks."""
    try:
        marks = sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except OSError:
        return []
    found = (_read(path) for path in marks[-_NEWEST:])
    return sorted((s for s in found if s is not None), key=lambda s: s.started_at)


def _read(path: Path) -> Session | None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    try:
        mark = decode(os.pread(descriptor, _LARGEST, 0), _Mark)
        if mark.started_at.tzinfo is None or (mark.ended_at and mark.ended_at.tzinfo is None):
            return None
        return Session(mark.started_at, mark.ended_at, mark.exit_code, _held(descriptor))
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)


def _held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def broken_off(marks: Sequence[Session]) -> bool:
    """Whether the last session that wrote broke off, and nobody is at it again."""
    wrote = [session for session in marks if session.wrote]
    if not wrote or any(session.open for session in wrote):
        return False
    return not max(wrote, key=lambda s: s.ended_at or s.started_at).whole
