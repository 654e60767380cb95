"""A site that the institute mirrors in place: taken when it stands still, and never touched.

Nothing in a tree says that it is whole. The session that wrote it does: one that ended well after
the last change, with no other one open. Without marks (SFTP, or no wrapper) it must have rested
long, with no file under a temporary name and nobody connected. Whether it then holds a whole and
newer cut is for the checks; whether what was copied is what was looked at here, staging sees.
"""

from __future__ import annotations

import errno
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
_FUTURE = timedelta(minutes=1)
"""A session that began later than this from now was dated by a clock that was put back since."""
TEMPORARY = re.compile(r"\..+\.[A-Za-z0-9]{6}")
"""rsync writes ``.name.`` and six letters, and renames it when it is whole."""
WORKING = {".~tmp~", ".rsync-partial"}
"""Folders of rsync's own (``--delay-updates``, ``--partial-dir``): what a killed session leaves in
them is of another cut."""


GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""Errors of what was there a moment ago, or gave its place to something else."""


@dataclass(frozen=True, slots=True)
class Look:
    """A tree as it lies there at one moment."""

    shape: str
    """Of all that lies there: another one when anything came, went or moved."""
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
        *,
        by_dates: bool = False,
    ) -> None:
        """``connected``: whether the institute is, as far as anybody can tell.

        ``by_dates``: at the first look the tree has rested since its last change, as our own
        clock says. For who looks once, since nobody looked before.
        """
        self._folder = folder
        self._rest_s = max(LONG_REST_S, settle_s)
        self._sessions = sessions
        self._connected = connected
        self._by_dates = by_dates
        self._shape = ""
        self._since = 0.0
        self.holds_files = False
        """Anything at all lay there at the last look."""
        self._taken = ""
        self._seen_open: dict[datetime, datetime] = {}
        """By its start, when a session was last seen open: nothing says when one was killed."""

    def ready(self, now: float | None = None) -> bool:
        """Whether it may be taken now. ``now`` is monotonic; OSError when it cannot be read."""
        now = time.monotonic() if now is None else now
        look = looked(self._folder)
        if look.shape != self._shape:
            first = self._by_dates and not self._shape
            age_s = (datetime.now(UTC) - look.changed_at).total_seconds() if first else 0.0
            self._shape, self._since = look.shape, now - max(0.0, age_s)
        self.holds_files = look.files > 0
        if not look.files or look.shape == self._taken:
            return False
        return self._rests(look, now)

    @property
    def shape(self) -> str:
        """Of what was looked at last: only that may be taken, sessions speak of no other."""
        return self._shape

    def note_taken(self) -> None:
        """What was looked at last was taken or refused: not again before it moves."""
        self._taken = self._shape

    def _rests(self, look: Look, now: float) -> bool:
        at = datetime.now(UTC)
        marks = [s for s in self._sessions() if s.open or s.started_at <= at + _FUTURE]
        marks = [s for s in marks if s.wrote]
        self._note_open(marks, at)
        if any(session.open for session in marks):
            return False
        ended = [session for session in marks if session.ended_at is not None]
        last = max(ended, key=_end, default=None)
        if last is not None and _end(last) + _TICK >= look.changed_at:
            return last.whole and all(s.whole or self._made_good(s, marks) for s in marks)
        if not all(s.ended_at or self._made_good(s, marks) for s in marks):
            return False  # its wrapper was killed: only another session can say more
        return not look.coming and not self._connected() and now - self._since >= self._rest_s

    def _note_open(self, marks: Sequence[Session], at: datetime) -> None:
        opened = {s.started_at: at for s in marks if s.open}
        kept = {s.started_at for s in marks} & self._seen_open.keys()
        self._seen_open = {start: self._seen_open[start] for start in kept} | opened

    def _made_good(self, broken: Session, marks: Sequence[Session]) -> bool:
        """Whether a whole session began after it was over: one beside it may be of other files."""
        over = broken.ended_at or self._seen_open.get(broken.started_at, broken.started_at)
        return any(s.whole and s.started_at > over for s in marks)


def _end(session: Session) -> datetime:
    assert session.ended_at is not None
    return session.ended_at


def looked(folder: Path) -> Look:
    """How the tree beneath ``folder`` lies there now. OSError when it cannot be read.

    A folder that may not be read is part of the shape: staging finds the same and says so.
    """
    digest, files, coming = hashlib.sha256(), 0, False
    newest_ns = 0

    def unread(error: OSError) -> None:
        nonlocal coming
        if error.errno in GONE:
            coming = True
        digest.update(f"{error.errno}\n".encode())

    os.close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    for here, folders, names, descriptor in os.fwalk(folder, onerror=unread):
        folders[:] = sorted(name for name in folders if name not in WORKING)
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
    return Look(digest.hexdigest(), files, changed_at, coming)
