"""Whether a process keeps one of the station's locks for too long, and which one.

Behind the intake lock every delivery waits, behind the action lock every decision, and behind the
worker's whatever the engine has to take. Who acts is told so after seconds; who only waits for
deliveries would not notice. How long is counted from look to look: a clock that leaps while a lock
is held makes nobody slow.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from prep_console.publication import lock
from prep_console.publication.station import Station
from prep_console.wording import visible

LONG_S = {"intake": 180.0, "action": 30.0, "worker": 600.0}
"""A process that works may hold a lock that long: gigabytes are flushed under that of the intake,
and copied and read under that of the worker; that of an action is held for milliseconds."""
STOPPED_S = 10.0
"""One that is stopped does not work: it is not coming back by itself."""
_A_LOOK_S = 5.0
"""The most that may lie between two looks: what is more is a leap of the clock."""
_COMMAND = 120
"""Characters of a command line that are told."""


Name = Literal["intake", "action", "worker"]


class Stuck(msgspec.Struct, frozen=True):
    """A lock that is held, and has been for too long."""

    name: Name
    pid: int | None
    """None when the process that took it is gone and a child of it still has it."""
    purpose: str
    """What it was taken for, as the lock file says: ``assemble``, ``receive`` and a file."""
    command: str
    """Its command line, as the kernel has it now; '' when that cannot be read."""
    since: datetime
    """Aware UTC."""
    stopped: bool
    """By a signal or a debugger."""


class Locks:
    """The station's locks, looked at each second."""

    def __init__(self, station: Station) -> None:
        self._locks = (
            _Lock("intake", station.intake_lock),
            _Lock("action", station.action_lock),
            _Lock("worker", station.worker_lock),
        )

    def stuck(self, now: datetime) -> Stuck | None:
        """The lock that is held too long; that of the intake first. Some 70 microseconds."""
        found = [one.stuck(now) for one in self._locks]
        return next(filter(None, found), None)


class _Lock:
    def __init__(self, name: Name, path: Path) -> None:
        self._name: Name = name
        self._path = path
        self._holder: lock.Holder | None = None
        self._seen_s = 0.0
        """How long the lock file has named that holder."""
        self._looked = datetime.min.replace(tzinfo=UTC)

    def stuck(self, now: datetime) -> Stuck | None:
        holder = lock.holder_of(self._path)
        passed_s = (now - self._looked).total_seconds()
        self._looked = now
        if holder is None or holder != self._holder:
            self._holder, self._seen_s = holder, 0.0
            return None
        self._seen_s += min(max(passed_s, 0.0), _A_LOOK_S)
        stopped = holder.alive and _is_stopped(holder.pid)
        if self._seen_s < (STOPPED_S if stopped else LONG_S[self._name]):
            return None
        if not lock.is_held(self._path) or lock.holder_of(self._path) != holder:  # it has let go
            return None
        since = datetime.fromtimestamp(holder.since, UTC)
        purpose = visible(str(holder.purpose))
        if not holder.alive:
            return Stuck(self._name, None, purpose, "", since, False)
        return Stuck(self._name, holder.pid, purpose, _command(holder.pid), since, stopped)


def _is_stopped(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in {b"T", b"t"}


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return ""
    first = words[0].rpartition(b"/")[2]
    return visible(b" ".join([first, *words[1:]]).decode(errors="replace"))[:_COMMAND]
