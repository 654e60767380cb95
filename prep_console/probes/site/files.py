"""Served files against the manifest of the live cut: a defaced or half-cached page is seen.

``site.files`` fetches some files each look, as a visitor would, and compares the hash of what
came with what was sealed. Which ones is decided by :mod:`sampling`. A file that differs is asked
for a second time before it is said; one that stays wrong is looked at each time until it is not.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from urllib.parse import quote

import httpx

from prep_console.config import Settings
from prep_console.probes.probe import Clock, OwnThread, reading, unknown, utc_now
from prep_console.probes.site.arrival import arrive
from prep_console.probes.site.sampling import FRONT, Sample, Sampling
from prep_console.probes.site.visit import (
    FAILURES,
    NOT_HTTP,
    SHOWN,
    Fetched,
    Visit,
    Visitor,
    reason_of,
)
from prep_console.publication import store
from prep_console.publication.manifest import Manifest, SealedFile
from prep_console.publication.pointer import Live
from prep_console.publication.seen import Target
from prep_console.publication.station import Station
from prep_console.snapshot import Reading
from prep_console.wording import N_

FILES = "site.files"
ONLY_ERRORS = N_("the site answers with errors only, so no file could be compared")
NO_MANIFEST = N_("the manifest of the live cut cannot be read")
KEEPS_MOVING = N_("the live cut changed during each look")

_ESTADO_BYTES = 65_536


@dataclass(slots=True)
class _Compared:
    """What one look found."""

    right: int = 0
    bytes: int = 0
    """That came, those of the files that were asked for twice included."""
    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    errors: int = 0
    """Answers that were the server's own trouble (5xx) and told nothing about a file."""
    broken: list[str] = field(default_factory=list)
    """Files whose answers broke off, twice."""
    failure: str | None = None
    """Why the last file that did not come did not."""

    @property
    def checked(self) -> int:
        return self.right + len(self.wrong) + len(self.missing)


@dataclass(frozen=True, slots=True)
class _Door:
    """Where this look's files are asked for: where a visitor of ``site.url`` arrives."""

    visit: Visit
    at: Target
    opened: Target

    async def fetch(self, sample: Sample) -> Fetched:
        """A front page that visitors are sent away from, to another path, has its own name."""
        path = url_path(sample.path)
        if sample.path in {"", FRONT} and self.at.path not in {"/", self.opened.path}:
            path = f"/{FRONT}" if sample.path else self.at.path
        return await self.visit.fetch(path, sample.file.size, at=self.at)


