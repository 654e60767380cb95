"""Asking for the time that a replay is to go to."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from prep_console.console.framed_screen import FramedScreen
from prep_console.console.telling import sentence_text, told
from prep_console.problems import WrongUsage
from prep_console.snapshot import Snapshot
from prep_console.widgets import page_frame
from prep_console.widgets.figures import local
from prep_console.widgets.key_bar import Hint
from prep_console.widgets.lines import Line, Span, line, wrap
from prep_console.widgets.panel import Panel, look_of
from prep_console.wording import N_, say

_LONGEST = 40
_ROOMY = 16
"""Rows from which on there is room for blank ones."""


class TimeScreen(FramedScreen):
    """``go`` takes what was typed; WrongUsage of it is shown and another try is open."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", id="time.close")]

    DEFAULT_CSS = """
    TimeScreen { overflow: hidden; }
    TimeScreen Panel { height: auto; }
    TimeScreen Input { height: 1; border: none; padding: 0; margin: 0 3; width: 1fr;
        background: ansi_default; color: ansi_default; }
    """
    AUTO_FOCUS = "#when"

    def __init__(self, snapshot: Snapshot, go: Callable[[str], None]) -> None:
        super().__init__(snapshot)
        self._go = go
        self._remark = ""

    def compose(self) -> ComposeResult:
        yield Panel(id="time")
        typed = Input(id="when", max_length=_LONGEST, compact=True)
        typed.cursor_blink = False
        typed.placeholder = look_of(self.app).shown(say(N_("02:35 or 2024-06-03T02:35")))
        yield typed
        yield Panel(id="foot")

    def fill(self, width: int, height: int) -> None:
        """How far the replay goes above the line to type in, and what came of it below."""
        gap: list[Line] = [()] if height >= _ROOMY else []
        snapshot, past = self._snapshot, self._snapshot.past
        told_: list[Line] = []
        if past is not None:
            stretch = say(
                N_("The replay goes from {begins} to {ends}, times of the station."),
                begins=f"{local(snapshot, past.begins):%Y-%m-%dT%H:%M}",
                ends=f"{local(snapshot, past.ends):%Y-%m-%dT%H:%M}",
            )
            told_ = [line("   ", part) for part in wrap(stretch, width - 6)]
        self.query_one("#time", Panel).show(
            [*page_frame.head(snapshot, say(N_("TO A TIME")), width), *gap, *told_, *gap]
        )
        remark = wrap(self._remark, width - 6) if self._remark else []
        self.query_one("#foot", Panel).show(
            [
                *gap,
                *(line("   ", Span(part, "warning")) for part in remark),
                *gap,
                page_frame.foot(
                    [Hint("Enter", say(N_("go there"))), Hint("Esc", say(N_("back")))], 0, width
                ),
            ]
        )

    @on(Input.Submitted, "#when")
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            return
        try:
            self._go(event.value)
        except WrongUsage as wrong:
            self._remark = sentence_text(told(wrong))
            self._draw()
        else:
            self.dismiss()
