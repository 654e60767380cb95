"""Numbers as institutes write them, and the words that stand where none could be read.

Real files hold ``7,672``, ``'100.0000%``, ``="0042"``, ``Sin dato``, ``-`` and nothing at all.
What is neither a plain number nor one of those words is refused, never guessed: Python alone
would take ``1_000``, ``+5`` or other scripts' digits for numbers.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_COUNT: Final = re.compile(r"\d{1,15}|[1-9]\d{0,2}(?:,\d{3}){1,4}", re.ASCII)
"""Fifteen digits are far more than any country has votes, and fit every program's integers."""

_PERCENT: Final = re.compile(r"(\d{1,6}(?:\.\d{0,10})?)\s*%?", re.ASCII)

_NOTHING: Final = frozenset(
    {"", "-", "--", "sin dato", "sin datos", "ilegible", "sin acta", "n/a", "s/d"}
)
"""What stands in place of a number that the acta does not show, in lower case."""

_REMEMBERED: Final = 20_000


class NotANumber(ValueError):
    """The text is neither a number nor a word that is known to stand for none."""


def unquoted(text: str) -> str:
    """``text`` without the quoting that keeps spreadsheets from eating leading zeros.

    ``'040001B0100`` and ``="230085B0100"`` are the two ways seen.
    """
    text = text.strip()
    if text.startswith('="') and text.endswith('"') and len(text) >= 3:
        return text[2:-1].strip()
    return text[1:].strip() if text.startswith("'") else text


def read_count(text: str) -> int | None:
    """A count of actas or votes; None where the text says that there is none to read.

    Raises NotANumber for everything else, negative numbers and decimals included.
    """
    plain = unquoted(text)
    if _COUNT.fullmatch(plain):
        return int(plain.replace(",", ""))
    if " ".join(plain.lower().split()) in _NOTHING:
        return None
    raise NotANumber(text)


def read_percent(text: str) -> Decimal | None:
    """A percentage, exactly as written; None and NotANumber as :func:`read_count` has them."""
    plain = unquoted(text)
    match = _PERCENT.fullmatch(plain)
    if match:
        return Decimal(match[1])
    if plain.lower() in _NOTHING:
        return None
    raise NotANumber(text)


class Counts(dict[str, int]):
    """Text to number, remembered: ``counts[text]`` is :func:`read_count`, with 0 for None.

    A results file repeats the same few hundred texts millions of times; looking them up is
    faster than ``int`` and as strict as :func:`read_count`.
    """

    def __missing__(self, text: str) -> int:
        number = read_count(text) or 0
        if len(self) < _REMEMBERED and len(text) < 20:
            self[text] = number
        return number
