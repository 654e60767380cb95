"""The database of samples: its tables, what is added, what is given up to stay within its size.

``sample`` holds what every reading said each ten seconds, ``mean`` what it was over each five
minutes, ``fact`` what else was known of it (unit, error, details) whenever that changed, and
``life`` from when to when an engine was there to read: a replay shows these. Rows lie in the
order of time, so adding touches one page and giving up the oldest frees whole ones. Losing the
file loses no duty: whatever is wrong with it, it is made anew.
"""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prep_console.snapshot import Reading, ReadingState
from prep_console.telemetry.facts import Fact, differ, encoded, fact_of

STATES: tuple[ReadingState, ...] = ("ok", "warning", "unknown", "critical")
"""From best to worst, as their numbers in the database: what is not known beats a warning."""
MEAN_S = 300
_PAGE = 4096
_WAL_PAGES = 256
"""The log goes into the database after a megabyte, and is cut back to that."""
_LOG_BYTES = _WAL_PAGES * _PAGE
_MAGIC = b"SQLite format 3\0"
_BEFORE, _AFTER = 0.95, 0.8
"""Shares of the size: from where on it is cut, and what is left, so that not every look cuts."""
_AHEAD_S = 86_400
"""Samples further ahead are of a clock that was wrong."""
_BUSY_S = 1.0
_TEXT = 100
"""Longest text that is kept of a reading whose value is one."""
_FEWEST_S = 3600
"""Single samples of the last hour go last when there is no room."""

_TABLES = f"""
PRAGMA page_size = {_PAGE};
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = {_WAL_PAGES};
PRAGMA journal_size_limit = {_LOG_BYTES};
PRAGMA cache_size = -1024;
CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS sample (
    at INTEGER NOT NULL, series INTEGER NOT NULL, value, state INTEGER NOT NULL,
    PRIMARY KEY (at, series)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mean (
    at INTEGER NOT NULL, series INTEGER NOT NULL,
    low REAL, mean REAL, high REAL, state INTEGER NOT NULL,
    PRIMARY KEY (at, series)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (
    at INTEGER NOT NULL, series INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (at, series)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS life (
    began INTEGER NOT NULL, pid INTEGER NOT NULL, seen INTEGER NOT NULL, ended INTEGER NOT NULL,
    PRIMARY KEY (began, pid)) WITHOUT ROWID;
"""
_MEANS = """
INSERT OR REPLACE INTO mean
SELECT :start, series, min(number), avg(number), max(number), max(state) FROM
    (SELECT series, state,
        CASE WHEN typeof(value) IN ('real', 'integer') THEN value END AS number
     FROM sample WHERE at >= :start AND at < :end)
GROUP BY series
"""


_LIVES = 5_000
"""Starts of an engine that are remembered: one that dies each minute for three days."""
_FORGET = (
    ("SELECT min(at) FROM fact", "DELETE FROM fact WHERE at < ?", _FEWEST_S),
    ("SELECT min(at) FROM sample", "DELETE FROM sample WHERE at < ?", _FEWEST_S),
    ("SELECT min(at) FROM mean", "DELETE FROM mean WHERE at < ?", 0),
    ("SELECT min(at) FROM fact", "DELETE FROM fact WHERE at < ?", 0),
    ("SELECT min(at) FROM sample", "DELETE FROM sample WHERE at < ?", 0),
)
"""What is given up when there is no room, in this order, and how much of its end is spared."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long single samples are kept, and how much the whole may take on the disk."""

    keep_s: int
    max_bytes: int


class Damaged(Exception):
    """The file is not what was written: it is to be made anew."""


class NoRoom(Exception):
    """Somebody who reads without end keeps the log from being cut back."""


