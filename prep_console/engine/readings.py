"""What the instruments last said, since when they say so, and the last ten minutes of it."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from prep_console.probes.site import VISITOR, served
from prep_console.snapshot import Reading, ServedView

STEP_S = 10.0
"""Between two samples of the small graphs."""
_KEPT = 60
"""Samples that a small graph draws; the long graphs read the telemetry."""
_DIGITS = 5
"""Significant digits of a sample: more than any graph can show."""

Derive = Callable[[Mapping[str, Reading]], Mapping[str, Reading]]
"""The readings that follow from all that stand."""


def nothing_follows(_: Mapping[str, Reading]) -> Mapping[str, Reading]:
    """For a station without instruments that belong together."""
    return {}


class Readings:
    """The engine's one table of readings. Used from the loop only."""

    def __init__(self, derive: Derive = nothing_follows) -> None:
        """``derive`` computes further readings from the ones that were taken."""
        self.current: dict[str, Reading] = {}
        self.since: dict[str, datetime] = {}
        """Since when a reading, or ``served``, has been in the state that it is in."""
        self.served: ServedView | None = None
        self.visited = asyncio.Event()
        """Set with each look at the site."""
        self.history = msgspec.Raw(b"{}")
        """The last samples of each number, encoded once a step and not once a second."""
        self._derive = derive
        self._samples: dict[str, deque[float | None]] = {}

    def deliver(self, readings: Mapping[str, Reading]) -> None:
        """Take what a probe read; what follows from it is renewed at once."""
        # noted in one go: what is derived may judge a reading again (a generator that ought to
        # run), and would else change its state twice with each look
        self._note({**readings, **self._derive({**self.current, **readings})})
        if VISITOR in readings:
            self._note_served(served(readings[VISITOR]))

    def sample(self) -> None:
        """Keep one more sample of each reading that is a number, or was one."""
        for name, reading in self.current.items():
            value = number(reading)
            if value is not None or name in self._samples:
                kept = self._samples.setdefault(name, deque(maxlen=_KEPT))
                kept.append(None if value is None else float(f"{value:.{_DIGITS}g}"))
        self.history = msgspec.Raw(
            msgspec.json.encode({name: tuple(kept) for name, kept in self._samples.items()})
        )

    def _note(self, readings: Mapping[str, Reading]) -> None:
        for name, reading in readings.items():
            before = self.current.get(name)
            if before is None or before.state != reading.state:
                self.since[name] = reading.observed_at
        self.current.update(readings)

    def _note_served(self, seen: ServedView) -> None:
        if self.served is None or self.served.ok != seen.ok:
            self.since["served"] = seen.checked_at
        self.served = seen
        self.visited.set()


def number(reading: Reading) -> float | None:
    """The reading's value when it is a finite number."""
    value = reading.value
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None
