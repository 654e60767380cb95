"""A page of the manual set in lines of a given width, for a terminal or a screen.

The little Markdown that the pages use: a title, sections, paragraphs, numbered steps, and keys or
commands between back-quotes, which are never broken over two lines where they fit into one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

Kind = Literal["", "section", "code"]

WIDEST = 100
"""Longer lines are hard to read, however wide the terminal is."""


class Piece(NamedTuple):
    """Part of a line."""

    text: str
    kind: Kind = ""


Laid = tuple[Piece, ...]


def title(text: str) -> str:
    """The page's title."""
    return text.partition("\n")[0].removeprefix("# ").strip()


def laid_out(text: str, width: int) -> list[Laid]:
    """The page below its title, in lines of ``width`` cells at most."""
    width = min(width, WIDEST) - 1
    lines: list[Laid] = []
    for block in _blocks(text):
        if block.startswith("## "):
            lines.append((Piece(" " + block.removeprefix("## "), "section"),))
            continue
        step = re.match(r"(\d+\.|-) ", block)
        mark = step[0] if step else ""
        indent = " " * (1 + len(mark))
        lines += _set(_words(block.removeprefix(mark)), width, " " + mark, indent)
    return lines


def contacts(known: Mapping[str, str], width: int) -> list[Laid]:
    """Whom to call, below a page: labels in one column, what to dial beside them."""
    width = min(width, WIDEST) - 1
    wide = max(map(len, known), default=0)
    lines: list[Laid] = []
    for label, text in known.items():
        words = ((Piece(word),) for word in text.split())
        first, *rest = _set(words, width - wide - 3, "", "")
        lines.append((Piece(f" {label:<{wide}}", "code"), Piece("  "), *first))
        lines += [(Piece(" " * (wide + 3)), *one) for one in rest]
    return lines


def _blocks(text: str) -> Iterator[str]:
    """Sections, steps and paragraphs, each as one line."""
    current: list[str] = []
    for line in [*text.splitlines()[1:], ""]:
        begins = not line.strip() or re.match(r"## |\d+\. |- ", line)
        if current and (begins or current[0].startswith("## ")):
            yield " ".join(current)
            current = []
        if line.strip():
            current.append(line.strip())


def _words(text: str) -> Iterator[Laid]:
    """Words, each of one or more pieces: ``(`b`),`` is a bracket, a code and the rest."""
    word: list[Piece] = []
    for y, part in enumerate(text.split("`")):
        if y % 2:
            word.append(Piece(_shown(part), "code"))
            continue
        for z, plain in enumerate(part.split(" ")):
            if z and word:
                yield tuple(word)
                word = []
            if plain:
                word.append(Piece(plain))
    if word:
        yield tuple(word)


def _shown(code: str) -> str:
    """A key in brackets, as it stands alone among words; a command as it is typed."""
    return f"[{code}]" if re.fullmatch(r".|[A-Z]\w+", code) else code


def _set(words: Iterator[Laid], width: int, first: str, rest: str) -> list[Laid]:
    lines: list[Laid] = []
    current: list[Piece] = [Piece(first)]
    used = len(first)
    empty = True
    for word in words:
        size = sum(len(piece.text) for piece in word)
        if not empty and used + 1 + size > width:
            lines.append(tuple(current))
            current, used, empty = [Piece(rest)], len(rest), True
        if not empty:
            current.append(Piece(" "))
            used += 1
        current += word
        used, empty = used + size, False
    return [*lines, tuple(current)]
