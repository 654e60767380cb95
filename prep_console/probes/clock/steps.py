"""Steps of the local clock: the wall clock jumped against the time that simply passes.

The kernel slews CLOCK_REALTIME and CLOCK_MONOTONIC together (clock_gettime(2)), so however fast
a daemon slews, their difference stays; only setting the clock changes it. CLOCK_BOOTTIME is the
monotonic clock that also counts while the machine is suspended: waking up is no step.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prep_console.probes.probe import Clock, utc_now
from prep_console.snapshot import Reading, ReadingState

STEP = "clock.step"

_DEADBAND_S = 0.01
"""Less is not told from the moment that passes between reading one clock and the other."""
_WARNING_S = 0.5
_REMEMBERED_S = 600.0
_TRIES = 3


def since_boot() -> float:
    """Seconds since boot, suspended ones too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class _Step:
    size_s: float
    """Positive: forwards."""
    at: str
    """The new time (ISO 8601, UTC) when it was noticed."""
    elapsed_s: float


class StepProbe:
    """``clock.step``: the largest step of the last ten minutes, in seconds, 0.0 without any."""

    names = (STEP,)
    period_s = 5.0
    deadline_s = 2.0

    def __init__(self, *, now: Clock = utc_now, elapsed: Callable[[], float] = since_boot) -> None:
        """``elapsed``: seconds that passed, by a clock that nobody sets."""
        self._now = now
        self._elapsed = elapsed
        self._steps: deque[_Step] = deque(maxlen=100)
        self._apart = self._difference()

    async def read(self) -> Mapping[str, Reading]:
        """Never fails: both clocks are the kernel's."""
        apart, at, elapsed_s = self._difference(), self._now(), self._elapsed()
        size_s = apart - self._apart
        if abs(size_s) >= _DEADBAND_S:  # below it the old difference stands, so small ones add up
            self._apart = apart
            self._steps.append(_Step(size_s, at.isoformat(), elapsed_s))
        while self._steps and self._steps[0].elapsed_s < elapsed_s - _REMEMBERED_S:
            self._steps.popleft()
        largest = max(self._steps, key=lambda step: abs(step.size_s), default=None)
        value = largest.size_s if largest else 0.0
        detail = {"at": largest.at if largest else None, "steps": len(self._steps)}
        state: ReadingState = "warning" if abs(value) >= _WARNING_S else "ok"
        return {STEP: Reading(round(value, 3), "s", state, at, detail=detail)}

    async def close(self) -> None:
        """Nothing is held."""

    def _difference(self) -> float:
        """Wall time - elapsed time, from the try in which least passed between the two."""
        tries: list[tuple[float, float]] = []
        for _ in range(_TRIES):
            before = self._elapsed()
            wall = self._now().timestamp()
            after = self._elapsed()
            tries.append((after - before, wall - (before + after) / 2))
        return min(tries)[1]
