"""What changed from one cut to another: actas, the header's figures, columns.

Between two good cuts actas only come in; one whose figures changed without being new, or that
is gone, is for a person to know of. So is a figure that fell: of 98 real successive cuts none
had fewer actas captured or counted than the one before.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping
from functools import lru_cache
from typing import BinaryIO

import msgspec

from prep_console.cuts.actas import Layout, Row
from prep_console.cuts.model import Figures, Results
from prep_console.cuts.numbers import NotANumber, read_count, unquoted
from prep_console.cuts.results import read_results
from prep_console.values import field_names

_UNREAD = -1
_LONGEST_COUNT = 40


class Figured(msgspec.Struct, frozen=True):
    """One acta in one cut, as much as it takes to tell whether it changed."""

    total: int | None
    """Its votes together; None while it has none that could be read."""
    digest: bytes
    """Of its votes by party and of CONTABILIZADA, whatever the order of the columns."""


class Side(msgspec.Struct, frozen=True):
    """One election's results in one cut."""

    results: Results
    columns: tuple[str, ...]
    actas: Mapping[str, Figured]
    """By key; out-of-catalogue actas have none and are not here."""


class ChangedActa(msgspec.Struct, frozen=True):
    key: str
    before: int | None
    after: int | None
    """Votes together; equal when votes only moved from one party to another."""


class ChangedFigure(msgspec.Struct, frozen=True):
    name: str
    """Field of Figures."""
    before: float | None
    after: float | None

    @property
    def fell(self) -> bool:
        return self.before is not None and self.after is not None and self.after < self.before


class Differences(msgspec.Struct, frozen=True):
    """From the old cut to the new one, of one election; keys in the new file's order."""

    added: tuple[str, ...]
    """Actas that have votes now and had none, or were not there."""
    changed: tuple[ChangedActa, ...]
    """Actas that had votes before, and have others now."""
    gone: tuple[str, ...]
    """Actas that had votes and are no longer there, or have none now."""
    figures: tuple[ChangedFigure, ...]
    columns_added: tuple[str, ...]
    columns_gone: tuple[str, ...]

    @property
    def fell(self) -> tuple[ChangedFigure, ...]:
        """The header's figures that are lower than before. Turnout may fall a little."""
        return tuple(figure for figure in self.figures if figure.fell)


def read_side(stream: BinaryIO, where: str) -> Side:
    """Read one results CSV for comparing. Raises Unreadable as :func:`read_results` does."""
    actas: dict[str, Figured] = {}
    columns: list[str] = []
    order: list[int] = []

    def keep(layout: Layout, row: Row) -> None:
        if not columns:
            columns.extend(layout.columns)
            order.extend(sorted(layout.votes, key=layout.columns.__getitem__))
        key = "-" if layout.key is None else unquoted(row[layout.key])
        if key not in ("", "-"):
            counted = "" if layout.counted is None else unquoted(row[layout.counted])
            actas[key] = _figured([row[place][:_LONGEST_COUNT] for place in order], counted)

    results, _ = read_results(stream, where, keep)
    return Side(results, tuple(columns), actas)


def _figured(votes: list[str], counted: str) -> Figured:
    numbers = array("q", map(_count, votes))
    read = [number for number in numbers if number != _UNREAD]
    digest = hashlib.blake2b(numbers.tobytes() + counted.encode(), digest_size=16).digest()
    return Figured(sum(read) if read else None, digest)


@lru_cache(maxsize=20_000)
def _count(text: str) -> int:
    try:
        number = read_count(text)
    except NotANumber:
        return _UNREAD
    return _UNREAD if number is None else number


def compare(old: Side, new: Side) -> Differences:
    """What is different in ``new``."""
    added: list[str] = []
    changed: list[ChangedActa] = []
    for key, now in new.actas.items():
        before = old.actas.get(key)
        if before is None or before.total is None:
            if now.total is not None:
                added.append(key)
        elif now.total is not None and now.digest != before.digest:
            changed.append(ChangedActa(key, before.total, now.total))
    had = (key for key, before in old.actas.items() if before.total is not None)
    gone = [key for key in had if key not in new.actas or new.actas[key].total is None]
    return Differences(
        added=tuple(added),
        changed=tuple(changed),
        gone=tuple(gone),
        figures=compare_figures(old.results.figures, new.results.figures),
        columns_added=tuple(c for c in new.columns if c not in old.columns),
        columns_gone=tuple(c for c in old.columns if c not in new.columns),
    )


def compare_figures(old: Figures, new: Figures) -> tuple[ChangedFigure, ...]:
    """The figures that differ, in the order of the header."""
    pairs = ((n, getattr(old, n), getattr(new, n)) for n in field_names(Figures))
    return tuple(ChangedFigure(*pair) for pair in pairs if pair[1] != pair[2])
