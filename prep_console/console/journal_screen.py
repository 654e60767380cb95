"""The record: filtered, in either order, and written to a file of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from prep_console.console import wording_of
from prep_console.console.desk import desk_of
from prep_console.console.filtering import FilterScreen
from prep_console.console.page_screen import PageScreen
from prep_console.console.telling import sentence_text, told
from prep_console.snapshot import Snapshot
from prep_console.widgets import journal_lines
from prep_console.widgets.key_bar import Hint
from prep_console.widgets.lines import Line, Span, line, wrap
from prep_console.wording import N_, say, visible


class JournalScreen(PageScreen, FilterScreen):
    """The last lines of the record, newest first until ``o`` turns them round."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "turn", id="journal.turn"),
        Binding("e", "export", id="journal.export"),
    ]

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(say(N_("RECORD")), self._lines, snapshot)
        self._oldest_first = False
        self._remark = ""

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield from self.filter_line()

    def filtered(self) -> None:
        self._first = 0
        self._draw()

    def _lines(self, snapshot: Snapshot, width: int) -> list[Line]:
        lines: list[Line] = []
        if self._remark:
            lines = [line(" ", Span(part, "note")) for part in wrap(self._remark, width - 2)]
        if self.wanted:
            only = say(N_("only lines with “{text}”"), text=visible(self.wanted))
            lines.append(line(" ", Span(only, "warning")))
        return lines + journal_lines.page(
            snapshot,
            width,
            wording_of.refusal,
            wanted=self.wanted,
            oldest_first=self._oldest_first,
        )

    def hints(self) -> list[Hint]:
        """Its own keys before those of every page."""
        order = say(N_("newest first")) if self._oldest_first else say(N_("oldest first"))
        return [
            Hint("/", say(N_("filter"))),
            Hint("o", order),
            Hint("e", say(N_("write to a file"))),
            *super().hints(),
        ]

    def action_turn(self) -> None:
        self._oldest_first = not self._oldest_first
        self.filtered()

    def action_close(self) -> None:
        if not self.end_filter():
            super().action_close()

    def action_export(self) -> None:
        """The whole record, or what the filter leaves of it, into the folder one stands in."""
        app, wanted = desk_of(self), self.wanted

        def ended(found: Path | BaseException) -> None:
            if isinstance(found, BaseException):
                self._remark = sentence_text(told(found))
            else:
                self._remark = say(N_("Written: {path}"), path=str(found))
            self.filtered()

        app.beside(lambda: app.station.export(wanted), ended)
