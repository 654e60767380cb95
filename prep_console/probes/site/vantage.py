"""The same site at another address (a CDN, a second server), compared with the first.

``site.vantage.<name>``: two visitors who come in by different doors must meet the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from prep_console.config import Settings, Vantage
from prep_console.probes.probe import Clock, reading, unknown, utc_now
from prep_console.probes.site.arrival import SENT_AWAY, arrive
from prep_console.probes.site.visit import (
    FAILURES,
    Answer,
    Live,
    Visitor,
    reason_of,
)
from prep_console.probes.site.visitor import ANSWERS_ERROR, OTHER_CUT
from prep_console.snapshot import Reading
from prep_console.wording import N_

OTHER_STATUS = N_("this address answers otherwise than the site's own")
OTHER_PAGE = N_("this address shows another front page than the site's own")


def name_of(vantage: Vantage) -> str:
    """The name of its reading."""
    return f"site.vantage.{vantage.name}"


class VantageProbe:
    """Opens the front page here and there."""

    period_s = 15.0
    deadline_s = 10.0

    def __init__(
        self, settings: Settings, vantage: Vantage, live: Live, *, now: Clock = utc_now
    ) -> None:
        """WrongUsage when ``vantage.connect`` is no address."""
        self.names = (name_of(vantage),)
        there = msgspec.structs.replace(settings.site, connect=vantage.connect)
        self._here = Visitor(settings.site, timeout_s=4.0)
        self._there = Visitor(there, timeout_s=4.0)
        self._slow_ms = settings.site.slow_ms
        self._live = live
        self._now = now
        self._before: set[str | None] = set()
        """The live cut at the end of the look before: right for one look more."""

    async def read(self) -> Mapping[str, Reading]:
        """Unknown, with the reason, when no whole answer comes from there."""
        live = self._live()
        try:
            there = await _front(self._there)
        except FAILURES as error:
            return unknown(self.names, reason_of(error), self._now())
        try:
            here = await _front(self._here)
        except FAILURES:
            here = None  # the site's own probe says so; this address is judged by itself
        live_now = self._live()
        expected = {live, live_now, *self._before}
        self._before = {live_now}
        return {self.names[0]: self._judge(there, here, expected)}

    async def close(self) -> None:
        """Nothing is held between two looks."""

    def _judge(self, there: Answer, here: Answer | None, expected: set[str | None]) -> Reading:
        alike = None
        if here is not None and (here.cut == there.cut or not {here.cut, there.cut} <= expected):
            alike = _met(here) == _met(there)
        fault = _fault(there, here, alike, expected)
        return reading(
            round(there.latency_s, 4),
            "s",
            self._now(),
            warning=there.latency_s * 1000 >= self._slow_ms,
            critical=fault is not None,
            status=there.status,
            cut=there.cut,
            same=alike,
            fault=fault,
        )


def _met(answer: Answer) -> tuple[int, str | None, str]:
    return answer.status, answer.cut, answer.sha256


async def _front(visitor: Visitor) -> Answer:
    async with visitor.visit() as visit:
        return (await arrive(visit, visitor.target)).page


def _fault(
    there: Answer, here: Answer | None, alike: bool | None, expected: set[str | None]
) -> str | None:
    if None in expected and there.status == 503 and there.cut is None:
        return None
    if there.status >= 400:
        return ANSWERS_ERROR
    if there.cut not in expected and there.status < 300:
        return OTHER_CUT
    if alike is False and here is not None:
        return OTHER_STATUS if here.status != there.status else OTHER_PAGE
    if here is None and there.status >= 300:
        return SENT_AWAY
    return None
