"""What all our screens have in common: they are given snapshots while they are open."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta

from textual.screen import Screen

from prep_console.snapshot import Snapshot
from prep_console.widgets.panel import Panel

INSTRUMENTS_EVERY = timedelta(seconds=5)
"""Their values wander all the time; redrawing them each second is traffic that tells nothing."""


class LiveScreen(Screen[None]):
    """A screen that the app keeps up to date."""

    DEFAULT_CSS = "LiveScreen { background: ansi_default; }"

    @abstractmethod
    def show(self, snapshot: Snapshot, stale_s: float | None = None) -> None:
        """Draw a newer snapshot; ``stale_s`` is the age of the last read, when that is long."""

    @property
    def drawable(self) -> bool:
        """False before the first layout and while the app closes: a snapshot may come then."""
        return self.app.is_running and bool(self.query(Panel))


def stirred(old: Snapshot, new: Snapshot) -> bool:
    """Whether the instruments have something to say: five seconds passed, or a state changed."""
    if new.observed_at - old.observed_at >= INSTRUMENTS_EVERY or new.observed_at < old.observed_at:
        return True
    before = {name: reading.state for name, reading in old.readings.items()}
    return before != {name: reading.state for name, reading in new.readings.items()}
