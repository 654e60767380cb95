"""A page of text to scroll: a cut, the journal, help. Opaque, live, left with Esc."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from prep_console.console.framed_screen import FramedScreen
from prep_console.snapshot import Snapshot
from prep_console.widgets import page_frame
from prep_console.widgets.key_bar import Hint
from prep_console.widgets.lines import Line, folded
from prep_console.widgets.panel import Panel
from prep_console.wording import N_, say

Content = Callable[[Snapshot, int], Sequence[Line]]


class PageScreen(FramedScreen):
    """Shows ``content(snapshot, width)`` under a title, scrolled by the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", id="page.close"),
        Binding("up,k", "scroll(-1)", id="page.up"),
        Binding("down,j", "scroll(1)", id="page.down"),
        Binding("pageup", "scroll_page(-1)", id="page.page_up"),
        Binding("pagedown,space", "scroll_page(1)", id="page.page_down"),
        Binding("home,g", "scroll(-1000000)", id="page.top"),
        Binding("end,G", "scroll(1000000)", id="page.end"),
    ]

    def __init__(self, title: str, content: Content, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        self._title = title
        self._content = content
        self._first = 0

    def compose(self) -> ComposeResult:
        yield Panel(id="page")

    def fill(self, width: int, height: int) -> None:
        """Title, the part of the text that fits, and keys."""
        lines = folded(self._content(self._snapshot, width), width)
        room = page_frame.room(self._snapshot, height, self._stale_s)
        self._first = max(0, min(self._first, len(lines) - room))
        shown = lines[self._first : self._first + room]
        below = len(lines) - self._first - room
        foot = page_frame.foot(self.hints(), below, width)
        self.query_one(Panel).show(
            page_frame.page(self._snapshot, self._title, shown, foot, width, height, self._stale_s)
        )

    def hints(self) -> list[Hint]:
        """The keys at the foot."""
        return [Hint("Esc", say(N_("back"))), Hint("↑ ↓", say(N_("scroll")))]

    def action_scroll(self, by: int) -> None:
        self._first += by
        self._draw()

    def action_scroll_page(self, by: int) -> None:
        self.action_scroll(by * max(1, self.canvas[1] - 6))
