"""``link.dns``: how long it takes to find the address of the site's name from here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from prep_console.probes.probe import Clock, reading, unknown, utc_now
from prep_console.probes.resolver import NoAddress, Resolver
from prep_console.snapshot import Reading

DNS = "link.dns"

_SLOW_S = 2.0
_SHOWN = 200


class DnsProbe:
    """Resolves one name, as every program here does."""

    names = (DNS,)
    period_s = 30.0
    deadline_s = 8.0

    def __init__(
        self,
        name: str,
        *,
        now: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolver = Resolver(name, patience_s=6.0)
        self._now = now
        self._monotonic = monotonic

    async def read(self) -> Mapping[str, Reading]:
        """Unknown, with the reason, when no address comes."""
        began = self._monotonic()
        try:
            addresses = await self._resolver.addresses()
        except NoAddress as error:
            return unknown(self.names, str(error), self._now())
        took_s = self._monotonic() - began
        return {
            DNS: reading(
                round(took_s, 4),
                "s",
                self._now(),
                warning=took_s >= _SLOW_S,
                name=self._resolver.name[:_SHOWN],
                addresses=" ".join(addresses)[:_SHOWN],
            )
        }

    async def close(self) -> None:
        """Nothing is held between two looks."""
