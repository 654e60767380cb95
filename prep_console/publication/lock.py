"""Locks that name their holder: who, since when, for what; and a way past a stuck one.

``flock`` on a file whose content says who holds it. The descriptor is close-on-exec and children
are started, never forked, so no child keeps a lock after its parent's death.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from prep_console.problems import Failed, Refused
from prep_console.wording import N_, sentence

PATIENCE_S = 2.0
"""An action waits this long for the action lock, which is held for milliseconds."""
_MODE = 0o600
"""Whoever can open a lock file can hold the lock, even one who may only read it."""
_SUSPENDING = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
FULL = {errno.ENOSPC, errno.EDQUOT}
"""Errors of a disk, or a quota, without room."""
_CONTENT_BYTES = 512
"""Fixed length, overwritten in place: naming the holder takes no space on a full disk."""


class Holder(msgspec.Struct, frozen=True):
    pid: int
    started: int
    """Start time of the process in clock ticks since boot: with the pid, its identity."""
    purpose: str
    since: float
    """Seconds since the epoch."""

    @property
    def alive(self) -> bool:
        return process_start(self.pid) == self.started


def process_start(pid: int) -> int | None:
    """Start time of a process (field 22 of /proc/PID/stat), None when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def holder_of(path: Path) -> Holder | None:
    """Who the lock file names. It may be somebody who has let go since."""
    try:
        said = json.loads(path.read_text(encoding="utf-8").strip("\0 \n") or "null")
        return Holder(said["pid"], said["started"], said["purpose"], said["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_held(path: Path) -> bool | None:
    """Whether somebody holds it now; None when this user may not know."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        return None
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def held(
    path: Path,
    purpose: str,
    *,
    patience_s: float = PATIENCE_S,
    take_over: bool = False,
    ballast: Path | None = None,
) -> Iterator[None]:
    """Hold the lock at ``path`` for the block.

    Refused, naming the holder, when it is not free within ``patience_s``. With ``take_over`` a
    holder that does not let go in that time is killed (by pidfd, after checking that the pid is
    still the same process). Failed when the lock file cannot be written; ``ballast`` is a file to
    give up first. Ctrl-Z takes effect afterwards: a suspended command would keep everybody out.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != _MODE:
            os.fchmod(descriptor, _MODE)
    except OSError as error:
        raise unwritable(error, path) from error
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SUSPENDING)
    try:
        if not _acquired(descriptor, patience_s):
            _make_way(path, take_over)
            if not _acquired(descriptor, patience_s):
                raise _refusal(path)
        try:
            _name_holder(descriptor, purpose, ballast)
        except OSError as error:
            raise unwritable(error, path) from error
        yield
    finally:
        os.close(descriptor)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _acquired(descriptor: int, patience_s: float) -> bool:
    end = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            select.select([], [], [], 0.002)
        else:
            return True


def _make_way(path: Path, take_over: bool) -> None:
    holder = holder_of(path)
    if not take_over or holder is None or not holder.alive:
        raise _refusal(path)
    try:
        process = os.pidfd_open(holder.pid)
    except ProcessLookupError:
        return
    try:
        if not holder.alive:  # the pid may have been given to another process meanwhile
            return
        signal.pidfd_send_signal(process, signal.SIGKILL)
        select.select([process], [], [], PATIENCE_S)
    except PermissionError as error:
        raise Failed(
            sentence(N_("process {pid} may not be stopped by this user"), pid=holder.pid),
            sentence(N_("run the command as the station's user")),
        ) from error
    except ProcessLookupError:
        return
    finally:
        os.close(process)


def _refusal(path: Path) -> Refused:
    holder = holder_of(path)
    if holder is None or not holder.alive:  # a child that it forked may still have the lock
        return Refused(
            sentence(N_("another process holds the station's lock {path}"), path=path.name),
            sentence(N_("try again; if it stays so, see who has the file open with fuser")),
        )
    return Refused(
        sentence(
            N_("process {pid} ({purpose}) has held the station's lock for {seconds:.0f} s"),
            pid=holder.pid,
            purpose=holder.purpose,
            seconds=max(0.0, time.time() - holder.since),
        ),
        sentence(N_("try again; if it is stuck, repeat the command with --take-over")),
    )


def unwritable(error: OSError, path: Path | None = None) -> Failed:
    """That the station cannot be written, and what to do; ``path`` where the error names none."""
    if error.errno in FULL:
        todo = sentence(N_("free space on the station's disk and repeat the command"))
    else:
        todo = sentence(N_("check that the disk is mounted read-write and who owns the folder"))
    place = error.filename or path or ""
    what = f"{error.strerror}: {place}".rstrip(": ")
    return Failed(sentence(N_("the station cannot be written: {error}"), error=what), todo)


def _name_holder(descriptor: int, purpose: str, ballast: Path | None) -> None:
    """Where nothing is overwritten in place (btrfs) a full disk, or a quota, refuses even this."""
    pid = os.getpid()
    said = {
        "pid": pid,
        "started": process_start(pid),
        "purpose": purpose,
        "since": round(time.time(), 3),
    }
    content = json.dumps(said).encode().ljust(_CONTENT_BYTES - 1) + b"\n"
    try:
        os.pwrite(descriptor, content, 0)
    except OSError as error:
        if error.errno not in FULL or ballast is None or not ballast.exists():
            raise
        ballast.unlink()
        os.pwrite(descriptor, content, 0)
