"""The app in a headless terminal: its keys go in, what is shown is read."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.widgets import Button

from prep_console.console.app import ConsoleApp
from prep_console.console.main_screen import MainScreen
from prep_console.console.wall_screen import WallScreen
from prep_console.widgets.lines import plain
from prep_console.widgets.panel import Panel
from tests.console.nights import FakeStation

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


def rows(pilot: Screen) -> list[str]:
    """What a terminal of this size shows, row by row."""
    width, height = pilot.app.size
    strips = pilot.app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip)[:width] for strip in strips[:height]]
