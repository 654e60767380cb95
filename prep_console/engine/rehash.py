"""The live cut is read again without end, in a process of its own, and put right at once.

The process yields to everything (idle I/O class, nice 19), dies with the engine, and only finds.
What it finds the engine puts right in a thread at its own priority: the action lock is never held
by somebody who may have to wait for the disk.
"""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection

import psutil

from prep_console.config import Settings
from prep_console.engine.put_right import Found, PutRight
from prep_console.probes.probe import OwnThread, unknown, utc_now
from prep_console.problems import Problem
from prep_console.publication import manifest, store
from prep_console.publication.estado_check import altered_pages
from prep_console.publication.rehash import NOTHING_WRONG, Rereading, Wrong
from prep_console.publication.station import Station
from prep_console.snapshot import Reading
from prep_console.values import replace

log = logging.getLogger(__name__)

READING = "cut.bytes"
_PR_SET_PDEATHSIG = 1
_TICK_S = 5.0
_LOOK_SHARE = 0.002
"""Of the time goes into looks at names, sizes, dates, owners, permissions and the manifest: every
step for a few files, about every 20 s for 6,000."""
_LOOK_S = 60.0
"""And never less often."""
_RETRY_S = 60.0
_RESTART_S = 5.0
STALE_S = 300.0
"""The process waits for everybody else's reading of the disk: its word may come late."""
_SILENT_S = 600.0
"""A process that says nothing for so long hangs, or the disk does."""
_NAMES = 500

Deliver = Callable[[Mapping[str, Reading]], None]


@dataclass(frozen=True, slots=True)
class Report:
    """How far the reading is, and what it found."""

    cut: str | None
    checked: int
    files: int
    bytes: int
    pass_s: float
    """How long this pass has lasted, or how long the last one took when none is begun."""
    last_full_pass_at: datetime | None
    found: Found


async def keep_rehashing(settings: Settings, deliver: Deliver, changed: Callable[[], bool]) -> None:
    """Start the process again whenever it ends; its reading is unknown until then.

    ``changed``: whether other settings than these are in the file. Then a command writes the
    estado pages otherwise than this engine would, and nobody has tampered with them.
    """
    hand = PutRight(Station(settings))
    while True:
        try:
            await _follow(settings, hand, deliver, changed)
        except (OSError, EOFError, TimeoutError) as error:
            log.error("rehash: %s", error or type(error).__name__)
            reason = f"the process that reads it again ended: {error or type(error).__name__}"
            deliver(unknown((READING,), reason[:200], utc_now()))
        await asyncio.sleep(_RESTART_S)


async def _follow(
    settings: Settings, hand: PutRight, deliver: Deliver, changed: Callable[[], bool]
) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(settings, theirs), daemon=True, name="rehash")
    process.start()
    theirs.close()
    came = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(ours.fileno(), came.set)
    thread: OwnThread[bool] = OwnThread()
    tried: tuple[Found, float] | None = None
    try:
        while True:
            async with asyncio.timeout(_SILENT_S):
                await came.wait()
            came.clear()
            if not ours.poll():
                continue
            report: Report = ours.recv()
            if report.found.pages and await thread.run(changed):  # it reads a file
                report = replace(report, found=replace(report.found, pages=()))
            deliver({READING: _reading(report, utc_now())})
            now = time.monotonic()
            if not hand.has_work(report.found) or (
                tried is not None and tried[0] == report.found and now - tried[1] < _RETRY_S
            ):
                continue
            tried = report.found, now
            if await _put_right(thread, hand, report.found):
                ours.send(report.found.wrong.files)
    finally:
        loop.remove_reader(ours.fileno())
        ours.close()
        process.kill()


async def _put_right(thread: OwnThread[bool], hand: PutRight, found: Found) -> bool:
    """Whether anything may be different now."""
    try:
        return await thread.run(lambda: hand.put_right(found))
    except (OSError, ValueError, Problem) as error:
        log.error("rehash: %s", error)
        return True


