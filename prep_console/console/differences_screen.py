"""What changed between any two cuts: each side stepped through the cuts that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from prep_console.console.desk import desk_of
from prep_console.console.page_screen import PageScreen
from prep_console.console.telling import told
from prep_console.snapshot import Snapshot
from prep_console.widgets import changes_page
from prep_console.widgets.key_bar import Hint
from prep_console.widgets.lines import Line
from prep_console.wording import N_, say

Pair = tuple[str, str]


class DifferencesScreen(PageScreen):
    """Opens on a pair of cuts. One comparison runs at a time, however quickly one steps on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(0, 1)", id="differences.before_older"),
        Binding("right", "step(0, -1)", id="differences.before_newer"),
        Binding("less_than_sign,comma", "step(1, 1)", id="differences.after_older"),
        Binding("greater_than_sign,full_stop", "step(1, -1)", id="differences.after_newer"),
    ]

    def __init__(self, before: str, after: str, snapshot: Snapshot) -> None:
        super().__init__(say(N_("DIFFERENCES")), self._lines, snapshot)
        self._pair: Pair = (before, after)
        self._comparing: Pair | None = None
        self._told: dict[Pair, Sequence[str]] = {}

    def on_mount(self) -> None:
        self._compare()

    def _lines(self, snapshot: Snapshot, width: int) -> list[Line]:
        return [
            *changes_page.pair(snapshot, *self._pair, width),
            *changes_page.changes_page(self._told.get(self._pair), width),
        ]

    def hints(self) -> list[Hint]:
        """The sides' keys before those of every page."""
        return [
            Hint("← →", say(N_("other cut before"))),
            Hint("< >", say(N_("other cut after"))),
            *super().hints(),
        ]

    def action_step(self, side: int, by: int) -> None:
        """To the next stored cut that is not the other side's; ``by`` 1 is older, -1 newer."""
        ids = [cut.id for cut in self._snapshot.cuts]
        other = self._pair[1 - side]
        at = ids.index(self._pair[side]) if self._pair[side] in ids else -by
        at += by
        if 0 <= at < len(ids) and ids[at] == other:
            at += by
        if 0 <= at < len(ids):
            self._pair = (ids[at], other) if side == 0 else (other, ids[at])
            self._first = 0
            self._compare()

    def _compare(self) -> None:
        self._draw()
        if self._comparing is not None or self._pair in self._told:
            return
        pair = self._comparing = self._pair
        app = desk_of(self)

        def compared(found: Sequence[str] | BaseException) -> None:
            self._comparing = None
            self._told[pair] = (f"▲ {told(found)}",) if isinstance(found, BaseException) else found
            if self.is_attached:
                self._compare()

        app.beside(lambda: app.station.changes(*pair), compared)
