"""A command in a forked child: a real process that can really be killed, without a start-up.

strace (``kills.py``) tries every system call of a command and takes a second for each. A fork of
this interpreter takes milliseconds, so a model test can afford thousands: the child counts its own
calls that could change something, and at the chosen one it kills itself. No ``finally`` runs, no
buffer is flushed, and the kernel lets go of its locks. Or one of its writes takes half of what it
was given, which strace cannot do: it would claim bytes that the kernel never got.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from prep_console import durable
from tests.proof.stations import Said

_PLAIN = ("write", "pwrite", "ftruncate", "fsync", "mkdir", "rename", "replace", "unlink")
_NAMES = ("rmdir", "link", "utime", "chmod", "fchmod")
_DURABLE = ("exchange", "rename_noreplace", "sync_file_system", "reserve")
_WRITES = os.O_CREAT | os.O_WRONLY | os.O_RDWR | os.O_TRUNC


Kind = Literal["dies", "writes half", "writes half, then no room"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls a child."""

    kind: Kind
    nth: int = 0
    """At which of its changes, or of its writes that can be halved, from 1 on. 0: at none, they are
    only counted."""


@dataclass(frozen=True, slots=True)
class Child:
    pid: int
    answers: int
    """Descriptor that the child writes its answer to."""


@dataclass(frozen=True, slots=True)
class Ended:
    said: Said | None
    """None: it was killed on the way."""
    counted: int = 0
    """Changes, or writes, that it made when a fault was to befall it."""


def start(action: Callable[[], Said], fault: Fault | None = None) -> Child:
    """Begin ``action`` in a child; one that dies does so before the change."""
    answers, theirs = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():  # of threads, which Python 3.12 speaks of: none is needed here
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        os.close(theirs)
        return Child(pid, answers)
    try:
        os.close(answers)
        counted = _befall(fault) if fault is not None else int
        said = action()
        _write(theirs, json.dumps([said.code, said.out, said.err, counted()]).encode())
        os._exit(0)
    except BaseException as error:
        _write(theirs, json.dumps([-1, "", repr(error), 0]).encode())
        os._exit(1)


def end(child: Child) -> Ended:
    """Wait for it."""
    with os.fdopen(child.answers, "rb") as stream:
        raw = stream.read()
    _, status = os.waitpid(child.pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return Ended(None)
    code, out, err, counted = json.loads(raw)
    assert code != -1, err
    return Ended(Said(code, out, err), counted)


def run(actions: Sequence[Callable[[], Said]]) -> list[Said]:
    """All of them at once, each in a child of its own, let go at the same moment."""
    gate, opens = os.pipe()

    def waits(action: Callable[[], Said]) -> Callable[[], Said]:
        def at_once() -> Said:
            os.close(opens)
            os.read(gate, 1)  # ends when nobody holds the other end any more
            return action()

        return at_once

    children = [start(waits(action)) for action in actions]
    os.close(gate)
    os.close(opens)
    said = [end(child).said for child in children]
    return [one for one in said if one is not None]


def _write(descriptor: int, data: bytes, plain: Callable[[int, bytes], int] = os.write) -> None:
    while data:
        data = data[plain(descriptor, data) :]


def _befall(fault: Fault) -> Callable[[], int]:
    """From now on in this process; what was counted so far."""
    if fault.kind == "dies":
        return _die_at(fault.nth)
    return _write_half(fault.nth, no_room=fault.kind == "writes half, then no room")


def _die_at(nth: int) -> Callable[[], int]:
    done = 0

    def counted(call: Callable[..., Any], counts: Callable[..., bool]) -> Callable[..., Any]:
        def counting(*args: Any, **named: Any) -> Any:
            nonlocal done
            if counts(*args):
                done += 1
                if done == nth:
                    os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **named)

        return counting

    for name in _PLAIN + _NAMES:
        setattr(os, name, counted(getattr(os, name), lambda *_: True))
    os.open = counted(os.open, lambda _, flags, *__: bool(flags & _WRITES))
    for name in _DURABLE:
        setattr(durable, name, counted(getattr(durable, name), lambda *_: True))
    return lambda: done


def _write_half(nth: int, *, no_room: bool) -> Callable[[], int]:
    """As a disk that becomes full does it: a part is taken, and there is no room for the rest."""
    done = 0
    refuses = False

    def halving(call: Callable[..., int]) -> Callable[..., int]:
        def writes(descriptor: int, data: bytes, *where: int) -> int:
            nonlocal done, refuses
            if refuses:
                refuses = False
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if len(data) > 1:
                done += 1
                if done == nth:
                    refuses = no_room
                    data = data[: len(data) // 2]
            return call(descriptor, data, *where)

        return writes

    os.write, os.pwrite = halving(os.write), halving(os.pwrite)
    return lambda: done
