"""Deliveries are read in a process of their own: a bomb or a bug cannot stop the engine.

The process stays warm between deliveries and dies with the engine. Killed in the middle, it
leaves only what every crash leaves: the next command recovers.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from prep_console.config import Settings
from prep_console.journal.actor import program
from prep_console.problems import Failed, Problem
from prep_console.wording import N_, sentence

if TYPE_CHECKING:
    from prep_console.intake.receipt import Receipt

T = TypeVar("T")

_PR_SET_PDEATHSIG = 1
_DELIVERIES_PER_PROCESS = 50
"""A fresh process now and then: whatever a reader leaked goes with the old one."""
_NAMED = 60
"""Characters of a delivery's name that its lock tells: the lock file has one length."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the worker needs to know."""

    settings: Settings
    path: Path
    received_at: datetime
    clock_known: bool
    source: str
    """Name of the source; '' for the drop folder, where others may still be writing."""
    standing: str
    """The shape in which a mirrored tree was found whole."""


class Worker:
    """One process that takes deliveries one after another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: ProcessPoolExecutor | None = None
        self._turn = asyncio.Lock()
        """One call at a time: a process that dies fails no other one."""
        self._taken = 0
        """Deliveries that the process has read."""

    async def receive(
        self, path: Path, *, source: str = "", standing: str = "", clock_known: bool = False
    ) -> Receipt:
        """Take the delivery at ``path``. Problem as :func:`prep_console.intake.receive.receive`.

        ``source`` names where we fetched it ourselves; '': it lies in the drop folder.
        """
        job = Job(self._settings, path, datetime.now(UTC), clock_known, source, standing)
        return await self._run(partial(_receive, job), takes=1)

    async def warm(self) -> None:
        """Start the process before the first delivery comes: it loads for most of a second."""
        await self._run(_load)

    async def assemble_due(self, *, joins: bool = True) -> list[str]:
        """Put together what has waited long enough; the ids of the new cuts.

        ``joins`` as for :func:`prep_console.intake.assembly.assemble`.
        """
        return await self._run(partial(_assemble_due, self._settings, joins))

    def close(self) -> None:
        """Let go of the process; what it was doing is recovered by the next start."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
            self._taken = 0

    async def _run(self, call: Callable[[], T], *, takes: int = 0) -> T:
        loop = asyncio.get_running_loop()
        async with self._turn:
            if self._taken >= _DELIVERIES_PER_PROCESS:
                self.close()
            if self._pool is None:  # its max_tasks_per_child may leave it without a process
                self._pool = ProcessPoolExecutor(  # (CPython gh-115634)
                    max_workers=1,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_begin,
                    initargs=(os.getpid(),),
                )
            self._taken += takes
            try:
                return await loop.run_in_executor(self._pool, partial(_told, call))
            except BrokenProcessPool as error:
                self.close()
                raise Failed(
                    sentence(N_("the process that read the delivery died")),
                    sentence(N_("it is tried again; look at memory and at the journal")),
                ) from error


def _begin(engine: int) -> None:
    """Die with the engine, whose pid this is, and leave its signals to it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != engine:  # it died before it could take us along; its pipes tell us nothing
        os._exit(0)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _told(call: Callable[[], T]) -> T:
    """Whatever goes wrong in the process crosses to the engine as a problem that is told."""
    try:
        return call()
    except Problem:
        raise
    except Exception as error:
        raise Failed(
            sentence(
                N_("the delivery could not be read: {error}"),
                error=f"{type(error).__name__}: {error}",
            ),
            sentence(N_("it was left where it is and is tried again; report this with its file")),
        ) from error


def _load() -> None:
    importlib.import_module("prep_console.cuts.delivery")
    importlib.import_module("prep_console.intake.receive")


def _receive(job: Job) -> Receipt:
    from prep_console.intake.receive import receive
    from prep_console.publication import lock
    from prep_console.publication.station import Station

    station = Station(job.settings)
    station.prepare()
    name = job.path.name.encode("ascii", "replace").decode()[:_NAMED]
    with lock.held(station.worker_lock, f"receive {name}"):
        return receive(
            station,
            job.path,
            actor=program("engine"),
            source=job.source or job.settings.drop.label,
            received_at=job.received_at,
            dropped=not job.source,
            standing=job.standing,
            clock_known=job.clock_known,
        )


def _assemble_due(settings: Settings, joins: bool) -> list[str]:
    from prep_console.intake.sealing import assemble_due
    from prep_console.publication.station import Station

    return assemble_due(Station(settings), actor=program("engine"), joins=joins)
