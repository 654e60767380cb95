"""The cuts of the night, newest first, with what was refused in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from prep_console.snapshot import CutView, RefusedView, Snapshot
from prep_console.widgets.figures import cut_hour, hour, second, size, span
from prep_console.widgets.lines import Line, Span, Tone, column, fit, holds, line, plain
from prep_console.wording import N_, say, say_n, visible

Row = CutView | RefusedView
Explain = Callable[[RefusedView], str]

Order = Literal["newest", "oldest", "actas", "size", "warnings"]
ORDERS: dict[Order, str] = {
    "newest": N_("newest first"),
    "oldest": N_("oldest first"),
    "actas": N_("most actas first"),
    "size": N_("largest first"),
    "warnings": N_("most warnings first"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows of the table are wanted, and in which order."""

    wanted: str = ""
    order: Order = "newest"

    def told(self) -> str:
        """What is not as usual, for the table's rule; '' when all is."""
        parts = []
        if self.wanted.strip():
            parts.append(say(N_("only “{text}”"), text=visible(self.wanted)))
        if self.order != "newest":
            parts.append(say(ORDERS[self.order]))
        return " · ".join(parts)


EVERYTHING = Choice()
CLOCKS_FROM = 104
"""From this width on the table shows when each cut came, and how soon it was served."""

_STATES = {
    "live": ("●", N_("public")),
    "previous": ("○", N_("previous")),
    "kept": (" ", N_("kept")),
    "withdrawn": ("×", N_("withdrawn")),
    "final": ("■", N_("final")),
}


def rows(snapshot: Snapshot) -> tuple[Row, ...]:
    """Cuts in their own order; each refused delivery stands where its arrival falls."""
    refused = sorted(snapshot.refused, key=lambda one: one.at, reverse=True)
    merged: list[Row] = []
    for cut in snapshot.cuts:
        while refused and refused[0].at > cut.received_at:
            merged.append(refused.pop(0))
        merged.append(cut)
    return (*merged, *refused)


def chosen_rows(snapshot: Snapshot, choice: Choice, explain: Explain) -> tuple[Row, ...]:
    """The rows that :class:`Choice` leaves. What can be seen of a row can be searched for."""
    kept = rows(snapshot)
    if choice.wanted.strip():
        kept = tuple(row for row in kept if holds(_text(snapshot, row, explain), choice.wanted))
    match choice.order:
        case "newest":
            return kept
        case "oldest":
            return kept[::-1]
    return tuple(sorted(kept, key=lambda row: _measure(row, choice.order), reverse=True))


def _text(snapshot: Snapshot, row: Row, explain: Explain) -> str:
    spans = (
        _cut(snapshot, row, 200)
        if isinstance(row, CutView)
        else _refused(snapshot, row, 400, explain)
    )
    return f"{visible(row.id)} {plain([spans])}"


def _measure(row: Row, order: Order) -> int:
    """Refused deliveries have no measure and stand last."""
    if not isinstance(row, CutView):
        return -2
    if order == "actas":
        return -1 if row.counted is None else row.counted
    return row.bytes if order == "size" else row.warnings


def key_of(row: Row) -> str:
    """Names a row for good, however many come above it."""
    return f"cut {row.id}" if isinstance(row, CutView) else f"refused {row.id}"


def state_of(snapshot: Snapshot, cut: CutView) -> tuple[str, str, Tone]:
    """Sign, word and tone of a cut's state."""
    if cut.waits_for_person and cut.state != "withdrawn":
        return "▲", say(N_("you decide")), "warning"
    if cut.state == "kept" and newer_than_live(snapshot, cut):
        return "▲", say(N_("waits")), "warning"
    sign, text = _STATES[cut.state]
    tone: Tone = "strong" if cut.state in ("live", "final") else ""
    if cut.state == "withdrawn":
        tone = "dim"
    return sign, say(text), tone


def newer_than_live(snapshot: Snapshot, cut: CutView) -> bool:
    """By the snapshot's own order, which is not the stamps' after marks were set back."""
    if snapshot.live is None:
        return True
    live = snapshot.live.cut.id
    return cut.id in takewhile(live.__ne__, (one.id for one in snapshot.cuts))


