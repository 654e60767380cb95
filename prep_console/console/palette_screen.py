"""The command palette: everything by name; what decides opens the guarded dialog of its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from prep_console.console.filtering import FilterLine
from prep_console.console.framed_screen import FramedScreen
from prep_console.snapshot import Snapshot
from prep_console.widgets import page_frame, palette_page
from prep_console.widgets.palette_page import Entry
from prep_console.widgets.panel import Panel, look_of
from prep_console.wording import N_, say

Command = tuple[Entry, Callable[[], object]]
Commands = Callable[[Snapshot], Sequence[Command]]
_LONGEST = 60


class PaletteScreen(FramedScreen):
    """``commands(snapshot)`` is asked again for each snapshot: what is off just now stays true."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", id="palette.close"),
        Binding("up", "choose(-1)", id="palette.up", priority=True),
        Binding("down", "choose(1)", id="palette.down", priority=True),
        Binding("pageup", "choose(-10)", id="palette.page_up", priority=True),
        Binding("pagedown", "choose(10)", id="palette.page_down", priority=True),
    ]
    AUTO_FOCUS = "#wanted"

    def __init__(self, commands: Commands, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        self._commands = commands
        self._listed = commands(snapshot)
        self._wanted = ""
        self._chosen = 0

    def compose(self) -> ComposeResult:
        yield Panel(id="commands")
        typed = FilterLine(id="wanted", max_length=_LONGEST, compact=True)
        typed.cursor_blink = False
        typed.display = True
        typed.placeholder = look_of(self.app).shown(
            say(N_("Type a part of its name; Enter opens it, Esc goes back"))
        )
        yield typed

    def show(self, snapshot: Snapshot, stale_s: float | None = None) -> None:
        """A newer snapshot: what is off just now is asked again."""
        self._listed = self._commands(snapshot)
        super().show(snapshot, stale_s)

    @property
    def _entries(self) -> list[Entry]:
        return [entry for entry, _ in self._listed]

    def fill(self, width: int, height: int) -> None:
        """The commands that hold what was typed."""
        entries = self._entries
        shown = palette_page.found(entries, self._wanted)
        self._chosen = max(0, min(self._chosen, len(shown) - 1))
        room = page_frame.room(self._snapshot, height, self._stale_s)
        lines = palette_page.lines(entries, shown, self._chosen, width, room)
        title = say(N_("COMMANDS"))
        self.query_one(Panel).show(
            page_frame.page(self._snapshot, title, lines, (), width, height, self._stale_s)
        )

    def action_choose(self, by: int) -> None:
        self._chosen = max(0, self._chosen + by)
        self._draw()

    @on(Input.Changed, "#wanted")
    def _typed(self, event: Input.Changed) -> None:
        if event.value != self._wanted:
            self._wanted, self._chosen = event.value, 0
            self._draw()

    @on(Input.Submitted, "#wanted")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        shown = palette_page.found(self._entries, self._wanted)
        if shown:
            _, run = self._listed[shown[self._chosen]]
            self.dismiss()
            self.app.call_later(run)  # on the screen that is there again by then
