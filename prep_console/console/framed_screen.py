"""What every page has in common: opaque, live, as large as the terminal, left with Esc."""

from __future__ import annotations

from abc import abstractmethod

from prep_console.console.live_screen import LiveScreen
from prep_console.snapshot import Snapshot


class FramedScreen(LiveScreen):
    """Drawn anew with each snapshot and each size of the terminal; left without a result."""

    DEFAULT_CSS = "FramedScreen Panel { height: 1fr; }"

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._stale_s: float | None = None

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def show(self, snapshot: Snapshot, stale_s: float | None = None) -> None:
        """A newer snapshot: the page is live too."""
        self._snapshot, self._stale_s = snapshot, stale_s
        self._draw()

    def _draw(self) -> None:
        if self.drawable:
            self.fill(*self.canvas)

    @abstractmethod
    def fill(self, width: int, height: int) -> None:
        """Put what the snapshot says onto the panels."""

    def action_close(self) -> None:
        self.dismiss()
