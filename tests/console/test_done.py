"""What a dialog tells after the action: what it did, and then what is public, on real stations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prep_console.console.app import ConsoleApp
from prep_console.console.main_screen import MainScreen
from prep_console.console.orders import StationActions
from prep_console.engine.view import SnapshotReader
from prep_console.publication import actions
from prep_console.snapshot import LiveView
from prep_console.values import replace
from tests.console.headless import Screen, console, see, shown, until
from tests.console.nights import FakeStation, cut, held, night
from tests.publication.three_cuts import FIRST, PERSON, deliver, live
from tests.stations import Sandbox, sandbox

pytestmark = pytest.mark.usefixtures("in_english")


@asynccontextmanager
async def console_of(box: Sandbox) -> AsyncIterator[Screen]:
    """The console over a real station, without an engine."""
    read, does = SnapshotReader(box.settings).read, StationActions(box.settings, box.file)
    app = ConsoleApp(read, does, period_s=0.05)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        yield pilot


async def test_a_release_before_the_opening_promises_and_claims_nothing(tmp_path: Path) -> None:
    opens = datetime.now(UTC) + timedelta(hours=1)
    box = sandbox(tmp_path, {"election": {"opens": opens.isoformat()}})
    box.station.prepare()
    actions.hold(box.station, actor=PERSON)
    deliver(box.station, tmp_path, FIRST)
    async with console_of(box) as pilot:
        await pilot.press("h")
        await see(pilot, "RELEASE: AUTOMATIC AGAIN")
        there = f"{opens.astimezone(box.settings.zone):%H:%M}"
        assert f"Before the opening ({there}) nothing goes live by itself" in shown(pilot)
        assert "Visitors get the newest cut" not in shown(pilot)
        await pilot.press("1", "y")
        await see(pilot, "Close")
        assert "public now nothing: visitors get a notice (503)" in shown(pilot)
        assert "already" not in shown(pilot)
    assert live(box.station) is None


async def test_what_is_public_now_follows_the_station_after_the_action() -> None:
    """Not yet seen by a visitor, the dialog stays: a newer cut that goes live is told in it."""
    station = FakeStation(held(1), seen=False)
    async with console(station) as pilot:
        await pilot.press("h", "1", "y")
        await see(pilot, "Durable on disk, but not yet seen over HTTP")
        newer = replace(cut(-10, "live"), counted=5900)
        station.snapshot = replace(
            night(), live=LiveView(newer, "ab" * 32, newer.sealed_at), cuts=(newer, *night().cuts)
        )
        await see(pilot, "public now 02:45 20240603_0245")


async def test_a_cut_that_came_with_the_last_key_is_the_one_that_is_told() -> None:
    """The station was read before the cut came; the action made it public."""
    station = FakeStation(held(0))
    async with console(station) as pilot:
        await pilot.press("h", "1")
        await see(pilot, "yes, release")
        station.goes_live = "20240603_0240"
        await pilot.press("y")
        await see(pilot, "public now 20240603_0240")
        assert "before 02:30" in shown(pilot)


async def test_a_record_that_can_no_longer_be_read_leaves_the_mode_unknown(tmp_path: Path) -> None:
    """The console read it before; what it remembers of it is no reading of now."""
    box = sandbox(tmp_path)
    box.station.prepare()
    actions.hold(box.station, actor=PERSON)
    async with console_of(box) as pilot:
        await see(pilot, "║ ON HOLD")
        box.station.journal.rename(box.station.journal.with_suffix(".lost"))
        box.station.journal.mkdir()
        await see(pilot, "STATION UNREADABLE")
        assert "? not known" in shown(pilot)
        assert "AUTOMATIC" not in shown(pilot)
        box.station.journal.rmdir()
        box.station.journal.with_suffix(".lost").rename(box.station.journal)
        await see(pilot, "║ ON HOLD")
