"""Lines of toned text: what every view draws, before any terminal is known.

A tone names what a text *is* (a warning, a title), never a colour; :mod:`.look` gives each tone
its style, so themes, 16 colours and ``NO_COLOR`` are decided in one place.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from rich.cells import cell_len, set_cell_size

Tone = Literal[
    "",
    "dim",
    "strong",
    "title",
    "note",
    "warning",
    "critical",
    "band-note",
    "band-warning",
    "band-critical",
    "drill",
    "past",
    "cursor",
    "key",
]


class Span(NamedTuple):
    """A piece of a line in one tone."""

    text: str
    tone: Tone = ""


Line = tuple[Span, ...]
BLANK: Line = ()


def line(*parts: str | Span) -> Line:
    """A line from plain strings and spans; empty pieces are left out."""
    spans = [Span(part) if isinstance(part, str) else part for part in parts]
    return tuple([span for span in spans if span[0]])


def _cells(text: str) -> int:
    """Most of the screen is ASCII, which needs no table: this halves the cost of a second."""
    return len(text) if text.isascii() else cell_len(text)


def text_of(spans: Line) -> str:
    """The line's text without its tones."""
    return "".join(span.text for span in spans)


def cells(spans: Line) -> int:
    """Width in terminal cells."""
    return sum([_cells(span[0]) for span in spans])


def clip(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells; what is cut off leaves an ellipsis behind.

    Behind the last word that fits, where there is one: half a word may read as another.
    """
    if _cells(text) <= width:
        return text
    blank = set_cell_size(text, max(0, width - 1)).rfind(" ")
    if blank > width // 2:
        return text[:blank].rstrip() + " …"
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else "…"[:width]


def fit(spans: Line, width: int) -> Line:
    """Exactly ``width`` cells: padded with blanks, or clipped."""
    used = cells(spans)
    if used <= width:
        return (*spans, Span(" " * (width - used))) if used < width else spans
    fitted: list[Span] = []
    left = width
    for span in spans:
        text = clip(span.text, left)
        fitted.append(Span(text, span.tone))
        left -= cell_len(text)
        if text != span.text:
            break
        if left <= 0:
            fitted[-1] = Span(clip(f"{text} ", cell_len(text)), span.tone)
            break
    return fit(tuple(span for span in fitted if span.text), width)


def column(text: str, width: int, tone: Tone = "", *, right: bool = False) -> Span:
    """One cell of a table: clipped or padded to ``width``."""
    text = clip(text, width)
    blanks = " " * (width - _cells(text))
    return Span(blanks + text if right else text + blanks, tone)


def ends(left: Line, right: Line, width: int) -> Line:
    """``left`` at the left edge and ``right`` at the right one; the left gives way."""
    room = max(0, width - cells(right))
    return fit((*fit(left, room), *right), width)


def beside(left: Line, right: Line, left_width: int) -> Line:
    """Two columns of a band: the left one padded to its width."""
    return (*fit(left, left_width), *right)


_UNIT = re.compile(r"(?<=\d) (?=(?:%|ms|s|min|h|d|B|kB|MB|GB|TB|V|Hz)(?:\W|$))")
_GLUE = "\u00a0"


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """Whole words over as many lines as it takes, a figure and its unit on one; nothing is lost.

    A hyphen is part of its word: a command that is broken there cannot be typed.
    """
    glued = _UNIT.sub(_GLUE, text)
    parts = textwrap.wrap(glued, max(8, width), subsequent_indent=indent, break_on_hyphens=False)
    return [part.replace(_GLUE, " ") for part in parts] or [""]


def folded(lines: Iterable[Line], width: int) -> list[Line]:
    """The same lines, those that are too wide continued below at a blank, each tone kept."""
    made: list[Line] = []
    for spans in lines:
        start = BLANK
        while cells(start) + cells(spans) > width > 8:
            head, spans = _parted(spans, width - cells(start))
            made.append((*start, *head))
            start = line("   ")
        made.append((*start, *spans))
    return made


def _parted(spans: Line, width: int) -> tuple[Line, Line]:
    """What of it fits into ``width`` cells, up to the last blank in there, and the rest."""
    text = text_of(spans)
    fits = next(n for n in range(len(text), 0, -1) if _cells(text[:n]) <= width or n == 1)
    blank = text.rfind(" ", 1, fits + 1)
    at = blank if text[:blank].strip() and blank > 0 else fits
    head: list[Span] = []
    rest: list[Span] = []
    for span in spans:
        head.append(Span(span.text[: max(0, at)], span.tone))
        rest.append(Span(span.text[max(0, at) :], span.tone))
        at -= len(span.text)
    while rest and not rest[0].text.strip():
        del rest[0]
    if rest:
        rest[0] = Span(rest[0].text.lstrip(), rest[0].tone)
    return line(*head), line(*rest)


def flow(items: Sequence[Line], width: int, gap: str = "   ") -> list[Line]:
    """Items side by side, on to the next line where the width ends."""
    lines: list[Line] = []
    current: list[Span] = []
    for item in items:
        if current and cells(tuple(current)) + len(gap) + cells(item) > width:
            lines.append(tuple(current))
            current = []
        if current:
            current.append(Span(gap))
        current.extend(item)
    if current:
        lines.append(tuple(current))
    return lines


def rule(title: str, width: int, *, divider: int | None = None) -> Line:
    """A titled line between two panes."""
    head = f"─ {title} " if title else ""
    tail = "─" * max(0, width - cell_len(head))
    return (
        fit(line(Span("─ ", "dim"), Span(title, "title"), Span(" " + tail, "dim")), width)
        if title
        else line(Span(tail, "dim"))
    )


def plain(lines: Iterable[Line]) -> str:
    """All lines as text, for tests and for copying."""
    return "\n".join(text_of(spans).rstrip() for spans in lines)


def holds(text: str, wanted: str) -> bool:
    """Whether ``wanted`` stands in ``text``, whatever its case and accents."""
    return _bare(wanted.strip()) in _bare(text)


def _bare(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
