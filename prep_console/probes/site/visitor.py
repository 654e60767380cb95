"""The site as a visitor gets it: which cut, how soon, without a login, open to portals.

``site.visitor`` is what the public sees, so it is asked for over HTTP(S) by name, never read
from the disk. Its value is the latency of the front page in seconds; the rest is in its detail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from prep_console.config import Settings
from prep_console.probes.probe import Clock, reading, unknown, utc_now
from prep_console.probes.site.frames import frames_allowed
from prep_console.probes.site.visit import (
    FAILURES,
    SHOWN,
    Answer,
    Live,
    Visit,
    Visitor,
    reason_of,
)
from prep_console.publication.seen import Target
from prep_console.snapshot import Reading, ServedView
from prep_console.wording import N_

VISITOR = "site.visitor"

_HOPS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_LOGIN = re.compile(r"(?i)(?:^|[/_.?=&-])(?:log-?[io]n|sign-?in|sso|oauth2?|iniciar-?sesion)\b")
_PORTS = {"http": 80, "https": 443}

ASKS_LOGIN = N_("the site asks visitors to log in")
FORBIDDEN = N_("the site forbids visitors to enter")
ANSWERS_ERROR = N_("the site answers with an error")
SENT_AWAY = N_("the site sends visitors to another place")
IN_CIRCLES = N_("the site sends visitors on and on")
NO_CUT = N_("the answer of the site names no cut")
OTHER_CUT = N_("the site serves another cut than the live one")
OTHER_ESTADO = N_("the estado page names another cut than the live one")


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Where a visitor ends up."""

    at: Target
    page: Answer
    hops: int
    location: str | None
    """Where an answer sends visitors that was not followed; else the last one that was."""
    fault: str | None
    """Why it was not followed."""


class SiteProbe:
    """Opens ``site.url`` and the estado like a visitor; ``live`` says what should be public."""

    names = (VISITOR,)
    period_s = 5.0
    deadline_s = 5.0

    def __init__(self, settings: Settings, live: Live, *, now: Clock = utc_now) -> None:
        """WrongUsage when ``site.url`` or ``site.connect`` is no address."""
        self._settings = settings
        self._live = live
        self._now = now
        self._visitor = Visitor(settings.site, timeout_s=self.deadline_s)

    async def read(self) -> Mapping[str, Reading]:
        """Unknown, with the reason, when no whole answer comes."""
        before = self._live()
        prefix = self._settings.publication.estado_prefix
        try:
            async with self._visitor.visit() as visit:
                arrival = await _arrive(visit, self._visitor.target)
                estado = await visit.get(urljoin(prefix, "estado.json"), at=arrival.at)
        except FAILURES as error:
            return unknown(self.names, reason_of(error), self._now())
        # A switch may come between question and answer: either side of it is right.
        expected = {before, self._live()}
        return {VISITOR: self._judge(arrival, estado_of(estado).get("cut"), expected)}

    async def close(self) -> None:
        """Nothing is held between two looks."""

    def _judge(self, arrival: _Arrival, said: object, expected: set[str | None]) -> Reading:
        page = arrival.page
        estado_cut = said[:SHOWN] if isinstance(said, str) else None
        site = self._settings.site
        fault = arrival.fault or _fault(page, estado_cut, expected)
        days = _days(page, self._now().timestamp())
        frames = frames_allowed(
            page.headers.get_list("Content-Security-Policy"),
            page.headers.get_list("X-Frame-Options"),
            self._settings.publication.frame_ancestors,
        )
        ending = days is not None and days < site.certificate_days
        slow = page.latency_s * 1000 >= site.slow_ms
        return reading(
            round(page.latency_s, 4),
            "s",
            self._now(),
            warning=slow or ending or not frames,
            critical=fault is not None,
            status=page.status,
            cut=page.cut,
            estado_cut=estado_cut,
            certificate_days=days,
            tls_version=page.tls_version,
            location=arrival.location,
            redirects=arrival.hops,
            frames_ok=frames,
            login=fault == ASKS_LOGIN,
            fault=fault,
        )


def served(seen: Reading) -> ServedView:
    """The last look at the site in the shape that the public band draws."""
    status, cut, fault = (seen.detail.get(key) for key in ("status", "cut", "fault"))
    return ServedView(
        id=str(cut) if cut is not None else None,
        ok=seen.state in {"ok", "warning"},
        checked_at=seen.observed_at,
        latency_s=float(seen.value) if isinstance(seen.value, int | float) else None,
        status=int(status) if isinstance(status, int | float) else None,
        error=seen.error or (str(fault) if fault is not None else None),
    )


def estado_of(answer: Answer) -> Mapping[str, object]:
    """What the estado page says to portals; empty when it says nothing that can be read."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) and answer.status == 200 else {}


async def _arrive(visit: Visit, start: Target) -> _Arrival:
    """Open the front page and go where it sends visitors, as long as that is the same name."""
    at, location = start, None
    for hops in range(_HOPS + 1):
        page = await visit.get(at.path, at=at)
        sent = page.headers.get("Location")
        if page.status not in _REDIRECTS or sent is None:
            return _Arrival(at, page, hops, location, None)
        location = sent[:SHOWN]
        following = _next(at, sent)
        if _LOGIN.search(urlsplit(sent).path if following else location):
            return _Arrival(at, page, hops, location, ASKS_LOGIN)
        if following is None:
            return _Arrival(at, page, hops, location, SENT_AWAY)
        at = following
    return _Arrival(at, page, _HOPS, location, IN_CIRCLES)


def _next(at: Target, location: str) -> Target | None:
    """Where a redirect leads; None when that is another name, or HTTPS given up for HTTP."""
    try:
        url = urlsplit(urljoin(f"{at.scheme}://{at.authority}{at.path}", location))
        port = url.port or _PORTS[url.scheme]
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        path.encode("ascii")
    except (ValueError, KeyError):
        return None
    if url.hostname != at.host or (at.scheme == "https" and url.scheme == "http"):
        return None
    if any(not "!" <= character <= "~" for character in path):
        return None
    same = (url.scheme, port) == (at.scheme, at.port)
    return replace(
        at,
        scheme=url.scheme,
        port=port,
        path=path,
        connect_port=at.connect_port if same else port,
    )


def _fault(page: Answer, estado_cut: str | None, expected: set[str | None]) -> str | None:
    """What is wrong with what the visitor got (English), or None."""
    if None in expected and page.status == 503 and page.cut is None:
        return None  # nothing is live, and the site says so
    if page.status in {401, 407} or "WWW-Authenticate" in page.headers:
        return ASKS_LOGIN
    if page.status == 403:
        return FORBIDDEN
    if page.status >= 400:
        return ANSWERS_ERROR
    if page.status >= 300:
        return SENT_AWAY
    if page.cut is None:
        return NO_CUT
    if page.cut not in expected:
        return OTHER_CUT
    if estado_cut not in {page.cut, *expected}:
        return OTHER_ESTADO
    return None


def _days(page: Answer, now: float) -> int | None:
    """Whole days until the site's own certificate ends; None over plain HTTP."""
    return None if page.certificate_ends is None else int((page.certificate_ends - now) // 86_400)
