"""One command run for one alarm: fed, listened to a little, and ended with all it started."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

_HEARD = 500
"""Bytes of what it prints that are kept for the log; the rest is read and forgotten."""
_CHUNK = 65_536
_STOP_LOOK_S = 0.1
_KEPT = ("PATH", "HOME", "TZ")


class Failed(Exception):
    """It could not be started, ended badly, or did not end."""


def run(
    argv: list[str],
    told: bytes,
    *,
    timeout_s: float,
    stopping: threading.Event,
    more: Mapping[str, str] | None = None,
) -> None:
    """Run it with ``told`` on stdin. Failed when it says no, in any way.

    In a session of its own, with a clean environment and ``more``; its group is killed at the
    timeout, when ``stopping`` is set, and after its own end: nothing of it stays.
    """
    with tempfile.TemporaryFile() as said:  # a pipe would block on who does not read it
        said.write(told)
        said.seek(0)
        try:
            process = subprocess.Popen(
                argv,
                stdin=said,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=_environment(more or {}),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise Failed(f"{argv[0]} cannot be started: {error}") from error
    heard = b""
    try:
        heard = _listen(process, time.monotonic() + timeout_s, stopping)
        ended = process.poll() is not None
    finally:
        _end(process)
    if not ended:
        raise Failed("the engine ends" if stopping.is_set() else f"not done within {timeout_s:g} s")
    if process.returncode != 0:
        text = heard.decode("utf-8", "replace").strip()
        raise Failed(f"exit status {process.returncode}: {text}".rstrip(": "))


def _listen(process: subprocess.Popen[bytes], end: float, stopping: threading.Event) -> bytes:
    """The first of what it prints, until it ends, or time is over, or the engine ends."""
    heard = b""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while process.poll() is None and time.monotonic() < end and not stopping.is_set():
            if not selector.get_map():
                stopping.wait(min(_STOP_LOOK_S, max(0.0, end - time.monotonic())))
            elif selector.select(min(_STOP_LOOK_S, max(0.0, end - time.monotonic()))):
                chunk = os.read(process.stdout.fileno(), _CHUNK)
                heard += chunk[: _HEARD - len(heard)]
                if not chunk:
                    selector.unregister(process.stdout)
        if process.poll() is not None and selector.get_map() and selector.select(0):
            heard += os.read(process.stdout.fileno(), _HEARD)
    return heard[:_HEARD]


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole group, also what a good command left behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()
    with suppress(subprocess.TimeoutExpired):  # a process stuck in a dead disk does not die
        process.wait(_STOP_LOOK_S)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {"LC_ALL": "C.UTF-8", **kept, **more}
