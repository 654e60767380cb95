"""The engine: one loop that receives, puts together, publishes and watches, without a screen.

One leader per station; a second engine waits until the first is gone. Whatever may be slow or
die (reading a delivery, a neighbour that hangs) runs in a worker process, in a thread of its own
or under a deadline, so that the heartbeat never stops while the engine is alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from prep_console.config import Settings
from prep_console.engine.announcing import Announcing
from prep_console.engine.arrivals import watch_arrivals
from prep_console.engine.deliveries import Deliveries
from prep_console.engine.heartbeat import Heartbeat, tell_systemd
from prep_console.engine.instruments import derived, instruments, stale_after_s
from prep_console.engine.mirrored import take_trees
from prep_console.engine.own_clock import is_known_right
from prep_console.engine.own_settings import OwnSettings
from prep_console.engine.readings import STEP_S, Readings
from prep_console.engine.rehash import READING, STALE_S, keep_rehashing
from prep_console.engine.seconds import next_second
from prep_console.engine.sources import PulledSource, pulled_sources, source_stale_s
from prep_console.engine.view import SnapshotReader
from prep_console.engine.worker import Worker
from prep_console.intake import staging
from prep_console.intake.assembly import is_due
from prep_console.journal.actor import program
from prep_console.journal.state import State
from prep_console.journal.store_version import NewerStore
from prep_console.outward.endpoint import Endpoint
from prep_console.outward.hooks import Hooks
from prep_console.probes.probe import OwnThread, run_probe
from prep_console.probes.site import VISITOR
from prep_console.problems import Problem, Refused
from prep_console.publication import actions, lock, retention
from prep_console.publication.settle import settle_if_open
from prep_console.publication.station import Station
from prep_console.telemetry.recorder import Recorder

log = logging.getLogger(__name__)

_STANDBY_S = 0.5
_WHOLE_CHAIN_S = 3600.0
_RETRY_S = 5.0
_JOIN_S = 60.0
"""Late parts are joined with what waits for a person as they come, so that only a crash leaves
that to the engine. One that cannot be made links and hashes a whole cut each time."""


def run(settings: Settings, file: Path) -> int:
    """Lead the station until SIGTERM, SIGINT or SIGHUP; the exit code.

    ``file``: where the settings were read from, watched for changes that are not in force.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return asyncio.run(_Engine(settings, file).lead())


