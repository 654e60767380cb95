"""Cancelling a resync from the console: the key that is there only while one runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep_console import config
from prep_console.console.main_screen import MainScreen
from prep_console.console.orders import Order, StationActions
from prep_console.intake import resync_progress
from prep_console.intake.resync_progress import Teller
from prep_console.problems import Refused
from prep_console.publication import lock
from prep_console.publication.actions import Expected
from prep_console.publication.station import Station
from prep_console.snapshot import Detail, Reading, Snapshot
from prep_console.values import replace
from tests.console.headless import console, focused, see, shown, until
from tests.console.nights import NOW, FakeStation, night

pytestmark = pytest.mark.usefixtures("in_english")

CANCEL = Order("cancel_resync", None, "", Expected("auto", None))


def resyncing() -> Snapshot:
    """A night in which a resync fetches."""
    there = night()
    detail: dict[str, Detail] = {
        "source": "respaldo",
        "file": "a.zip",
        "bytes": 1000,
        "total_bytes": 4000,
    }
    running = Reading("fetching", "", "ok", NOW, detail=detail)
    return replace(there, readings={**there.readings, "resync": running})


async def test_a_running_resync_is_cancelled_with_two_keys() -> None:
    station = FakeStation(resyncing())
    async with console(station) as pilot:
        await see(pilot, "x cancel resync")
        await pilot.press("x")
        await see(pilot, "CANCEL THE RESYNC")
        assert "what was fetched is kept" in shown(pilot)
        assert focused(pilot) == "cancel"
        await pilot.press("x")
        assert station.orders == []
        await pilot.press("y")
        await until(pilot, lambda: station.orders)
        assert station.orders[0].action == "cancel_resync"


async def test_without_one_the_key_is_not_shown_and_says_why() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        assert "cancel resync" not in shown(pilot)
        await pilot.press("x")
        await see(pilot, "Not possible just now: no resync is running.")
        await pilot.press("y", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        assert station.orders == []


async def test_one_that_ends_meanwhile_is_not_cancelled() -> None:
    station = FakeStation(resyncing())
    async with console(station) as pilot:
        await pilot.press("x")
        await see(pilot, "yes, cancel the resync")
        station.snapshot = night()
        await see(pilot, "The station changed meanwhile: no resync is running.")
        await pilot.press("y")
        assert station.orders == []


async def test_one_begun_here_can_be_left_and_then_cancelled() -> None:
    station = FakeStation()
    station.gate.clear()
    async with console(station) as pilot:
        await pilot.press("r", "y")
        await see(pilot, "Doing it… It goes on when this is closed")
        station.snapshot = resyncing()
        await pilot.press("escape")
        await see(pilot, "x cancel resync")
        await pilot.press("x")
        await see(pilot, "CANCEL THE RESYNC")
        await pilot.press("y")
        station.gate.set()
        await until(pilot, lambda: len(station.orders) == 2)
        assert {order.action for order in station.orders} == {"resync", "cancel_resync"}


async def test_read_only_has_no_such_key() -> None:
    station = FakeStation(resyncing())
    async with console(station, read_only=True) as pilot:
        await pilot.press("x")
        await see(pilot, "fetching")
        assert "cancel resync" not in shown(pilot)
        assert isinstance(pilot.app.screen, MainScreen)


def test_the_running_one_hears_it_and_without_one_it_is_refused(tmp_path: Path) -> None:
    settings = config.parse(f'[station]\nroot = "{tmp_path}"', "config.toml")
    station = Station(settings)
    station.prepare()
    actions = StationActions(settings, tmp_path / "config.toml")
    with pytest.raises(Refused, match="no resync runs"):
        actions.do(CANCEL)
    with lock.held(resync_progress.lock_of(station), "resync", patience_s=1.0):
        teller = Teller(station, lambda _: None)
        teller.now("asking")
        teller.heed()
        assert actions.do(CANCEL).changed
        with pytest.raises(Refused, match="cancelled"):
            teller.heed()
        teller.end()
