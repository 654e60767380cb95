"""The institute's forced command: rsync into one folder, and a mark when it is done.

``prep-console-session FOLDER MARKS`` runs ``rrsync -wo`` in FOLDER for the client's own command and
keeps a mark of the session under MARKS. Silence is no sign that a delivery is whole, nor is a
closed file; the exit code of the session is. While it runs the mark is locked (flock), so that one
whose wrapper was killed shows: no end, and nobody holds it. Only the standard library: it runs
under the institute's account for each of its sessions.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

_KEPT = 400
"""Marks of more than a night: one session each five minutes makes 288."""
_UMASK = 0o007
"""What comes is read, and deleted once it was taken, by the folder's group."""
_NOT_FOUND = 127
_PR_SET_PDEATHSIG = 1
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(arguments: list[str] | None = None) -> int:
    """Run the session; its exit code. 2 when the command line is wrong."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 2:
        sys.stderr.write("usage: prep-console-session FOLDER MARKS\n")
        return 2
    folder, marks = given
    began = datetime.now(UTC)
    path = Path(marks) / f"{began:%Y%m%dT%H%M%S.%f}-{os.getpid()}.json"
    said: dict[str, object] = {
        "started_at": began.isoformat(),
        "from": os.environ.get("SSH_CONNECTION", "").partition(" ")[0][:64],
    }
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except OSError as error:  # without a mark nothing would be known of what it writes
        sys.stderr.write(f"{marks}: {error.strerror}: the receiving side must put this right\n")
        return 1
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    _written(descriptor, said)
    _forget_old(Path(marks))
    # no lock: a session whose line died would keep every later one out until sshd notices
    code = _run(["rrsync", "-wo", "-munge", "-no-lock", folder])
    said |= {"ended_at": datetime.now(UTC).isoformat(), "exit_code": code}
    _written(descriptor, said)
    os.close(descriptor)
    return code


def _run(command: list[str]) -> int:
    """The command's exit code; it dies with us, so that a killed wrapper leaves no writer."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)  # until there is somebody to pass them to
    try:
        child = subprocess.Popen(command, umask=_UMASK, preexec_fn=_dies_with_us)
    except (OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"{command[0]}: {getattr(error, 'strerror', None) or error}\n")
        return _NOT_FOUND
    for number in _PASSED_ON:
        signal.signal(number, lambda received, _: child.send_signal(received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _dies_with_us() -> None:
    """``rrsync`` becomes rsync by exec, which keeps this."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _written(descriptor: int, said: dict[str, object]) -> None:
    """In place, flushed: the mark grows from a start to a start with an end."""
    os.pwrite(descriptor, json.dumps(said).encode() + b"\n", 0)
    os.fsync(descriptor)


def _forget_old(marks: Path) -> None:
    for old in sorted(marks.glob("*.json"))[:-_KEPT]:
        with suppress(OSError):
            old.unlink()


if __name__ == "__main__":
    sys.exit(main())
