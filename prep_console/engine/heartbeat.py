"""The engine's sign of life: ``run/now.json``, replaced each second, and the watch on its lock.

Everything here touches the station's disk, so it is done in a thread of its own: a disk that
hangs makes the file old, which readers see, and stops nothing else in the engine.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from prep_console import durable
from prep_console.alarms.lifecycle import Memory
from prep_console.engine.readings import STEP_S, Readings
from prep_console.engine.seconds import next_second
from prep_console.probes.probe import Clock, OwnThread, utc_now
from prep_console.publication.pointer import Live
from prep_console.publication.station import Station

log = logging.getLogger(__name__)

_HANGS_S = 5.0
"""A write that takes longer is told as a disk that hangs."""
_EARLY_S = 0.5
"""Beats begin at whole seconds, some a little late: the tenth may come less than 10 s after."""


class LockLost(Exception):
    """The file of the leader's lock is not the one that is held."""


class Heartbeat:
    """Says once a second what only the engine knows."""

    def __init__(
        self, station: Station, readings: Readings, switched: asyncio.Event, *, now: Clock = utc_now
    ) -> None:
        """``switched`` is set when another cut went live, whoever did it."""
        self.alarms = Memory()
        """What the watch remembers; readers go on from it."""
        self.stale_after_s: dict[str, float] = {}
        """Of the readings that are taken seldom."""
        self._station = station
        self._readings = readings
        self._switched = switched
        self._now = now
        self._thread: OwnThread[Live] = OwnThread()
        self._lock = file_at(station.leader_lock)
        self._hangs = False

    async def run(self) -> None:
        """Until cancelled. LockLost when somebody took the leader's lock away."""
        live: Live | None = None
        loop = asyncio.get_running_loop()
        sampled = float("-inf")
        while True:
            began = loop.time()
            if began - sampled >= STEP_S - _EARLY_S:
                self._readings.sample()
                sampled = began
            before, live = live, await self._beat() or live
            tell_systemd("WATCHDOG=1")
            if before is not None and live != before:
                self._switched.set()
            await next_second()

    def leads(self) -> bool:
        """A lock whose file was deleted keeps nobody out any more."""
        return file_at(self._station.leader_lock) == self._lock

    def write(self, *, ended: bool = False) -> None:
        """Replace now.json at once; ``ended`` is the last word before a clean end."""
        self._replace(self._said(ended=ended))

    async def _beat(self) -> Live | None:
        try:
            async with asyncio.timeout(_HANGS_S):
                live = await self._thread.run(partial(self._look, self._said()))
        except TimeoutError:
            if not self._hangs:
                log.error("the disk hangs: nothing can be written to %s", self._station.run)
            self._hangs = True
            return None
        if self._hangs:
            log.warning("the disk answers again")
        self._hangs = False
        return live

    def _look(self, said: bytes) -> Live:
        if not self.leads():
            # Ended and started again (systemd does), its folders are made and locked anew.
            raise LockLost(f"{self._station.leader_lock} was deleted or replaced")
        self._replace(said)
        return self._station.live()

    def _said(self, *, ended: bool = False) -> bytes:
        readings = self._readings
        said: Mapping[str, object] = {
            "schema": 1,
            "pid": os.getpid(),
            "at": self._now(),
            "readings": readings.current,
            "history": readings.history,
            "history_step_s": STEP_S,
            "served": readings.served,
            "since": readings.since,
            "alarms": self.alarms,
            "stale_after_s": self.stale_after_s,
            "ended": ended,
        }
        return msgspec.json.encode(said)

    def _replace(self, said: bytes) -> None:
        """A full disk must not stop the loop: screens see the age grow."""
        with suppress(OSError):
            durable.replace_file(self._station.run / "now.json", said, durable=False)


def file_at(path: Path) -> tuple[int, int]:
    """Device and inode; (0, 0) when nothing is there."""
    try:
        status = path.lstat()
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino


def tell_systemd(message: str) -> None:
    """sd_notify, when systemd started us."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.setblocking(False)
        notify.sendto(message.encode(), "\0" + address[1:] if address[0] == "@" else address)
