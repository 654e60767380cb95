"""Every screen of the real console on a station whose every foreign text is hostile."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from rich.color import Color
from textual.pilot import Pilot

from prep_console.console.app import ConsoleApp
from prep_console.wording import Language, use
from tests.console.headless import console, until
from tests.console.nights import FakeStation
from tests.console.stations import bad_night
from tests.escaping.foreign import FOREIGN, MARK, poisoned, steering

SIZES = [(80, 24), (120, 40), (240, 70)]
ROUTES = {
    "main": (),
    "alarms": ("a",),
    "an alarm is shelved": ("a", "s"),
    "instruments": ("i",),
    "graph": ("g",),
    "a cut": ("enter",),
    "a refused delivery": ("down", "down", "down", "down", "enter"),
    "differences": ("d",),
    "help": ("question_mark",),
    "roll back": ("b",),
    "roll back, reason": ("b", "1"),
    "hold": ("h",),
    "freeze": ("f",),
    "publish": ("down", "p"),
    "resync": ("r",),
    "palette": ("ctrl+p",),
}
"""How each screen is reached."""
TELLING = {"main", "alarms", "an alarm is shelved", "instruments", "a refused delivery"}
"""Screens that must show some of it, as letters."""


@pytest.fixture(autouse=True)
def _spanish_after() -> Iterator[None]:
    yield
    use("es")


def drawn(pilot: Pilot[int]) -> list[str]:
    """The rows of the terminal, as they are painted; no text of ours is red on blue."""
    strips = pilot.app.screen._compositor.render_strips()
    ours = (Color.parse("red"), Color.parse("blue"))
    styles = [segment.style for strip in strips for segment in strip if segment.style is not None]
    assert [style for style in styles if (style.color, style.bgcolor) == ours] == []
    return [strip.text for strip in strips]


def has_changed(pilot: Pilot[int], before: list[str]) -> bool:
    return drawn(pilot) != before


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_nothing_foreign_steers_any_screen(size: tuple[int, int], language: Language) -> None:
    use(language)
    told = set()
    for name, route in ROUTES.items():
        station = FakeStation(poisoned(bad_night()))
        async with console(station, size) as pilot:
            before = drawn(pilot)
            for key in route:
                await pilot.press(key)
                await pilot.pause()
            if route:
                await until(pilot, partial(has_changed, pilot, before))
            rows = drawn(pilot)
            assert [(name, row) for row in rows if steering(row)] == []
            assert isinstance(pilot.app, ConsoleApp)
            assert "pwned" not in pilot.app.title
            if any("\\x1b[2J" in row or MARK in row for row in rows):
                told.add(name)
    assert told >= TELLING, "nothing was escaped because nothing was shown"


async def test_nothing_foreign_steers_the_wall() -> None:
    for size in SIZES:
        async with console(FakeStation(poisoned(bad_night())), size, wall=True) as pilot:
            rows = drawn(pilot)
            assert [row for row in rows if steering(row)] == []
            assert any("\\x1b[2J" in row for row in rows)


def test_the_foreign_text_would_be_noticed() -> None:
    assert len(steering(FOREIGN)) >= 8
    assert steering("corte 02:35 · ✓ público\n") == []
    assert steering("a\nb", lines=False) == ["\n"]
