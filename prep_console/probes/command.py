"""A neighbour's program, asked for its answer: under a deadline, bounded, and gone afterwards.

No shell, stdin empty, one plain environment, so that what comes back does not depend on who
started the engine. The program leads a session of its own, and whatever is left of its group is
killed when the answer is there, at the deadline, and when the look is cancelled.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from prep_console import reasons
from prep_console.wording import visible

ENVIRONMENT = {
    "LC_ALL": "C",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}
"""A person's PATH rarely holds sbin, where half of the neighbours live."""

_ERRORS_KEPT = 4096
_SHOWN = 200
"""Longest foreign text that goes into a reason."""
_CHUNK = 65536
_ENDS_S = 1.0
"""A killed process that is not gone by then hangs in the kernel (a dead disk)."""


class CommandError(Exception):
    """The program gave no answer; the text (English) says why."""


class NotInstalled(CommandError):
    """There is no such program here."""


class TooMuch(CommandError):
    """It said more than it was allowed to."""


class Late(CommandError):
    """It had not ended by its deadline."""


class EndedBadly(CommandError):
    """It ended with another exit code than 0, or by a signal."""

    def __init__(self, text: str, code: int, said: str) -> None:
        super().__init__(text)
        self.code = code
        """Exit code; negative: the signal that ended it."""
        self.said = said
        """What it wrote to stderr, else to stdout, at most 4096 bytes of it."""


async def output(argv: Sequence[str], *, deadline_s: float, limit_bytes: int = 65536) -> str:
    """What the program writes to stdout, once it ended with exit code 0.

    Raises :class:`CommandError`: :class:`NotInstalled`, :class:`Late`, :class:`TooMuch` or
    :class:`EndedBadly` where it is one of them. Bytes that are no UTF-8 come as U+FFFD.
    """
    try:
        child = subprocess.Popen(
            argv,
            executable=_program(argv[0]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except FileNotFoundError as missing:
        raise NotInstalled(reasons.NOT_INSTALLED.format(program=_name(argv[0]))) from missing
    except OSError as error:
        raise CommandError(
            reasons.NOT_STARTED.format(program=_name(argv[0]), error=error.strerror)
        ) from error
    try:
        async with asyncio.timeout(deadline_s):
            return await _answer(child, argv[0], limit_bytes)
    except TimeoutError as late:
        raise Late(reasons.LATE.format(program=_name(argv[0]), seconds=f"{deadline_s:g}")) from late
    finally:
        await _end(child)


def _program(name: str) -> str:
    """Where it is: Popen itself would look along our own PATH, not the plain one."""
    if "/" in name:
        return name
    for folder in ENVIRONMENT["PATH"].split(":"):
        if os.access(path := f"{folder}/{name}", os.X_OK):
            return path
    raise FileNotFoundError(name)


async def _answer(child: subprocess.Popen[bytes], program: str, limit_bytes: int) -> str:
    assert child.stdout is not None
    assert child.stderr is not None
    errors = asyncio.ensure_future(_beginning(child.stderr, _ERRORS_KEPT))
    try:
        said = await _beginning(child.stdout, limit_bytes + 1, stop=True)
        if len(said) > limit_bytes:
            raise TooMuch(reasons.TOO_MUCH.format(program=_name(program), count=limit_bytes))
        complaint = await errors
    finally:
        errors.cancel()
        with suppress(asyncio.CancelledError):
            await errors
    await _ended(child)
    _kill_group(child)  # what it left behind; until it is reaped its number is nobody else's
    if (code := child.wait()) != 0:
        words = (complaint.strip() or said.strip())[:_ERRORS_KEPT].decode(errors="replace")
        ended = reasons.EXIT_CODE if code > 0 else reasons.SIGNAL
        how = ended.format(program=_name(program), code=abs(code))
        line = " ".join(words.split())[:_SHOWN]
        raise EndedBadly(f"{_name(program)}: {line}" if line else how, code, words)
    return said.decode(errors="replace")


async def _beginning(pipe: IO[bytes], limit_bytes: int, *, stop: bool = False) -> bytes:
    """The first bytes of ``pipe``; reads on to its end without keeping more, or stops there."""
    loop = asyncio.get_running_loop()
    os.set_blocking(pipe.fileno(), False)
    kept = bytearray()
    while not (stop and len(kept) >= limit_bytes):
        await _readable(loop, pipe.fileno())
        try:
            chunk = os.read(pipe.fileno(), _CHUNK)
        except BlockingIOError:
            continue
        if not chunk:
            break
        kept += chunk[: limit_bytes - len(kept)]
    return bytes(kept)


async def _readable(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    ready = loop.create_future()
    loop.add_reader(descriptor, _once, ready)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


def _once(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _ended(child: subprocess.Popen[bytes]) -> None:
    """Wait until it ended, and leave it to be reaped."""
    descriptor = os.pidfd_open(child.pid)
    try:
        await _readable(asyncio.get_running_loop(), descriptor)
    finally:
        os.close(descriptor)


async def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill and reap it if it has not been yet; also in a look that was cancelled."""
    try:
        if child.returncode is None:
            _kill_group(child)
            with suppress(TimeoutError):  # it hangs in the kernel: a later Popen reaps it
                async with asyncio.timeout(_ENDS_S):
                    await _ended(child)
    finally:
        child.poll()
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _name(program: str) -> str:
    return visible(program.rsplit("/", 1)[-1])[:_SHOWN]
