"""The engine at rest: a night's store, a live site, nothing arriving."""

from __future__ import annotations

import threading
import time

import psutil

from tests.bench.figure import Figure
from tests.bench.grounds import FULL_NIGHT, fill, full_night, scratch, served
from tests.processes import ended
from tests.waiting import wait_until

_SETTLE_S = 8.0
_WATCHED_S = 45.0
_MIB = 1024 * 1024


def rows() -> list[Figure]:
    """Share of one core and growth of memory, worker process included."""
    with scratch() as folder, served(folder / "station") as ground:
        fill(ground.box, folder, full_night())
        engine = ground.box.start("engine")
        try:
            now = ground.box.settings.root / "run" / "now.json"
            wait_until(now.exists, 20, "the engine's first heartbeat")
            threading.Event().wait(_SETTLE_S)
            assert engine.poll() is None
            process = psutil.Process(engine.pid)
            began, used, memory = time.monotonic(), _used(process), _memory(process)
            threading.Event().wait(_WATCHED_S)
            share = (_used(process) - used) / (time.monotonic() - began)
            after = _memory(process)
        finally:
            ended(engine)
    note = f"{FULL_NIGHT} cuts, Apache asked every few seconds, {_WATCHED_S:.0f} s"
    return [
        Figure("engine at rest: of a core", 100 * share, 1.0, "%", note),
        Figure(
            "engine at rest: memory grows by",
            (after - memory) / _MIB,
            1.0,
            "MiB",
            f"{memory / _MIB:.0f} MiB in all, worker included",
        ),
    ]


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _used(process: psutil.Process) -> float:
    times = [one.cpu_times() for one in _family(process)]
    return sum(t.user + t.system for t in times)


def _memory(process: psutil.Process) -> int:
    return sum(one.memory_info().rss for one in _family(process))
