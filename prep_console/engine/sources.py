"""The servers that cuts are pulled from, each asked in turn; what they bring goes to the worker.

Each source has a task and a child process of its own, so that one that hangs delays no other. What
a source says of itself is the reading ``source.NAME``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prep_console.config import Settings
from prep_console.config.model import Source
from prep_console.cuts.names import read_name
from prep_console.engine.worker import Worker
from prep_console.intake import resync_progress
from prep_console.intake.pull.choice import deliverable
from prep_console.intake.pull.job import Progress, Pulled, PullFailed, told
from prep_console.intake.pull.lists import take_away
from prep_console.intake.pull.puller import Puller, fetched_folder, lock_of
from prep_console.intake.receipt import Receipt
from prep_console.problems import Problem, Refused
from prep_console.publication import lock
from prep_console.publication.station import Station
from prep_console.snapshot import Detail, Reading
from prep_console.wording import visible

log = logging.getLogger(__name__)

_MOST_REST_S = 60.0
"""A source that fails is asked less and less often, but at least this often."""
_AGAIN_S = 5.0
"""What could not be taken is tried again after this long."""
_PARKED_S = 30.0
_HUNG_S = 10.0
"""A resync that is silent for so much longer than a source may be hangs: nobody asks any more."""
_BUSY_S = 1.0
"""A resync that asks the same source is waited for, this long at a time."""
_RESTING_S = 5.0
"""Between two looks at a mirrored tree that is here and must stand still a little longer."""
_TOLD_S = 1.0
"""Between two readings while something arrives."""

Deliver = Callable[[Mapping[str, Reading]], None]


def pulled_sources(settings: Settings) -> list[Source]:
    """The sources that we ask; the others are written to."""
    return [source for source in settings.sources if source.kind != "drop"]


def source_stale_s(settings: Settings) -> dict[str, float]:
    """How old the reading of each pulled source may get before it counts as none."""
    return {
        f"source.{s.label}": 3 * max(s.every_seconds, _MOST_REST_S) + s.stall_seconds
        for s in pulled_sources(settings)
    }


class PulledSource:
    """One source, asked for ever."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        worker: Worker,
        deliver: Deliver,
        switched: asyncio.Event,
        clock_known: Callable[[], bool],
    ) -> None:
        """The last two as for :class:`prep_console.engine.deliveries.Deliveries`."""
        self._source = source
        self._station = Station(settings)
        self._puller = Puller(settings, source)
        self._worker = worker
        self._deliver = deliver
        self._switched = switched
        self._clock_known = clock_known
        self._owed: dict[Path, float] = {}
        """Fetched and not taken yet, and the monotonic time before which it is not tried again:
        the disk was full, our clock not known right, or who fetched it was killed in between."""
        self._again = source.layout == "tree"
        """A mirrored tree is handed over also unchanged: a pull broke off after it changed it."""
        self._failures = 0
        self._logged = ""
        self._told_at = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                rest_s = await self._look()
                await asyncio.sleep(rest_s)
        finally:
            await self._puller.close()

    def _left_over(self) -> list[Path]:
        """Whole archives that lie here since an earlier run, or a resync that was killed; they are
        not fetched a second time."""
        if self._source.layout == "tree":
            return []
        try:
            found = list(fetched_folder(self._station.root, self._source).iterdir())
        except OSError:
            return []
        return sorted((path for path in found if deliverable(path.name)), key=_by_stamp)

    async def _look(self) -> float:
        """Ask once and take what came, but not while a resync does; the seconds to rest."""
        try:
            with lock.held(lock_of(self._station.root, self._source), "pull", patience_s=0):
                return await self._asked()
        except Refused as busy:
            if resync_progress.silent_s(self._station) > self._source.stall_seconds + _HUNG_S:
                reason = visible(str(busy))
                self._tell(Reading(None, "", "unknown", datetime.now(UTC), error=reason))
            elif not self._failures:
                self._tell(Reading("waiting", "", "ok", datetime.now(UTC), detail=self._detail()))
            return _BUSY_S
        except Problem as error:
            return await self._failed(visible(str(error)))

    async def _asked(self) -> float:
        for path in self._left_over():
            self._owed.setdefault(path, 0.0)
        try:
            marks = await asyncio.to_thread(lambda: self._station.state().marks)
            pulled = await self._puller.pull(marks, self._arriving, again=self._again)
        except PullFailed as failed:
            return await self._failed(told(failed.trouble), here=failed.kind == "our disk")
        except (OSError, Problem) as error:
            return await self._failed(visible(str(error)))
        self._failures, self._logged, self._again = 0, "", False
        self._owed.update(dict.fromkeys(pulled.paths, 0.0))
        if pulled.trouble is not None:
            return await self._failed(told(pulled.trouble))
        older = await self._take_owed() or pulled.state == "older"
        self._rested(pulled, older)
        if pulled.state == "resting":
            return min(_RESTING_S, self._source.every_seconds)
        return self._source.every_seconds

    async def _failed(self, reason: str, *, here: bool = False) -> float:
        """``here``: it is our own disk that says no, not the source."""
        self._failures += 1
        self._again = self._source.layout == "tree"
        if reason != self._logged:
            log.warning("source %s: %s", self._source.label, reason)
        self._logged = reason
        now = datetime.now(UTC)
        if here:
            self._tell(
                Reading("unwritable", "", "warning", now, detail=self._detail(reason=reason))
            )
        else:
            self._tell(Reading(None, "", "unknown", now, error=reason))
        if self._source.layout == "archives":  # a tree may be half of the next cut by now
            await self._take_owed()
        return min(_MOST_REST_S, self._source.every_seconds * float(1 << min(self._failures, 6)))

    async def _take_owed(self) -> bool:
        """Take what is here, the oldest cut first; whether one of them was older than what we have.

        One that cannot be taken now keeps nothing else waiting.
        """
        older = False
        for path in sorted(self._owed, key=_by_stamp):
            if time.monotonic() < self._owed[path]:
                continue
            try:
                receipt = await self._worker.receive(
                    path, source=self._source.label, clock_known=self._clock_known()
                )
            except Exception as error:  # one delivery never stops the others, nor the engine
                known = isinstance(error, OSError | Problem)
                log.error("%a: %s", path.name, error, exc_info=None if known else error)
                self._owed[path] = time.monotonic() + _AGAIN_S
                if not os.path.lexists(path):  # somebody took it away: it can be fetched again
                    del self._owed[path]
                continue
            if receipt.result == "parked":
                self._owed[path] = time.monotonic() + _PARKED_S
                continue
            del self._owed[path]
            older |= any(found.check == "stamp.older" for found in receipt.examination.findings)
            self._note(path, receipt)
        return older

    def _note(self, path: Path, receipt: Receipt) -> None:
        if receipt.published is not None:
            self._switched.set()
        log.info("%a: %s %s", path.name, receipt.result, receipt.cut or "")
        if self._source.layout == "archives":
            with suppress(OSError):  # sealed, waiting in staging or quarantined: not needed here
                take_away(path)

    def _rested(self, pulled: Pulled, older: bool) -> None:
        said: dict[str, Detail] = {"stamp": pulled.stamp} if pulled.stamp else {}
        now = datetime.now(UTC)
        if older:
            self._tell(Reading("older", "", "warning", now, detail=self._detail(**said)))
        else:
            self._tell(Reading("waiting", "", "ok", now, detail=self._detail(**said)))

    def _arriving(self, progress: Progress) -> None:
        if time.monotonic() - self._told_at < _TOLD_S:
            return
        self._told_at = time.monotonic()
        left = None
        if progress.total_bytes is not None and progress.bytes_per_s > 0:
            left = (progress.total_bytes - progress.bytes) / progress.bytes_per_s
        detail = self._detail(
            file=progress.file,
            bytes=progress.bytes,
            total_bytes=progress.total_bytes,
            bytes_per_s=progress.bytes_per_s,
            eta_s=left,
        )
        self._tell(Reading("arriving", "", "ok", datetime.now(UTC), detail=detail))

    def _detail(self, **more: Detail) -> dict[str, Detail]:
        asked_at = datetime.now(UTC).isoformat(timespec="seconds")
        return {"kind": self._source.kind, "asked_at": asked_at, **more}

    def _tell(self, reading: Reading) -> None:
        self._deliver({f"source.{self._source.label}": reading})


def _by_stamp(path: Path) -> str:
    stamp = read_name(path.name).stamp
    return str(stamp) if stamp is not None else "~"
