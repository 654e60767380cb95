"""What all our screens have in common: they are given snapshots while they are open."""

from __future__ import annotations

from abc import abstractmethod

from textual.screen import Screen

from prep_console.snapshot import Snapshot
from prep_console.widgets.panel import Panel


class LiveScreen(Screen[None]):
    """A screen that the app keeps up to date."""

    DEFAULT_CSS = "LiveScreen { background: ansi_default; }"

    @abstractmethod
    def show(self, snapshot: Snapshot, stale_s: float | None = None) -> None:
        """Draw a newer snapshot; ``stale_s`` is the age of the last read, when that is long."""

    @property
    def drawable(self) -> bool:
        """False before the first layout and while the app closes: a snapshot may come then."""
        return bool(self.query(Panel))
