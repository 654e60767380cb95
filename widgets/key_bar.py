"""The keys at the foot of the screen: those that do something now, the most needed first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from prep_console.widgets.lines import Line, Span, cells, line


class Hint(NamedTuple):
    """A key and its short word."""

    key: str
    label: str
    on: bool = True
    """False: it would do nothing now; it is shown dimmed, and help says why."""


def bar(hints: Sequence[Hint], width: int) -> Line:
    """As many hints as fit whole; the last two (help, quit) are always kept."""
    shown = [_hint(hint) for hint in hints]
    gap = 2
    while len(shown) > 2 and _width(shown, gap) > width:
        del shown[-3]
    spans: list[str | Span] = [" " if _width(shown, gap) < width else ""]
    for y, one in enumerate(shown):
        spans += [" " * gap if y else "", *one]
    return line(*spans)


def _width(shown: list[Line], gap: int) -> int:
    return sum(cells(one) for one in shown) + gap * (len(shown) - 1)


def _hint(hint: Hint) -> Line:
    if not hint.on:
        return line(Span(f"{hint.key} {hint.label}", "dim"))
    return line(Span(hint.key, "key"), f" {hint.label}")
