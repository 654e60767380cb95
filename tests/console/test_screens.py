"""The app in a headless terminal: its screens, by their keys, and what they say of bad reads."""

from __future__ import annotations

import threading

import pytest
from rich.cells import cell_len

from prep_console.console.app import ConsoleApp
from prep_console.console.live_screen import LiveScreen
from prep_console.console.main_screen import MainScreen
from prep_console.console.page_screen import PageScreen
from prep_console.console.palette_screen import PaletteScreen
from prep_console.console.wall_screen import WallScreen
from prep_console.snapshot import Snapshot
from prep_console.values import replace
from prep_console.wording import Language, use
from tests.console.headless import console, focused, rows, see, shown, until
from tests.console.nights import STATES, FakeStation, frozen, held, night, no_engine

pytestmark = pytest.mark.usefixtures("in_english")


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
