"""What upsd (Network UPS Tools) is asked, whichever library asks it, and how it can fail.

upsd speaks lines over TCP (RFC 9271). It answers ``LIST VAR`` with what the driver last told it,
or with ``ERR`` and a word of its own. That word is kept: it is what NUT's manual explains.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from prep_console import reasons
from prep_console.wording import N_, visible

PORT = 3493
"""Of upsd, by IANA."""
ANSWER_S = 2.5
"""How long upsd may take for one step (connect, one answer). On a local network it takes 5 ms."""
LOOK_S = 6.0
"""How long one whole look may take, retries included: with a look each 5 s, a upsd that hangs is
known within 11.5 s."""
ANSWER_BYTES = 64 * 1024
"""A long list of variables has 8 KiB; a longer answer than this is refused, not gathered."""
VALUE_CHARACTERS = 200
"""Longer values are cut: they are shown, and nothing that is measured is longer."""

_UPS = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)
_WORD = re.compile(r"[A-Z][A-Z-]{0,40}", re.ASCII)

_SAID = {
    "ACCESS-DENIED": N_("upsd says ACCESS-DENIED: it does not answer this machine"),
    "DATA-STALE": N_("upsd says DATA-STALE: it has heard nothing new from this UPS for too long"),
    "DRIVER-NOT-CONNECTED": N_(
        "upsd says DRIVER-NOT-CONNECTED: the driver of this UPS is not running"
    ),
    "UNKNOWN-UPS": N_("upsd says UNKNOWN-UPS: it has no UPS of this name"),
}


class NutError(Exception):
    """Nothing was learned about the UPS; the text says why (English)."""


class UpsdRefused(NutError):
    """upsd answered ``ERR``."""

    def __init__(self, word: str) -> None:
        """``word`` as upsd said it; anything that is no such word is shown escaped and cut."""
        self.word = word if _WORD.fullmatch(word) else visible(word[:VALUE_CHARACTERS])[:200]
        """For example ``DATA-STALE``."""
        super().__init__(_SAID.get(self.word, f"upsd says {self.word}"))


class Unreachable(NutError):
    """There is no connection to upsd: refused, no route, unknown name."""


class NoAnswer(NutError):
    """Something took the connection and stayed silent."""

    def __init__(self) -> None:
        super().__init__(N_("upsd does not answer"))


class BadAnswer(NutError):
    """Something answered, and not as upsd does."""


def refused() -> Unreachable:
    """Nobody listens there."""
    return Unreachable(N_("upsd refuses the connection: it is not running there"))


def unknown_name() -> Unreachable:
    """No address is found for the host."""
    return Unreachable(N_("the name of upsd's host is not found"))


def cut_off() -> BadAnswer:
    """The connection ended before the answer did."""
    return BadAnswer(N_("upsd closed the connection in the middle of its answer"))


def not_upsd() -> BadAnswer:
    """Another protocol, or none."""
    return BadAnswer(N_("what answers there does not speak as upsd does"))


def too_long() -> BadAnswer:
    """More than :data:`ANSWER_BYTES`."""
    return BadAnswer(N_("the answer is longer than any of upsd's"))


def network(problem: OSError) -> NutError:
    """What a trouble of the network means; what is not foreseen keeps the system's own words."""
    if isinstance(problem, ConnectionRefusedError):
        return refused()
    if isinstance(problem, ConnectionResetError | BrokenPipeError):
        return cut_off()
    if isinstance(problem, TimeoutError):
        return NoAnswer()
    return Unreachable(
        reasons.UPSD_UNREACHABLE.format(error=visible(str(problem.strerror or problem))[:200])
    )


class NutClient(Protocol):
    """One upsd. Ask it one thing at a time."""

    async def variables(self, ups: str) -> Mapping[str, str]:
        """Every variable of ``ups`` as upsd has it now, within :data:`LOOK_S`; or NutError.

        Values are bounded to :data:`VALUE_CHARACTERS` and may hold any character.
        """

    async def close(self) -> None:
        """End what it holds."""


@dataclass(frozen=True, slots=True)
class NutAddress:
    """Where a UPS is asked for."""

    ups: str
    host: str
    port: int = PORT


def address(text: str) -> NutAddress:
    """``UPS@HOST[:PORT]``, an IPv6 host in brackets; ValueError says what is wrong with it."""
    ups, at, where = text.partition("@")
    if not at or len(text) > 400:
        raise ValueError(f"{_shown(text)} is not UPS@HOST[:PORT]")
    if not _UPS.fullmatch(ups):
        raise ValueError(f"{_shown(ups)} is no name of a UPS (letters, digits, . _ -)")
    if where.startswith("["):
        host, closed, rest = where[1:].partition("]")
        if not closed or not _is_ipv6(host) or (rest and not rest.startswith(":")):
            raise ValueError(f"{_shown(where)} is not [IPV6-ADDRESS][:PORT]")
        port = rest[1:] if rest else str(PORT)
    else:
        host, colon, port = where.partition(":")
        port = port if colon else str(PORT)
        if len(host) > 253 or not _HOST.fullmatch(host):
            raise ValueError(f"{_shown(host)} is no host name or address")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise ValueError(f"{_shown(port)} is no port (1 to 65535)")
    return NutAddress(ups, host, int(port))


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _shown(text: str) -> str:
    return repr(text[:80])
