"""The console over a made-up, living night: ``python -m tests.console.sham [STATE] [--wall]``.

What the tests of endings and of traffic run in a real terminal, without a station below.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime

from prep_console.console.app import ConsoleApp, run_app
from prep_console.console.terminal import look_for
from prep_console.snapshot import Snapshot
from prep_console.wording import use
from tests.console.nights import STATES, FakeStation, night


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
    start = STATES[names[0]] if names else night(datetime.now(UTC))
    station = LivingStation(snapshot=start)
    app = ConsoleApp(
        station.read,
        station,
        wall="--wall" in arguments,
        read_only="--read-only" in arguments,
        look=look_for(os.environ),
        quiet=True,
    )
    return run_app(app)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
