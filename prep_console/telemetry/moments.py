"""What the instruments said at one moment of the past, as far as it was kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from prep_console.snapshot import Detail, Reading
from prep_console.telemetry.facts import reading_of
from prep_console.telemetry.opening import opened
from prep_console.telemetry.recorder import FILE
from prep_console.telemetry.store import MEAN_S, STATES, whole
from prep_console.wording import N_

STEP_S = 10
"""From one sample to the next."""
_FRESH_S = 25
"""A sample stands for what follows it until two were missed."""
_KEPT = 60
"""Samples that a small graph draws."""
_SILENT_S = 15
"""As for a heartbeat: longer without a sign of life is no engine."""
_ENDS = (
    ("sample", "SELECT min(at), max(at) FROM sample"),
    ("mean", "SELECT min(at), max(at) FROM mean"),
    ("life", "SELECT min(began), max(seen + ended) FROM life"),
)
"""Where to look for the ends of what was recorded; the second after an end shows it."""
NOTHING = N_("nothing was recorded of it")
SETTINGS = "engine.settings"
"""The reading by which an engine tells what it runs with."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment. What is not known is not in it."""

    readings: Mapping[str, Reading] = field(default_factory=dict)
    history: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    """The numbers of the ten minutes before, one each ``STEP_S``, oldest first."""
    alive: bool | None = None
    """Whether an engine was there; None: the samples do not tell."""
    pid: int | None = None
    sampled: bool = False
    """Whether anything was read at that moment."""
    error: str | None = None
    """Why the telemetry could not be read (English)."""
    settings: Mapping[str, Detail] = field(default_factory=dict)
    """What the last engine until then told of its settings."""


def moment(root: Path, at: datetime) -> Moment:
    """What was known at ``at``; never raises for what is wrong with the file."""
    path, second = root / FILE, int(at.timestamp())
    try:
        if not path.is_file():
            return Moment()
        with opened(path) as database:
            return _moment(database, second)
    except (OSError, sqlite3.Error, ValueError, TypeError, IndexError, OverflowError) as error:
        return Moment(error=f"the telemetry cannot be read: {type(error).__name__}: {error}"[:200])


def stretch(root: Path) -> tuple[datetime, datetime] | None:
    """From when to when something was recorded; None when nothing was, or it cannot be read."""
    path = root / FILE
    try:
        if not path.is_file():
            return None
        with opened(path) as database:
            ends = [
                database.execute(ends_of).fetchone()
                for table, ends_of in _ENDS
                if _has(database, table)
            ]
        found = [(int(first), int(last)) for first, last in ends if first is not None]
        if not found:
            return None
        first, last = min(found)[0], max(last for _, last in found)
        return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)
    except (OSError, sqlite3.Error, ValueError, TypeError, OverflowError):
        return None


def _moment(database: sqlite3.Connection, second: int) -> Moment:
    names = {int(number): str(name) for number, name in database.execute("SELECT * FROM series")}
    sampled = database.execute(
        "SELECT max(at) FROM sample WHERE at > ? AND at <= ?", (second - _FRESH_S, second)
    ).fetchone()[0]
    readings: dict[str, Reading] = {}
    if sampled is not None:
        readings = _sampled(database, names, int(sampled))
    else:
        readings = _meant(database, names, second)
    alive, pid = _engine(database, second, sampled=bool(readings))
    sampled_then = bool(readings)
    if not readings:
        there = datetime.fromtimestamp(second, UTC)
        readings = {name: Reading(None, "", "unknown", there, NOTHING) for name in names.values()}
    history = _history(database, names, second)
    settings = _settings(database, names, second)
    return Moment(readings, history, alive, pid, sampled_then, settings=settings)


def _settings(
    database: sqlite3.Connection, names: Mapping[int, str], second: int
) -> Mapping[str, Detail]:
    """However long ago it was told: they hold until an engine tells others."""
    series = next((number for number, name in names.items() if name == SETTINGS), None)
    if series is None or not _has(database, "fact"):
        return {}
    found = database.execute(
        "SELECT body FROM fact WHERE at <= ? AND series = ? ORDER BY at DESC LIMIT 1",
        (second, series),
    ).fetchone()
    there = datetime.fromtimestamp(second, UTC)
    return reading_of(str(found[0]), None, "unknown", there).detail if found else {}


def _sampled(
    database: sqlite3.Connection, names: Mapping[int, str], sampled: int
) -> dict[str, Reading]:
    there = datetime.fromtimestamp(sampled, UTC)
    bodies: dict[int, str] = {}
    if _has(database, "fact"):
        found = database.execute(
            "SELECT series, body, max(at) FROM fact WHERE at > ? AND at <= ? GROUP BY series",
            (sampled - MEAN_S - _FRESH_S, sampled),
        )
        bodies = {int(series): str(body) for series, body, _ in found}
    rows = database.execute("SELECT series, value, state FROM sample WHERE at = ?", (sampled,))
    return {
        names[series]: reading_of(bodies.get(series), value, STATES[int(state)], there)
        for series, value, state in rows
        if series in names
    }


def _meant(
    database: sqlite3.Connection, names: Mapping[int, str], second: int
) -> dict[str, Reading]:
    """Where the single samples were given up: the mean of the five minutes, and their worst state.

    Where some are still kept nobody read at that moment, and what came later says nothing of it.
    Words have no mean: of those only that they were read is known.
    """
    there = datetime.fromtimestamp(second, UTC)
    start = whole(second)
    rows = database.execute(
        "SELECT series, mean, state FROM mean WHERE at = :start AND NOT EXISTS"
        " (SELECT 1 FROM sample WHERE at >= :start AND at < :start + :mean_s)",
        {"start": start, "mean_s": MEAN_S},
    )
    return {
        names[series]: Reading(None, "", "unknown", there, NOTHING)
        if mean is None
        else Reading(float(mean), "", STATES[int(state)], there, detail={"mean_of_s": MEAN_S})
        for series, mean, state in rows
        if series in names
    }


def _engine(
    database: sqlite3.Connection, second: int, *, sampled: bool
) -> tuple[bool | None, int | None]:
    """Whether an engine was there, and its pid. Files of older versions hold samples, no lives."""
    by_samples = True if sampled else None
    if not _has(database, "life"):
        return by_samples, None
    life = database.execute(
        "SELECT began, pid, seen, ended FROM life WHERE began <= ? ORDER BY began DESC LIMIT 1",
        (second,),
    ).fetchone()
    later = database.execute("SELECT 1 FROM life WHERE began > ?", (second,)).fetchone()
    if life is None:
        return by_samples, None
    _, pid, seen, ended = (int(value) for value in life)
    if second < seen + (0 if ended else _SILENT_S):
        return True, pid
    return (False, None) if ended or later else (None, None)


def _history(
    database: sqlite3.Connection, names: Mapping[int, str], second: int
) -> dict[str, tuple[float | None, ...]]:
    rows = database.execute(
        "SELECT series, (:second - at) / :step, avg(value) FROM sample"
        " WHERE at > :second - :step * :kept AND at <= :second"
        " AND typeof(value) IN ('real', 'integer') GROUP BY 1, 2",
        {"second": second, "step": STEP_S, "kept": _KEPT},
    )
    found: dict[str, dict[int, float]] = {}
    for series, ago, value in rows:
        if series in names:
            found.setdefault(names[series], {})[int(ago)] = float(value)
    return {
        name: tuple(kept.get(ago) for ago in range(max(kept), -1, -1))
        for name, kept in found.items()
    }


def _has(database: sqlite3.Connection, table: str) -> bool:
    asked = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return database.execute(asked, (table,)).fetchone() is not None