class FilesProbe:
    """Samples what ``site.url`` serves of the live cut."""

    names = (FILES,)
    period_s = 15.0
    deadline_s = 10.0
    enough_s = 7.0
    """No further file is asked for after this long: the look must end before its deadline."""
    pace_s = 0.05
    """Rest between two files: no burst that a protection against floods would take for one."""

    def __init__(
        self,
        settings: Settings,
        station: Station,
        *,
        now: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """WrongUsage when ``site.url`` or ``site.connect`` is no address."""
        self._station = station
        self._prefix = settings.publication.estado_prefix.lstrip("/")
        self._now = now
        self._monotonic = monotonic
        self._visitor = Visitor(settings.site, timeout_s=self.enough_s)
        self._budget = settings.site.sample_bytes
        self._sampling = Sampling(settings.site.samples, self._budget)
        self._reader: OwnThread[Manifest] = OwnThread()
        self._cut: str | None = None
        """The cut that the sampling is of."""
        self._has_front = False
        """Whether that cut has a front page of its own."""
        self._wrong: tuple[str, ...] = ()
        """Paths in the cut that were not as sealed at the last look."""
        self._pass_began = monotonic()
        self._passes = 0
        self._pass_s: float | None = None

    async def read(self) -> Mapping[str, Reading]:
        """Unknown, with the reason, when no file at all could be compared."""
        for _ in range(2):  # a switch in the middle voids a look: once more, under the new cut
            live = self._station.live()
            if live.cut is None:
                self._wrong = ()
                return {FILES: reading(0, "files", self._now(), checked=0, wrong="", missing="")}
            if not await self._know(live.cut):
                return unknown(self.names, NO_MANIFEST, self._now())
            try:
                async with self._visitor.visit() as visit:
                    found = await self._compare(visit, live)
            except FAILURES as error:
                return unknown(self.names, reason_of(error), self._now())
            if self._station.live() == live:
                return {FILES: self._judge(found)}
        return unknown(self.names, KEEPS_MOVING, self._now())

    async def close(self) -> None:
        """Nothing is held between two looks."""

    async def _know(self, cut: str) -> bool:
        """Read the manifest of a cut once; False when it cannot be read."""
        if cut == self._cut:
            return True
        try:
            sealed = await self._reader.run(lambda: store.load(self._station, cut)[0])
        except (OSError, ValueError):
            return False
        served = {path: file for path, file in sealed.files.items() if self._is_served(path)}
        self._sampling.go_live(served, _newest(sealed))
        self._cut, self._has_front, self._wrong = cut, FRONT in sealed.files, ()
        return True

    def _is_served(self, path: str) -> bool:
        """Apache keeps ``.ht…`` to itself, and the reserved prefix is ours."""
        name = path.rpartition("/")[2]
        return not name.startswith(".ht") and not f"{path}/".startswith(self._prefix)

    async def _compare(self, visit: Visit, live: Live) -> _Compared:
        began, found = self._monotonic(), _Compared()
        async with asyncio.timeout(self.enough_s):
            door = await self._enter(visit)
        for sample in chain(self._estado(live), self._sampling.look(self._wrong)):
            left_s = began + self.enough_s - self._monotonic()
            if left_s <= 0 or found.bytes >= self._budget:
                break
            await _compare(door, sample, found, left_s)
            await asyncio.sleep(self.pace_s)
        return found

    async def _enter(self, visit: Visit) -> _Door:
        """Where a visitor arrives; where it was opened, if the front page breaks off."""
        opened = self._visitor.target
        try:
            return _Door(visit, (await arrive(visit, opened)).at, opened)
        except httpx.RemoteProtocolError:
            return _Door(visit, opened, opened)

    def _estado(self, live: Live) -> Iterable[Sample]:
        """What ``/`` must show when the cut has no page of its own: our estado."""
        if self._has_front:
            return ()
        try:
            page = self._station.public / "estado" / f"{live.estado}.html"
            with page.open("rb") as file:
                content = file.read(_ESTADO_BYTES)
        except OSError:
            return ()
        return (Sample("", SealedFile(hashlib.sha256(content).hexdigest(), len(content))),)

    def _judge(self, found: _Compared) -> Reading:
        self._note_pass()
        if not found.right and not found.wrong and (found.failure or found.errors):
            reason = ONLY_ERRORS if found.errors else found.failure
            if not found.missing and reason is not None:
                return unknown(self.names, reason, self._now())[FILES]
        if found.right:  # the site gives other files whole: these it does not
            found.wrong += found.broken
        self._wrong = (*found.wrong, *found.missing)
        return reading(
            found.right,
            "files",
            self._now(),
            critical=bool(self._wrong),
            checked=found.checked,
            wrong=_shown(found.wrong),
            missing=_shown(found.missing),
            failed=found.failure,
            bytes=found.bytes,
            of=len(self._sampling),
            pass_s=self._pass_s,
        )

    def _note_pass(self) -> None:
        if self._sampling.passes != self._passes:
            self._passes = self._sampling.passes
            at_s = self._monotonic()
            self._pass_s, self._pass_began = round(at_s - self._pass_began), at_s


def url_path(path: str) -> str:
    """The URL path of a file of the cut, whatever its name holds; a front page is its folder."""
    shown = "" if path == FRONT else path
    return "/" + quote(os.fsencode(shown), safe="/")


def _newest(sealed: Manifest) -> set[str]:
    """Files of the parts that are as new as the cut."""
    newest = max((part.stamp for part in sealed.parts), default="")
    return {path for part in sealed.parts if part.stamp == newest for path in part.files}


async def _compare(door: _Door, sample: Sample, found: _Compared, left_s: float) -> None:
    """Fetch one file, a second time when it is not as sealed, and note what came."""
    try:
        async with asyncio.timeout(left_s):
            got = await _fetch(door, sample, found)
            if got is None or not _right(got, sample.file):
                got = await _fetch(door, sample, found)
    except FAILURES as error:
        found.failure = reason_of(error)
        return
    if got is None:
        found.broken.append(sample.path)
        found.failure = NOT_HTTP
        return
    if _right(got, sample.file):
        found.right += 1
    elif got.status >= 500:
        found.errors += 1
    elif got.status in {403, 404, 410}:
        found.missing.append(sample.path)
    else:
        found.wrong.append(sample.path)


async def _fetch(door: _Door, sample: Sample, found: _Compared) -> Fetched | None:
    """None when the answer broke off before its end, or is no HTTP."""
    try:
        got = await door.fetch(sample)
    except httpx.RemoteProtocolError:
        return None
    found.bytes += got.size
    return got


def _right(got: Fetched, file: SealedFile) -> bool:
    return got.status == 200 and not got.encoded and got.sha256 == file.sha256


def _shown(paths: list[str]) -> str:
    """As many as fit; in URL form, so that no blank stands in one."""
    text = ""
    for path in map(url_path, paths):
        if len(text) + len(path) >= SHOWN:
            break
        text = f"{text} {path}".lstrip()
    return text or " ".join(map(url_path, paths))[:SHOWN]
