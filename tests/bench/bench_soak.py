"""A night of bad luck on a fast clock: probes that hang, lie, fail and shout, hour after hour.

Everything between a probe and the disk is the real one: the loop around a probe, the table of
readings, the watch over the alarms, the telemetry. Only waiting is shortened: periods are a
five-hundredth of what they are, and the facts' clock runs as much faster.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from prep_console.engine.readings import Readings
from prep_console.engine.watch import Watch
from prep_console.probes.probe import OwnThread, reading, run_probe, unknown
from prep_console.snapshot import Reading
from prep_console.telemetry.recorder import Recorder
from tests.bench.figure import Figure
from tests.bench.grounds import scratch
from tests.stations import sandbox

_NIGHT_H = 10
_LASTS_S = 60.0
_FASTER = _NIGHT_H * 3600 / _LASTS_S
_SETTLED = 0.25
"""Share of the night after which everything has reached its size."""
_MIB = 1024 * 1024
_BEGAN = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)
_FAULTS = ("good", "good", "good", "hang", "cling", "fail", "garbage", "huge", "slow", "block")
_NAMES = (
    *(f"host.{name}" for name in ("cpu", "memory", "disk", "network", "load", "swap")),
    *(f"clock.{name}" for name in ("offset", "tracking", "step")),
    *(f"power.{name}" for name in ("server", "radio", "generator", "switch", "source")),
    *(f"site.{name}" for name in ("visitor", "certificate", "time", "files")),
    *(f"site.vantage.{n}" for n in range(4)),
    *(f"link.{name}" for name in ("institute", "interface", "dns", "route")),
    *(f"protection.{name}" for name in ("ssh", "waf", "rate", "updates", "address")),
)


class _Night:
    """The facts' clock of the soak."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        return _BEGAN + timedelta(seconds=(time.monotonic() - self._began) * _FASTER)


@dataclass
class _Faulty:
    """One neighbour, in a new mood at each look."""

    names: tuple[str, ...]
    now: _Night
    chance: random.Random
    period_s: float = 0.12
    deadline_s: float = 0.06
    looks: int = 0
    thread: OwnThread[bool] = field(default_factory=OwnThread)

    async def read(self) -> Mapping[str, Reading]:
        self.looks += 1
        mood = self.chance.choice(_FAULTS)
        if mood == "hang":
            await asyncio.sleep(3600)
        if mood == "cling":  # ignores being cancelled for a while
            end = time.monotonic() + 0.3
            while time.monotonic() < end:
                try:
                    await asyncio.sleep(0.05)
                except asyncio.CancelledError:
                    continue
        if mood == "block":
            await self.thread.run(lambda: threading.Event().wait(0.2))
        if mood == "slow":
            await asyncio.sleep(0.04)
        if mood == "fail":
            raise ConnectionResetError(os.urandom(200).hex())
        if mood == "garbage":
            return {"nobody.asked": reading(float("nan"), "?", self.now())}
        if mood == "huge":
            huge = os.urandom(500_000).hex()
            return {
                name: Reading(huge, "", "critical", self.now(), error=huge, detail={"x": huge})
                for name in self.names
            }
        value = self.chance.gauss(50, 40)
        return {
            name: reading(
                value, "%", self.now(), warning=value > 90, critical=value > 120, role="ups"
            )
            for name in self.names
        }

    async def close(self) -> None:
        if self.chance.random() < 0.5:
            raise OSError("will not close")


@dataclass(frozen=True, slots=True)
class _Held:
    """What the process holds at a moment."""

    memory: int
    descriptors: int
    threads: int
    tasks: int


def rows() -> list[Figure]:
    """Growth between a quarter of the night and its end."""
    logging.disable(logging.CRITICAL)  # a night of faults is a night of lines
    try:
        with scratch() as folder:
            early, late, looks, size = asyncio.run(_night(folder))
    finally:
        logging.disable(logging.NOTSET)
    note = f"{_NIGHT_H} h at {_FASTER:.0f} times the speed, {len(_NAMES)} readings, {looks:,} looks"
    return [
        Figure("soak: memory grows by", (late.memory - early.memory) / _MIB, 4.0, "MiB", note),
        Figure("soak: descriptors grow by", late.descriptors - early.descriptors, 0.0, ""),
        Figure("soak: threads grow by", late.threads - early.threads, 2.0, ""),
        Figure("soak: tasks grow by", late.tasks - early.tasks, float(len(_NAMES)), ""),
        Figure("soak: telemetry on the disk", size / _MIB, 4.0, "MiB", "bound of 4 MiB set"),
    ]


async def _night(folder: Path) -> tuple[_Held, _Held, int, int]:
    box = sandbox(folder, {"telemetry": {"max_bytes": 4 * _MIB}})
    box.station.prepare()
    settings = box.settings
    now, chance = _Night(), random.Random(20240602)
    table = Readings()
    table.deliver(unknown(_NAMES, "not read yet", now()))
    watch = Watch(settings, now())
    recorder = Recorder(settings, now=now, retry_s=0.1)
    probes = [_Faulty((name,), now, chance) for name in _NAMES]
    looking = [asyncio.create_task(run_probe(p, table.deliver, now=now)) for p in probes]
    began, early = time.monotonic(), None
    while (passed := time.monotonic() - began) < _LASTS_S:
        watch.step(now(), table.current, table.served, table.since)
        table.sample()
        recorder.note(table.current)
        if early is None and passed > _SETTLED * _LASTS_S:
            early = _held()
        if chance.random() < 0.01:  # somebody tidies up
            recorder.path.unlink(missing_ok=True)
        await asyncio.sleep(10 / _FASTER)
    late = _held()
    for look in looking:
        look.cancel()
    await asyncio.gather(*looking, return_exceptions=True)
    recorder.close()
    size = sum(path.stat().st_size for path in settings.root.glob("telemetry.db*"))
    assert early is not None
    return early, late, sum(probe.looks for probe in probes), size


def _held() -> _Held:
    gc.collect()
    process = psutil.Process()
    return _Held(
        process.memory_info().rss,
        process.num_fds(),
        process.num_threads(),
        len(asyncio.all_tasks()),
    )
