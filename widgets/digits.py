"""Large digits and letters for what must be read from afar, at any size that fits."""

from __future__ import annotations

import unicodedata
from functools import cache

from rich.cells import cell_len

_GLYPHS = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": (" # ", "## ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", "###", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", "  #", "  #", "  #"),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    "-": ("   ", "   ", "###", "   ", "   "),
    "?": ("###", "  #", " ##", "   ", " # "),
    ":": ("   ", " # ", "   ", " # ", "   "),
    " ": ("  ", "  ", "  ", "  ", "  "),
    "A": (" # ", "# #", "###", "# #", "# #"),
    "B": ("## ", "# #", "## ", "# #", "## "),
    "C": ("###", "#  ", "#  ", "#  ", "###"),
    "D": ("## ", "# #", "# #", "# #", "## "),
    "E": ("###", "#  ", "## ", "#  ", "###"),
    "F": ("###", "#  ", "## ", "#  ", "#  "),
    "G": ("###", "#  ", "# #", "# #", "###"),
    "H": ("# #", "# #", "###", "# #", "# #"),
    "I": ("#", "#", "#", "#", "#"),
    "J": ("  #", "  #", "  #", "# #", "###"),
    "K": ("# #", "# #", "## ", "# #", "# #"),
    "L": ("#  ", "#  ", "#  ", "#  ", "###"),
    "M": ("#   #", "## ##", "# # #", "#   #", "#   #"),
    "N": ("#  #", "## #", "# ##", "#  #", "#  #"),
    "O": ("###", "# #", "# #", "# #", "###"),
    "P": ("###", "# #", "###", "#  ", "#  "),
    "Q": ("###", "# #", "# #", "###", "  #"),
    "R": ("## ", "# #", "## ", "# #", "# #"),
    "S": ("###", "#  ", "###", "  #", "###"),
    "T": ("###", " # ", " # ", " # ", " # "),
    "U": ("# #", "# #", "# #", "# #", "###"),
    "V": ("# #", "# #", "# #", "# #", " # "),
    "W": ("#   #", "#   #", "# # #", "## ##", "#   #"),
    "X": ("# #", "# #", " # ", "# #", "# #"),
    "Y": ("# #", "# #", " # ", " # ", " # "),
    "Z": ("###", "  #", " # ", "#  ", "###"),
}
_SIGNS = {
    **dict.fromkeys(" \u00a0", ("   ", "   ", "   ", "   ", "   ")),
    "M": ("# #", "###", "###", "# #", "# #"),
    "N": ("## ", "# #", "# #", "# #", "# #"),
    "W": ("# #", "# #", "###", "###", "# #"),
    "I": ("###", " # ", " # ", " # ", "###"),
    ".": ("   ", "   ", "   ", "   ", " # "),
    ",": ("   ", "   ", "   ", " # ", "#  "),
    ";": ("   ", " # ", "   ", " # ", "#  "),
    "!": (" # ", " # ", " # ", "   ", " # "),
    "¡": (" # ", "   ", " # ", " # ", " # "),
    "¿": (" # ", "   ", "## ", "#  ", "###"),
    "/": ("  #", "  #", " # ", "#  ", "#  "),
    "%": ("# #", "  #", " # ", "#  ", "# #"),
    "+": ("   ", " # ", "###", " # ", "   "),
    "=": ("   ", "###", "   ", "###", "   "),
    "_": ("   ", "   ", "   ", "   ", "###"),
    "(": (" # ", "#  ", "#  ", "#  ", " # "),
    ")": (" # ", "  #", "  #", "  #", " # "),
    "<": ("  #", " # ", "#  ", " # ", "  #"),
    ">": ("#  ", " # ", "  #", " # ", "#  "),
    "*": ("   ", "# #", " # ", "# #", "   "),
    **dict.fromkeys("'’‘", (" # ", " # ", "   ", "   ", "   ")),
    **dict.fromkeys('"“”«»', ("# #", "# #", "   ", "   ", "   ")),
    "·": ("   ", "   ", " # ", "   ", "   "),
    "…": ("   ", "   ", "   ", "   ", "# #"),
    "→": (" # ", "  #", "###", "  #", " # "),
    "±": (" # ", "###", " # ", "   ", "###"),
    "✓": ("  #", "  #", "# #", "## ", " # "),
    "▲": (" # ", " # ", "###", "###", "###"),
    **dict.fromkeys("✖×", ("# #", "# #", " # ", "# #", "# #")),
    "●": (" # ", "###", "###", "###", " # "),
    "○": (" # ", "# #", "# #", "# #", " # "),
    "■": ("   ", "###", "###", "###", "   "),
    "▸": ("#  ", "## ", "###", "## ", "#  "),
    "°": ("## ", "## ", "   ", "   ", "   "),
    **dict.fromkeys("–─╌", ("   ", "   ", "###", "   ", "   ")),
    **dict.fromkeys("║│", (" # ", " # ", " # ", " # ", " # ")),
    **{
        bar: ("   ",) * (5 - high) + ("###",) * high
        for bar, high in zip("▁▂▃▅▆▇█", (1, 1, 2, 3, 4, 4, 5), strict=True)
    },
}
"""For text in large letters: each three pixels wide, so that columns stay columns."""
_ROWS = 5
_CELL = 4
"""Pixels of a letter in text and the gap behind it."""
_LINE = 6
"""Pixels of a line of text and the gap below it."""
_HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def _pixels(text: str) -> list[str]:
    letters = unicodedata.normalize("NFKD", text.upper())
    glyphs = [
        _GLYPHS.get(letter, _GLYPHS["?"]) for letter in letters if not unicodedata.combining(letter)
    ]
    return [" ".join(glyph[row] for glyph in glyphs) for row in range(_ROWS)]


