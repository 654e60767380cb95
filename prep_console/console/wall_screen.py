"""The wall display: no keys but those that end it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from prep_console.console import wording_of
from prep_console.console.live_screen import LiveScreen, stirred
from prep_console.snapshot import Snapshot
from prep_console.widgets.panel import Panel, look_of
from prep_console.widgets.wall import wall


class WallScreen(LiveScreen):
    """Draws :func:`prep_console.widgets.wall.wall` over the whole terminal."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "app.quit", id="wall.quit")]

    DEFAULT_CSS = """
    WallScreen Panel { height: 1fr; }
    """

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
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
        width, height = self.app.size
        self.query_one(Panel).show(
            wall(
                self._snapshot,
                width,
                height,
                beat=self._beat,
                stale_s=self._stale_s,
                wording=wording_of.alarm,
                halves=look_of(self.app).signs,
                calm=self._calm,
            )
        )
