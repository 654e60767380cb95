"""The time of the cut that the public reads, in all the places where it stands.

``site.time`` looks at the header of the front page, at estado.json and, where the settings say
how, at the institute's own page, and compares each with the live cut. A page may show the time
of any election of the cut (one may be carried over from the cut before).
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urljoin

from prep_console.config import Settings, Site
from prep_console.cuts.site_json import read_site_json
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.probes import command
from prep_console.probes.probe import Clock, OwnThread, reading, unknown, utc_now
from prep_console.probes.site import pattern_search
from prep_console.probes.site.arrival import arrive
from prep_console.probes.site.page_time import of_groups, pointed, read_time
from prep_console.probes.site.visit import (
    FAILURES,
    SHOWN,
    Answer,
    Visit,
    Visitor,
    reason_of,
)
from prep_console.probes.site.visitor import ANSWERS_ERROR, OTHER_CUT, OTHER_ESTADO, estado_of
from prep_console.publication import store
from prep_console.publication.seen import Target
from prep_console.publication.station import Station
from prep_console.snapshot import Reading
from prep_console.wording import N_

TIME = "site.time"
NO_TIME = N_("no time was found in the page of the cut's time")
OTHER_TIME = N_("the page shows another time than that of the live cut")
SLOW_PATTERN = N_("site.time_pattern takes too long to search the page")

_SEARCH_S = 3.0
_FOUND_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class _Page:
    """What the institute's page says."""

    stamp: Stamp | None
    text: str | None
    fault: str | None


class TimeProbe:
    """Reads the cut's time in header, estado and page."""

    names = (TIME,)
    period_s = 15.0
    deadline_s = 10.0

    def __init__(self, settings: Settings, station: Station, *, now: Clock = utc_now) -> None:
        """WrongUsage when ``site.url`` or ``site.connect`` is no address."""
        self._settings = settings
        self._station = station
        self._now = now
        self._visitor = Visitor(settings.site, timeout_s=5.0)
        self._reader: OwnThread[frozenset[Stamp]] = OwnThread()
        self._stamps: tuple[str, frozenset[Stamp]] = ("", frozenset())
        """A cut, and the stamps of its parts."""
        self._before: str | None = None
        """The live cut at the end of the look before: right for one look more."""
        self._searched: tuple[str, _Page] | None = None
        """The last page's hash and what was found: it changes once in a cut, looks are more."""

    async def read(self) -> Mapping[str, Reading]:
        """Unknown, with the reason, when no whole answer comes."""
        live = self._station.live().cut
        prefix = self._settings.publication.estado_prefix
        try:
            async with self._visitor.visit() as visit:
                arrival = await arrive(visit, self._visitor.target)
                front = arrival.page
                estado = await visit.get(urljoin(prefix, "estado.json"), at=arrival.at)
                page = await self._page(visit, arrival.at)
        except FAILURES as error:
            return unknown(self.names, reason_of(error), self._now())
        live_now = self._station.live().cut
        right = {live, live_now, self._before}
        self._before = live_now
        if live_now is None:
            return {TIME: reading("-", "", self._now(), live=None, agree=True)}
        return {TIME: self._judge(front, estado_of(estado), page, live_now, await self._of(right))}

    async def close(self) -> None:
        """Nothing is held between two looks."""

    async def _of(self, cuts: set[str | None]) -> Mapping[str, frozenset[Stamp]]:
        """The stamps of each cut, its parts' ones included."""
        return {cut: await self._known(cut) for cut in cuts if cut is not None}

    async def _known(self, cut: str) -> frozenset[Stamp]:
        if self._stamps[0] != cut:
            self._stamps = (cut, await self._reader.run(lambda: _stamps(self._station, cut)))
        return self._stamps[1]

    async def _page(self, visit: Visit, at: Target) -> _Page | None:
        """What the page says; None when the settings name none."""
        site = self._settings.site
        if not site.time_path:
            return None
        got = await visit.get(_path(site.time_path), at=at, most=pattern_search.PAGE_BYTES)
        if got.status != 200:
            return _Page(None, None, ANSWERS_ERROR)
        if self._searched is None or self._searched[0] != got.sha256:
            self._searched = (got.sha256, await _found(site, got))
        return self._searched[1]

    def _judge(
        self,
        front: Answer,
        estado: Mapping[str, object],
        page: _Page | None,
        live: str,
        right: Mapping[str, frozenset[Stamp]],
    ) -> Reading:
        stamps = frozenset[Stamp]().union(*right.values())
        said = estado.get("cut")
        estado_cut = said[:SHOWN] if isinstance(said, str) else None
        fault = None
        if front.cut not in right:
            fault = OTHER_CUT
        elif estado_cut not in right:
            fault = OTHER_ESTADO
        apart, caution = False, None
        if page is not None and page.stamp not in stamps:
            caution = page.fault or (NO_TIME if page.stamp is None else OTHER_TIME)
            apart = page.stamp is not None and self._far(page.stamp, stamps)
        told = estado_cut if estado_cut is not None and estado_cut in right else live
        shown = CutId.of(told).stamp if page is None or page.stamp is None else page.stamp
        return reading(
            f"{shown.wall:%Y-%m-%d %H:%M}",
            "",
            self._now(),
            warning=caution is not None,
            critical=fault is not None or apart,
            header=front.cut,
            estado=estado_cut,
            page=None if page is None else _text(page),
            live=live,
            agree=fault is None and caution is None,
            fault=fault or caution,
        )

    def _far(self, stamp: Stamp, stamps: frozenset[Stamp]) -> bool:
        """Names and pages of one delivery may be apart by a cadence: more is another cut."""
        cadence = timedelta(minutes=self._settings.election.cadence_minutes)
        return all(abs(stamp - other) > cadence for other in stamps)


