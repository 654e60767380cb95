"""The table of cuts filtered and ordered, and what keys act on meanwhile."""

from __future__ import annotations

import pytest

from prep_console.console import wording_of
from prep_console.console.main_screen import MainScreen
from prep_console.snapshot import CutView
from prep_console.widgets.cuts_table import Choice, Order, chosen_rows
from tests.console.headless import console, see, shown, until
from tests.console.nights import FakeStation, night

pytestmark = pytest.mark.usefixtures("in_english")


def ids(wanted: str = "", order: Order = "newest") -> list[str]:
    found = chosen_rows(night(), Choice(wanted, order), wording_of.refusal)
    return [row.id for row in found if isinstance(row, CutView)]


def test_it_is_searched_by_what_is_seen_and_by_id() -> None:
    everything = [cut.id for cut in night().cuts]
    assert ids() == everything
    assert ids("WITHDRAWN") == [everything[2]]
    assert ids(" 02:30 ") == [everything[1]]
    assert ids(everything[4]) == [everything[4]]
    assert ids("5,690") == [c.id for c in night().cuts if c.counted == 5690]
    assert ids("nothing like it") == []


def test_each_order() -> None:
    cuts = night().cuts
    assert ids(order="oldest") == [cut.id for cut in reversed(cuts)]
    counted = [next(c.counted or 0 for c in cuts if c.id == one) for one in ids(order="actas")]
    assert counted == sorted(counted, reverse=True)
    warned = [next(c.warnings for c in cuts if c.id == one) for one in ids(order="warnings")]
    assert warned == sorted(warned, reverse=True)
    assert warned[0] > 0
    last = chosen_rows(night(), Choice(order="size"), wording_of.refusal)[-1]
    assert not isinstance(last, CutView)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_filter_is_said_marks_its_row_and_is_ended_by_esc(size: tuple[int, int]) -> None:
    station = FakeStation()
    async with console(station, size) as pilot:
        await pilot.press("slash", *"02:30", "enter")
        await see(pilot, "CUTS · only “02:30”")
        assert "▸" in shown(pilot)
        assert "02:20" not in shown(pilot).partition("ALARMS")[0].partition("CUTS")[2]
        await pilot.press("p")
        await see(pilot, f"would be 02:30 {night().cuts[1].id}")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        await see(pilot, "CUTS · only “02:30”")
        await pilot.press("escape")
        await until(pilot, lambda: "only" not in shown(pilot))
        assert "▸" not in shown(pilot)
        assert station.orders == []


async def test_what_is_typed_decides_nothing() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("slash", *"bhq1y")
        await see(pilot, "No cut holds that.")
        assert isinstance(pilot.app.screen, MainScreen)
        await pilot.press("enter", "p")
        await see(pilot, "Not possible just now: choose a cut in the table first.")
        await pilot.press("escape")
        assert station.orders == []


async def test_the_order_goes_round_and_is_said() -> None:
    async with console(FakeStation()) as pilot:
        for said in ("oldest first", "most actas first", "largest first", "most warnings first"):
            await pilot.press("o")
            await see(pilot, f"CUTS · {said}")
        await pilot.press("o")
        await until(pilot, lambda: "CUTS ·" not in shown(pilot))
