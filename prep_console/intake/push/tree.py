"""A site that the institute mirrors in place: taken when it stands still, and never touched.

Nothing in a tree says that it is whole. The session that wrote it does: one that ended well after
the last change, with no other one open. Without marks (SFTP, or no wrapper) it must have rested
long, with no file under a temporary name and nobody connected. Whether it then holds a whole and
newer cut is for the checks; whether it moved while it was copied, staging sees.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prep_console.intake.push.sessions import Session

LONG_REST_S = 15.0
"""Five quiet seconds look the same on a stalled rsync; this is three times as much."""
_TICK = timedelta(seconds=0.1)
"""A file's ctime is taken from the kernel's tick, and a mark's from the clock."""
TEMPORARY = re.compile(r"\..+\.[A-Za-z0-9]{6}")
"""rsync writes ``.name.XXXXXX`` and renames it when it is whole."""


@dataclass(frozen=True, slots=True)
class _Look:
    shape: str
    """Of all that lies there: another one when anything moved."""
    files: int
    changed_at: datetime
    """The last change of a file or a folder (ctime, which no client can set)."""
    coming: bool
    """A file lies there under a temporary name."""


class MirroredTree:
    """Remembers one tree between two looks."""

    def __init__(
        self,
        folder: Path,
        settle_s: float,
        sessions: Callable[[], Sequence[Session]],
        connected: Callable[[], bool],
    ) -> None:
        """``connected``: whether the institute is, as far as anybody can tell."""
        self._folder = folder
        self._rest_s = max(LONG_REST_S, settle_s)
        self._sessions = sessions
        self._connected = connected
        self._shape = ""
        self._since = 0.0
        self._taken = ""

    def ready(self, now: float | None = None) -> bool:
        """Whether it may be taken now. ``now`` is monotonic; OSError when it cannot be read."""
        now = time.monotonic() if now is None else now
        look = _looked(self._folder)
        if look.shape != self._shape:
            self._shape, self._since = look.shape, now
        if not look.files or look.shape == self._taken:
            return False
        return self._rests(look, now)

    def note_taken(self) -> None:
        """What was looked at last was taken or refused: not again before it moves."""
        self._taken = self._shape

    def _rests(self, look: _Look, now: float) -> bool:
        marks = self._sessions()
        if any(session.open for session in marks):
            return False
        ended = [session for session in marks if session.ended_at is not None]
        last = max(ended, key=_end, default=None)
        if last is not None and _end(last) + _TICK >= look.changed_at:
            return last.whole and not any(_later(session, last) for session in marks)
        if marks and marks[-1].ended_at is None:
            return False  # its wrapper was killed: only another session can say more
        return not look.coming and not self._connected() and now - self._since >= self._rest_s


def _end(session: Session) -> datetime:
    assert session.ended_at is not None
    return session.ended_at


def _later(session: Session, last: Session) -> bool:
    """One that began after it and has no end: whatever it wrote is not all there."""
    return session.ended_at is None and session.started_at > last.started_at


def _looked(folder: Path) -> _Look:
    digest, files, coming = hashlib.sha256(), 0, False
    newest_ns = 0
    for here, folders, names, descriptor in os.fwalk(folder, follow_symlinks=False):
        folders.sort()
        newest_ns = max(newest_ns, os.fstat(descriptor).st_ctime_ns)
        for name in sorted(names):
            try:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except FileNotFoundError:
                coming = True
                continue
            newest_ns = max(newest_ns, status.st_ctime_ns)
            coming |= TEMPORARY.fullmatch(name) is not None
            files += stat.S_ISREG(status.st_mode)
            shape = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            digest.update(os.fsencode(f"{here}/{name} {shape}\n"))
    changed_at = datetime.fromtimestamp(newest_ns / 1e9, UTC)
    return _Look(digest.hexdigest(), files, changed_at, coming)
