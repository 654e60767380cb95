"""How busy the processors are, and how many tasks stand in line for them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime

import psutil

from prep_console.probes.probe import reading
from prep_console.snapshot import Reading

_BUSY_PERCENT = 90.0
_CROWDED = 2.0
"""Tasks per processor over five minutes: from here on everybody waits as long as they work."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """Processor time since boot, over all processors, in seconds."""

    busy_s: float
    total_s: float

    @classmethod
    def now(cls) -> Ticks:
        """guest is left out: the kernel counts it inside user already."""
        t = psutil.cpu_times()
        busy = t.user + t.nice + t.system + t.irq + t.softirq + t.steal
        return cls(busy, busy + t.idle + t.iowait)

    def percent_since(self, before: Ticks) -> float:
        """Busy share between two looks; waiting for the disk is not being busy."""
        passed = self.total_s - before.total_s
        share = (self.busy_s - before.busy_s) / passed if passed > 0 else 0.0
        return round(100 * min(1.0, max(0.0, share)), 1)


def processor(before: Ticks, ticks: Ticks, min_cpus: int, at: datetime) -> Reading:
    """``host.cpu``: busy share since the look before; fewer processors than asked for is told."""
    percent = ticks.percent_since(before)
    cpus = psutil.cpu_count() or 1
    return reading(
        percent,
        "%",
        at,
        warning=percent >= _BUSY_PERCENT or cpus < min_cpus,
        cpus=cpus,
        min_cpus=min_cpus,
        load=round(os.getloadavg()[0], 2),
    )


def load(at: datetime) -> Reading:
    """``host.load``: tasks that run, want to run or wait for the disk, on average (1 min)."""
    load1, load5, load15 = os.getloadavg()
    cpus = psutil.cpu_count() or 1
    return reading(
        round(load1, 2),
        "",
        at,
        warning=load5 > _CROWDED * cpus,
        load5=round(load5, 2),
        load15=round(load15, 2),
        cpus=cpus,
    )