def _reading(report: Report, now: datetime) -> Reading:
    wrong = report.found.names()
    share = 100.0 * report.checked / report.files if report.files else 100.0
    return Reading(
        round(share, 1),
        "%",
        "critical" if wrong else "ok",
        now,
        None,
        {
            "cut": report.cut,
            "checked": report.checked,
            "files": report.files,
            "bytes": report.bytes,
            "pass_s": round(report.pass_s, 1),
            "last_full_pass_at": report.last_full_pass_at.isoformat(timespec="seconds")
            if report.last_full_pass_at
            else None,
            "wrong": len(wrong),
            "names": ", ".join(wrong)[:200],
        },
    )


def _child(settings: Settings, pipe: Connection) -> None:
    """Read on until the engine is gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(19)
    with suppress(OSError, psutil.Error):  # a kernel without it; nice alone does
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
    watch = _Watch(Station(settings))
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(watch.step(time.monotonic(), utc_now()))
            if pipe.poll(_TICK_S):
                watch.look_again(pipe.recv())


class _Watch:
    """What the process remembers between two steps."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._cut: str | None = None
        self._reading: Rereading | None = None
        self._manifest = b""
        """As it was sealed: the bytes of the hash that the journal has."""
        self._known: frozenset[str] = frozenset()
        self._manifest_wrong = False
        self._pages: tuple[str, ...] = ()
        self._next_look = self._stepped = self._began = 0.0
        self._passes = 0
        self._pass_s = 0.0
        self._full: datetime | None = None

    def look_again(self, paths: frozenset[str]) -> None:
        """The engine put these right."""
        self._next_look = 0.0
        if self._reading is not None:
            self._reading.read_again(paths)

    def step(self, now: float, at: datetime) -> Report:
        """Follow the live cut and read on; what was found up to here."""
        cut = self._station.live().cut
        if cut != self._cut or (cut is not None and self._reading is None):
            self._turn_to(cut, now)
        if now >= self._next_look:
            self._look(cut, now)
        reading = self._reading
        if reading is not None:
            reading.read_on(now - self._stepped)
            if reading.passes > self._passes:
                self._passes, self._full = reading.passes, at
                self._pass_s, self._began = now - self._began, now
        self._stepped = now
        return Report(
            cut,
            reading.checked if reading else 0,
            reading.files if reading else 0,
            reading.bytes if reading else 0,
            self._pass_s if self._passes else now - self._began,
            self._full,
            Found(
                cut,
                _bounded(reading.wrong) if reading else NOTHING_WRONG,
                self._manifest_wrong,
                self._manifest if self._manifest_wrong else b"",
                self._altered_pages(),
            ),
        )

    def _look(self, cut: str | None, now: float) -> None:
        began = time.process_time()  # waiting for others on a busy machine is no work
        self._manifest_wrong = cut is not None and not self._manifest_holds(cut)
        if self._reading is not None:
            self._reading.look_over()
        self._next_look = now + min((time.process_time() - began) / _LOOK_SHARE, _LOOK_S)

    def _turn_to(self, cut: str | None, now: float) -> None:
        """Begin with another cut; what was read of the one before comes last."""
        self._cut, self._reading, self._manifest = cut, None, b""
        self._next_look, self._stepped, self._began = 0.0, now, now
        self._passes, self._full, self._pages = 0, None, ()
        if cut is None or not self._manifest_holds(cut):
            return
        sealed = manifest.decode(self._manifest)
        site = self._station.cuts / cut / store.SITE
        self._reading = Rereading(site, sealed.files, self._known)
        self._known = frozenset(file.sha256 for file in sealed.files.values())

    def _manifest_holds(self, cut: str) -> bool:
        record = self._station.state().cuts.get(cut)
        try:
            raw = (self._station.cuts / cut / store.MANIFEST).read_bytes()
        except OSError:
            return False
        if record is None or hashlib.sha256(raw).hexdigest() != record.manifest:
            return False
        self._manifest = raw
        return True

    def _altered_pages(self) -> tuple[str, ...]:
        """Told when two looks agree: pages and journal cannot be read in one moment."""
        try:
            pages = altered_pages(self._station, self._station.state())
        except OSError:
            pages = ()
        before, self._pages = self._pages, pages
        return tuple(name for name in pages if name in before)


def _bounded(wrong: Wrong) -> Wrong:
    """The rest is told when these are right."""
    return Wrong(
        frozenset(sorted(wrong.files)[:_NAMES]),
        frozenset(sorted(wrong.strange)[:_NAMES]),
        frozenset(sorted(wrong.folders)[:_NAMES]),
    )
