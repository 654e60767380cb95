"""The past on the screens of the present, in a headless terminal: marked, moved, and harmless."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot

from prep_console.console.alarm_screen import AlarmScreen
from prep_console.console.graph_screen import GraphScreen
from prep_console.console.live_screen import LiveScreen
from prep_console.console.main_screen import MainScreen
from prep_console.console.orders import AlarmOrder, Order
from prep_console.console.page_screen import PageScreen
from prep_console.console.palette_screen import PaletteScreen
from prep_console.console.player import Player
from prep_console.console.replay_app import PastActions, ReplayApp
from prep_console.console.time_screen import TimeScreen
from prep_console.console.wall_screen import WallScreen
from prep_console.engine.past import Past
from prep_console.problems import Refused
from prep_console.publication.actions import Expected
from prep_console.snapshot import AlarmView
from prep_console.widgets.look import Look, Theme
from prep_console.widgets.panel import Panel
from prep_console.wording import Language, use
from tests.replay.pasts import AT, minutes, station
from tests.stations import Sandbox

pytestmark = pytest.mark.usefixtures("in_english")

SIZES = [(80, 24), (120, 40), (240, 70), (40, 12)]
Screen = Pilot[int]


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    return station(tmp_path)


@asynccontextmanager
async def replay(
    box: Sandbox,
    size: tuple[int, int] = (80, 24),
    *,
    at: float = 8,
    wall: bool = False,
    look: Look | None = None,
    playing: bool = False,
) -> AsyncIterator[Screen]:
    past = Past(box.settings)
    player = Player(past, past.begins, past.ends, at=AT + minutes(at), playing=playing)
    actions = PastActions(box.settings, past, player)
    app = ReplayApp(player, actions, box.settings, wall=wall, look=look, period_s=0.05)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen | WallScreen))
        await until(pilot, lambda: app.screen.query("#past-band"))
        yield pilot


async def until(pilot: Screen, condition: Callable[[], object], timeout_s: float = 15.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "\n".join(rows(pilot))
        await pilot.pause(0.01)


def rows(pilot: Screen) -> list[str]:
    """What the terminal shows, line by line, wherever it comes from."""
    return [
        "".join(segment.text for segment in strip)
        for strip in pilot.app.screen._compositor.render_strips()
    ]


def shown(pilot: Screen) -> str:
    return " ".join(" ".join(rows(pilot)).split())


async def see(pilot: Screen, text: str) -> None:
    await until(pilot, lambda: text in shown(pilot))


def files(box: Sandbox) -> dict[str, str]:
    root = box.settings.root
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def opened(pilot: Screen, kind: type[LiveScreen]) -> bool:
    return isinstance(pilot.app.screen, kind)


def marked(pilot: Screen) -> bool:
    """The word, the moment and a sign at both ends of every line below the band."""
    lines = rows(pilot)
    band = 2 if len(lines) >= 34 else 1
    return (
        bool(lines)
        and "REPLAY  Jun 3, 2024 02:08:00" in lines[0]
        and all(line.startswith("◂") and line.endswith("◂") for line in lines[band:])
    )


@pytest.mark.parametrize("size", SIZES)
async def test_every_line_of_every_screen_is_marked(box: Sandbox, size: tuple[int, int]) -> None:
    kinds: dict[str, type[LiveScreen]] = {
        "a": AlarmScreen,
        "i": PageScreen,
        "g": GraphScreen,
        "l": PageScreen,
        "question_mark": PageScreen,
        "t": TimeScreen,
    }
    async with replay(box, size) as pilot:
        await until(pilot, lambda: marked(pilot))
        for key, kind in kinds.items():
            await pilot.press(key)
            await until(pilot, partial(opened, pilot, kind))
            await until(pilot, lambda: marked(pilot))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


@pytest.mark.parametrize("size", SIZES)
async def test_the_wall_says_it_in_its_largest_letters(box: Sandbox, size: tuple[int, int]) -> None:
    async with replay(box, size, wall=True) as pilot:
        await until(pilot, lambda: marked(pilot))
        await pilot.press("n")  # a replay's keys work there too: nobody else could move it
        await see(pilot, "REPLAY Jun 3, 2024 02:13:00")
        if size[0] >= 120:
            past = [
                span.text
                for panel in pilot.app.screen.query("#wall").results(Panel)
                for spans in panel.lines
                for span in spans
                if span.tone == "past"
            ]
            assert len(past) >= 3


@pytest.mark.parametrize("theme", ["calm", "contrast", "safe", "plain"])
async def test_it_is_marked_without_colours_and_without_signs(box: Sandbox, theme: Theme) -> None:
    async with replay(box, look=Look(theme, signs=False, letters="ascii")) as pilot:
        await see(pilot, "<< REPLAY Jun 3, 2024 02:08:00 | paused")
        lines = rows(pilot)
        assert all(line.isascii() for line in lines)
        assert all(line.startswith("<") and line.endswith("<") for line in lines[1:])


@pytest.mark.parametrize("language", ["es", "en"])
async def test_at_80_columns_the_band_holds_all_that_must_be_known(
    box: Sandbox, language: Language
) -> None:
    use(language)
    async with replay(box) as pilot:
        for _ in range(9):
            await pilot.press("plus")
        wanted = {
            "es": "◂◂ REPETICIÓN 3 jun 2024 02:08:00 ║ en pausa (600×) no es lo publicado ahora",
            "en": "◂◂ REPLAY Jun 3, 2024 02:08:00 ║ paused (600×) not what is public now",
        }
        await see(pilot, wanted[language])


async def test_keys_move_it(box: Sandbox) -> None:
    async with replay(box, at=0) as pilot:
        for key, moment, more in (
            ("c", "02:00:01", "1 cut tonight"),
            ("v", "02:07:01", "ON HOLD"),
            ("n", "02:13:00", "No cut has come"),
            ("v", "02:14:00", "ALARMS (1)"),
            ("V", "02:07:01", "datos de prueba"),
            ("N", "02:07:01", "no alarm before this"),
            ("right", "02:08:01", "ON HOLD"),
            ("left", "02:07:01", "ON HOLD"),
            ("9", "02:20:00", "ENGINE STOPPED"),
            ("0", "02:00:00", "NOTHING PUBLISHED"),
            ("C", "02:00:00", "no cut before this"),
        ):
            await pilot.press(key)
            await see(pilot, f"REPLAY Jun 3, 2024 {moment}")
            await see(pilot, more)
        await pilot.press("plus", "space")
        await see(pilot, "▸ 2×")
        await until(pilot, lambda: "02:00:00" not in rows(pilot)[0])
        await pilot.press("space")
        await see(pilot, "paused (2×)")


async def test_a_time_is_typed_and_a_wrong_one_is_explained(box: Sandbox) -> None:
    async with replay(box) as pilot:
        await pilot.press("t")
        await see(pilot, "TO A TIME")
        await pilot.press(*"2:99", "enter")
        await see(pilot, "2:99 is no time. Write 02:35, 2024-06-03T02:35 or 20240603_0235.")
        await pilot.press(*["backspace"] * 4, *"03:00", "enter")
        await see(pilot, "03:00 lies outside the record")
        await pilot.press(*["backspace"] * 5, *"02:13", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        await see(pilot, "REPLAY Jun 3, 2024 02:13:00")
        await pilot.press("t", "t")
        assert isinstance(pilot.app.screen, TimeScreen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


async def test_no_key_that_decides_does_anything(box: Sandbox) -> None:
    before = files(box)
    async with replay(box, at=13.5) as pilot:
        await see(pilot, "No cut has come")
        for key in "bhfprxm":
            await pilot.press(key)
            assert isinstance(pilot.app.screen, MainScreen), key
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, AlarmScreen))
        await pilot.press("a", "s", "u")
        assert isinstance(pilot.app.screen, AlarmScreen)
        assert "acknowledge" not in rows(pilot)[-1]
    assert files(box) == before


def test_nor_does_an_order_that_came_another_way(box: Sandbox) -> None:
    past = Past(box.settings)
    actions = PastActions(box.settings, past, Player(past, past.begins, past.ends))
    alarm = AlarmView("cut.late", "warning", AT, None, "")
    with pytest.raises(Refused):
        actions.do(Order("rollback", None, "", Expected("auto", None)))
    with pytest.raises(Refused):
        actions.mind(AlarmOrder("acknowledge", alarm))


async def test_help_says_why_a_key_is_off(box: Sandbox) -> None:
    async with replay(box, (120, 70)) as pilot:
        await pilot.press("question_mark")
        await see(pilot, "To the next alarm that was raised, and pause.")
        off = "off just now: this is a replay, and what is over is not decided any more"
        await until(pilot, lambda: shown(pilot).count(off) == 7)


async def test_the_palette_moves_it_and_decides_nothing(box: Sandbox) -> None:
    async with replay(box, (120, 70)) as pilot:
        await pilot.press("colon")
        await until(pilot, partial(opened, pilot, PaletteScreen))
        await until(pilot, lambda: marked(pilot))
        text = shown(pilot)
        assert "Decision before" in text
        assert "Roll back to the previous cut" not in text
        assert "Hold publishing" not in text
        await pilot.press(*"alarm before")
        await pilot.press("enter")
        await until(pilot, partial(opened, pilot, MainScreen))
        await see(pilot, "no alarm before this")


@pytest.mark.parametrize("opener", ["slash", "colon"])
async def test_its_mark_hides_no_letter_of_what_is_typed(box: Sandbox, opener: str) -> None:
    async with replay(box) as pilot:
        await pilot.press(opener, *"hold")
        await until(pilot, lambda: "hold" in rows(pilot)[-1])
        assert rows(pilot)[-1].startswith("◂hold")


async def test_the_past_is_silent(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[int] = []
    monkeypatch.setattr(ReplayApp, "bell", lambda self: rung.append(1))
    async with replay(box, at=18) as pilot:
        await see(pilot, "ENGINE STOPPED")
    assert rung == []


async def test_a_graph_ends_at_the_replayed_moment(box: Sandbox) -> None:
    async with replay(box, (120, 40), at=6) as pilot:
        await pilot.press("g")
        await until(pilot, lambda: isinstance(pilot.app.screen, GraphScreen))
        await see(pilot, "02:06")
        app = pilot.app
        assert isinstance(app, ReplayApp)
        until_ = AT + minutes(6)
        samples = app.station.history("host.cpu", until_ - timedelta(minutes=30), until_, 99)
        assert max(sample.at for sample in samples) <= until_


async def test_an_export_holds_the_record_as_it_was(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with replay(box, (120, 40), at=8) as pilot:
        await pilot.press("l")
        await see(pilot, "RECORD")
        await pilot.press("e")
        await see(pilot, "Written:")
    (path,) = tmp_path.glob("prep-journal-20240603-020800*.txt")
    assert len(path.read_text().splitlines()) == 8


async def test_what_was_not_recorded_is_never_up_to_date(tmp_path: Path) -> None:
    async with replay(station(tmp_path, samples=False), (120, 40), at=1) as pilot:
        await see(pilot, "NOT RECORDED")
        text = shown(pilot)
        assert "UP TO DATE" not in text
        assert "ENGINE STOPPED" not in text
        assert "? not known" in text
