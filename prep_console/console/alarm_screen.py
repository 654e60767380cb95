"""The alarms: the list, the chosen one in full, and the keys that say that somebody has seen it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from prep_console.alarms.table import named
from prep_console.console import wording_of
from prep_console.console.desk import desk_of
from prep_console.console.framed_screen import FramedScreen
from prep_console.console.manual_screen import ManualScreen
from prep_console.console.orders import AlarmOrder
from prep_console.console.shelve_screen import ShelveScreen
from prep_console.console.telling import sentence_text, told
from prep_console.manual.shelf import page_about
from prep_console.snapshot import AlarmView, Snapshot
from prep_console.widgets import alarm_page, page_frame
from prep_console.widgets.alarm_list import is_quiet, ordered
from prep_console.widgets.key_bar import Hint
from prep_console.widgets.panel import Panel
from prep_console.wording import N_, say


class AlarmScreen(FramedScreen):
    """Opens on the worst alarm that nobody has seen; the key that opened it acknowledges it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", id="alarms.close"),
        Binding("up,k", "choose(-1)", id="alarms.up"),
        Binding("down,j", "choose(1)", id="alarms.down"),
        Binding("pageup", "scroll(-5)", id="alarms.page_up"),
        Binding("pagedown,space", "scroll(5)", id="alarms.page_down"),
        Binding("a", "acknowledge", id="alarms.acknowledge"),
        Binding("s", "shelve", id="alarms.shelve"),
        Binding("u", "unshelve", id="alarms.unshelve"),
        Binding("question_mark,f1", "manual", id="alarms.manual"),
    ]

    def __init__(self, snapshot: Snapshot, *, read_only: bool) -> None:
        super().__init__(snapshot)
        self._read_only = read_only
        alarms = ordered(snapshot)
        self._chosen = alarms[0].key if alarms else None
        self._first = 0
        self._remark = ""

    @property
    def chosen(self) -> AlarmView | None:
        """The alarm under the cursor."""
        alarms = ordered(self._snapshot)
        return alarms[alarm_page.place(self._snapshot, self._chosen)] if alarms else None

    def compose(self) -> ComposeResult:
        yield Panel(id="alarms")

    def fill(self, width: int, height: int) -> None:
        """The list, and the chosen alarm in full."""
        remark = page_frame.remark(self._remark, width)
        room = page_frame.room(self._snapshot, height, self._stale_s) - len(remark)
        shown, below = alarm_page.lines(
            self._snapshot,
            width,
            room,
            chosen=self._chosen,
            first=self._first,
            wording=wording_of.alarm,
            explain=wording_of.alarm_texts,
            named=named,
        )
        shown += [()] * (room - len(shown))
        self.query_one(Panel).show(
            page_frame.page(
                self._snapshot,
                say(N_("ALARMS ({n})"), n=len(self._snapshot.alarms)),
                [*shown, *remark],
                page_frame.foot(self._hints(), below, width),
                width,
                height,
                self._stale_s,
            )
        )

    def _hints(self) -> list[Hint]:
        one = self.chosen
        hints = []
        if not self._read_only:
            seen = one is not None and one.acknowledged_by is None
            hints.append(Hint("a", say(N_("acknowledge")), seen))
            if one is not None and one.shelved_until is not None:
                hints.append(Hint("u", say(N_("unshelve"))))
            else:
                can = one is not None and wording_of.shelvable(one)
                hints.append(Hint("s", say(N_("shelve")), can))
        if one is not None and page_about(one.id) is not None:
            hints.append(Hint("?", say(N_("manual"))))
        return [*hints, Hint("↑ ↓", say(N_("choose"))), Hint("Esc", say(N_("back")))]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A read-only console has no keys that decide."""
        return not (self._read_only and action in ("acknowledge", "shelve", "unshelve"))

    def action_choose(self, by: int) -> None:
        alarms = ordered(self._snapshot)
        if alarms:
            at = alarm_page.place(self._snapshot, self._chosen) + by
            self._chosen = alarms[max(0, min(len(alarms) - 1, at))].key
            self._first, self._remark = 0, ""
            self._draw()

    def action_scroll(self, by: int) -> None:
        self._first = max(0, self._first + by)
        self._draw()

    def action_acknowledge(self) -> None:
        """Somebody has seen it. The next one that nobody has seen is chosen afterwards."""
        one = self.chosen
        if one is None:
            return
        if one.acknowledged_by is not None:
            self._say(say(N_("It is acknowledged already.")))
            return
        self._mind(AlarmOrder("acknowledge", one), say(N_("Acknowledged.")))

    def action_manual(self) -> None:
        """The page of the manual that is about the chosen alarm."""
        page = page_about(self.chosen.id) if self.chosen is not None else None
        if page is not None:
            self.app.push_screen(ManualScreen(page, self._snapshot))

    def action_unshelve(self) -> None:
        one = self.chosen
        if one is not None and one.shelved_until is not None:
            self._mind(AlarmOrder("unshelve", one), say(N_("Back among the alarms.")))

    def action_shelve(self) -> None:
        one = self.chosen
        if one is None or one.shelved_until is not None:
            return
        if not wording_of.shelvable(one):
            self._say(say(N_("This alarm cannot be shelved; acknowledge it with a.")))
            return

        def decided(order: AlarmOrder | None) -> None:
            if order is not None:
                self._mind(order, say(N_("Shelved.")))

        self.app.push_screen(ShelveScreen(one, self._snapshot), decided)

    def _mind(self, order: AlarmOrder, done: str) -> None:
        app = desk_of(self)
        self._chosen = order.alarm.key

        def ended(problem: BaseException | None) -> None:
            self._say(done if problem is None else sentence_text(told(problem)))

        app.beside(lambda: app.station.mind(order), ended)

    def _say(self, remark: str) -> None:
        self._remark = remark
        self._draw()


def worst_unseen(snapshot: Snapshot) -> AlarmView | None:
    """What asks most for somebody; None when every alarm is quiet."""
    return next((one for one in ordered(snapshot) if not is_quiet(one)), None)