class Store:
    """An open database. sqlite3.Error and OSError come out as they are; it is closed then."""

    def __init__(self, path: Path, bounds: Bounds, began: datetime | None = None) -> None:
        """``began`` is when the engine that writes came up; None keeps no life of it."""
        if path.exists() and not path.is_file():  # opening a pipe would wait for its other end
            raise OSError(f"{path} is no file")
        self._path = path
        self._bounds = bounds
        self._began = None if began is None else int(began.timestamp())
        self._facts: dict[str, tuple[int, Fact]] = {}
        """Last fact written of each reading, and when."""
        self._database = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        try:
            self._database.executescript(_TABLES)
            self._series: dict[str, int] = dict(
                self._database.execute("SELECT name, id FROM series")
            )
            self._meant = self._number("SELECT max(at) FROM mean") or 0
            path.chmod(0o644)
            self._file = path.stat()
            self._log = _files_of_log(path)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Put the log into the database and let go."""
        with suppress(sqlite3.Error):
            self._database.close()

    def add(self, at: datetime, readings: Mapping[str, Reading]) -> None:
        """One sample of each reading, and the means of the five minutes that are over by then."""
        self._same_file()
        second = int(at.timestamp())
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?)",
                [
                    (second, self._id(name), _value(reading), STATES.index(reading.state))
                    for name, reading in readings.items()
                ],
            )
            self._database.executemany(
                "INSERT OR REPLACE INTO fact VALUES (?, ?, ?)",
                [
                    (second, self._id(name), encoded(fact))
                    for name, reading in readings.items()
                    if (fact := self._news(second, name, reading)) is not None
                ],
            )
            self._lives(second, ended=False)
            self._bring_up(second)
        self._file = self._path.stat()

    def end(self, at: datetime) -> None:
        """The engine ends as it should: from here on nobody reads."""
        self._lives(int(at.timestamp()), ended=True)

    def _lives(self, second: int, *, ended: bool) -> None:
        if self._began is not None:
            self._database.execute(
                "INSERT INTO life VALUES (:began, :pid, :seen, :ended)"
                " ON CONFLICT (began, pid) DO UPDATE SET seen = :seen, ended = :ended",
                {"began": self._began, "pid": os.getpid(), "seen": second, "ended": int(ended)},
            )

    def _news(self, second: int, name: str, reading: Reading) -> Fact | None:
        """What is to be written of a reading beside its value; None while it is as before."""
        fact = fact_of(reading, second)
        at, before = self._facts.get(name, (0, None))
        if before is not None and 0 <= second - at < MEAN_S and not differ(before, fact):
            return None
        self._facts[name] = second, fact
        return fact

    def bound(self, at: datetime) -> None:
        """Give up what is too old or too much and give its room back; Damaged when unsound."""
        self._same_file()
        now = int(at.timestamp())
        for query, limit in (
            ("DELETE FROM sample WHERE at < ?", whole(now - self._bounds.keep_s)),
            ("DELETE FROM sample WHERE at > ?", now + _AHEAD_S),
            ("DELETE FROM mean WHERE at > ?", now + _AHEAD_S),
            # a sample's fact may be five minutes older than it, and lie a while from the next
            ("DELETE FROM fact WHERE at < ?", whole(now - self._bounds.keep_s) - 2 * MEAN_S),
            ("DELETE FROM fact WHERE at > ?", now + _AHEAD_S),
            ("DELETE FROM life WHERE began > ?", now + _AHEAD_S),
            (
                "DELETE FROM life WHERE began <="
                " (SELECT began FROM life ORDER BY began DESC LIMIT 1 OFFSET ?)",
                _LIVES,
            ),
        ):
            self._database.execute(query, (limit,))
        self._meant = min(self._meant, whole(now) - MEAN_S)
        self._shrink()
        if self.bytes() > self._bounds.max_bytes * _BEFORE:
            self._give_up(now)
            self._shrink()
        self._file = self._path.stat()
        self._verify()

    def bytes(self) -> int:
        """What the database takes on the disk, its log and its index included."""
        return sum(_size(self._path, end) for end in ("", "-wal", "-shm"))

    def _same_file(self) -> None:
        """SQLite goes on writing into a file that was deleted, and trusts its own memory.

        Its log can go as well: a reader that opened what lay here before takes that for its own,
        and deletes it when it leaves.
        """
        found = self._path.stat()
        if (found.st_dev, found.st_ino) != (self._file.st_dev, self._file.st_ino):
            raise Damaged("another file is in its place")
        if _files_of_log(self._path) != self._log:
            raise Damaged("its log was taken away")
        with self._path.open("rb") as file:
            if found.st_size < self._file.st_size or file.read(len(_MAGIC)) != _MAGIC:
                raise Damaged("it was cut off or written over")
        if _size(self._path, "-wal") > max(_LOG_BYTES, self._bounds.max_bytes // 4):
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if _size(self._path, "-wal") > _LOG_BYTES:
                raise NoRoom("somebody reads it without end")

    def _verify(self) -> None:
        """By a second connection: the first would answer from its memory."""
        fresh = sqlite3.connect(self._path, timeout=_BUSY_S)
        try:
            found = fresh.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            fresh.close()
        if found != ("ok",):
            raise Damaged(f"its check says {found}"[:200])

    def _give_up(self, now: int) -> None:
        target = int(self._bounds.max_bytes * _AFTER) - _LOG_BYTES // 2
        for oldest_of, forget, spared_s in _FORGET:
            until = whole(now - spared_s) if spared_s else now + 1
            while self._used() > target:
                oldest = self._number(oldest_of)
                if oldest is None or oldest >= until:
                    break
                step = max(MEAN_S, (until - oldest) // 8)
                self._database.execute(forget, (min(until, whole(oldest + step)),))

    def _shrink(self) -> None:
        # as a script: execute() takes its first step alone, and that frees a single page
        self._database.executescript("PRAGMA incremental_vacuum")
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _used(self) -> int:
        pages = self._number("PRAGMA page_count") or 0
        return _PAGE * (pages - (self._number("PRAGMA freelist_count") or 0))

    def _bring_up(self, second: int) -> None:
        """The means of every five minutes that ended since the last ones."""
        while True:
            first = self._number("SELECT min(at) FROM sample WHERE at >= ?", self._meant + MEAN_S)
            if first is None or whole(first) + MEAN_S > second:
                return
            self._meant = whole(first)
            times = {"start": self._meant, "end": self._meant + MEAN_S}
            self._database.execute(_MEANS, times)

    def _id(self, name: str) -> int:
        if name not in self._series:
            self._database.execute("INSERT OR IGNORE INTO series (name) VALUES (?)", (name,))
            self._series[name] = self._number("SELECT id FROM series WHERE name = ?", name) or 0
        return self._series[name]

    def _number(self, query: str, *values: object) -> int | None:
        row = self._database.execute(query, values).fetchone()
        return None if row is None or row[0] is None else int(row[0])


def whole(second: int) -> int:
    """Where its five minutes begin: their mean stands for samples that are all given up."""
    return second - second % MEAN_S


def _value(reading: Reading) -> float | str | None:
    value = reading.value
    if isinstance(value, str):
        return value[:_TEXT]
    return float(value) if value is not None and math.isfinite(value) else None


def _files_of_log(path: Path) -> tuple[int, ...]:
    """Which files the log and its index are; they stay as long as somebody has them open."""
    beside = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    return tuple(file.stat().st_ino if file.exists() else 0 for file in beside)


def _size(path: Path, end: str) -> int:
    try:
        return path.with_name(path.name + end).stat().st_size
    except OSError:
        return 0
