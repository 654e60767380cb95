"""What a reading was over a stretch of time, for graphs; another process may be writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prep_console.snapshot import ReadingState
from prep_console.telemetry.opening import opened
from prep_console.telemetry.recorder import FILE
from prep_console.telemetry.store import MEAN_S, STATES

_SINGLE = """
SELECT (at - :since) / :step AS place, min(number), avg(number), max(number), max(state) FROM
    (SELECT at, state, CASE WHEN typeof(value) IN ('real', 'integer') THEN value END AS number
     FROM sample WHERE at >= :since AND at < :until
        AND series = (SELECT id FROM series WHERE name = :name))
GROUP BY place ORDER BY place
"""
_MEANS = """
SELECT (at - :since) / :step AS place, min(low), avg(mean), max(high), max(state)
FROM mean WHERE at >= :since AND at < :until
    AND series = (SELECT id FROM series WHERE name = :name)
GROUP BY place ORDER BY place
"""


@dataclass(frozen=True, slots=True)
class Point:
    """A stretch of time in which something was noted."""

    at: datetime
    """Its beginning, aware UTC."""
    low: float | None
    """None, as the other two, when nothing in it was a number."""
    mean: float | None
    high: float | None
    state: ReadingState
    """The worst in it."""


@dataclass(frozen=True, slots=True)
class History:
    """The points there are, oldest first, and why there are none (English) when it failed."""

    points: tuple[Point, ...]
    error: str | None = None


def history(
    root: Path, name: str, since: datetime, until: datetime, points: int
) -> tuple[Point, ...]:
    """At most ``points`` stretches of ``name`` between two times; () also when it fails."""
    return read_history(root, name, since, until, points).points


def read_history(root: Path, name: str, since: datetime, until: datetime, points: int) -> History:
    """As :func:`history`, with the reason when the telemetry could not be read.

    Single samples where they are kept and fine enough to matter, else means of five minutes.
    """
    path = root / FILE
    start, end = int(since.timestamp()), int(until.timestamp())
    step = max(1, -(-(end - start) // max(1, points)))
    asked: dict[str, int | str] = {"since": start, "until": end, "step": step, "name": name}
    try:
        if not path.is_file():
            return History((), "nothing was recorded yet")
        return History(tuple(_read(path, asked)))
    except (OSError, sqlite3.Error, ValueError, TypeError, IndexError, OverflowError) as error:
        return History((), f"the telemetry cannot be read: {type(error).__name__}: {error}"[:200])


def _read(path: Path, asked: dict[str, int | str]) -> Iterator[Point]:
    with opened(path) as database:
        start, end, step = int(asked["since"]), int(asked["until"]), int(asked["step"])
        first = database.execute("SELECT min(at) FROM sample").fetchone()[0]
        edge = end if step >= MEAN_S or first is None else max(start, min(end, int(first)))
        edge -= (edge - start) % step
        if edge > start:
            # from the edge on there are single samples: means would show a stretch twice
            yield from _points(database.execute(_MEANS, asked | {"until": edge}), start, step)
        if step >= MEAN_S:  # of the stretch that is not over yet there are no means
            newest = database.execute("SELECT max(at) FROM mean").fetchone()[0]
            edge = min(end, max(start, 0 if newest is None else int(newest) + MEAN_S))
        if edge < end:
            yield from _points(database.execute(_SINGLE, asked | {"since": edge}), edge, step)


def _points(rows: sqlite3.Cursor, start: int, step: int) -> Iterator[Point]:
    for place, low, mean, high, state in rows:
        at = datetime.fromtimestamp(start + int(place) * step, UTC)
        yield Point(at, _number(low), _number(mean), _number(high), STATES[int(state)])


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
