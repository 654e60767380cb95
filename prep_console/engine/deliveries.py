"""What the institute drops is seen within milliseconds and taken, one delivery after another."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from asyncinotify import Inotify, Mask

from prep_console.config import Settings
from prep_console.engine.seconds import to_next_second
from prep_console.engine.worker import Worker
from prep_console.intake.drop import LINGERS_S, Arrival, DropFolder
from prep_console.problems import Problem
from prep_console.publication.station import Station

log = logging.getLogger(__name__)

_TAKING_S = 2.0
"""Deliveries are taken this long before it is looked again for what should come first."""
_RETRY_S = 5.0
_WATCHED = Mask.CLOSE_WRITE | Mask.MOVED_TO | Mask.CREATE


class Deliveries:
    """The drop folder of one station and the worker that reads what lies in it."""

    def __init__(
        self,
        settings: Settings,
        worker: Worker,
        switched: asyncio.Event,
        clock_known: Callable[[], bool],
    ) -> None:
        """``switched`` is set when a delivery went live.

        ``clock_known``: whether our own clock is known to be right at this moment; a delivery
        from the future is then refused, and else waits in the drop folder.
        """
        self._folder = settings.drop_folder
        self._drop = DropFolder(self._folder, settings.intake.settle_seconds, LINGERS_S)
        self._station = Station(settings)
        self._worker = worker
        self._switched = switched
        self._clock_known = clock_known
        self._look = asyncio.Event()
        """Set when the drop folder may have something new."""
        self.moved = asyncio.Event()
        """Set whenever somebody writes there, for who shows it."""

    async def watch(self) -> None:
        """Wake the intake within milliseconds of a close or a rename in the drop folder."""
        while True:
            try:
                with Inotify() as inotify:
                    inotify.add_watch(self._folder, _WATCHED)
                    async for _ in inotify:
                        self._look.set()
                        self.moved.set()
            except OSError as error:
                log.warning("the drop folder cannot be watched, only looked at: %s", error)
                await asyncio.sleep(_RETRY_S)

    async def take_all(self) -> None:
        """Take whatever is ready, for ever."""
        with suppress(Problem):
            await self._worker.warm()
        rest_s = to_next_second()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._look.wait()
            self._look.clear()
            try:
                rest_s = await self._round()
            except (OSError, Problem) as error:
                log.error("intake: %s", error)
                await asyncio.sleep(_RETRY_S)

    async def _round(self) -> float:
        """Look once and take what is ready; the seconds to rest before the next look.

        inotify overflows under a burst and sees nothing of some file systems: one each second.
        """
        began = time.monotonic()
        arrivals = await asyncio.to_thread(self._drop.look)
        took = time.monotonic() - began
        for arrival in arrivals:
            if self._drop.ready(arrival):
                await self._take(arrival)
            if time.monotonic() > began + took + _TAKING_S:
                self._look.set()  # what has come meanwhile may be of an older cut
                break
        self._drop.settled(self._station.state())
        return max(to_next_second(), took)  # a folder full of rubbish is no reason to be busy

    async def _take(self, arrival: Arrival) -> None:
        try:
            receipt = await self._worker.receive(arrival.path, clock_known=self._clock_known())
        except Exception as error:  # one delivery never stops the others, nor the engine
            log.error("%a: %s", arrival.path.name, error, exc_info=_unforeseen(error))
            self._drop.put_off(arrival, _RETRY_S)  # the others are taken meanwhile
            return
        self._drop.note(arrival, receipt)
        if receipt.still_coming:
            return
        if receipt.published is not None:
            self._switched.set()
        log.info("%a: %s %s", arrival.path.name, receipt.result, receipt.cut or "")


def _unforeseen(error: Exception) -> Exception | None:
    """The error, when only its place in the program explains it."""
    return None if isinstance(error, OSError | Problem) else error
