"""A filter that is typed under ``/``: one line at the foot of a screen, heard at each key."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from prep_console.console.live_screen import LiveScreen
from prep_console.widgets.panel import look_of
from prep_console.wording import N_, say

_LONGEST = 60


class FilterLine(Input):
    """Over the foot while it is open; indented as it is, since a replay marks both edges."""

    DEFAULT_CSS = """
    FilterLine { dock: bottom; height: 1; border: none; width: 1fr;
        background: ansi_default; color: ansi_default; display: none; }
    FilterLine.-textual-compact { padding: 0 1; }
    """


class FilterScreen(LiveScreen):
    """A screen whose list shows only what holds :attr:`wanted`.

    Enter keeps the filter and gives the keys back; Esc takes it away.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("slash", "filter", id="filter")]
    AUTO_FOCUS = ""

    wanted: str = ""
    """What is filtered for; '' is everything."""

    def filter_line(self) -> ComposeResult:
        """To be composed by the screen."""
        line = FilterLine(id="filter", max_length=_LONGEST, compact=True)
        line.cursor_blink = False  # a blink is traffic that tells nothing
        yield line

    @abstractmethod
    def filtered(self) -> None:
        """Draw the list anew: :attr:`wanted` is another."""

    def action_filter(self) -> None:
        typed = self.query_one("#filter", Input)
        typed.placeholder = look_of(self.app).shown(
            say(N_("/ show only lines with…  Enter keeps it, Esc ends it"))
        )
        typed.value = self.wanted
        typed.display = True
        typed.focus()

    def end_filter(self) -> bool:
        """Everything again; False when there was nothing to end."""
        typed = self.query_one("#filter", Input)
        there = typed.display or bool(self.wanted)
        self._filter_left(typed)
        self.wanted = ""
        if there:
            self.filtered()
        return there

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        if event.input.display and event.value != self.wanted:
            self.wanted = event.value
            self.filtered()

    @on(Input.Submitted, "#filter")
    def _filter_kept(self, event: Input.Submitted) -> None:
        event.stop()
        self._filter_left(event.input)

    def _filter_left(self, typed: Input) -> None:
        typed.display = False
        self.set_focus(None)
