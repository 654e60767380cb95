"""``clock.offset``: how far our clock is from the official time, by the servers' majority."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from prep_console.config.instruments import Clock as ClockSettings
from prep_console.probes.clock.majority import Claim, Majority, majority
from prep_console.probes.clock.ntp import Answer, NoTimeError, Unsynchronised
from prep_console.probes.clock.server import Server
from prep_console.probes.probe import Clock, reading, utc_now
from prep_console.snapshot import Detail, Reading
from prep_console.wording import N_, visible

OFFSET = "clock.offset"
LEAP_WORDS = {0: "", 1: "insert", 2: "delete"}

_PUBLIC_PERIOD_S = 20.0
"""A public server is never asked more often than every 16 s, with the loop's jitter of 10 %."""
_NEAR_PERIOD_S = 5.0
_UNBELIEVABLE_S = timedelta(days=365).total_seconds()
_SHOWN = 200
"""Longest foreign text that goes into a reading."""


class OffsetProbe:
    """Asks every server at once, and believes what more than half of the answers agree on.

    Two servers that disagree, with no third one to ask, are *unknown*: either may be the liar,
    so no figure would be honest; the reason names what each of them says.
    """

    names = (OFFSET,)
    deadline_s = 5.0

    def __init__(
        self,
        settings: ClockSettings,
        *,
        now: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        answer_s: float = 4.0,
    ) -> None:
        """ValueError when no server is a host or host:port; the others go on without a wrong one.

        ``answer_s``: how long a server may take, less than the deadline.
        """
        self._settings = settings
        self._now = now
        self._answer_s = answer_s
        self._servers: list[Server] = []
        self.wrong: dict[str, NoTimeError] = {}
        """Settings that name no server."""
        for name in dict.fromkeys(settings.servers):
            try:
                self._servers.append(Server(name, now=now, monotonic=monotonic))
            except ValueError as wrong:
                self.wrong[name] = NoTimeError(f"wrong setting clock.servers: {wrong}")
        if not self._servers:
            raise ValueError("; ".join(str(wrong) for wrong in self.wrong.values()))

    @property
    def period_s(self) -> float:
        near = all(server.near for server in self._servers)
        return _NEAR_PERIOD_S if near else _PUBLIC_PERIOD_S

    async def read(self) -> Mapping[str, Reading]:
        said = await asyncio.gather(*(self._ask(server) for server in self._servers))
        results = dict(zip((server.name for server in self._servers), said, strict=True))
        return {OFFSET: self._judged({**results, **self.wrong})}

    async def close(self) -> None:
        """Nothing is held."""

    async def _ask(self, server: Server) -> Answer | NoTimeError:
        try:
            return await server.ask(self._answer_s)
        except NoTimeError as reason:
            return reason

    def _judged(self, results: Mapping[str, Answer | NoTimeError]) -> Reading:
        answers = {name: said for name, said in results.items() if isinstance(said, Answer)}
        failed = {name: said for name, said in results.items() if isinstance(said, NoTimeError)}
        detail: dict[str, Detail] = {
            "asked": len(results),
            "answered": len(answers),
            "failed": _listed([f"{name}: {reason}" for name, reason in failed.items()]) or None,
        }
        if not answers:
            return self._unknown(_why_none(failed), detail)
        chosen = majority({n: Claim(a.offset_s, a.bound_s) for n, a in answers.items()})
        said = _listed([f"{name} {a.offset_s:+.3f} s" for name, a in answers.items()])
        if chosen is None:
            why = N_("the servers disagree, and no majority tells which one is right")
            return self._unknown(why, {**detail, "said": said})
        best = answers[chosen.believed]
        if len(chosen.agreeing) == 1 and abs(best.offset_s) > _UNBELIEVABLE_S:
            why = N_("one server alone says that our clock is wrong by years: one of them is")
            return self._unknown(why, {**detail, "said": said})
        off_ms = abs(best.offset_s) * 1000
        return reading(
            round(best.offset_s, 6) + 0.0,  # never -0.0
            "s",
            self._now(),
            warning=off_ms >= self._settings.warning_ms,
            critical=off_ms >= self._settings.critical_ms,
            bound_s=round(best.bound_s, 6),
            server=visible(chosen.believed)[:_SHOWN],
            stratum=best.stratum,
            delay_s=round(best.delay_s, 6),
            agree=len(chosen.agreeing),
            liars=visible(" ".join(chosen.liars))[:_SHOWN],
            leap=_leap(chosen, answers),
            **detail,
        )

    def _unknown(self, reason: str, detail: Mapping[str, Detail]) -> Reading:
        return Reading(None, "", "unknown", self._now(), error=reason, detail=detail)


def _why_none(failed: Mapping[str, NoTimeError]) -> str:
    """Why no server gave a time."""
    reasons = {str(reason) for reason in failed.values()}
    if len(failed) > 1 and all(isinstance(r, Unsynchronised) for r in failed.values()):
        return N_("the servers answer, and none of them is synchronised")
    if len(reasons) == 1:  # our own sentence, which the screen can translate
        return _listed(list(reasons))
    return _listed([f"{name}: {reason}" for name, reason in failed.items()])


def _listed(texts: Sequence[str]) -> str:
    """The texts in one, each with its fair share of the room."""
    share = max(40, _SHOWN // max(1, len(texts)))
    return visible("; ".join(text[:share] for text in texts))[:_SHOWN]


def _leap(chosen: Majority, answers: Mapping[str, Answer]) -> str:
    """The leap second that more than half of the servers that agree announce."""
    announced = [answers[name].leap for name in chosen.agreeing]
    for leap, word in LEAP_WORDS.items():
        if 2 * announced.count(leap) > len(announced):
            return word
    return ""
