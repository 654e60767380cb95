"""A station with three cuts, and who decides about them."""

from __future__ import annotations

from pathlib import Path

from prep_console.cuts.stamps import CutId
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.publication.station import Station
from tests import nights

PERSON = Actor(1000, "ana", "192.0.2.7")
FIRST, SECOND, THIRD, FOURTH = nights.stamps(count=4)


def deliver(station: Station, folder: Path, stamp: str) -> None:
    source = folder / f"delivery-{stamp}"
    if not source.exists():
        source.mkdir()
        nights.two_archives(source, stamp=stamp, actas=5)
    receive(station, source, actor=PERSON)


def live(station: Station) -> str | None:
    """What the public gets, from the pointer itself; journal and pointer must agree."""
    cut = station.live().cut
    assert Station(station.settings).whole_state().live == cut
    return cut


def mode(station: Station) -> str:
    return Station(station.settings).whole_state().mode


def cut(name: str) -> CutId:
    return CutId.of(name)