def largest(text: str, width: int, height: int, *, halves: bool = True) -> int:
    """The scale whose digits fit ``width`` × ``height`` cells; 0 when none does."""
    scale = 0
    while columns(text, scale + 1) <= width and rows(scale + 1, halves=halves) <= height:
        scale += 1
    return scale


def columns(text: str, scale: int) -> int:
    """Width in cells at a scale."""
    return len(_pixels(text)[0]) * scale


def rows(scale: int, *, halves: bool = True) -> int:
    """Height in cells at a scale."""
    return -(-_ROWS * scale // 2) if halves else _ROWS * scale


def big(text: str, scale: int, *, halves: bool = True) -> list[str]:
    """``02:35`` as rows of blocks, letters as capitals without accents.

    At each scale a pixel is ``scale`` cells wide.

    With ``halves`` a pixel is half as many cells high as it is wide, which is square on a
    screen; without (a terminal that has no half blocks) it is as high as it is wide.
    """
    return _drawn(_pixels(text), scale, halves=halves)


def unit(scale: int, *, halves: bool = True) -> tuple[int, int]:
    """Columns and rows that one letter of text takes at a scale; 0 is the terminal's own."""
    if scale == 0:
        return 1, 1
    return _CELL * scale, _LINE * scale // 2 if halves else _LINE * scale


def enlarged(text: str, scale: int, *, halves: bool = True) -> list[str]:
    """A line of text in large letters, capitals without accents: ``unit`` cells for each of its
    own, so that what was aligned stays so."""
    if scale == 0:
        return [text]
    glyphs = []
    for letter in unicodedata.normalize("NFKC", text):
        wide = cell_len(letter)
        if wide:
            glyphs.append(_letter(letter))
            glyphs += [_SIGNS[" "]] * (wide - 1)
    pixels = ["".join(glyph[row] + " " for glyph in glyphs) for row in range(_ROWS)]
    pixels += [" " * (_CELL * len(glyphs))] * (_LINE - _ROWS)
    return _drawn(pixels, scale, halves=halves)


@cache
def _letter(letter: str) -> tuple[str, ...]:
    for one in (letter, letter.upper(), *unicodedata.normalize("NFKD", letter.upper())):
        found = _SIGNS.get(one) or _GLYPHS.get(one)
        if found:
            return found
    return _GLYPHS["?"]


def _drawn(shape: list[str], scale: int, *, halves: bool) -> list[str]:
    pixels = [
        [pixel == "#" for pixel in row for _ in range(scale)] for row in shape for _ in range(scale)
    ]
    if not halves:
        return ["".join("█" if pixel else " " for pixel in row) for row in pixels]
    if len(pixels) % 2:
        pixels.append([False] * len(pixels[0]))
    return [
        "".join(_HALVES[top, bottom] for top, bottom in zip(upper, lower, strict=True))
        for upper, lower in zip(pixels[::2], pixels[1::2], strict=True)
    ]
