"""The graphs: what one reading did in the last half hour, six hours or day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from prep_console.console.desk import Desk, desk_of
from prep_console.console.framed_screen import FramedScreen
from prep_console.console.histories import kept_by_engine
from prep_console.snapshot import Snapshot
from prep_console.widgets import page_frame
from prep_console.widgets.history_graph import Sample, Window, graph
from prep_console.widgets.key_bar import Hint
from prep_console.widgets.lines import Span, ends, fit, line
from prep_console.widgets.panel import Panel
from prep_console.wording import N_, say

SPANS = (
    (timedelta(minutes=30), N_("30 min")),
    (timedelta(hours=6), N_("6 h")),
    (timedelta(hours=24), N_("24 h")),
)
RENEWED = timedelta(seconds=10)
"""How often the history is read again: the samples themselves are not closer together."""
POINTS = 480
"""Columns of dots on the widest screen that anybody uses."""
FIRST = "clock.offset"


class GraphScreen(FramedScreen):
    """One reading at a time; the history is read beside the app, never in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,g", "close", id="graph.close"),
        Binding("right,down,j,tab", "choose(1)", id="graph.next"),
        Binding("left,up,k,shift+tab", "choose(-1)", id="graph.before"),
        *[Binding(str(n), f"span({n})", id=f"graph.span{n}") for n in range(1, len(SPANS) + 1)],
    ]

    def __init__(self, snapshot: Snapshot, chosen: str | None, span: int) -> None:
        super().__init__(snapshot)
        self._picked = chosen
        self._pick_first()
        self._span = span
        self._samples: Sequence[Sample] | None = None
        self._read_at: datetime | None = None
        self._asked = 0
        self._asked_for: tuple[str, int] | None = None
        self._busy = False

    @property
    def desk(self) -> Desk:
        return desk_of(self)

    @property
    def _names(self) -> list[str]:
        return sorted(self._snapshot.readings)

    def _pick_first(self) -> None:
        """The clock, as soon as an engine has looked at it; whatever it reads later, it stays."""
        if self._picked is None and FIRST in self._names:
            self._picked = FIRST

    @property
    def _chosen(self) -> str:
        return self._picked or next(iter(self._names), "")

    def compose(self) -> ComposeResult:
        yield Panel(id="graph")

    def on_mount(self) -> None:
        self._ask()

    def show(self, snapshot: Snapshot, stale_s: float | None = None) -> None:
        """A newer snapshot; every ten seconds the history too."""
        self._snapshot, self._stale_s = snapshot, stale_s
        self._pick_first()
        old = self._read_at is None or abs(snapshot.observed_at - self._read_at) >= RENEWED
        if self._asked_for != (self._chosen, self._span) or (old and not self._busy):
            self._ask()
        else:
            self._draw()

    def _window(self) -> Window:
        until = self._read_at or self._snapshot.observed_at
        return Window(until - SPANS[self._span][0], until)

    def _ask(self) -> None:
        """Read the history for what is chosen now; an answer to an older question is dropped."""
        self._asked += 1
        asked, name = self._asked, self._chosen
        if self._asked_for != (name, self._span):
            self._asked_for, self._samples = (name, self._span), None
        self._busy, self._read_at = True, self._snapshot.observed_at
        window, snapshot, station = self._window(), self._snapshot, self.desk.station

        def work() -> Sequence[Sample]:
            return station.history(name, window.since, window.until, POINTS)

        def ended(found: Sequence[Sample] | BaseException) -> None:
            if asked != self._asked:
                return
            self._busy = False
            read = () if isinstance(found, BaseException) else found
            self._samples = read or kept_by_engine(snapshot, name)
            self._draw()

        self.desk.beside(work, ended)
        self._draw()

    def fill(self, width: int, height: int) -> None:
        """The spans to choose from, and the graph of one of them."""
        names, chosen = self._names, self._chosen
        at = names.index(chosen) + 1 if chosen in names else 0
        spans = line(
            Span("   ", ""),
            *(
                Span(f" {n}: {say(text)} ", "cursor" if n - 1 == self._span else "dim")
                for n, (_, text) in enumerate(SPANS, start=1)
            ),
        )
        which = line(Span(f"{at}/{len(names)}  {chosen} ", "dim"))
        room = page_frame.room(self._snapshot, height, self._stale_s) - 1
        shown = graph(
            self._snapshot,
            chosen,
            self._samples,
            self.desk.station.bounds(chosen, self._snapshot),
            self._window(),
            width,
            room,
        )
        hints = [
            Hint("← →", say(N_("another instrument"))),
            Hint("1 2 3", say(N_("time"))),
            Hint("Esc", say(N_("back"))),
        ]
        self.query_one(Panel).show(
            page_frame.page(
                self._snapshot,
                say(N_("HISTORY")),
                [fit(ends(spans, which, width), width), *shown],
                page_frame.foot(hints, 0, width),
                width,
                height,
                self._stale_s,
            )
        )

    def action_close(self) -> None:
        self.desk.graphed = (self._picked, self._span)
        super().action_close()

    def action_choose(self, by: int) -> None:
        names, chosen = self._names, self._chosen
        if names:
            at = names.index(chosen) if chosen in names else 0
            self._picked = names[(at + by) % len(names)]
            self._ask()

    def action_span(self, number: int) -> None:
        if number - 1 != self._span:
            self._span = number - 1
            self._ask()
