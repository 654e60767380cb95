"""The guarded dialog: from → to, live while it is open, Cancel focused, a reason, another key.

It covers the whole screen on purpose: a translucent dialog makes the terminal redraw what lies
beneath it at every tick, and someone who decides needs to see the decision, not the rest.
"""

from __future__ import annotations

import re
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input

from prep_console.console.decisions import decide
from prep_console.console.desk import desk_of
from prep_console.console.live_screen import LiveScreen
from prep_console.console.orders import Action, Order
from prep_console.console.telling import sentence_text
from prep_console.problems import Problem, Refused
from prep_console.publication.actions import Expected, Outcome
from prep_console.snapshot import Snapshot
from prep_console.values import replace
from prep_console.widgets.cuts_table import Row
from prep_console.widgets.decision_page import Decision, Progress, Stage, fitted, seen_text
from prep_console.widgets.panel import Panel, look_of
from prep_console.wording import N_, say

MAX_REASON = 200
_BUTTONS = 12
"""Columns around and between the words of two buttons in a row."""
CLOSES_AFTER_S = 20.0
# a dialog that is done goes by itself: what it shows is soon old


class DecisionScreen(LiveScreen):
    """One decision, from the key that opened it to the proof that it came through."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", id="decision.cancel"),
        Binding("s,y", "confirm", id="decision.confirm"),
        Binding("left,right", "app.focus_next", id="decision.other"),
        Binding("up", "scroll(-1)", id="decision.up"),
        Binding("down", "scroll(1)", id="decision.down"),
        *[Binding(str(n), f"reason({n})", id=f"decision.reason{n}") for n in range(1, 10)],
    ]

    CSS = """
    DecisionScreen Input { height: 1; border: none; padding: 0; margin: 0 3; width: 1fr;
        background: ansi_default; color: ansi_default; }
    DecisionScreen #choices { height: 1; margin: 1 1 0 1; }
    DecisionScreen #choices.tight { margin: 0 1; }
    DecisionScreen .tight Button { margin: 0; padding: 0; }
    DecisionScreen Button { height: 1; min-width: 8; border: none; margin: 0 2 0 0; padding: 0 1;
        background: ansi_default; color: ansi_default; text-style: none; }
    DecisionScreen Button:focus { text-style: reverse bold; }
    """
    AUTO_FOCUS = "#cancel"

    def __init__(self, action: Action, chosen: Row | None, snapshot: Snapshot) -> None:
        super().__init__()
        self._action = action
        self._chosen = chosen
        self._snapshot = snapshot
        self._stale_s: float | None = None
        self._decision = decide(action, snapshot, chosen)
        self._expected = _seen_in(snapshot)
        self._progress = Progress(self._first_stage())
        if self._decision.off is not None:
            told = say(N_("Not possible just now: {why}."), why=self._decision.off)
            self._progress = Progress("refused", told=(told,))
        self._awaited: str | None = None
        self._first = 0
        self._below = 0
        """Lines that stand below those that fit, for a small terminal."""

    @property
    def progress(self) -> Progress:
        return self._progress

    def compose(self) -> ComposeResult:
        yield Panel(id="decision")
        yield Input(id="typed", max_length=MAX_REASON, compact=True)
        with Horizontal(id="choices"):
            yield Button(Content(self._shown(say(N_("Cancel")))), id="cancel", compact=True)
            yield Button(Content(""), id="confirm", compact=True)

    def on_mount(self) -> None:
        self._arrange()

    def on_resize(self) -> None:
        self.query_one("#confirm", Button).label = Content(self._confirming())
        self._draw()

    def show(self, snapshot: Snapshot, stale_s: float | None = None) -> None:
        """A newer snapshot. What the person saw no longer holds: the dialog starts over."""
        self._snapshot, self._stale_s = snapshot, stale_s
        if not self.drawable:
            return
        if self._progress.stage in ("hour", "reason", "confirm"):
            now = decide(self._action, snapshot, self._chosen)
            moved = _seen_in(snapshot) != self._expected or _ids(now) != _ids(self._decision)
            moved = moved or now.off is not None
            self._decision = now
            if moved:
                self._start_over()
                return
        elif self._progress.seen is False and self._public_has_it(snapshot):
            told = say(N_("Seen over HTTP meanwhile: visitors get it."))
            self._progress = replace(self._progress, seen=True, told=(self._progress.told[0], told))
        self._draw()

    def _public_has_it(self, snapshot: Snapshot) -> bool:
        served, live = snapshot.served, snapshot.live
        return (
            served is not None
            and served.ok
            and live is not None
            and served.id == live.cut.id == self._awaited
            and served.checked_at >= live.since
        )

    def _first_stage(self) -> Stage:
        if self._decision.typed_hour is not None:
            return "hour"
        return "reason" if self._decision.reasons else "confirm"

    def _start_over(self) -> None:
        self._expected = _seen_in(self._snapshot)
        if self._decision.off is not None:
            told = say(N_("The station changed meanwhile: {why}."), why=self._decision.off)
            self._finish(Progress("refused", told=(told, say(N_("Nothing was done.")))))
            return
        self._go(
            Progress(
                self._first_stage(),
                remark=say(N_("The station changed meanwhile. Look again and start over.")),
            )
        )

    def _shown(self, text: str) -> str:
        return look_of(self.app).shown(text)

    def _go(self, progress: Progress) -> None:
        if progress.stage == "confirm" != self._progress.stage:
            self._look_ahead()
        self._progress = progress
        self._first = 0
        self._arrange()

    def _look_ahead(self) -> None:
        """Only the last key is missing: what it may make live is looked over meanwhile."""
        target = self._decision.after if self._decision.shows_cuts else None
        if target is not None and target != self._decision.before:
            desk, cut = desk_of(self), target.id
            desk.beside(lambda: desk.station.look_ahead(cut), lambda _: None)

    def _arrange(self) -> None:
        """Which of the controls are there at this stage, and what has the focus."""
        stage = self._progress.stage
        typed, cancel = self.query_one(Input), self.query_one("#cancel", Button)
        confirm = self.query_one("#confirm", Button)
        typed.display = stage == "hour"
        confirm.display = stage == "confirm"
        cancel.display = stage != "doing" or bool(self._decision.goes_on)
        confirm.label = Content(self._confirming())
        if stage in ("doing", "done", "refused"):
            cancel.label = Content(self._shown(say(N_("Close"))))
        if stage == "hour":
            typed.placeholder = "HH:MM"
            typed.value = ""
            typed.focus()
        else:
            cancel.focus()
        self._draw()

    def _confirming(self) -> str:
        """What the confirming button says: what it does, where that fits beside the other one."""
        whole = self._shown(say(N_("y  yes, {what}"), what=self._decision.question))
        room = self.app.size.width - len(say(N_("Cancel"))) - _BUTTONS
        return whole if len(whole) <= room else self._shown(say(N_("y  yes")))

    def _draw(self) -> None:
        width, height = self.app.size
        room = height - 1 - self.query_one(Input).display
        drawn = partial(fitted, self._snapshot, self._decision, self._progress, width)
        lines, below = drawn(room - 1, self._first, self._stale_s)
        tight = below is not None
        if tight:
            lines, below = drawn(room, self._first, self._stale_s)
        self._below = below or 0
        self.query_one("#choices").set_class(tight, "tight")
        self.query_one(Panel).show(lines)

    def action_scroll(self, by: int) -> None:
        """Where not all of it fits: what stands below."""
        if by < 0 or self._below:
            self._first = max(0, self._first + by)
            self._draw()

    def action_cancel(self) -> None:
        if self._progress.stage != "doing" or self._decision.goes_on:
            self.dismiss()

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.action_cancel()

    @on(Button.Pressed, "#confirm")
    def _pressed(self) -> None:
        self.action_confirm()

    def action_reason(self, number: int) -> None:
        if self._progress.stage not in ("reason", "confirm") or not self._decision.reasons:
            return
        reasons = self._decision.reasons
        if number <= len(reasons):
            self._go(Progress("confirm", reason=reasons[number - 1]))
        elif number == len(reasons) + 1:
            self._ask_for_reason()

    def _ask_for_reason(self) -> None:
        typed = self.query_one(Input)
        typed.display = True
        typed.placeholder = self._shown(say(N_("the reason, then Enter")))
        typed.value = ""
        typed.focus()
        self._draw()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if self._progress.stage == "hour":
            self._check_hour(text)
        elif text:
            self._go(Progress("confirm", reason=text))

    def _check_hour(self, text: str) -> None:
        if re.sub(r"\D", "", text) == re.sub(r"\D", "", self._decision.typed_hour or "-"):
            self._go(Progress("reason"))
        else:
            self._go(
                Progress(
                    "hour", remark=say(N_("That is not the hour of this cut: {text}"), text=text)
                )
            )

    def action_confirm(self) -> None:
        """Carry it out, if a reason was given; another key than the one that opened this."""
        if self._progress.stage == "reason":
            self._go(Progress("reason", remark=say(N_("First say why: press a number."))))
        if self._progress.stage != "confirm":
            return
        target = self._decision.after if self._decision.shows_cuts else None
        order = Order(
            self._action,
            target.id if target is not None else None,
            self._progress.reason,
            self._expected,
        )
        self._go(replace(self._progress, stage="doing", remark=""))
        desk_of(self).carry_out(order, self._ended)

    def _ended(self, result: Outcome | BaseException) -> None:
        """In the app's thread: what came of it."""
        if isinstance(result, Outcome):
            self._awaited = result.to_cut
            proof = seen_text(
                self._snapshot,
                result.seen,
                result.seen_after_s,
                result.to_cut,
                before=result.from_cut,
            )
            if not self._decision.shows_cuts:
                proof = ""
            told = (sentence_text(str(result.told)), proof)
            self._finish(
                Progress("done", told=told, seen=result.seen, public=result.to_cut, seq=result.seq)
            )
        elif isinstance(result, Problem):
            public = say(N_("What the public sees did not change."))
            if not isinstance(result, Refused):
                public = say(N_("What the public sees stands at the top of the main screen."))
            self._finish(
                Progress(
                    "refused",
                    told=(sentence_text(str(result.what)), public, sentence_text(str(result.todo))),
                )
            )
        else:
            self._finish(
                Progress(
                    "refused",
                    told=(
                        say(N_("It failed: {error}"), error=f"{type(result).__name__}: {result}"),
                        say(N_("What the public sees stands at the top of the main screen.")),
                    ),
                )
            )

    def _finish(self, progress: Progress) -> None:
        if not self.drawable:
            return  # it was left meanwhile
        self._go(progress)
        if progress.stage == "done" and progress.seen is not False:
            self.set_timer(CLOSES_AFTER_S, self._close)

    def _close(self) -> None:
        if self.is_current:
            self.dismiss()


def _seen_in(snapshot: Snapshot) -> Expected:
    live = snapshot.live.cut.id if snapshot.live is not None else None
    return Expected(snapshot.mode, live, snapshot.seq)


def _ids(decision: Decision) -> tuple[str | None, str | None]:
    before, after = decision.before, decision.after
    return (before.id if before else None, after.id if after else None)
