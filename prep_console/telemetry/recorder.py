"""Writes samples in a thread of its own: whatever the disk or the file does, nobody waits."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prep_console.config import Settings
from prep_console.snapshot import Reading
from prep_console.telemetry.store import MEAN_S, Bounds, Damaged, NoRoom, Store

log = logging.getLogger(__name__)

FILE = "telemetry.db"
_QUEUE = 60
"""Samples that wait for a slow disk: ten minutes of them."""
_RETRY_S = 30.0
_END_S = 1.0
_LATER = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
"""Errors that pass or that a person mends; after any other the file is made anew."""

Sample = tuple[datetime, Mapping[str, Reading]]


class Recorder:
    """The telemetry of one station. What cannot be written is dropped, and counted."""

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        retry_s: float = _RETRY_S,
    ) -> None:
        self.path = settings.root / FILE
        self.dropped = 0
        """Samples that were not written since the start."""
        self._bounds = Bounds(settings.telemetry.keep_hours * 3600, settings.telemetry.max_bytes)
        self._now = now
        self._began = now()
        self._retry_s = retry_s
        self._retry_at = float("-inf")
        self._told = ""
        self._bounded_at = float("-inf")
        self._store: Store | None = None
        self._waiting: deque[Sample] = deque(maxlen=_QUEUE)
        self._wake = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="telemetry")
        self._thread.start()

    def note(self, readings: Mapping[str, Reading]) -> None:
        """Have these readings written; returns at once."""
        with self._wake:
            if len(self._waiting) == _QUEUE:
                self.dropped += 1  # the oldest goes
            self._waiting.append((self._now(), dict(readings)))
            self._wake.notify()

    def close(self) -> None:
        """Write what waits and let go; a disk that hangs is not waited for."""
        with self._wake:
            self._ending = True
            self._wake.notify()
        self._thread.join(_END_S)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._ending)
                if not self._waiting:
                    break
                sample = self._waiting.popleft()
            try:
                self._take(sample)
            except Exception:  # a bug here must not end the telemetry of the night
                log.exception("telemetry")
                self._let_go()
        if self._store is not None:
            with suppress(OSError, sqlite3.Error):
                self._store.end(self._now())
        self._let_go()

    def _take(self, sample: Sample) -> None:
        if time.monotonic() < self._retry_at:
            self.dropped += 1
            return
        try:
            try:
                self._write(sample)
            except (Damaged, FileNotFoundError, sqlite3.DatabaseError) as error:
                if not _is_damage(error):
                    raise
                log.warning("telemetry: %s is made anew: %s", self.path, error)
                self._let_go()
                _remove(self.path)
                self._write(sample)
        except (OSError, sqlite3.Error, Damaged, NoRoom) as error:
            self._give_up(error)
        else:
            if self._told:
                log.warning("telemetry: written again, %d samples were lost", self.dropped)
            self._told = ""

    def _write(self, sample: Sample) -> None:
        at, readings = sample
        if self._store is None:
            self._store = Store(self.path, self._bounds, self._began)
            self._bounded_at = float("-inf")
        self._store.add(at, readings)
        if time.monotonic() - self._bounded_at >= MEAN_S:
            self._store.bound(at)
            self._bounded_at = time.monotonic()

    def _give_up(self, error: Exception) -> None:
        self.dropped += 1
        self._let_go()
        self._retry_at = time.monotonic() + self._retry_s
        told = f"{type(error).__name__}: {error}"
        if not self._told:  # once, not at every try of a whole night
            log.error("telemetry: not written, tried again every %g s: %s", self._retry_s, told)
        self._told = told

    def _let_go(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.close()


def _is_damage(error: Exception) -> bool:
    if not isinstance(error, sqlite3.Error):
        return True
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code == sqlite3.SQLITE_IOERR_SHORT_READ or code & 0xFF not in _LATER


def _remove(path: Path) -> None:
    """The log first: without its database it would be taken for the next one's."""
    for end in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).unlink()
