"""Text as a hostile institute, peer or operator would write it, and what may come out of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from prep_console.values import fields_of

MARK = "[red on blue]"
"""Markup of the screen library: it must be seen as these letters."""
FOREIGN = f"\x1b[2J\x1b]0;pwned\x07{MARK}\u202egnp\u2066\u200b{{0}}%s[/]\x9b31m\r\n\ttail"
"""Clears the screen, sets its title, colours, turns the direction, fills templates in."""
TAKEN = (
    "_",
    "by",
    "error",
    "name",
    "reason",
    "station",
    "text",
    "title",
    "subject",
    "actor",
    "where",
)
"""Fields whose text comes from outside."""
_STEERING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def steering(text: str, *, lines: bool = True) -> list[str]:
    """The characters of ``text`` that a terminal or a reader would not see as a character."""
    return [
        character
        for character in text
        if unicodedata.category(character) in _STEERING and not (lines and character == "\n")
    ]


def hostile(text: str) -> str:
    """A text as it came, with what would steer a terminal behind it."""
    return text + FOREIGN


def poisoned(value: Any, name: str = "", make: Callable[[str], str] = hostile) -> Any:
    """``value`` with what ``make`` makes of every text that comes from outside, however deep."""
    if isinstance(value, msgspec.Struct):
        taken = {k: poisoned(v, k, make) for k, v in fields_of(value).items()}
        return msgspec.structs.replace(value, **taken)
    if isinstance(value, tuple):
        return tuple(poisoned(one, name, make) for one in value)
    if isinstance(value, Mapping):
        inside = "_" if name in {"data", "values", "detail"} else name
        return {k: poisoned(v, inside, make) for k, v in value.items()}
    if isinstance(value, str) and value and any(name.endswith(end) for end in TAKEN):
        return make(value)
    return value
