"""Processes as the kernel shows them in /proc: what is there, and whether it really runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
COMM_LENGTH = 15
"""Longer names are cut by the kernel: ``systemd-timesyn``."""

_LINE_BYTES = 4096
_NOT_RUNNING = frozenset("TtZXx")
"""Stopped, traced, zombie, dead: a SIGSTOPped server answers nobody."""


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    comm: str
    state: str
    """One letter of proc(5): R, S, D, T, Z."""
    started: int
    """Ticks after boot; with the pid it names one process for ever."""

    @property
    def running(self) -> bool:
        return self.state not in _NOT_RUNNING


def process(pid: int, proc: Path = PROC) -> Process | None:
    """The process of that number, or None when there is none (that we may see)."""
    try:
        stat = _line(f"{proc}/{pid}/stat")
    except OSError:  # ProcessLookupError: it ended while it was read
        return None
    # a name may hold blanks and brackets: it ends at the last one
    name, _, rest = stat.partition("(")[2].rpartition(")")
    fields = rest.split()
    return Process(pid, name, fields[0], int(fields[19])) if len(fields) > 19 else None


def _line(path: str) -> str:
    """What the kernel says there in one breath; a file object asks it four things more."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _LINE_BYTES).decode(errors="replace")
    finally:
        os.close(descriptor)


def processes(proc: Path = PROC) -> Iterator[Process]:
    """All that we may see; about 15 microseconds each."""
    for entry in proc.iterdir():
        if entry.name.isdecimal() and (found := process(int(entry.name), proc)) is not None:
            yield found


def others_hidden(proc: Path = PROC) -> bool:
    """Whether /proc is mounted with ``hidepid``: what is not seen may well run."""
    return process(1, proc) is None


def pid_in(file: Path) -> int:
    """The number in a pid file. OSError, or ValueError for one that holds something else."""
    with file.open("rb") as opened:
        said = opened.read(32)
    pid = int(said)
    if pid <= 1:
        raise ValueError(f"{pid} is no process of a server")
    return pid