def wrong_setting(site: Site) -> str | None:
    """What of the settings of the page cannot work, or None."""
    if not site.time_path:
        return None
    if any(not pointer.startswith("/") for pointer in site.time_pointer.split()):
        return f"site.time_pointer: {site.time_pointer!r} is no JSON pointer like /ultimoCorte/hora"
    try:
        re.compile(site.time_pattern)
        _path(site.time_path).encode("ascii")
    except re.error as error:
        return f"site.time_pattern: {error}"
    except UnicodeError:
        return f"site.time_path: {site.time_path!r} must be written in URL form"
    if not re.fullmatch(r"[!-~]*", site.time_path):
        return f"site.time_path: {site.time_path!r} must be written in URL form"
    return None


def _path(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _stamps(station: Station, cut: str) -> frozenset[Stamp]:
    """The cut's own stamp, and those of its elections as far as its manifest can be read."""
    own = {CutId.of(cut).stamp}
    try:
        sealed, _ = store.load(station, cut)
        return frozenset(own | {Stamp.of(part.stamp) for part in sealed.parts})
    except (OSError, ValueError):
        return frozenset(own)


async def _found(site: Site, page: Answer) -> _Page:
    """The time that the settings lead to in the page."""
    text = page.body.decode("utf-8", "replace")
    if not site.time_pointer and not site.time_pattern:
        known = read_site_json(page.body)
        stamp = known.stamp if known is not None else None
        return _Page(stamp, str(stamp) if stamp else None, None)
    if site.time_pointer:
        try:
            led = pointed(json.loads(page.body), site.time_pointer.split())
        except (ValueError, RecursionError):
            led = None
        if led is None:
            return _Page(None, None, None)
        text = led
    if not site.time_pattern:
        return _Page(read_time(text), text[:SHOWN], None)
    try:
        found = await search(site.time_pattern, text.encode())
    except command.CommandError:
        return _Page(None, None, SLOW_PATTERN)
    if found is None:
        return _Page(None, None, None)
    groups, whole = found
    return _Page(of_groups(groups, whole), whole[:SHOWN], None)


async def search(pattern: str, page: bytes) -> tuple[Mapping[str, str | None], str] | None:
    """Named groups, and the first group that found something or else all that was found.

    None when the pattern finds nothing; CommandError when the search takes too long.
    """
    descriptor = os.memfd_create("page", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, page[: pattern_search.PAGE_BYTES])
        there = f"/proc/{os.getpid()}/fd/{descriptor}"
        argv = [sys.executable, "-I", "-S", pattern_search.__file__, pattern, there]
        said = await command.output(argv, deadline_s=_SEARCH_S, limit_bytes=_FOUND_BYTES)
    finally:
        os.close(descriptor)
    found = json.loads(said)
    return None if found is None else (found[0], found[1])


def _text(page: _Page) -> str | None:
    if page.stamp is not None:
        return f"{page.stamp.wall:%Y-%m-%d %H:%M}"
    return page.text
