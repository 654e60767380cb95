"""From readings to alarms each second; into the journal, and outward. Nothing waits for it."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from prep_console.alarms.lifecycle import Event
from prep_console.config import Settings
from prep_console.engine.heartbeat import Heartbeat
from prep_console.engine.readings import Readings
from prep_console.engine.seconds import next_second
from prep_console.engine.watch import Watch
from prep_console.outward.hooks import Hooks
from prep_console.probes.probe import Clock, OwnThread, utc_now

log = logging.getLogger(__name__)

_RETRY_S = 5.0


class Announcing:
    """The watch over the alarms of one engine, each of its two works in a thread of its own."""

    def __init__(
        self,
        settings: Settings,
        readings: Readings,
        heartbeat: Heartbeat,
        hooks: Hooks,
        *,
        now: Clock = utc_now,
    ) -> None:
        self._readings = readings
        self._heartbeat = heartbeat
        self._hooks = hooks
        self._now = now
        self._watch = Watch(settings, now())
        self._told = ""
        self._owing = asyncio.Event()
        """Set while something is owed to the journal."""
        heartbeat.alarms = self._watch.memory

    async def judge(self) -> None:
        """Step the alarms for ever. A fault in one step is told and the next one tried."""
        thread: OwnThread[tuple[Event, ...]] = OwnThread()
        while True:
            readings = self._readings
            step = partial(
                self._watch.step,
                self._now(),
                dict(readings.current),
                readings.served,
                dict(readings.since),
            )
            try:
                self._hooks.tell(await thread.run(step))
                self._told = ""
            except Exception as error:
                if str(error) != self._told:  # once, not each second of a whole night
                    log.error("the alarms cannot be judged", exc_info=error)
                self._told = str(error)
            self._heartbeat.alarms = self._watch.memory
            if self._watch.owes:
                self._owing.set()
            await next_second()

    async def write(self) -> None:
        """Bring into the journal what is owed to it; a held lock delays only this."""
        thread: OwnThread[None] = OwnThread()
        while True:
            await self._owing.wait()
            self._owing.clear()
            try:
                await thread.run(self._watch.write)
            except Exception:
                log.exception("alarms are not in the journal yet")
                await asyncio.sleep(_RETRY_S)
