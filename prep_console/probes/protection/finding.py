"""What is known of a protection, honestly labelled, and the probe that asks for it seldom.

``seen``: it was seen working. ``configured``: settings say so, nobody tried it. ``missing``: it is
not there, which is a warning. Everything else is unknown, with the reason. From inside nobody can
say that a door is shut to the outside: nothing here is ever called verified.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import httpx

from prep_console.probes.command import CommandError
from prep_console.probes.probe import Clock, reading, unknown, utc_now
from prep_console.snapshot import Detail, Reading
from prep_console.values import replace

Label = Literal["seen", "configured", "missing"]

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Finding:
    label: Label
    how: str
    """Where it was looked: ``sshd -T, nft``."""
    evidence: str
    """What stood there, in a few words; may hold a neighbour's own."""
    detail: Mapping[str, Detail] = field(default_factory=dict)


class Unknown(Exception):
    """Nothing can be said; the text (English) says why."""


class ProtectionProbe:
    """One protection. ``look`` returns what it found, or raises why nothing can be said."""

    deadline_s = 10.0

    def __init__(
        self,
        name: str,
        look: Callable[[], Awaitable[Finding]],
        *,
        period_s: float,
        close: Callable[[], Awaitable[None]] | None = None,
        now: Clock = utc_now,
    ) -> None:
        self.names = (name,)
        self.period_s = period_s
        self._look = look
        self._close = close
        self._now = now

    async def read(self) -> Mapping[str, Reading]:
        """Never ok where it is not known."""
        try:
            found = await self._look()
        except (Unknown, CommandError, OSError, ValueError, httpx.HTTPError) as problem:
            reason = str(problem)[:_SHOWN] or type(problem).__name__
            return unknown(self.names, reason, self._now())
        told = reading(found.label, "", self._now(), warning=found.label == "missing")
        detail = {"how": found.how, "evidence": found.evidence[:_SHOWN], **found.detail}
        return {self.names[0]: replace(told, detail=detail)}

    async def close(self) -> None:
        """Gives back what the look holds."""
        if self._close is not None:
            await self._close()
