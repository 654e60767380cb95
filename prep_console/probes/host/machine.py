"""What the kernel tells at once: processor, load, memory, swap, pressure and traffic."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from prep_console.config import Settings
from prep_console.probes.host.memory import memory, swap
from prep_console.probes.host.network import Traffic
from prep_console.probes.host.pressure import pressure
from prep_console.probes.host.processor import Ticks, load, processor
from prep_console.probes.probe import Clock, OwnThread, unknown, utc_now
from prep_console.snapshot import Reading

log = logging.getLogger(__name__)


class HostProbe:
    """``host.cpu`` and its neighbours; about 2 ms a look. One that fails takes no other along."""

    names = (
        "host.cpu",
        "host.load",
        "host.memory",
        "host.swap",
        "host.pressure",
        "host.network",
    )
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
        self._now = now
        self._monotonic = monotonic
        self._thread: OwnThread[Mapping[str, Reading]] = OwnThread()
        self._ticks = Ticks.now()
        self._traffic = Traffic(monotonic())

    async def read(self) -> Mapping[str, Reading]:
        """Each figure, or why it could not be had."""
        return await self._thread.run(self._look)

    async def close(self) -> None:
        """Nothing is held."""

    def _look(self) -> Mapping[str, Reading]:
        at = self._now()
        before, self._ticks = self._ticks, Ticks.now()
        limits = self._limits
        looks: dict[str, Callable[[], Reading]] = {
            "host.cpu": lambda: processor(before, self._ticks, limits.min_cpus, at),
            "host.load": lambda: load(at),
            "host.memory": lambda: memory(limits.min_memory_bytes, at),
            "host.swap": lambda: swap(at),
            "host.pressure": lambda: pressure(at),
            "host.network": lambda: self._traffic.look(self._monotonic(), at),
        }
        readings: dict[str, Reading] = {}
        for name, look in looks.items():
            try:
                readings[name] = look()
            except Exception as problem:
                log.debug("%s failed", name, exc_info=problem)
                readings |= unknown((name,), str(problem) or type(problem).__name__, at)
        return readings
