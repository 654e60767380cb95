"""What all our screens have in common: they are given snapshots while they are open."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta

from textual.screen import Screen
from textual.strip import Strip

from prep_console.snapshot import Snapshot
from prep_console.widgets import past_band
from prep_console.widgets.lines import Line
from prep_console.widgets.panel import Panel

INSTRUMENTS_EVERY = timedelta(seconds=5)
"""Their values wander all the time; redrawing them each second is traffic that tells nothing."""


class Band(Panel):
    """Over a replay: that it is one, and of which moment."""


class Edge(Panel):
    """Beside a replay: a sign on every line, however many there are."""

    @property
    def lines(self) -> tuple[Line, ...]:
        return (past_band.edge(),) * self.size.height

    def render_line(self, y: int) -> Strip:
        return self.strip(past_band.edge())


class LiveScreen(Screen[None]):
    """A screen that the app keeps up to date; around a replay it has a frame that says so."""

    DEFAULT_CSS = """
    LiveScreen { background: ansi_default; }
    LiveScreen #past-band { dock: top; width: 100%; height: auto; }
    LiveScreen #past-left { dock: left; width: 1; height: 100%; }
    LiveScreen #past-right { dock: right; width: 1; height: 100%; }
    """

    @abstractmethod
    def show(self, snapshot: Snapshot, stale_s: float | None = None) -> None:
        """Draw a newer snapshot; ``stale_s`` is the age of the last read, when that is long."""

    def on_mount(self) -> None:
        # Textual calls the handler of every class: a screen's own one is called beside this
        if self._replays:
            self.mount(Edge(id="past-left"), Edge(id="past-right"), Band(id="past-band"))
            self.call_after_refresh(self.mark)

    def on_resize(self) -> None:
        self.mark()

    @property
    def _replays(self) -> bool:
        return bool(getattr(self.app, "replays", False))

    @property
    def canvas(self) -> tuple[int, int]:
        """Columns and rows to draw in: the terminal's, without the frame of a replay."""
        width, height = self.app.size
        if not self._replays:
            return width, height
        return max(1, width - past_band.EDGES), max(1, height - past_band.rows(height))

    def mark(self) -> None:
        """Draw the frame of a replay, as of the app's newest snapshot."""
        snapshot = getattr(self.app, "snapshot", None)
        if not isinstance(snapshot, Snapshot) or not self.query("#past-band"):
            return
        width, height = self.app.size
        self.query_one("#past-band", Band).show(past_band.band(snapshot, width, height))

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
