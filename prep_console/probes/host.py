"""The machine itself: processor, memory, disk and traffic, against the call's minima."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from prep_console.config import Settings
from prep_console.probes.probe import Clock, OwnThread, reading, utc_now
from prep_console.snapshot import Reading

HOURLY_BYTES = 3 * 1000**3
"""What the institute's call expects a broadcaster to send in an hour."""

_BUSY_PERCENT = 90.0
_SCARCE_MEMORY = 0.10
"""Share of memory still available below which the kernel soon has to choose a victim."""
_SCARCE_INODES = 0.05
_INSTALLED = 0.9
"""A machine sold with 16 GiB shows less: the kernel and the firmware keep some."""
_WINDOW_S = 1800.0
"""How far back consumption is measured: six cuts, so one big cut is no trend."""
_NETWORK_WINDOW_S = 900.0


class Consumption:
    """How fast a stock goes down, from what it was over the last half hour."""

    def __init__(self, settled_s: float, window_s: float = _WINDOW_S) -> None:
        """``settled_s``: below this length of record nothing is forecast (a cut comes in a
        burst, so less than one cadence would call every cut a trend)."""
        self._settled_s = settled_s
        self._window_s = window_s
        self._record: deque[tuple[float, float]] = deque()

    def note(self, at_s: float, left: float) -> None:
        """``left`` of the stock at the monotonic ``at_s``."""
        self._record.append((at_s, left))
        while len(self._record) > 2 and self._record[1][0] <= at_s - self._window_s:
            self._record.popleft()

    def per_s(self) -> float | None:
        """Consumption per second (negative: it grows); None while the record is too short."""
        if not self._record:
            return None
        (first_s, first), (last_s, last) = self._record[0], self._record[-1]
        if last_s - first_s < max(self._settled_s, 1.0):
            return None
        return (first - last) / (last_s - first_s)

    def lasts_s(self) -> float | None:
        """Seconds until nothing is left at that rate; None when unknown, or when it will last."""
        rate = self.per_s()
        return self._record[-1][1] / rate if rate is not None and rate > 0 else None


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


def network_bytes(folder: Path = Path("/sys/class/net")) -> tuple[int, int]:
    """Bytes (sent, received) since boot over the real network cards.

    Bridges, VLANs and containers pass the same bytes on, so only interfaces with a device
    behind them count; where there are none (inside a container), all but loopback.
    """
    counters = psutil.net_io_counters(pernic=True)
    outside = {name for name in counters if name != "lo"}
    cards = {name for name in outside if (folder / name / "device").exists()} or outside
    return sum(counters[n].bytes_sent for n in cards), sum(counters[n].bytes_recv for n in cards)


class HostProbe:
    """``host.cpu``, ``host.memory``, ``host.disk``, ``host.network``; about 2 ms a look."""

    names = ("host.cpu", "host.memory", "host.disk", "host.network")
    period_s = 5.0
    deadline_s = 4.0

    def __init__(
        self,
        settings: Settings,
        *,
        now: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = settings.host
        self._root = settings.root
        self._now = now
        self._monotonic = monotonic
        self._thread: OwnThread[Mapping[str, Reading]] = OwnThread()
        self._ticks = Ticks.now()
        self._sent = Consumption(settled_s=60.0, window_s=_NETWORK_WINDOW_S)
        self._free = Consumption(settled_s=settings.election.cadence_minutes * 60.0)
        self._network = (monotonic(), *network_bytes())

    async def read(self) -> Mapping[str, Reading]:
        # A dead disk makes statvfs hang in the kernel, where nothing can interrupt it.
        return await self._thread.run(self._look)

    async def close(self) -> None:
        """Nothing is held."""

    def _look(self) -> Mapping[str, Reading]:
        return {
            "host.cpu": self._cpu(),
            "host.memory": self._memory(),
            "host.disk": self._disk(),
            "host.network": self._traffic(),
        }

    def _cpu(self) -> Reading:
        before, self._ticks = self._ticks, Ticks.now()
        percent = self._ticks.percent_since(before)
        cpus = psutil.cpu_count() or 1
        return reading(
            percent,
            "%",
            self._now(),
            warning=percent >= _BUSY_PERCENT or cpus < self._limits.min_cpus,
            cpus=cpus,
            min_cpus=self._limits.min_cpus,
            load=round(os.getloadavg()[0], 2),
        )

    def _memory(self) -> Reading:
        memory = psutil.virtual_memory()
        left = memory.available / memory.total
        return reading(
            round(memory.percent, 1),
            "%",
            self._now(),
            warning=left < _SCARCE_MEMORY
            or memory.total < _INSTALLED * self._limits.min_memory_bytes,
            critical=left < _SCARCE_MEMORY / 4,
            total_bytes=memory.total,
            available_bytes=memory.available,
            min_total_bytes=self._limits.min_memory_bytes,
        )

    def _disk(self) -> Reading:
        disk = os.statvfs(self._root)
        free = disk.f_bavail * disk.f_frsize
        self._free.note(self._monotonic(), free)
        # file systems without a fixed number of inodes (btrfs) report 0 of 0
        inodes = disk.f_favail / disk.f_files if disk.f_files else 1.0
        lasts_s, rate = self._free.lasts_s(), self._free.per_s()
        return reading(
            free,
            "bytes",
            self._now(),
            warning=free < self._limits.min_free_bytes or inodes < _SCARCE_INODES,
            critical=free < self._limits.min_free_bytes / 4 or inodes < _SCARCE_INODES / 5,
            total_bytes=disk.f_blocks * disk.f_frsize,
            min_free_bytes=self._limits.min_free_bytes,
            inodes_free_percent=round(100 * inodes, 1),
            used_bytes_per_s=None if rate is None else round(rate, 1),
            lasts_s=None if lasts_s is None else round(lasts_s),
        )

    def _traffic(self) -> Reading:
        before_s, sent_before, received_before = self._network
        at_s, (sent, received) = self._monotonic(), network_bytes()
        self._network = (at_s, sent, received)
        passed = max(at_s - before_s, 0.001)
        if sent < sent_before:  # counters begin again when an interface is made anew
            self._sent = Consumption(settled_s=60.0, window_s=_NETWORK_WINDOW_S)
        self._sent.note(at_s, -float(sent))
        sustained = self._sent.per_s()
        hourly = None if sustained is None else round(sustained * 3600)
        return reading(
            round(max(0, sent - sent_before) / passed, 1),
            "bytes/s",
            self._now(),
            warning=hourly is not None and hourly > HOURLY_BYTES,
            received_bytes_per_s=round(max(0, received - received_before) / passed, 1),
            hourly_bytes=hourly,
            hourly_budget_bytes=HOURLY_BYTES,
        )
