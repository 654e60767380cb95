"""Each dialog in a headless terminal, from its key to its proof."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from prep_console.console.decision_screen import DecisionScreen
from prep_console.console.main_screen import MainScreen
from prep_console.problems import Failed, Refused
from prep_console.snapshot import Phase, ServedView
from prep_console.values import replace
from prep_console.wording import Language, sentence, use
from tests.console.headless import console, focused, rows, see, shown, until
from tests.console.nights import FakeStation, frozen, held, night

pytestmark = pytest.mark.usefixtures("in_english")


async def test_a_rollback_takes_three_keys_and_is_seen() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("b")
        await see(pilot, "ROLL BACK TO THE PREVIOUS CUT")
        text = shown(pilot)
        assert "public now 02:35 20240603_0235 5,812 actas" in text
        assert "would be 02:30 20240603_0230 5,771 actas (-41)" in text
        assert "the one of 02:35 is withdrawn" in text
        assert "ON HOLD: nothing new goes live" in text
        assert focused(pilot) == "cancel"
        await pilot.press("1")
        await see(pilot, "yes, roll back to 02:30")
        await until(pilot, lambda: station.looked_at == ["20240603_0230"])
        assert focused(pilot) == "cancel"
        await pilot.press("y")
        await see(pilot, "Seen over HTTP after 12 ms: visitors get the cut 20240603_0230.")
        (order,) = station.orders
        assert (order.action, order.cut) == ("rollback", "20240603_0230")
        assert order.reason == "it holds test data"
        assert (order.expected.mode, order.expected.live) == ("auto", "20240603_0235")
        await pilot.press("enter")
        await see(pilot, "ON HOLD: since")
        assert isinstance(pilot.app.screen, MainScreen)


@pytest.mark.parametrize("phase", ["jornada", "simulacro"])
@pytest.mark.parametrize("size", [(20, 5), (20, 9), (40, 12), (60, 8)])
@pytest.mark.parametrize("language", ["es", "en"])
async def test_from_which_cut_to_which_stands_on_the_smallest_screen_until_it_is_confirmed(
    language: Language, size: tuple[int, int], phase: Phase
) -> None:
    use(language)
    station = FakeStation(replace(night(), phase=phase))

    def there(*texts: str) -> bool:
        drawn = rows(pilot)
        marked = phase == "jornada" or "SIMULACRO" in drawn[0]
        return marked and all(any(text in row for row in drawn) for text in texts)

    route = ("02:35", "02:30")
    confirm = {"es": "s  sí", "en": "y  yes"}[language]
    cancel = {"es": "Cancelar", "en": "Cancel"}[language]
    async with console(station, size) as pilot:
        await pilot.press("b")
        await until(pilot, lambda: there(*route, cancel, "1"))
        last = {"es": "otro motivo", "en": "another reason"}[language]
        for _ in range(30):  # more than there are lines
            await pilot.press("down")
        for _ in range(30):
            if there(last):
                break
            await pilot.press("up")
            assert there(*route)
        else:
            pytest.fail(f"{last} is nowhere: {rows(pilot)}")
        await pilot.press("1")
        await until(pilot, lambda: there(*route, cancel, confirm))
        await pilot.press("5")
        await until(pilot, lambda: there(*route, cancel) and focused(pilot) == "typed")
        await pilot.press("x", "enter")
        await until(pilot, lambda: there(*route, cancel, confirm))
        assert station.orders == []
        await pilot.press("s")
        (order,) = station.orders
        assert (order.cut, order.reason) == ("20240603_0230", "x")
        await until(pilot, lambda: any("02:30" in row for row in rows(pilot)))


async def test_enter_and_escape_cancel_at_every_step() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        for keys in (["b", "enter"], ["b", "1", "enter"], ["b", "escape"], ["b", "1", "escape"]):
            await pilot.press(*keys)
            await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        assert station.orders == []


async def test_neither_the_opening_key_nor_a_missing_reason_confirms() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("b", "b", "y")
        await see(pilot, "First say why: press a number.")
        await pilot.press("1", "b")
        assert station.orders == []
        await pilot.press("tab")
        await until(pilot, lambda: focused(pilot) == "confirm")
        await pilot.press("enter")
        await see(pilot, "Seen over HTTP")
        assert len(station.orders) == 1


async def test_a_typed_reason_arrives_whole_and_harmless() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("b", "5")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await pilot.press("[", "r", "e", "d", "]", "ñ", "y", "1", "enter")
        await see(pilot, "Reason: [red]ñy1")
        await pilot.press("y")
        await until(pilot, lambda: station.orders)
        assert station.orders[0].reason == "[red]ñy1"


async def test_hold_then_release_with_the_same_key() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("h")
        await see(pilot, "HOLD PUBLISHING")
        assert "stays public 02:35" in shown(pilot)
        await pilot.press("1", "y")
        await see(pilot, "Close")
        await pilot.press("enter")
        await see(pilot, "h release")
        await pilot.press("h")
        await see(pilot, "RELEASE: AUTOMATIC AGAIN")
        await pilot.press("1", "y")
        await until(pilot, lambda: len(station.orders) == 2)
        assert [order.action for order in station.orders] == ["hold", "release"]


async def test_a_release_names_the_cut_that_goes_live() -> None:
    async with console(FakeStation(held(2))) as pilot:
        await pilot.press("h")
        await see(pilot, "would be 02:45 20240603_0245")
        assert "Visitors get the newest cut, of 02:45." in shown(pilot)


@pytest.mark.parametrize("typed", ["0235", "02:35"])
async def test_freezing_asks_for_the_cuts_hour(typed: str) -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("f")
        await see(pilot, "Type the hour of this cut")
        await pilot.press(*"0230", "enter")
        await see(pilot, "That is not the hour of this cut: 0230")
        assert station.orders == []
        await pilot.press(*[{":": "colon"}.get(key, key) for key in typed], "enter")
        await see(pilot, "Why? Press a number")
        await pilot.press("1", "y")
        await until(pilot, lambda: station.orders)
        assert (station.orders[0].action, station.orders[0].cut) == ("freeze", "20240603_0235")


async def test_publishing_the_chosen_cut() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("down", "down", "down")
        await see(pilot, "▸× 02:25")
        await pilot.press("p")
        await see(pilot, "would be 02:25 20240603_0225")
        await pilot.press("2", "y")
        await until(pilot, lambda: station.orders)
        order = station.orders[0]
        assert (order.action, order.cut, order.reason) == (
            "publish",
            "20240603_0225",
            "the institute asks for it",
        )


async def test_the_dialog_is_live_and_starts_over_when_the_station_moved() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("b", "1")
        await see(pilot, "yes, roll back to 02:30")
        station.snapshot = held(1)  # a colleague was faster
        await see(pilot, "The station changed meanwhile. Look again and start over.")
        await pilot.press("y")
        assert station.orders == []
        assert "public now 02:30" in shown(pilot)
        await pilot.press("1", "y")
        await until(pilot, lambda: station.orders)
        assert station.orders[0].expected.live == "20240603_0230"


async def test_the_dialog_says_so_when_the_action_became_impossible() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("b", "1")
        station.snapshot = frozen()
        await see(pilot, "The station changed meanwhile: the final cut is frozen")
        assert "Nothing was done." in shown(pilot)
        await pilot.press("y")
        assert station.orders == []


async def test_what_moved_between_the_last_read_and_the_key_is_refused() -> None:
    """The action checks again under its lock; the dialog shows what it says."""
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("b", "1")
        await see(pilot, "yes, roll back")
        station.fails = Refused(
            sentence("the station changed while you were deciding; nothing was done"),
            sentence("look at the screen and decide again"),
        )
        await pilot.press("y")
        await see(pilot, "The station changed while you were deciding; nothing was done.")
        assert "What the public sees did not change." in shown(pilot)
        assert "Look at the screen and decide again." in shown(pilot)


@pytest.mark.parametrize(
    "failure",
    [Failed(sentence("disk on fire"), sentence("put it out")), ValueError("[bold]boom\x1b[2J")],
)
async def test_a_failure_is_told_in_words_without_a_traceback(failure: Exception) -> None:
    station = FakeStation(fails=failure)
    async with console(station) as pilot:
        await pilot.press("b", "1", "y")
        await see(pilot, "Close")
        text = shown(pilot)
        assert "Traceback" not in text
        assert "\x1b" not in text
        assert "at the top of the main screen" in text


async def test_durable_but_not_yet_seen_is_said_until_it_is_seen() -> None:
    station = FakeStation(seen=False)
    async with console(station) as pilot:
        await pilot.press("b", "1", "y")
        await see(pilot, "Durable on disk, but not yet seen over HTTP")
        back = held(0)
        assert back.live is not None
        station.snapshot = replace(
            back, served=ServedView(back.live.cut.id, True, back.observed_at, 0.02, 200, None)
        )
        await see(pilot, "Seen over HTTP meanwhile")


async def test_where_no_site_is_configured_nobody_claims_what_the_public_saw() -> None:
    async with console(FakeStation(seen=None)) as pilot:
        await pilot.press("b", "1", "y")
        await see(pilot, "Not looked at over HTTP: no site is configured.")
        assert "already" not in shown(pilot)


async def test_while_it_is_being_done_nothing_can_be_pressed_twice() -> None:
    station = FakeStation()
    station.gate.clear()
    async with console(station) as pilot:
        await pilot.press("b", "1", "y")
        await see(pilot, "Doing it…")
        await pilot.press("y", "escape", "enter", "1", "b")
        assert isinstance(pilot.app.screen, DecisionScreen)
        station.gate.set()
        await see(pilot, "Seen over HTTP")
        assert len(station.orders) == 1