def table(
    snapshot: Snapshot,
    width: int,
    height: int,
    *,
    cursor: str | None,
    explain: Explain,
    choice: Choice = EVERYTHING,
) -> list[Line]:
    """``height`` rows around the cursor (a row's :func:`key_of`).

    None: from the newest on, or from as far down as brings the public one and the one before it
    into view: after several rollbacks only withdrawn ones would be.
    """
    everything = chosen_rows(snapshot, choice, explain)
    if not everything and choice.wanted:
        return [line(Span("  " + say(N_("No cut holds that.")), "warning"))]
    if not everything:
        return [line(Span("  " + say(N_("No cut has arrived yet.")), "dim"))]
    at = place(everything, cursor)
    wanted = at - height // 2 if cursor is not None else _public(snapshot, everything) + 2 - height
    first = max(0, min(wanted, len(everything) - height))
    shown = everything[first : first + height]
    return [
        _row(snapshot, row, width, explain, chosen=first + y == at and cursor is not None)
        for y, row in enumerate(shown)
    ]


def _public(snapshot: Snapshot, everything: Sequence[Row]) -> int:
    live = snapshot.live.cut.id if snapshot.live is not None else None
    public = (i for i, row in enumerate(everything) if isinstance(row, CutView) and row.id == live)
    return next(public, 0)


def place(everything: Sequence[Row], cursor: str | None) -> int:
    """Index of the cursor's row; the newest when it is gone."""
    if cursor is None:
        return 0
    return next((i for i, row in enumerate(everything) if key_of(row) == cursor), 0)


def _row(snapshot: Snapshot, row: Row, width: int, explain: Explain, *, chosen: bool) -> Line:
    spans = (
        _cut(snapshot, row, width)
        if isinstance(row, CutView)
        else _refused(snapshot, row, width, explain)
    )
    mark = "▸" if chosen else " "
    if not chosen:
        return fit(line(mark, *spans), width)
    return fit(line(Span(mark, "cursor"), *(Span(s.text, "cursor") for s in spans)), width)


def _cut(snapshot: Snapshot, cut: CutView, width: int) -> Line:
    sign, state, tone = state_of(snapshot, cut)
    actas = f"{cut.counted:,}" if cut.counted is not None else "?"
    delta = f"{cut.counted_delta:+,}" if cut.counted_delta is not None else ""
    fell = cut.counted_delta is not None and cut.counted_delta < 0
    return fit(
        line(
            Span(f"{sign} ", tone),
            Span(cut_hour(snapshot, cut.stamp), tone),
            "  ",
            column(state, 11, tone),
            column(actas, 7, tone, right=True),
            column(" " + say_n("acta", "actas", cut.counted or 0), 6, "dim"),
            column(delta, 8, "warning" if fell else tone, right=True),
            column(size(cut.bytes), 9, "dim", right=True),
            *(_clocks(snapshot, cut) if width >= CLOCKS_FROM else ()),
            *_remarks(snapshot, cut),
        ),
        width - 1,
    )


def _clocks(snapshot: Snapshot, cut: CutView) -> Line:
    """When it came, and how long it then took until it was seen from outside."""
    took = ""
    if cut.served_at is not None:
        later = (cut.served_at - cut.received_at).total_seconds()
        took = say(N_("served {age} later"), age=span(later)) if later >= 0 else ""
    return line(
        Span("  " + say(N_("arrived")) + " ", "dim"),
        Span(second(snapshot, cut.received_at), "dim"),
        column(f"  {took}", 30, "dim"),
    )


def _remarks(snapshot: Snapshot, cut: CutView) -> Line:
    spans: list[str | Span] = []
    if cut.warnings:
        spans.append(Span(f"  ▲{cut.warnings}", "warning"))
    if cut.revision_of == "completed":
        spans.append(Span("  " + say(N_("completed")), "dim"))
    elif cut.revision_of == "again":
        spans.append(Span("  " + say(N_("again")), "dim"))
    elif cut.revision_of == "corrected":
        spans.append(Span("  " + say(N_("corrected")), "warning"))
    for part in cut.parts:
        if part.carried:
            carried = say(
                N_("{election} of {time}"),
                election=part.election,
                time=cut_hour(snapshot, part.stamp),
            )
            spans.append(Span("  ▲ " + carried, "warning"))
    return line(*spans)


def _refused(snapshot: Snapshot, row: RefusedView, width: int, explain: Explain) -> Line:
    return fit(
        line(
            Span("✖ ", "warning"),
            Span(hour(snapshot, row.at)),
            "  ",
            column(say(N_("refused")), 11, "warning"),
            Span(visible(explain(row)), "dim"),
        ),
        width - 1,
    )
