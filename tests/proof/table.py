"""One table of all proofs of a run: what was tried, how many faults fired, how many bad states.

A proof calls :func:`record` with what it counted itself; the rows travel with the test's report,
also out of a process of a run that has several, and are printed together when the run ends (see
``tests/conftest.py``). What was walked through without a fault (days, steps, samples)
has rows of its own, :func:`walked`, and adds nothing to the faults. A test that failed has a row
with a bad state of its own, so the table is never better than the run. What could not run here, or
was waited for and never happened, is named as such, and a whole run without it has failed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WHOLE = "PREP_PROOF_ROUNDS" in os.environ
"""Whether every point is tried (``make proof``) and not a sample that fits into each run."""

_WIDE = 60


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    tried: int
    """Faults that were meant to happen: points, rounds, damaged lines."""
    fired: int | None
    """Faults that did happen, as counted by the proof and not as asked for; None: no faults."""
    bad: int
    """States that were not as promised."""


_new: list[Row] = []
"""Recorded since a report took them along."""
_rows: list[Row] = []
not_run: list[str] = []
"""Proofs that were left out because this machine cannot run them."""


def record(what: str, *, tried: int, fired: int, bad: int = 0) -> None:
    """Put a row into the table; rows of one name are added up."""
    _new.append(Row(what, tried, fired, bad))


def walked(what: str, count: int, *, bad: int = 0) -> None:
    """Put a row of what went by, all of it looked at, while nothing was broken on purpose."""
    _new.append(Row(what, count, None, bad))


def handed_over() -> list[tuple[str, int, int | None, int]]:
    """What was recorded since the last time, in a form that crosses to another process."""
    rows = [(row.what, row.tried, row.fired, row.bad) for row in _new]
    _new.clear()
    return rows


def take(rows: Iterable[tuple[str, int, int | None, int]]) -> None:
    """What :func:`handed_over` gave, here or in another process of the run."""
    _rows.extend(Row(*row) for row in rows)


def is_short() -> bool:
    """Whether this was to be the whole proof, and some of it could not run or never happened."""
    return WHOLE and bool(not_run or _never())


def _never() -> list[str]:
    """Kinds of fault that a proof meant to meet and did not, not once."""
    return [row.what for row in _added_up() if row.fired == 0]


def lines(failed: Sequence[str] = (), left_out: Sequence[str] = ()) -> Iterable[str]:
    """The table; nothing when no proof was recorded and none was left out."""
    if not _rows and not left_out:
        return
    rows = [*_added_up(), *(Row(f"FAILED {name}", 0, 0, 1) for name in failed)]
    yield f"{'proof: what was tried':{_WIDE}} {'tried':>8} {'fired':>8} {'bad':>5}"
    for row in rows:
        fired = "-" if row.fired is None else f"{row.fired:,}"
        yield f"{row.what:{_WIDE}} {row.tried:8,} {fired:>8} {row.bad:5,}"
    faults = [(row.tried, row.fired) for row in rows if row.fired is not None]
    tried, happened = (sum(numbers) for numbers in zip(*faults, strict=True)) if faults else (0, 0)
    bad = sum(row.bad for row in rows)
    extent = "all points and rounds" if WHOLE else "a sample; `make proof` tries all"
    yield f"{'faults together: ' + extent:{_WIDE}} {tried:8,} {happened:8,} {bad:5,}"
    yield from (f"did NOT run, which is not a pass: {name}" for name in left_out)
    yield from (f"never happened, so nothing is shown of it: {name}" for name in _never())


def _added_up() -> list[Row]:
    found: dict[str, Row] = {}
    for row in _rows:
        had = found.get(row.what)
        found[row.what] = row if had is None else _sum(had, row)
    return sorted(found.values(), key=lambda row: row.what)


def _sum(one: Row, other: Row) -> Row:
    fired = None if one.fired is None or other.fired is None else one.fired + other.fired
    return Row(one.what, one.tried + other.tried, fired, one.bad + other.bad)
