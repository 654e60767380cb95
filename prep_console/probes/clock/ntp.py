"""One question to one NTP server, believed only as far as it can be checked (RFC 5905, mode 3/4).

ntplib gives the packet; the question is our own, because ntplib's client accepts what nobody
should: somebody else's answer, a kiss-o'-death, a server that has no time itself. The sign is
server - local: **positive means that our clock is slow**.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import ntplib

from prep_console import reasons
from prep_console.wording import N_

PORT = 123

_SERVER = 4
"""Mode of an answer to a client."""
_UNSYNCHRONISED = 16
_NO_LEAP_KNOWN = 3
_PACKET_BYTES = 48
_ORIGINATE = slice(24, 32)
_TRANSMIT_AT = 40
_ERA_S = 2**32
"""NTP counts seconds in 32 bits and begins again in February 2036."""
_EARLIEST_S = ntplib.system_to_ntp_time(1_704_067_200)
"""2024-01-01: no server in good order says less to a program that was written later."""
_LATEST_S = ntplib.system_to_ntp_time(4_102_444_800)
"""2100-01-01."""
_JITTER_S = 0.001
"""Stamps may be this much out of order: clocks have a resolution and are slewed meanwhile."""
_ROUGHEST_S = 1.5
"""Root distance from which on a time is no help; ntpd's ``maxdist``."""


class NoTimeError(Exception):
    """No time was had from this server; the text (English) says why."""


class KissOfDeath(NoTimeError):
    """The server asks not to be asked; ``code`` as RATE, DENY, RSTR (RFC 5905 section 7.4)."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the server refuses us: kiss-o'-death {code}")
        self.code = code


class Unsynchronised(NoTimeError):
    """It answers and says itself that it has no time to give."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one server said, in seconds."""

    offset_s: float
    """Server - local."""
    bound_s: float
    """The true offset is at most this far away: delay/2 + root delay/2 + root dispersion."""
    delay_s: float
    stratum: int
    leap: int
    """1: the day's last minute has 61 seconds, 2: 59 seconds."""


async def ask(
    address: tuple[str, int],
    *,
    deadline_s: float,
    wall: Callable[[], float],
    monotonic: Callable[[], float],
) -> Answer:
    """The time of the server at a numeric ``address``.

    What is not the answer to this very question is passed over, so that a forger can neither
    set our opinion nor keep the true answer out. Raises NoTimeError (or one of its kinds),
    and OSError when the network says at once that it cannot be.
    """
    question = _Question(wall, monotonic)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: question, remote_addr=address)
    try:
        question.send(transport)
        async with asyncio.timeout(deadline_s):
            return await question.answer
    except TimeoutError as late:
        raise NoTimeError(question.silence(deadline_s)) from late
    finally:
        question.answer.cancel()
        transport.abort()


class _Question(asyncio.DatagramProtocol):
    """Our packet on its way, and what comes back on the connected socket."""

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._wall = wall
        self._monotonic = monotonic
        self._stamp = secrets.token_bytes(8)
        """Random instead of our time: nobody who cannot see it can answer, or learn our clock."""
        self._sent = self._sent_monotonic = 0.0
        self._passed_over = 0
        self._why = ""

    def send(self, transport: asyncio.DatagramTransport) -> None:
        packet = ntplib.NTPPacket(version=4, mode=3).to_data()[:_TRANSMIT_AT] + self._stamp
        self._sent, self._sent_monotonic = self._wall(), self._monotonic()
        transport.sendto(packet)

    def datagram_received(self, data: bytes, addr: object) -> None:
        # by the monotonic clock: a step of ours in between must not look like the server's
        came = self._sent + self._monotonic() - self._sent_monotonic
        if self.answer.done():
            return
        if len(data) < _PACKET_BYTES:
            self._pass_over(f"{len(data)} bytes are no NTP packet")
        elif data[_ORIGINATE] != self._stamp:
            self._pass_over("an answer to a question that is not ours")
        else:
            try:
                self.answer.set_result(_believed(data, self._sent, came))
            except NoTimeError as refused:
                self.answer.set_exception(refused)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.error_received(exc)

    def silence(self, deadline_s: float) -> str:
        """Why nothing was believed until the deadline."""
        if not self._passed_over:
            return N_("the time server does not answer")
        return (
            f"no answer of its own within {deadline_s:.3g} s; passed over {self._passed_over}"
            f" packets, the last: {self._why}"
        )

    def _pass_over(self, why: str) -> None:
        self._passed_over += 1
        self._why = why


def _believed(data: bytes, sent: float, came: float) -> Answer:
    """What an answer to our question is worth; raises NoTimeError.

    ``sent`` and ``came`` are our wall time in seconds since 1970.
    """
    packet = ntplib.NTPPacket()
    packet.from_data(data)
    if packet.mode != _SERVER:
        raise NoTimeError(reasons.NTP_MODE.format(mode=packet.mode))
    if packet.stratum == 0:
        _refused_by(packet.ref_id)
    if packet.stratum > _UNSYNCHRONISED:
        raise NoTimeError(reasons.NTP_STRATUM.format(stratum=packet.stratum))
    if packet.stratum == _UNSYNCHRONISED or packet.leap == _NO_LEAP_KNOWN:
        raise Unsynchronised(N_("the server answers that it is not synchronised"))
    received = _in_our_era(packet.recv_timestamp, sent)
    transmitted = _in_our_era(packet.tx_timestamp, sent)
    if not (packet.recv_timestamp and packet.tx_timestamp):
        raise NoTimeError(N_("the answer bears no time"))
    if not _EARLIEST_S <= ntplib.system_to_ntp_time(transmitted) <= _LATEST_S:
        raise NoTimeError(N_("the answer's time lies outside 2024 to 2100"))
    delay_s = (came - sent) - (transmitted - received)
    if transmitted - received < -_JITTER_S or delay_s < -_JITTER_S:
        raise NoTimeError(N_("the answer's stamps contradict one another: negative delay"))
    delay_s = max(0.0, delay_s)
    bound_s = delay_s / 2 + packet.root_delay / 2 + packet.root_dispersion
    if bound_s > _ROUGHEST_S:
        raise NoTimeError(reasons.NTP_UNSURE.format(seconds=f"{bound_s:.1f}"))
    return Answer(
        offset_s=((received - sent) + (transmitted - came)) / 2,
        bound_s=bound_s,
        delay_s=delay_s,
        stratum=packet.stratum,
        leap=packet.leap,
    )


def _refused_by(ref_id: int) -> None:
    """Raise what a packet of stratum 0 says: four letters are a kiss, else it has no time.

    A chronyd without a source answers so, with reference 0; INIT and STEP are ntpd's beginning.
    """
    code = ref_id.to_bytes(4, "big").rstrip(b"\0")
    if not code.isalnum() or code in {b"INIT", b"STEP"}:
        raise Unsynchronised(N_("the server answers that it is not synchronised"))
    raise KissOfDeath(code.decode("ascii"))


def _in_our_era(stamp: float, near: float) -> float:
    """An NTP stamp as seconds since 1970, in the era that brings it nearest to ``near``."""
    time = float(ntplib.ntp_to_system_time(stamp))
    return time + _ERA_S * round((near - time) / _ERA_S)
