"""The console over a made-up, living night: ``python -m tests.console.sham [STATE] [--wall]``.

What the tests of endings and of traffic run in a real terminal, without a station below.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prep_console.console.app import ConsoleApp, run_app
from prep_console.console.terminal import look_for
from prep_console.snapshot import ReadingState, Snapshot
from prep_console.values import replace
from prep_console.widgets.history_graph import Sample
from prep_console.wording import use
from tests.console.nights import STATES, FakeStation, night
from tests.console.stations import bad_night, busy, equipped

_MADE: dict[str, Callable[[datetime], Snapshot]] = {
    "equipped": equipped,
    "bad_night": bad_night,
    "busy": busy,
}
"""Nights that are made anew for each moment; the others stand as they are."""


@dataclass
class MovingStation(FakeStation):
    """A whole made-up night that moves with the clock, and a day of its clock's history."""

    made: Callable[[datetime], Snapshot] = equipped

    def read(self) -> Snapshot:
        there = self.made(datetime.now(UTC))
        minded = {one.key: one for one in self.snapshot.alarms}
        return replace(there, alarms=tuple(minded.get(one.key, one) for one in there.alarms))

    def history(self, name: str, since: datetime, until: datetime, points: int) -> Sequence[Sample]:
        step = (until - since) / 240
        return [_sample(since + step * n, until) for n in range(241) if not 150 < n < 165]


def _sample(at: datetime, until: datetime) -> Sample:
    """A clock that wanders, and runs off in the last twenty minutes."""
    seconds = (until - at).total_seconds()
    mean = 0.006 * math.sin(seconds / 700) + 0.004 * math.sin(seconds / 97)
    mean += 0.056 * max(0.0, 1 - seconds / 1200)
    state: ReadingState = "warning" if abs(mean) >= 0.05 else "ok"
    return Sample(at, mean - 0.002, mean, mean + 0.002, state)


class LivingStation(FakeStation):
    """Its clock goes on, its CPU wanders, and each cut ages."""

    def read(self) -> Snapshot:
        now = datetime.now(UTC)
        fresh = night(now)
        state = self.snapshot
        cpu = replace(fresh.readings["host.cpu"], value=float(now.second % 17 + 4))
        served = replace(state.served, checked_at=now) if state.served else None
        return replace(
            state,
            observed_at=now,
            readings={**state.readings, "host.cpu": cpu},
            served=served,
            next_due=fresh.next_due,
        )


def main(arguments: list[str]) -> int:
    use("en" if "--en" in arguments else "es")
    names = [name for name in arguments if not name.startswith("--")]
    start = STATES[names[0]] if names and names[0] in STATES else night(datetime.now(UTC))
    made = _MADE.get(names[0]) if names else None
    station: FakeStation = LivingStation(snapshot=start)
    if made is not None:
        station = MovingStation(snapshot=made(datetime.now(UTC)), made=made)
    app = ConsoleApp(
        station.read,
        station,
        wall="--wall" in arguments,
        pages_s=next((float(n[8:]) for n in arguments if n.startswith("--pages=")), 0.0),
        read_only="--read-only" in arguments,
        look=look_for(os.environ),
        quiet=True,
    )
    return run_app(app)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
