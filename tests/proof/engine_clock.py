"""An engine whose clock is a file (libfaketime): it runs faster, leaps, or is set."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import psutil

from tests.stations import PROGRAM, Sandbox

JUMPS = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
"""Only the wall clock is another, as when somebody sets it; files keep the times that they have."""


def tell(clock: Path, said: str) -> None:
    """What the clock shows from now on, for the engine and its children at once."""
    made = clock.with_name("clock.new")
    made.write_text(f"{said}\n")
    made.rename(clock)


def start(box: Sandbox, clock: Path, log: Path, **more: str) -> subprocess.Popen[bytes]:
    """The engine under libfaketime's own starter, to be ended with :func:`kill`.

    The starter shares the moment from which the time is counted. What it shares is named by its
    process, and stays when that is killed: a later one of the same number would not start.
    """
    for left in Path("/dev/shm").glob("*faketime_*"):
        if not psutil.pid_exists(int(left.name.rpartition("_")[2])):
            left.unlink(missing_ok=True)
    told = {"FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", **more}
    with log.open("ab") as into:
        return subprocess.Popen(
            [
                *("faketime", "-f", "+0", "env", "-u", "FAKETIME"),
                *(f"{name}={value}" for name, value in told.items()),
                *(PROGRAM, "--config", box.file, "engine"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=into,
            stderr=into,
            env={**os.environ, "TZ": "UTC"},
        )


def kill(pid: int) -> None:
    """The process and everything below it, at once."""
    with contextlib.suppress(psutil.NoSuchProcess):
        above = psutil.Process(pid)
        for each in [above, *above.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
