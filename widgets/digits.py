"""Large digits and letters for what must be read from afar, at any size that fits."""

from __future__ import annotations

import unicodedata

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
_ROWS = 5
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
    pixels = [
        [pixel == "#" for pixel in row for _ in range(scale)]
        for row in _pixels(text)
        for _ in range(scale)
    ]
    if not halves:
        return ["".join("█" if pixel else " " for pixel in row) for row in pixels]
    if len(pixels) % 2:
        pixels.append([False] * len(pixels[0]))
    return [
        "".join(_HALVES[top, bottom] for top, bottom in zip(upper, lower, strict=True))
        for upper, lower in zip(pixels[::2], pixels[1::2], strict=True)
    ]
