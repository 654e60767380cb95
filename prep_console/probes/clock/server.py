"""One configured time server: where it is, and when it may be asked."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from datetime import timedelta

from prep_console.probes.clock import ntp
from prep_console.probes.clock.ntp import Answer, KissOfDeath, NoTimeError
from prep_console.probes.clock.samples import Samples, unslewed
from prep_console.probes.probe import Clock, OwnThread
from prep_console.probes.resolver import is_address
from prep_console.wording import N_, visible

_LOOK_UP_S = 1.5
_FRESH_S = 600.0
"""So long an address is used without asking DNS again, as long as it answers."""
_PAUSE_S = {"RATE": 600.0, "DENY": 3600.0, "RSTR": 3600.0}
"""How long a server is left alone that says so: too often, or not at all (RFC 5905, 7.4)."""


class Server:
    """Asked again and again; keeps its address, and keeps quiet when it was told to."""

    def __init__(
        self,
        name: str,
        *,
        now: Clock,
        monotonic: Callable[[], float],
        raw: Callable[[], float] = unslewed,
    ) -> None:
        """``name`` is ``host``, ``host:port``, an IPv6 address or ``[address]:port``.

        ValueError for anything else.
        """
        self.name = name
        self._host, self._port = _parsed(name)
        self._now = now
        self._monotonic = monotonic
        self._raw = raw
        self._samples = Samples()
        self._thread: OwnThread[list[str]] = OwnThread()
        self._addresses = [self._host] if is_address(self._host) else []
        self._looked_up_s: float | None = None
        self._quiet: tuple[float, str] | None = None
        """Until when (monotonic) it is not asked, and how that is told."""

    @property
    def near(self) -> bool:
        """Whether it is on this machine or a private network, where asking often harms nobody."""
        return bool(self._addresses) and all(
            (at := ipaddress.ip_address(address)).is_private or at.is_link_local
            for address in self._addresses
        )

    async def ask(self, deadline_s: float) -> Answer:
        """Its time now, by its best answer lately, if it answers within ``deadline_s``.

        NoTimeError with the reason when it does not.
        """
        end_s = self._monotonic() + deadline_s
        if self._quiet is not None and self._monotonic() < self._quiet[0]:
            raise NoTimeError(self._quiet[1])
        self._quiet = None
        await self._look_up()
        try:
            answer = await self._ask_addresses(end_s)
        except KissOfDeath as kiss:
            self._keep_quiet(kiss)
            raise
        except NoTimeError:
            self._looked_up_s = None  # it may have moved
            raise
        return self._samples.best(answer, self._now().timestamp(), self._raw())

    async def _ask_addresses(self, end_s: float) -> Answer:
        """The first address that the network leads to; one that is silent comes last next time."""
        refused = NoTimeError(f"{visible(self._host)} has no address")
        for address in tuple(self._addresses):
            left_s = end_s - self._monotonic()
            try:
                return await ntp.ask(
                    (address, self._port),
                    deadline_s=max(left_s, 0.01),
                    wall=lambda: self._now().timestamp(),
                    monotonic=self._monotonic,
                )
            except OSError as error:
                refused = NoTimeError(_said(error))
            except NoTimeError:
                self._addresses = [a for a in self._addresses if a != address] + [address]
                raise
        raise refused

    async def _look_up(self) -> None:
        """Find the addresses; what was found before stands while DNS fails."""
        if is_address(self._host):
            return
        if self._looked_up_s is not None and self._monotonic() < self._looked_up_s + _FRESH_S:
            return
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                found = await self._thread.run(self._addresses_by_name)
        except TimeoutError as late:
            problem = NoTimeError(N_("DNS does not answer"))
            problem.__cause__ = late
        except (OSError, UnicodeError) as error:
            problem = NoTimeError(f"DNS knows no {visible(self._host)[:100]}: {_said(error)}")
        else:
            if set(found) != set(self._addresses):
                self._addresses = found
            self._looked_up_s = self._monotonic()
            return
        if not self._addresses:
            raise problem

    def _addresses_by_name(self) -> list[str]:
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))[:4]

    def _keep_quiet(self, kiss: KissOfDeath) -> None:
        pause_s = _PAUSE_S.get(kiss.code)
        if pause_s is None:
            return
        until = self._now() + timedelta(seconds=pause_s)
        self._quiet = (
            self._monotonic() + pause_s,
            f"{kiss}; not asked again before {until:%H:%M} UTC",
        )


def _parsed(name: str) -> tuple[str, int]:
    host, port = name, ""
    if name.startswith("["):
        host, closed, port = name[1:].partition("]")
        if not closed or (port and not port.startswith(":")) or not is_address(host):
            raise ValueError(f"{name!r} is not [ADDRESS]:PORT")
        port = port[1:]
    elif name.count(":") == 1:
        host, _, port = name.partition(":")
        if not port:
            raise ValueError(f"{name!r} is not host or host:port")
    if not host or len(host) > 253 or not host.isprintable() or any(c in " /@?#" for c in host):
        raise ValueError(f"{name!r} is not host or host:port")
    if any(c in ":%" for c in host) and not is_address(host):  # %: the zone of an IPv6 address
        raise ValueError(f"{name!r} is not host or host:port")
    if not port:
        return host, ntp.PORT
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise ValueError(f"{name!r} has no port from 1 to 65535")
    return host, int(port)


def _said(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return N_("connection refused: no time server listens there")
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
