"""The instruments: one module for each room of readings, each a list of lines for the panel."""

from __future__ import annotations

from prep_console.snapshot import Snapshot
from prep_console.widgets.instruments import clock, host, link, power, protection, site, sources
from prep_console.widgets.instruments.judged import Instrument


def instruments(snapshot: Snapshot) -> list[Instrument]:
    """Every instrument that has something to say now, always in the same order."""
    return [
        *power.lines(snapshot),
        *clock.lines(snapshot),
        *site.lines(snapshot),
        *link.lines(snapshot),
        *sources.lines(snapshot),
        *host.lines(snapshot),
        *host.serving(snapshot),
        *protection.lines(snapshot),
    ]
