"""The command palette: by name, in the reader's language, and through the guarded dialogs."""

from __future__ import annotations

import pytest

from prep_console.console import keys
from prep_console.console.app import ConsoleApp
from prep_console.console.decision_screen import DecisionScreen
from prep_console.console.main_screen import MainScreen
from prep_console.console.palette_screen import PaletteScreen
from prep_console.console.wall_screen import WallScreen
from prep_console.values import replace
from prep_console.widgets import palette_page
from prep_console.widgets.lines import plain
from prep_console.widgets.palette_page import Entry
from prep_console.wording import say, use
from tests.console.headless import console, focused, see, shown, until
from tests.console.nights import FakeStation, night

pytestmark = pytest.mark.usefixtures("in_english")


async def test_every_deciding_command_opens_its_dialog_and_does_nothing_yet() -> None:
    station = FakeStation()
    for label in keys.COMMANDS.values():
        async with console(station) as pilot:
            await pilot.press("colon")
            await until(pilot, lambda: isinstance(pilot.app.screen, PaletteScreen))
            await pilot.press(*[{" ": "space", ":": "colon"}.get(c, c) for c in say(label)])
            await see(pilot, f"▸ {say(label)}")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, DecisionScreen))
            assert focused(pilot) in ("cancel", "typed")  # freezing asks for the cut's hour
            await pilot.press("enter", "escape")
            await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    assert station.orders == []


async def test_a_command_that_is_off_says_why_as_soon_as_it_is() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("ctrl+p", *"hold")
        await see(pilot, "▸ Hold publishing")
        assert "off just now" not in shown(pilot)
        station.snapshot = replace(night(), mode="frozen")
        await see(pilot, "off just now: the final cut is frozen")


async def test_it_is_left_with_escape_and_searched_in_any_language() -> None:
    async with console(FakeStation()) as pilot:
        await pilot.press("colon", *"zzz")
        await see(pilot, "No command is called so.")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, PaletteScreen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        use("es")
        await pilot.press("colon", *"bitacora")
        await see(pilot, "▸ Bitácora")
        await pilot.press("enter")
        await see(pilot, "BITÁCORA")


async def test_read_only_consoles_and_walls_have_none_that_decides() -> None:
    async with console(FakeStation(), read_only=True) as pilot:
        await pilot.press("colon")
        await see(pilot, "▸ Alarms")
        for label in keys.COMMANDS.values():
            assert say(label) not in shown(pilot)
    async with console(FakeStation(), wall=True) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        await pilot.press("colon")
        app.palette()
        assert isinstance(app.screen, WallScreen)


async def test_up_down_and_pages_choose() -> None:
    async with console(FakeStation(), size=(80, 12)) as pilot:
        await pilot.press("colon", "down", "down")
        await see(pilot, "▸ Hold publishing")
        await pilot.press("pagedown")
        await see(pilot, "▸ Graphs")
        await pilot.press("pageup", "pageup", "up")
        await see(pilot, "▸ Roll back to the previous cut")


def test_names_go_before_texts() -> None:
    entries = [Entry("Freeze", "it stays"), Entry("Stay", "x"), Entry("Ábaco", "y", off="z")]
    assert palette_page.found(entries, "") == [0, 1, 2]
    assert palette_page.found(entries, "stay") == [1]
    assert palette_page.found(entries, "it stays") == [0]
    assert palette_page.found(entries, "abaco") == [2]
    for room in (1, 2, 3, 8):
        lines = palette_page.lines(entries, [0, 1, 2], 2, 80, room)
        assert len(lines) == room
        assert "▸ Ábaco" in plain(lines)
