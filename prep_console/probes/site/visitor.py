"""The site as a visitor gets it: which cut, how soon, without a login, open to portals.

``site.visitor`` is what the public sees, so it is asked for over HTTP(S) by name, never read
from the disk. Its value is the latency of the front page in seconds; the rest is in its detail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urljoin

from prep_console.config import Settings
from prep_console.cuts.stamps import CutId
from prep_console.probes.probe import Clock, reading, unknown, utc_now
from prep_console.probes.site.arrival import ASKS_LOGIN, SENT_AWAY, Arrival, arrive
from prep_console.probes.site.frames import frames_allowed
from prep_console.probes.site.visit import (
    FAILURES,
    SHOWN,
    Answer,
    Live,
    Visitor,
    reason_of,
)
from prep_console.snapshot import Reading, ServedView
from prep_console.wording import N_

VISITOR = "site.visitor"

FORBIDDEN = N_("the site forbids visitors to enter")
ANSWERS_ERROR = N_("the site answers with an error")
NO_CUT = N_("the answer of the site names no cut")
OTHER_CUT = N_("the site serves another cut than the live one")
OTHER_ESTADO = N_("the estado page names another cut than the live one")


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
                arrival = await arrive(visit, self._visitor.target)
                estado = await visit.get(urljoin(prefix, "estado.json"), at=arrival.at)
        except FAILURES as error:
            return unknown(self.names, reason_of(error), self._now())
        # A switch may come between question and answer: either side of it is right.
        expected = {before, self._live()}
        return {VISITOR: self._judge(arrival, estado_of(estado).get("cut"), expected)}

    async def close(self) -> None:
        """Nothing is held between two looks."""

    def _judge(self, arrival: Arrival, said: object, expected: set[str | None]) -> Reading:
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
        hour=_hour(str(cut)),
    )


def _hour(cut: str) -> str | None:
    try:
        return f"{CutId.of(cut).stamp.wall:%H:%M}"
    except ValueError:
        return None


def estado_of(answer: Answer) -> Mapping[str, object]:
    """What the estado page says to portals; empty when it says nothing that can be read."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) and answer.status == 200 else {}


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