class _Engine:
    def __init__(self, settings: Settings, file: Path) -> None:
        self._settings = settings
        self._file = file
        self._station = Station(settings)
        self._readings = Readings(derived(settings))
        self._stop = asyncio.Event()
        self._switched = asyncio.Event()
        """Set when the site should be looked at now: something was switched."""
        self._worker = Worker(settings)
        self._joins_at = 0.0
        # As found when last asked, each second: a state never changes, so it needs no second look.
        self._nothing_due: State | None = None
        self._within_budget: State | None = None

    async def lead(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        self._station.prepare()
        with ExitStack() as leading:
            if not await self._leads(leading):
                return 0
            heartbeat = Heartbeat(self._station, self._readings, self._switched)
            self._recover()
            leading.callback(self._worker.close)
            recorder = Recorder(self._settings)
            leading.callback(recorder.close)
            hooks = Hooks(self._settings)
            leading.callback(hooks.close)
            leading.callback(self._endpoint(recorder, hooks).close)
            tell_systemd("READY=1")
            log.info("leading %s, pid %s", self._station.root, os.getpid())
            async with _together(self._tasks(heartbeat, recorder, hooks)) as failed:
                await _first(self._stop.wait(), failed.wait())
            if heartbeat.leads():
                heartbeat.write(ended=True)
            tell_systemd("STOPPING=1")
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
                    tell_systemd("READY=1\nSTATUS=standby")
                waited = True
                await _pause(self._stop, _STANDBY_S)
            else:
                return True
        return False

    def _recover(self) -> None:
        station = self._station
        station.whole_state()  # every line is read and verified again at each start
        settle_if_open(station)
        staging.clear_leftovers(station)
        station.reserve()

    def _endpoint(self, recorder: Recorder, hooks: Hooks) -> Endpoint:
        reader = SnapshotReader(self._settings)

        def page() -> bytes:
            from prep_console.outward.prometheus import exposition  # 20 ms, where nobody asks

            return exposition(reader.read(), {"telemetry": recorder.dropped, **hooks.dropped})

        return Endpoint(self._settings, page)

    def _tasks(
        self, heartbeat: Heartbeat, recorder: Recorder, hooks: Hooks
    ) -> list[asyncio.Task[None]]:
        readings, switched = self._readings, self._switched

        def clock_known() -> bool:
            return is_known_right(readings.current)

        deliveries = Deliveries(self._settings, self._worker, switched, clock_known)
        announcing = Announcing(self._settings, readings, heartbeat, hooks)
        own = OwnSettings(self._settings, self._file)
        probes = [*instruments(self._settings, self._station), own]
        heartbeat.stale_after_s = {
            **stale_after_s(probes),
            **source_stale_s(self._settings),
            READING: STALE_S,
        }
        jobs = [
            heartbeat.run(),
            announcing.judge(),
            announcing.write(),
            deliveries.watch(),
            self._taking(deliveries, clock_known),
            watch_arrivals(self._settings, deliveries.moved, readings.deliver),
            self._each_second("assembly", self._assemble),
            self._each_second("publication", partial(self._publish, Station(self._settings))),
            self._each_second("retention", partial(self._prune, Station(self._settings))),
            self._chain(),
            self._seen(),
            self._record(recorder),
            keep_rehashing(self._settings, readings.deliver, own.changed),
        ]
        for source in pulled_sources(self._settings):
            pulled = PulledSource(
                self._settings, source, self._worker, readings.deliver, switched, clock_known
            )
            jobs.append(pulled.run())
        for probe in probes:
            nudge = switched if VISITOR in probe.names else None
            jobs.append(run_probe(probe, readings.deliver, nudge=nudge))
        return [asyncio.create_task(job) for job in jobs]

    async def _taking(self, deliveries: Deliveries, clock_known: Callable[[], bool]) -> None:
        """Take what the institute writes: files that come and go, or a tree that stays."""
        if self._settings.drop.layout == "archives":
            await deliveries.take_all()
            return

        def connected() -> bool:
            """As far as the kernel's table of connections is read; unknown is no obstacle."""
            reading = self._readings.current.get("link.institute")
            return (
                reading is not None
                and isinstance(reading.value, float | int)
                and (reading.value > 0)
            )

        await take_trees(self._settings, self._worker, self._switched, clock_known, connected)

    async def _record(self, recorder: Recorder) -> None:
        """Hand the readings to the telemetry, which writes them in a thread of its own."""
        while True:
            await asyncio.sleep(STEP_S)
            recorder.note(self._readings.current)

    async def _seen(self) -> None:
        """Write down when a cut was first seen over HTTP."""
        thread: OwnThread[None] = OwnThread()
        hand = Station(self._settings)  # its own: it is used from another thread
        while True:
            await self._readings.visited.wait()
            self._readings.visited.clear()
            seen = self._readings.served
            if seen is None or not seen.ok or seen.id is None:
                continue
            try:
                if not _is_news(self._station, seen.id):  # nearly always: no thread for that
                    continue
                await thread.run(partial(_record_served, hand, seen.id, seen.latency_s or 0.0))
            except (OSError, Problem) as error:
                log.error("seen: %s", error)
                await asyncio.sleep(_RETRY_S)
                self._readings.visited.set()

    async def _each_second(self, what: str, due: Callable[[], Awaitable[None]]) -> None:
        """Do what time alone brings; what fails is tried again, and holds up nothing else."""
        while True:
            await next_second()
            try:
                await due()
            except NewerStore:  # somebody upgraded: this program's time is over
                raise
            except (OSError, Problem) as error:
                log.error("%s: %s", what, error)
                await asyncio.sleep(_RETRY_S)

    async def _assemble(self) -> None:
        """The end of waiting for an election; the worker may be busy with a large delivery."""
        state = self._station.state()
        if state is self._nothing_due:
            return
        now = asyncio.get_running_loop().time()
        joins = now >= self._joins_at
        if is_due(state, joins=joins):
            if joins:
                self._joins_at = now + _JOIN_S
            await self._worker.assemble_due(joins=joins)
        elif joins:
            self._nothing_due = state

    async def _publish(self, hand: Station) -> None:
        """The opening hour, and what could not be published when it came.

        ``hand`` is its own station: it is used from another thread.
        """
        if hand.live().cut != hand.state().live:  # moved by a crash, or by hand
            await asyncio.to_thread(settle_if_open, hand)
        if actions.due(self._station):
            await asyncio.to_thread(actions.advance, hand, actor=program("engine"))

    async def _prune(self, hand: Station) -> None:
        state = self._station.state()
        if state is self._within_budget:
            return
        if retention.within_budget(state, self._settings):
            self._within_budget = state
        elif retention.is_due(self._station):
            await asyncio.to_thread(retention.prune, hand)

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


def _is_news(station: Station, cut: str) -> bool:
    """Whether the journal does not say yet that the cut was seen."""
    record = station.state().cuts.get(cut)
    return record is not None and record.served_at is None


def _record_served(station: Station, cut: str, latency_s: float) -> None:
    if _is_news(station, cut):
        actions.record_served(station, cut, latency_s)
