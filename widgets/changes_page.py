"""What changed between two cuts, as a page: what was rewritten, fell or went stands out."""

from __future__ import annotations

from collections.abc import Sequence

from prep_console.widgets.lines import Line, Span, Tone, line, wrap
from prep_console.wording import N_, say

_SIGN = "▲"


def changes_page(told: Sequence[str] | None, width: int) -> list[Line]:
    """``told`` line by line as the report words it; None while it is read."""
    if told is None:
        return [line(Span(" " + say(N_("The two cuts are being compared…")), "dim"))]
    lines: list[Line] = []
    for text in told:
        indent = " " * (len(text) - len(text.lstrip()) + 1)
        tone: Tone = "warning" if text.lstrip().startswith(_SIGN) else ""
        for part in wrap(text.strip(), width - len(indent) - 1, "  "):
            lines.append(line(indent, Span(part, tone)))
    return lines
