"""What changed between two cuts, as a page: what was rewritten, fell or went stands out."""

from __future__ import annotations

from collections.abc import Sequence

from prep_console.snapshot import Snapshot
from prep_console.widgets.cuts_table import state_of
from prep_console.widgets.figures import local
from prep_console.widgets.lines import Line, Span, Tone, column, fit, line, wrap
from prep_console.wording import N_, say, visible

_SIGN = "▲"


def pair(snapshot: Snapshot, before: str, after: str, width: int) -> list[Line]:
    """Which two cuts are compared, each with its hour and state."""
    return [
        _side(snapshot, say(N_("before")), before, width),
        _side(snapshot, say(N_("after")), after, width),
        (),
    ]


def _side(snapshot: Snapshot, label: str, cut: str, width: int) -> Line:
    head = line(" ", column(label, 9, "dim"))
    view = next((one for one in snapshot.cuts if one.id == cut), None)
    if view is None:
        gone = say(N_("This cut is no longer stored."))
        return fit(line(*head, f"{visible(cut)}  ", Span(gone, "warning")), width)
    sign, state, tone = state_of(snapshot, view)
    time = local(snapshot, view.stamp).strftime("%H:%M")
    return fit(
        line(*head, Span(time, "strong"), f"  {visible(cut)}  ", Span(f"{sign} {state}", tone)),
        width,
    )


def changes_page(told: Sequence[str] | None, width: int) -> list[Line]:
    """``told`` line by line as the report words it; None while it is read."""
    if told is None:
        return [line(Span(" " + say(N_("The two cuts are being compared…")), "dim"))]
    lines: list[Line] = []
    for text in map(visible, told):
        indent = " " * (len(text) - len(text.lstrip()) + 1)
        tone: Tone = "warning" if text.lstrip().startswith(_SIGN) else ""
        for part in wrap(text.strip(), width - len(indent) - 1, "  "):
            lines.append(line(indent, Span(part, tone)))
    return lines
