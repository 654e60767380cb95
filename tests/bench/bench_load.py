"""Whole answers of one named cut while the pointer switches, by the harness of the load tests."""

from __future__ import annotations

from tests.apache.load import drive
from tests.apache.server import Apache
from tests.apache.stations import PublicFolder
from tests.apache.test_load import PATHS, switcher
from tests.apache.test_load import fill as put_cuts
from tests.bench.figure import Figure
from tests.bench.grounds import scratch

REQUESTS = 100_000
SWITCHES = 1_000


def rows() -> list[Figure]:
    """Broken answers among all of them."""
    with scratch() as folder:
        public = PublicFolder(folder / "station")
        expected = put_cuts(public)
        switch = switcher(public)
        switch()
        with Apache(public.settings, folder / "apache") as apache:
            tally = drive(
                apache.port,
                expected,
                PATHS,
                switch,
                requests=REQUESTS,
                switches=SWITCHES,
                pause_s=0.005,
                deadline_s=120,
            )
    assert tally.requests >= REQUESTS, tally
    assert tally.switches >= SWITCHES, tally
    note = (
        f"{tally.requests:,} requests, {tally.switches:,} switches, "
        f"{tally.requests / tally.seconds:,.0f} requests/s"
    )
    return [Figure("truncated, empty, mixed or unnamed answers", tally.faults, 0, "", note)]
