"""The engine: one loop that receives, puts together, publishes and watches, without a screen.

One leader per station; a second engine waits until the first is gone. Whatever may be slow or
die (reading a delivery, a neighbour that hangs) runs in a worker process or under a deadline, so
that the heartbeat never stops while the engine is alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from asyncinotify import Inotify, Mask

from prep_console import durable
from prep_console.config import Settings
from prep_console.engine.view import Now
from prep_console.engine.worker import Worker
from prep_console.intake import staging
from prep_console.intake.drop import Arrival, DropFolder
from prep_console.journal.actor import program
from prep_console.probes.host import HostProbe
from prep_console.probes.probe import Probe, run_probe
from prep_console.probes.site import VISITOR, SiteProbe, served
from prep_console.problems import Problem, Refused
from prep_console.publication import actions, lock
from prep_console.publication.retention import prune_if_needed
from prep_console.publication.settle import settle_if_open
from prep_console.publication.station import Station
from prep_console.snapshot import Reading, ServedView

log = logging.getLogger(__name__)

HEARTBEAT_S = 1.0
HISTORY_STEP_S = 10.0
_HISTORY_KEPT = 180
"""Half an hour of samples for the small graphs."""
_RESCAN_S = 0.5
"""inotify overflows under a burst and sees nothing of some file systems: look now and then."""
_TAKING_S = 2.0
"""Deliveries are taken this long before it is looked again for what should come first."""
_STANDBY_S = 0.5
_DUE_S = 1.0
_WHOLE_CHAIN_S = 3600.0
_RETRY_S = 5.0
_WATCHED = Mask.CLOSE_WRITE | Mask.MOVED_TO | Mask.CREATE


def run(settings: Settings) -> int:
    """Lead the station until SIGTERM, SIGINT or SIGHUP; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return asyncio.run(_Engine(settings).lead())


class _LockLost(Exception):
    """The file of the leader's lock is not the one that is held."""


