"""Addresses of a name, asked for so that a dead resolver costs one thread and never a look.

``getaddrinfo`` knows no deadline and cannot be stopped. In asyncio's own pool six stuck calls
would stop every later one; here one name has one thread, and later looks join the same question.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from prep_console.probes.probe import OwnThread
from prep_console.wording import N_

_PATIENCE_S = 4.0
"""glibc's resolver gives a server 5 s; a look must end before its own deadline."""

NO_ANSWER = N_("DNS does not answer")
NO_SUCH_NAME = N_("DNS knows no address for the name")


class NoAddress(OSError):
    """The name has no address now; the text (English) says why."""


class Resolver:
    """The addresses of one name."""

    def __init__(self, name: str, *, patience_s: float = _PATIENCE_S) -> None:
        self.name = name
        self._patience_s = patience_s
        self._thread: OwnThread[tuple[str, ...]] = OwnThread()
        self._asking: asyncio.Task[tuple[str, ...]] | None = None

    async def addresses(self) -> tuple[str, ...]:
        """In the system's order of preference, never empty; :class:`NoAddress`."""
        if is_address(self.name):
            return (self.name,)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._thread.run(self._ask))
            self._asking.add_done_callback(_retrieve)
        try:
            async with asyncio.timeout(self._patience_s):
                return await asyncio.shield(self._asking)
        except TimeoutError as late:
            raise NoAddress(NO_ANSWER) from late
        except socket.gaierror as unknown:
            silent = unknown.errno == socket.EAI_AGAIN
            raise NoAddress(NO_ANSWER if silent else NO_SUCH_NAME) from unknown
        except UnicodeError as unwritable:
            raise NoAddress(NO_SUCH_NAME) from unwritable

    def _ask(self) -> tuple[str, ...]:
        found = socket.getaddrinfo(self.name, None, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def is_address(host: str) -> bool:
    """Whether this is an address already, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether this names the machine itself."""
    if is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _retrieve(asking: asyncio.Task[tuple[str, ...]]) -> None:
    """Take note of an answer nobody waited for any more, or asyncio complains about it."""
    if not asking.cancelled():
        asking.exception()
