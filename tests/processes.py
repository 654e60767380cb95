"""Child processes of tests: whether one lives or serves, and an end that is sure to come."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.waiting import wait_until

LONG_S = 60.0
"""What a start or an end may take on a slow and busy machine."""


def running(pid: int) -> bool:
    """Whether the process lives (a zombie does not)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    fields = status.rpartition(")")[2].split()
    return bool(fields) and fields[0] != "Z"  # none: it went between opening and reading


def stands_still(pid: int) -> bool:
    """Whether it and what it started stand still: a signal reaches one thread, the others go on
    until that one has run. ``SIGSTOP`` alone is no proof on a busy machine."""
    with suppress(psutil.NoSuchProcess):
        above = psutil.Process(pid)
        return all(_stands(one.pid) for one in (above, *above.children(recursive=True)))
    return False


def _stands(pid: int) -> bool:
    states = []
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):  # it ended meanwhile
            states.append(thread.read_bytes().rpartition(b")")[2].split()[:1])
    return all(state in ([b"T"], [b"t"], [b"Z"]) for state in states)


def cpu_s(pid: int) -> float:
    """Processor time the process has used so far. OSError when it is gone, to the last of it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    if len(fields) < 13:  # it went between opening and reading
        raise ProcessLookupError(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Memory of the process that is in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def listens(port: int, address: str = "127.0.0.1") -> bool:
    """Whether somebody takes connections there."""
    with suppress(OSError):
        socket.create_connection((address, port), timeout=1).close()
        return True
    return False


def serves(
    process: subprocess.Popen[Any],
    port: int,
    address: str = "127.0.0.1",
    *,
    complaints: Callable[[], str] = str,
) -> None:
    """Wait until it takes connections; AssertionError with its ``complaints`` when it never does,
    at once when it has ended."""

    def there() -> bool:
        assert process.poll() is None, f"ended with {process.returncode}"
        return listens(port, address)

    try:
        wait_until(there, LONG_S, f"{address}:{port} is served")
    except AssertionError as never:
        raise AssertionError(f"{never}\n{complaints()}") from never


def ended(process: subprocess.Popen[Any], within_s: float = LONG_S) -> int:
    """Ask it to end, stopped or not, and wait for that: its exit code; nothing is asked of one
    that has ended. AssertionError when it has to be killed."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
    try:
        process.communicate(timeout=within_s)  # a full pipe would keep it from ending
    except subprocess.TimeoutExpired as never:
        process.kill()
        process.communicate()
        raise AssertionError(f"process {process.pid} did not end within {within_s} s") from never
    return process.returncode
