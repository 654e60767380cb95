"""A terminal's cells as SVG: what ``tmux capture-pane -e`` printed, drawn on a fixed grid.

No font is linked or embedded: the file names a family that every system maps to its own
monospace one, and each run of text is stretched to its cells. Blocks and lines are drawn as
shapes, so that digits have no seams whatever the font.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from prep_console.values import replace

CELL = 9.0
ROW = 19.0
_BASELINE = 14.2
_MARGIN = 10.0
_FAMILY = "DejaVu Sans Mono, Menlo, Consolas, monospace"
FOREGROUND = "#d7dadd"
BACKGROUND = "#14171a"
_ANSI = (
    "#2a2e33", "#c0392b", "#4caf72", "#e3b341", "#5b9bd5", "#b565c9", "#4fb3bf", "#d7dadd",
    "#6b7278", "#ff6b5e", "#7bd88f", "#ffd866", "#82b8ec", "#d69be6", "#7fd8e0", "#ffffff",
)  # fmt: skip
_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_LINES = {"─": "lr", "│": "tb", "┬": "lrb", "┼": "lrtb", "├": "rtb", "┤": "ltb"}
_BLOCKS = {"█": (0.0, 1.0), "▀": (0.0, 0.5), "▄": (0.5, 1.0)}
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Braille bits by row and column: drawn as dots, so that a curve is one whatever the font."""


@dataclass(frozen=True, slots=True)
class Pen:
    """How a cell is drawn."""

    colour: str | None = None
    ground: str | None = None
    bold: bool = False
    reverse: bool = False

    @property
    def ink(self) -> str:
        return (self.ground or BACKGROUND) if self.reverse else (self.colour or FOREGROUND)

    @property
    def paper(self) -> str:
        return (self.colour or FOREGROUND) if self.reverse else (self.ground or BACKGROUND)


Cell = tuple[str, Pen]


def cells(captured: str, size: tuple[int, int]) -> list[list[Cell]]:
    """Rows of cells from text with SGR sequences, filled up with blanks to the terminal's size."""
    width, height = size
    rows: list[list[Cell]] = []
    pen = Pen()
    for line in captured.rstrip("\n").split("\n"):
        row: list[Cell] = []
        at = 0
        for sequence in _SGR.finditer(line):
            row += [(character, pen) for character in line[at : sequence.start()]]
            pen = _applied(pen, sequence[1])
            at = sequence.end()
        row += [(character, pen) for character in line[at:]]
        wide = [c for c, _ in row if unicodedata.east_asian_width(c) in "WF"]
        rows.append(row + [(" ", Pen())] * (width - len(row) - len(wide)))
    return rows + [[(" ", Pen())] * width] * (height - len(rows))


def _applied(pen: Pen, codes: str) -> Pen:
    numbers = [int(code or 0) for code in codes.split(";")]
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            pen = Pen()
        elif code in (1, 22):
            pen = replace(pen, bold=code == 1)
        elif code in (7, 27):
            pen = replace(pen, reverse=code == 7)
        elif code in (38, 48):
            colour = _of_256(numbers[1])
            del numbers[:2]
            pen = replace(pen, colour=colour) if code == 38 else replace(pen, ground=colour)
        elif code in (39, 49):
            pen = replace(pen, colour=None) if code == 39 else replace(pen, ground=None)
        elif code // 10 in (3, 9):
            pen = replace(pen, colour=_ANSI[code % 10 + 8 * (code >= 90)])
        elif code // 10 in (4, 10):
            pen = replace(pen, ground=_ANSI[code % 10 + 8 * (code >= 100)])
    return pen


def _of_256(number: int) -> str:
    if number < 16:
        return _ANSI[number]
    if number >= 232:
        return "#" + f"{8 + 10 * (number - 232):02x}" * 3
    levels = (0, 95, 135, 175, 215, 255)
    red, green, blue = (number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6
    return f"#{levels[red]:02x}{levels[green]:02x}{levels[blue]:02x}"


def svg(captured: str, size: tuple[int, int], title: str) -> str:
    """The whole picture."""
    rows = cells(captured, size)
    across = size[0] * CELL + 2 * _MARGIN
    down = len(rows) * ROW + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across:g} {down:g}"'
        f' width="{across:g}" height="{down:g}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        f'<g transform="translate({_MARGIN:g} {_MARGIN:g})" font-family="{_FAMILY}"'
        ' font-size="14.9" xml:space="preserve">',
    ]
    for y, row in enumerate(rows):
        parts += _papers(row, y)
        parts += _inks(row, y)
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _runs(row: list[Cell]) -> Iterator[tuple[int, str, Pen]]:
    """Neighbouring cells drawn alike: (column, text, pen)."""
    start, text, pen = 0, "", Pen()
    for x, (character, own) in enumerate(row):
        if own != pen:
            if text:
                yield start, text, pen
            start, text, pen = x, "", own
        text += character
    if text:
        yield start, text, pen


def _papers(row: list[Cell], y: int) -> Iterator[str]:
    for x, text, pen in _runs(row):
        if pen.paper != BACKGROUND:
            yield _rect(x * CELL, y * ROW, len(text) * CELL, ROW, pen.paper)


def _inks(row: list[Cell], y: int) -> Iterator[str]:
    for start, text, pen in _runs(row):
        for shape in re.finditer(r"[█▀▄]+|[─│┬┼├┤\u2801-\u28ff]", text):
            yield from _shape(start + shape.start(), y, shape[0], pen)
        for word in re.finditer(
            r"[^ █▀▄─│┬┼├┤\u2801-\u28ff]+(?: [^ █▀▄─│┬┼├┤\u2801-\u28ff]+)*", text
        ):
            x = (start + word.start()) * CELL
            weight = ' font-weight="bold"' if pen.bold else ""
            yield (
                f'<text x="{x:g}" y="{y * ROW + _BASELINE:g}" fill="{pen.ink}"{weight}'
                f' textLength="{len(word[0]) * CELL:g}">{escape(word[0])}</text>'
            )


def _shape(x: int, y: int, text: str, pen: Pen) -> Iterator[str]:
    for n, character in enumerate(text):
        left, top = (x + n) * CELL, y * ROW
        if character in _BLOCKS:
            above, below = _BLOCKS[character]
            yield _rect(left, top + above * ROW, CELL + 0.3, (below - above) * ROW + 0.3, pen.ink)
            continue
        if character >= "\u2800":
            yield from _braille(left, top, ord(character) - 0x2800, pen)
            continue
        ends = _LINES[character]
        middle, centre = top + ROW / 2, left + CELL / 2
        if "l" in ends or "r" in ends:
            start = left if "l" in ends else centre
            across = CELL if {"l", "r"} <= set(ends) else CELL / 2
            yield _rect(start, middle - 0.5, across, 1, pen.ink)
        if "b" in ends:
            yield _rect(
                centre - 0.5,
                middle if "t" not in ends else top,
                1,
                ROW if "t" in ends else ROW / 2,
                pen.ink,
            )


def _braille(left: float, top: float, bits: int, pen: Pen) -> Iterator[str]:
    wide, high = CELL / 2, ROW / 4
    for y, row in enumerate(_DOTS):
        for x, bit in enumerate(row):
            if bits & bit:
                yield _rect(left + x * wide, top + y * high, wide + 0.3, high + 0.3, pen.ink)


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}"'
        ' shape-rendering="crispEdges"/>'
    )