class _Engine:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._station = Station(settings)
        self._readings: dict[str, Reading] = {}
        self._history: dict[str, deque[float | None]] = {}
        self._served: ServedView | None = None
        self._since: dict[str, datetime] = {}
        self._stop = asyncio.Event()
        self._look = asyncio.Event()
        """Set when the drop folder may have something new."""
        self._nudge = asyncio.Event()
        """Set when the site should be looked at now: something was switched."""
        self._worker = Worker(settings)
        self._lock_file = (0, 0)
        """Device and inode of the leader's lock that is held."""

    async def lead(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        self._station.prepare()
        with ExitStack() as leading:
            if not await self._leads(leading):
                return 0
            self._lock_file = _file_at(self._station.leader_lock)
            self._recover()
            _tell_systemd("READY=1")
            log.info("leading %s, pid %s", self._station.root, os.getpid())
            async with _together(self._tasks()) as failed:
                await _first(self._stop.wait(), failed.wait())
            self._worker.close()
            if self._still_leads():
                self._write_now(ended=True)
            _tell_systemd("STOPPING=1")
        return 3 if failed.is_set() else 0

    async def _leads(self, leading: ExitStack) -> bool:
        """Wait as standby until nobody else leads; False when asked to stop first."""
        waited = False
        while not self._stop.is_set():
            try:
                leading.enter_context(
                    lock.held(self._station.leader_lock, "engine", patience_s=0.0)
                )
            except Refused as refused:
                if not waited:
                    log.info("standby: %s", refused)
                    _tell_systemd("READY=1\nSTATUS=standby")
                waited = True
                await _pause(self._stop, _STANDBY_S)
            else:
                return True
        return False

    def _still_leads(self) -> bool:
        """A lock whose file was deleted keeps nobody out any more."""
        return _file_at(self._station.leader_lock) == self._lock_file

    def _recover(self) -> None:
        station = self._station
        station.whole_state()  # every line is read and verified again at each start
        settle_if_open(station)
        staging.clear_leftovers(station, {w.delivery for w in station.state().waiting})
        station.reserve()

    def _tasks(self) -> list[asyncio.Task[None]]:
        jobs = [self._heartbeat(), self._watch(), self._intake(), self._due(), self._chain()]
        probes: list[Probe] = [HostProbe(self._settings)]
        jobs += [run_probe(probe, self._deliver) for probe in probes]
        if self._settings.site.url:
            site = SiteProbe(self._settings, lambda: self._station.live().cut)
            jobs.append(run_probe(site, self._deliver_site, nudge=self._nudge))
        return [asyncio.create_task(job) for job in jobs]

    # --- readings ---------------------------------------------------------------------------

    def _deliver(self, readings: Mapping[str, Reading]) -> None:
        for name, reading in readings.items():
            before = self._readings.get(name)
            if before is None or before.state != reading.state:
                self._since[name] = reading.observed_at
        self._readings.update(readings)

    def _deliver_site(self, readings: Mapping[str, Reading]) -> None:
        self._deliver(readings)
        seen = served(readings[VISITOR])
        if self._served is None or self._served.ok != seen.ok:
            self._since["served"] = seen.checked_at
        self._served = seen
        if seen.ok and seen.id is not None:
            record = self._station.state().cuts.get(seen.id)
            if record is not None and record.served_at is None:
                actions.record_served(self._station, seen.id, seen.latency_s or 0.0)

    async def _heartbeat(self) -> None:
        live = self._station.live()
        ticks = 0
        while True:
            if not self._still_leads():
                # Ended and started again (systemd does), its folders are made and locked anew.
                raise _LockLost(f"{self._station.leader_lock} was deleted or replaced")
            if ticks % int(HISTORY_STEP_S / HEARTBEAT_S) == 0:
                self._sample()
            ticks += 1
            self._write_now()
            _tell_systemd("WATCHDOG=1")
            if (current := self._station.live()) != live:
                live = current
                self._nudge.set()
            await asyncio.sleep(HEARTBEAT_S)

    def _sample(self) -> None:
        for name, reading in self._readings.items():
            kept = self._history.setdefault(name, deque(maxlen=_HISTORY_KEPT))
            kept.append(reading.value if isinstance(reading.value, int | float) else None)

    def _write_now(self, *, ended: bool = False) -> None:
        """Replace now.json. A full disk must not stop the loop: screens see the age grow."""
        said = Now(
            pid=os.getpid(),
            at=datetime.now(UTC),
            readings=self._readings,
            history={name: tuple(kept) for name, kept in self._history.items()},
            history_step_s=HISTORY_STEP_S,
            served=self._served,
            since=self._since,
            ended=ended,
        )
        with suppress(OSError):
            durable.replace_file(
                self._station.run / "now.json", msgspec.json.encode(said), durable=False
            )

    # --- deliveries -------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Wake the intake within milliseconds of a close or a rename in the drop folder."""
        folder = self._settings.drop_folder
        while True:
            try:
                with Inotify() as inotify:
                    inotify.add_watch(folder, _WATCHED)
                    async for _ in inotify:
                        self._look.set()
            except OSError as error:
                log.warning("the drop folder cannot be watched, only looked at: %s", error)
                await asyncio.sleep(_RETRY_S)

    async def _intake(self) -> None:
        drop = DropFolder(self._settings.drop_folder, self._settings.intake.settle_seconds)
        with suppress(Problem):
            await self._worker.warm()
        rest_s = _RESCAN_S
        while True:
            await _pause(self._look, rest_s)
            self._look.clear()
            try:
                began = time.monotonic()
                arrivals = await asyncio.to_thread(drop.look)
                took = time.monotonic() - began
                rest_s = max(_RESCAN_S, took)  # a folder full of rubbish is no reason to be busy
                for arrival in arrivals:
                    if drop.ready(arrival):
                        await self._take(drop, arrival)
                    if time.monotonic() > began + took + _TAKING_S:
                        self._look.set()  # what has come meanwhile may be of an older cut
                        break
                if not self._station.state().waiting:
                    drop.remove_sealed()
            except (OSError, Problem) as error:
                log.error("intake: %s", error)
                await asyncio.sleep(_RETRY_S)

    async def _take(self, drop: DropFolder, arrival: Arrival) -> None:
        try:
            receipt = await self._worker.receive(arrival.path)
        except Exception as error:  # one delivery never stops the others, nor the engine
            log.error("%a: %s", arrival.path.name, error, exc_info=_unforeseen(error))
            drop.put_off(arrival, _RETRY_S)  # the others are taken meanwhile
            return
        drop.note(arrival, receipt)
        if receipt.still_coming:
            return
        if receipt.published is not None:
            self._nudge.set()
        log.info("%a: %s %s", arrival.path.name, receipt.result, receipt.cut or "")

    async def _due(self) -> None:
        """What time alone brings: the end of waiting for an election, the opening hour."""
        actor = program("engine")
        hand = Station(self._settings)  # its own: it is used from another thread
        while True:
            await asyncio.sleep(_DUE_S)
            try:
                if self._station.state().waiting:
                    await self._worker.assemble_due()
                if hand.live().cut != hand.state().live:  # moved by a crash, or by hand
                    await asyncio.to_thread(settle_if_open, hand)
                if actions.due(self._station):
                    await asyncio.to_thread(actions.advance, hand, actor=actor)
                await asyncio.to_thread(prune_if_needed, hand)
            except (OSError, Problem) as error:
                log.error("due: %s", error)
                await asyncio.sleep(_RETRY_S)

    async def _chain(self) -> None:
        """Read the whole journal again now and then: a break is an alarm, never a stop."""
        while True:
            await asyncio.sleep(_WHOLE_CHAIN_S)
            try:
                self._station.whole_state()
                settle_if_open(self._station)
            except (OSError, Problem) as error:
                log.error("journal: %s", error)


@contextlib.asynccontextmanager
async def _together(tasks: list[asyncio.Task[None]]) -> AsyncIterator[asyncio.Event]:
    """Run the tasks for the block; the event is set when one of them ends by itself."""
    failed = asyncio.Event()

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            log.error("a task of the engine ended", exc_info=task.exception())
            failed.set()

    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield failed
    finally:
        for task in tasks:
            task.remove_done_callback(ended)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _pause(until: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()


def _file_at(path: Path) -> tuple[int, int]:
    """Device and inode; (0, 0) when nothing is there."""
    try:
        status = path.lstat()
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino


def _unforeseen(error: Exception) -> Exception | None:
    """The error, when only its place in the program explains it."""
    return None if isinstance(error, OSError | Problem) else error


def _tell_systemd(message: str) -> None:
    """sd_notify, when systemd started us."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(message.encode(), "\0" + address[1:] if address[0] == "@" else address)
