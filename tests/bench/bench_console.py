"""The console in a bare terminal: traffic, processor, memory, first paint, key to paint.

The bytes are counted at the other end of a pty, so they are what a slow line carries: no tmux
in between that draws only what changed.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Iterator

from tests.bench.figure import NO_BOUND, Figure, spread
from tests.bench.grounds import FULL_NIGHT, fill, full_night, scratch, served
from tests.console.terminals import Pty
from tests.processes import cpu_s, ended, resident_bytes
from tests.stations import PROGRAM, Sandbox
from tests.waiting import wait_until

_SETTLE_S = 12.0
_WATCHED_S = 60.0
_STARTS = 7
_KEYS = 20
_SIZES = ((80, 24), (120, 40), (240, 70))
_AT_REST = (((80, 24), 250), ((120, 40), 400), ((160, 45), 400), ((240, 70), NO_BOUND))
_WALL_AT_REST = (((80, 24), 250), ((160, 45), 400), ((640, 180), NO_BOUND))
_MIB = 1024 * 1024
_PAINTED = "ayuda"
"""Stands in the last row, so everything above it is there."""


def rows() -> Iterator[Figure]:
    """At rest means: engine leading, site answering, a night's 288 cuts, nothing arriving."""
    with scratch() as folder, served(folder / "station") as ground:
        box = ground.box
        fill(box, folder, full_night())
        engine = box.start("engine")
        try:
            now = box.settings.root / "run" / "now.json"
            wait_until(now.exists, 20, "the engine's first heartbeat")
            yield from _starts(box)
            for size, bound in _AT_REST:
                yield from _rest(opened(box, size), _named(size, "at rest"), bound)
            for size, bound in _WALL_AT_REST:
                terminal = opened(box, size, "--wall")
                yield from _rest(terminal, _named(size, "--wall at rest"), bound, traffic_only=True)
            for size in _SIZES:
                yield _keys(box, size)
        finally:
            ended(engine)
    for size in _SIZES:
        yield from _rest(_busy(size), _named(size, "in a busy minute"), NO_BOUND)
    yield from _rest(
        _busy((160, 45), "--wall"),
        _named((160, 45), "--wall in a busy minute"),
        NO_BOUND,
        traffic_only=True,
    )


def _named(size: tuple[int, int], what: str) -> str:
    return f"console {what}, {size[0]}×{size[1]}"


def _busy(size: tuple[int, int], *more: str) -> Pty:
    """A made-up station: a cut each five seconds, five alarms that come and go each seven."""
    return Pty([sys.executable, "-m", "tests.console.sham", "busy", *more], size)


def opened(box: Sandbox, size: tuple[int, int], *more: str) -> Pty:
    """A console, or a wall, of that station; to be entered."""
    command = [PROGRAM, "--config", box.file, "--lang", "es", "console", *more]
    return Pty([str(part) for part in command], size)


def _starts(box: Sandbox) -> Iterator[Figure]:
    took = []
    for _ in range(_STARTS):
        with opened(box, (80, 24)) as terminal:
            end = painted(terminal)
            took.append(end - terminal.started)
    note = f"{spread(took)}, {FULL_NIGHT} cuts"
    yield Figure("console: first paint", statistics.median(took), 0.6, "s", note)


def painted(terminal: Pty) -> float:
    """Monotonic time at which the last row had been drawn."""
    mark = _PAINTED.encode()
    wait_until(lambda: mark in terminal.received, 20)
    return terminal.received_at(terminal.received.index(mark))


def _rest(console: Pty, what: str, bound: float, *, traffic_only: bool = False) -> Iterator[Figure]:
    with console as terminal:
        wait_until(lambda: len(terminal.received) > 2000, 20)
        pause = threading.Event()
        pause.wait(_SETTLE_S)
        pid = terminal.process.pid
        began, bytes_before, used = time.monotonic(), len(terminal.received), cpu_s(pid)
        pause.wait(_WATCHED_S)
        passed = time.monotonic() - began
        sent, share = len(terminal.received) - bytes_before, (cpu_s(pid) - used) / passed
        memory = resident_bytes(pid)
    note = f"{_WATCHED_S:.0f} s"
    yield Figure(f"{what}: to the terminal", sent / passed, bound, "bytes/s", note)
    if not traffic_only:
        most = NO_BOUND if bound == NO_BOUND else 1.0
        yield Figure(f"{what}: of a core", 100 * share, most, "%", note)
        yield Figure(f"{what}: memory", memory / _MIB, 60, "MiB", "resident")


def _keys(box: Sandbox, size: tuple[int, int]) -> Figure:
    took = []
    with opened(box, size) as terminal:
        painted(terminal)
        for _ in range(_KEYS):
            took.append(key_to_paint(terminal, b"j"))
    return Figure(_named(size, "key to paint"), statistics.median(took), 50, "ms", spread(took))


def key_to_paint(terminal: Pty, key: bytes) -> float:
    """Milliseconds from the byte of a key to the first byte of what it draws."""
    threading.Event().wait(0.11)  # no two keys in one frame
    before, began = len(terminal.received), time.monotonic()
    terminal.write(key)
    _more_than(terminal, before)
    return 1000 * (terminal.received_at(before + 1) - began)


def _more_than(terminal: Pty, count: int) -> None:
    wait_until(lambda: len(terminal.received) > count, 5)
