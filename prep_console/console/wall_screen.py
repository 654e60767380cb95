"""The wall display: no keys but those that end it."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from prep_console.console import wording_of
from prep_console.console.live_screen import LiveScreen, stirred
from prep_console.console.wall_pages import Rotation
from prep_console.snapshot import Snapshot
from prep_console.widgets.panel import Panel, look_of
from prep_console.widgets.wall import turns, wall


class WallScreen(LiveScreen):
    """Draws :func:`prep_console.widgets.wall.wall` over the whole terminal."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "app.quit", id="wall.quit")]

    DEFAULT_CSS = """
    WallScreen Panel { height: 1fr; }
    """

    def __init__(self, snapshot: Snapshot, *, pages_s: float = 0.0) -> None:
        """``pages_s``: seconds that each page stays; 0 shows the first one only."""
        super().__init__()
        self.pages_s = pages_s
        self._rotation = Rotation()
        self._snapshot = snapshot
        self._calm = snapshot
        self._stale_s: float | None = None
        self._beat = 0

    def compose(self) -> ComposeResult:
        yield Panel(id="wall")

    def on_resize(self) -> None:
        self._draw()

    def show(self, snapshot: Snapshot, stale_s: float | None = None) -> None:
        """Draw; the heartbeat moves only when something new was read."""
        if snapshot is not self._snapshot:
            self._beat += 1
        self._snapshot, self._stale_s = snapshot, stale_s
        if stirred(self._calm, snapshot):
            self._calm = snapshot
        self._draw()

    def _draw(self) -> None:
        if not self.drawable:
            return
        width, height = self.canvas
        every_s = self.pages_s if turns(width, height) else 0.0
        self.query_one(Panel).show(
            wall(
                self._snapshot,
                width,
                height,
                beat=self._beat,
                stale_s=self._stale_s,
                wording=wording_of.alarm,
                explain=wording_of.refusal,
                halves=look_of(self.app).signs,
                calm=self._calm,
                page=self._rotation.page(self._snapshot, time.monotonic(), every_s),
                turning=every_s > 0,
            )
        )
