"""Where each setting in force comes from: its line of the file, or its default."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from prep_console.config.model import Settings


@dataclass(frozen=True, slots=True)
class Origin:
    """One setting in force."""

    key: str
    """``table.key``; with its place where tables repeat: ``intake.source[0].kind``."""
    value: Any
    """As JSON has it."""
    line: int | None
    """Of the settings file, from 1; None: the default."""


def origins(settings: Settings, text: str) -> list[Origin]:
    """Every setting in force, in the model's order; ``text`` is the file they were read from."""
    lines = _lines(text)
    return [
        Origin(key, value, lines.get(key)) for key, value in _leaves(msgspec.to_builtins(settings))
    ]


_LIVE = ("console", "contacts")
"""Tables that a console takes anew while it runs."""


def differing(before: Settings, after: Settings) -> tuple[str, ...]:
    """Keys of the settings that are not the same, but for those that are taken anew at once."""
    old, new = (dict(_leaves(msgspec.to_builtins(one))) for one in (before, after))
    keys = dict.fromkeys([*new, *old])
    return tuple(
        key
        for key in keys
        if (key not in old or key not in new or old[key] != new[key])
        and key.partition(".")[0] not in _LIVE
    )


def _lines(text: str) -> dict[str, int]:
    """The line on which each key's entry begins.

    TOML's own parser tells: an entry is whole with the first line up to which the file can be
    read, and began after the line up to which it could be read before.
    """
    found: dict[str, int] = {}
    rows = text.splitlines(keepends=True)
    start = 0
    for end, row in enumerate(rows, start=1):
        if start == end - 1 and (not row.strip() or row.lstrip().startswith("#")):
            start = end
            continue
        try:
            document = tomllib.loads("".join(rows[:end]))
        except tomllib.TOMLDecodeError:
            continue  # inside a value of several lines
        for key, _ in _leaves(document):
            found.setdefault(key, start + 1)
        start = end
    return found


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and (value or not key):
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{key}[{place}]")
    else:
        yield key, value
