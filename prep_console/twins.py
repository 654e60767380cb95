"""ASCII twins of the signs that we write, for terminals that do not have them."""

from __future__ import annotations

import codecs
import io
import unicodedata
from typing import TextIO


def _braille_twin(bits: int) -> str:
    """A cell of a graph by where its dots are: above, below or both."""
    above, below = bits & 0b0001_1011, bits & 0b1110_0100
    return ":" if above and below else "'" if above else "."


TWINS = str.maketrans(
    {
        "✓": "+",
        "▲": "!",
        "✖": "X",
        "●": "*",
        "○": "o",
        "■": "#",
        "▸": ">",
        "◂": "<",
        "→": ">",
        "·": "-",
        "…": "~",
        "─": "-",
        "━": "=",
        "│": "|",
        "┬": "+",
        "├": "+",
        "┤": "+",
        "┼": "+",
        "║": "|",
        "█": "#",
        "▀": '"',
        "▄": "_",
        "▁": ".",
        "▂": ".",
        "▃": ":",
        "▅": "=",
        "▆": "+",
        "▇": "#",
        "±": "~",
        "×": "x",
        "«": '"',
        "»": '"',
        "“": '"',
        "”": '"',
        "↑": "^",
        "↓": "v",
        "╌": "-",
        **dict.fromkeys("–—−", "-"),
        **dict.fromkeys("‘’", "'"),
        "¿": "?",
        "¡": "!",
        "←": "<",
        "°": "o",
        **{chr(0x2800 + bits): _braille_twin(bits) for bits in range(1, 256)},
    }
)
"""Signs and their one-cell twins for terminals without them."""

_ERRORS = "prep-twins"


def write_twins(stream: TextIO) -> None:
    """Let ``stream`` write twins for what its encoding lacks: ISO 8859-1 has no ▲.

    A sign that cannot be shown must not fail what it speaks of.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_ERRORS)


def _instead(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_twin, lacking)), error.end


def _twin(character: str) -> str:
    """One ASCII character: its twin, its letter without marks, or a question mark."""
    twin = unicodedata.normalize("NFKD", character.translate(TWINS))[:1]
    return twin if twin.isascii() else "?"


codecs.register_error(_ERRORS, _instead)
