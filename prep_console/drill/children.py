"""Child processes of a rehearsal: each ends with its block, or with us when we are killed."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from prep_console.problems import Failed
from prep_console.wording import N_, Sentence, sentence

_PR_SET_PDEATHSIG = 1
_ENDED_WITHIN_S = 10.0
_PORTS = (10_000, 32_768)  # below ip_local_port_range, as Linux comes


def child(command: Sequence[str], ending: ExitStack, *, log: Path) -> subprocess.Popen[bytes]:
    """Start a child that ends with the block, and with us if we are killed."""
    output = ending.enter_context(log.open("wb"))
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        preexec_fn=_die_with_parent,
        start_new_session=True,  # ^C in the terminal is ours to handle, in our order
    )
    ending.callback(_end, process)
    return process


def wait_for(condition: Callable[[], object], seconds: float, what: Sentence) -> float:
    """Seconds until ``condition()`` was true; Failed with ``what`` when it never was."""
    began = time.monotonic()
    pause = threading.Event()
    while not condition():
        if time.monotonic() - began > seconds:
            raise Failed(
                what, sentence(N_("run the demo with --folder and read the logs that it keeps"))
            )
        pause.wait(0.05)
    return time.monotonic() - began


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_ENDED_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(ProcessLookupError):  # what it started and left behind, as faketime does
        os.killpg(process.pid, signal.SIGKILL)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of loopback that nobody holds, and that the kernel gives to nobody who asks for any.

    A server that is stopped and started again finds it still free: no connection gets it for its
    own end (ip(7), ip_local_port_range), and whoever else asks here meets it once in 20,000.
    """
    while True:
        port = random.randrange(*_PORTS)
        with socket.socket(socket.AF_INET, kind) as held:
            try:
                held.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return port
