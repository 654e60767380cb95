"""The app in a headless terminal: each dialog from its key to its proof, and each other screen."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Button, Input

from prep_console.console.app import ConsoleApp
from prep_console.console.decision_screen import DecisionScreen
from prep_console.console.live_screen import LiveScreen
from prep_console.console.main_screen import MainScreen
from prep_console.console.page_screen import PageScreen
from prep_console.console.palette_screen import PaletteScreen
from prep_console.console.wall_screen import WallScreen
from prep_console.problems import Failed, Refused
from prep_console.snapshot import Phase, ServedView, Snapshot
from prep_console.values import replace
from prep_console.widgets.lines import plain
from prep_console.widgets.panel import Panel
from prep_console.wording import Language, sentence, use
from tests.console.nights import STATES, FakeStation, frozen, held, night, no_engine

pytestmark = pytest.mark.usefixtures("in_english")

Screen = Pilot[int]


@asynccontextmanager
async def console(
    station: FakeStation,
    size: tuple[int, int] = (80, 24),
    *,
    wall: bool = False,
    read_only: bool = False,
) -> AsyncIterator[Screen]:
    app = ConsoleApp(station.read, station, wall=wall, read_only=read_only, period_s=0.05)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen | WallScreen))
        yield pilot


async def until(pilot: Screen, condition: Callable[[], object], timeout_s: float = 15.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, shown(pilot)
        await pilot.pause(0.01)


def shown(pilot: Screen) -> str:
    """The text on screen, blanks and line ends counted as one blank."""
    parts = [plain(panel.lines) for panel in pilot.app.screen.query(Panel)]
    parts += [str(b.label) for b in pilot.app.screen.query(Button) if b.display]
    return " ".join(" ".join(parts).split())


async def see(pilot: Screen, text: str) -> None:
    await until(pilot, lambda: text in shown(pilot))


def focused(pilot: Screen) -> str | None:
    return pilot.app.focused.id if pilot.app.focused is not None else None


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


def rows(pilot: Screen) -> list[str]:
    """What a terminal of this size shows, row by row."""
    width, height = pilot.app.size
    strips = pilot.app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip)[:width] for strip in strips[:height]]


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


async def test_the_cursor_stays_on_its_cut_when_newer_ones_come() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("down", "down", "down")
        await see(pilot, "▸× 02:25")
        station.snapshot = replace(
            night(), cuts=(replace(held(1).cuts[0], id="20240603_0240"), *night().cuts)
        )
        await see(pilot, "▸× 02:25")
        await see(pilot, "02:40 waits")
        await pilot.press("home")
        await until(pilot, lambda: "▸" not in shown(pilot))


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


async def test_no_engine_offers_to_start_it() -> None:
    station = FakeStation(no_engine())
    async with console(station) as pilot:
        await see(pilot, "ENGINE STOPPED: nobody receives cuts")
        await see(pilot, "m start engine")
        await pilot.press("m")
        await see(pilot, "START THE ENGINE")
        await pilot.press("y")
        await until(pilot, lambda: station.orders)
        assert station.orders[0].action == "start_engine"


async def test_a_key_that_is_off_says_why() -> None:
    async with console(FakeStation(frozen())) as pilot:
        await pilot.press("b")
        await see(pilot, "Not possible just now: the final cut is frozen")
        await pilot.press("y")
        assert "Close" in shown(pilot)
        await pilot.press("escape", "question_mark")
        await see(pilot, "off just now: the final cut is frozen")


async def test_help_lists_every_key_with_what_it_does() -> None:
    async with console(FakeStation(), size=(80, 50)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, PageScreen))
        text = shown(pilot)
        for part in (
            "b Bring back the previous cut",
            "m Start the engine",
            "q Close this screen",
            "off just now: the engine is running",
        ):
            assert part in text
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


async def test_a_cuts_page_and_a_refusals_page() -> None:
    async with console(FakeStation(), size=(80, 40)) as pilot:
        await pilot.press("down", "enter")
        await see(pilot, "20240603_0235_PREP_DIP_QROO.zip")
        assert "2,136" in shown(pilot)
        await pilot.press("escape", "down", "down", "down", "enter")
        await see(pilot, "A REFUSED DELIVERY")
        assert "older than the 20240603_0220 already accepted" in shown(pilot)


async def test_alarms_and_record_have_their_pages() -> None:
    async with console(FakeStation(STATES["troubled"])) as pilot:
        await pilot.press("a")
        await see(pilot, "The certificate ends in 6 days.")
        await pilot.press("escape", "l")
        await see(pilot, "RECORD")
        await see(pilot, "150 the program decided: publish")


async def test_the_palette_leads_to_the_same_guarded_dialog() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(pilot.app.screen, PaletteScreen))
        await pilot.press(*"suspend")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await see(pilot, "SUSPEND: NOTHING PUBLIC")
        await see(pilot, "would be nothing: visitors get a notice (503)")
        assert focused(pilot) == "cancel"
        assert station.orders == []


async def test_the_palette_goes_through_the_themes() -> None:
    async with console(FakeStation()) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        themes = []
        for _ in range(3):
            app.action_theme()
            themes.append(app.look.theme)
        assert themes == ["contrast", "safe", "calm"]


async def test_read_only_has_no_key_that_decides() -> None:
    station = FakeStation(no_engine())
    async with console(station, read_only=True) as pilot:
        await pilot.press("b", "h", "f", "p", "r", "m")
        assert isinstance(pilot.app.screen, MainScreen)
        assert "roll back" not in shown(pilot)
        assert "Start it with m" not in shown(pilot)
        await pilot.press("question_mark")
        await see(pilot, "HELP")
        assert "Bring back" not in shown(pilot)


async def test_the_wall_takes_no_keys() -> None:
    async with console(FakeStation(), size=(120, 40), wall=True) as pilot:
        await pilot.press("b", "h", "q", "escape", "colon", "question_mark")
        assert isinstance(pilot.app.screen, WallScreen)
        await see(pilot, "UP TO DATE")


async def test_a_reader_that_hangs_is_said_and_does_not_stop_the_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prep_console.console.app.STALE_AFTER_S", 0.2)
    station = FakeStation()
    hung = threading.Event()
    reads = 0

    def read() -> Snapshot:
        nonlocal reads
        reads += 1
        if reads > 1:
            hung.wait(20)
        return station.read()

    app = ConsoleApp(read, station, period_s=0.05)
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "STATION UNREADABLE: nothing could be read for")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, PageScreen))
        await see(pilot, "STATION UNREADABLE: what is shown is")
        hung.set()


_ROUTES = (
    *(("i",), ("a",), ("g",), ("enter",), ("d",), ("l",), ("question_mark",)),
    *(("question_mark", "1"), ("colon",), ("b",), ("b", "1")),
)


@pytest.mark.parametrize("language", ["es", "en"])
async def test_what_is_open_while_nothing_can_be_read_says_that_it_is_old(
    language: Language,
) -> None:
    """The main screen is not the only one that shows what may no longer be so."""
    use(language)
    old = {"es": "✖ ESTACIÓN ILEGIBLE: lo que se ve es de hace 12 s", "en": "is 12 s old"}[language]
    may_be = {"es": "lo que se ve puede ser viejo", "en": "may be old"}[language]
    failed = replace(night(), read_error="Input/output error")
    app = ConsoleApp(night, FakeStation(), period_s=600.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        for route in _ROUTES:
            await pilot.press(*route)
            screen = app.screen
            assert isinstance(screen, LiveScreen)
            assert not isinstance(screen, MainScreen)
            for snapshot, stale_s, told in ((night(), 12.3, old), (failed, None, may_be)):
                screen.show(snapshot, stale_s)
                assert told in shown(pilot), route
                whole = rows(pilot)
                assert max(cell_len(row) for row in whole) == 80
            screen.show(night())
            assert old not in shown(pilot)
            assert may_be not in shown(pilot)
            while not isinstance(app.screen, MainScreen):
                await pilot.press("escape")


async def test_a_read_that_fails_is_said_and_the_next_one_heals() -> None:
    station = FakeStation()
    broken = False

    def read() -> Snapshot:
        if broken:
            raise OSError(5, "Input/output error")
        return station.read()

    app = ConsoleApp(read, station, period_s=0.05)
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "UP TO DATE")
        broken = True
        await see(pilot, "STATION UNREADABLE: Input/output error")
        broken = False
        await see(pilot, "UP TO DATE")


async def test_a_station_that_cannot_be_read_at_all_ends_with_its_reason() -> None:
    def read() -> Snapshot:
        raise PermissionError(13, "Permission denied")

    app = ConsoleApp(read, FakeStation(), period_s=0.05)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.failed)
    assert app.return_code == 0 or app.return_value == 3


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12), (200, 60)])
async def test_what_is_drawn_is_what_the_views_say(size: tuple[int, int]) -> None:
    """The screen's own cells, read back from Textual's compositor."""
    async with console(FakeStation(STATES["drill"]), size=size) as pilot:
        await see(pilot, "SIMULACRO")
        rows = [strip.text for strip in pilot.app.screen._compositor.render_strips()]
        assert len(rows) == size[1]
        assert "SIMULACRO" in rows[0]
        assert rows[1].rstrip().endswith("02:37:12")
        assert "quit" in rows[-1]


async def test_resizing_redraws_everything() -> None:
    async with console(FakeStation(), size=(80, 24)) as pilot:
        await pilot.resize_terminal(120, 40)
        await see(pilot, "4 cores")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "4 cores" not in shown(pilot))


async def test_a_snapshot_that_comes_while_the_app_closes_is_not_drawn() -> None:
    """The panels go one by one then: a drawing that misses the first was a crash at ``q``."""
    async with console(FakeStation(night())) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, MainScreen)
        pilot.app._running = False  # as Textual's shutdown begins
        try:
            await screen.query_one("#drill").remove()
            screen.show(night())
        finally:
            pilot.app._running = True
