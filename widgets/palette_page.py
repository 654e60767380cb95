"""The list of everything that can be done, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prep_console.widgets.lines import Line, Span, Tone, cells, ends, fit, holds, line, rule, wrap
from prep_console.wording import N_, say

_WIDEST = 64
"""The keys stay near their names on a wide screen."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command."""

    name: str
    told: str
    """What it does."""
    key: str = ""
    """The key that does the same, if there is one."""
    off: str = ""
    """Why it would do nothing just now."""


def found(entries: Sequence[Entry], wanted: str) -> list[int]:
    """Places of the entries whose name holds every word of ``wanted``, else whose text does."""
    words = wanted.split()
    for texts in ([one.name for one in entries], [f"{one.name} {one.told}" for one in entries]):
        places = [y for y, text in enumerate(texts) if all(holds(text, word) for word in words)]
        if places:
            return places
    return []


def lines(
    entries: Sequence[Entry], shown: Sequence[int], chosen: int, width: int, room: int
) -> list[Line]:
    """``room`` lines: the commands around the chosen one, and below what it does."""
    if not shown:
        return [line(" ", Span(say(N_("No command is called so.")), "warning"))]
    told = _told(entries[shown[chosen]], width)
    rows = max(1, room - len(told))
    first = max(0, min(chosen - rows // 2, len(shown) - rows))
    listed = [
        _row(entries[place], width, here=y == chosen)
        for y, place in enumerate(shown[first : first + rows], start=first)
    ]
    listed += [()] * (rows - len(listed))
    return [*listed, *told[: max(0, room - rows)]]


def _row(entry: Entry, width: int, *, here: bool) -> Line:
    tone: Tone = "dim" if entry.off else ""
    width = min(width, _WIDEST)
    right = line(Span(f"{entry.key} ", "key" if not entry.off else "dim"))
    name = fit(line(f"  {entry.name}"), max(1, width - cells(right) - 1))
    if not here:
        return ends(tuple(Span(part.text, tone) for part in name), right, width)
    marked = ends(line("▸ ", entry.name), right, width)
    return tuple(Span(part.text, "cursor") for part in marked)


def _told(entry: Entry, width: int) -> list[Line]:
    texts = [line(" ", part) for part in wrap(entry.told, width - 2)]
    if entry.off:
        off = say(N_("off just now: {why}"), why=entry.off)
        texts += [line(" ", Span(part, "warning")) for part in wrap(off, width - 2)]
    return [rule("", width), *texts]
