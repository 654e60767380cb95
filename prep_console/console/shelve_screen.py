"""Putting an alarm aside for a while: how long, why, and Cancel in focus."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Input

from prep_console.console import wording_of
from prep_console.console.orders import AlarmOrder
from prep_console.snapshot import AlarmView, Snapshot
from prep_console.widgets.page_frame import head
from prep_console.widgets.panel import Panel, look_of
from prep_console.widgets.shelve_page import MINUTES, Shelving, page, reasons
from prep_console.wording import N_, say

MAX_REASON = 200


class ShelveScreen(Screen[AlarmOrder | None]):
    """Dismissed with the order, or with None when nothing is to be done.

    It is not live: what it shows is the alarm that was chosen, and the record is asked again when
    the order is carried out.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", id="shelve.cancel"),
        Binding("s,y", "confirm", id="shelve.confirm"),
        Binding("left,right", "app.focus_next", id="shelve.other"),
        *[Binding(str(n), f"number({n})", id=f"shelve.number{n}") for n in range(1, 10)],
    ]

    CSS = """
    ShelveScreen { background: ansi_default; }
    ShelveScreen Input { height: 1; border: none; padding: 0; margin: 0 3; width: 1fr;
        background: ansi_default; color: ansi_default; }
    ShelveScreen #choices { height: 1; margin: 1 1 0 1; }
    ShelveScreen Button { height: 1; min-width: 8; border: none; margin: 0 2 0 0; padding: 0 1;
        background: ansi_default; color: ansi_default; text-style: none; }
    ShelveScreen Button:focus { text-style: reverse bold; }
    """
    AUTO_FOCUS = "#cancel"

    def __init__(self, alarm: AlarmView, snapshot: Snapshot) -> None:
        super().__init__()
        self._alarm = alarm
        self._snapshot = snapshot
        self._shelving = Shelving()

    def compose(self) -> ComposeResult:
        yield Panel(id="shelve")
        yield Input(id="typed", max_length=MAX_REASON, compact=True)
        with Horizontal(id="choices"):
            yield Button(Content(self._shown(say(N_("Cancel")))), id="cancel", compact=True)
            yield Button(Content(""), id="confirm", compact=True)

    def on_mount(self) -> None:
        self._go(self._shelving)

    def on_resize(self) -> None:
        self._draw()

    def _shown(self, text: str) -> str:
        return look_of(self.app).shown(text)

    def _go(self, shelving: Shelving) -> None:
        self._shelving = shelving
        typed, confirm = self.query_one(Input), self.query_one("#confirm", Button)
        typed.display = shelving.typing
        confirm.display = shelving.complete
        confirm.label = Content(self._shown(say(N_("y  yes, {what}"), what=say(N_("shelve it")))))
        if shelving.typing:
            typed.placeholder = self._shown(say(N_("the reason, then Enter")))
            typed.focus()
        else:
            self.query_one("#cancel", Button).focus()
        self._draw()

    def _draw(self) -> None:
        width = self.app.size.width
        says = wording_of.alarm(self._alarm)
        self.query_one(Panel).show(
            [
                *head(self._snapshot, say(N_("SHELVE AN ALARM")), width),
                *page(self._alarm, says, self._shelving, width),
            ]
        )

    def action_number(self, number: int) -> None:
        """First the minutes, then the reason."""
        now = self._shelving
        if now.minutes is None:
            if number <= len(MINUTES):
                self._go(Shelving(MINUTES[number - 1]))
        elif number <= len(reasons()):
            self._go(Shelving(now.minutes, reasons()[number - 1]))
        elif number == len(reasons()) + 1:
            self._go(Shelving(now.minutes, typing=True))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        reason = event.value.strip()
        if reason:
            self._go(Shelving(self._shelving.minutes, reason))

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.action_cancel()

    @on(Button.Pressed, "#confirm")
    def _pressed(self) -> None:
        self.action_confirm()

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_confirm(self) -> None:
        """Only with minutes and a reason: the key that opened this, held down, does nothing."""
        now = self._shelving
        if now.complete and now.minutes is not None:
            self.dismiss(AlarmOrder("shelve", self._alarm, now.minutes, now.reason))
