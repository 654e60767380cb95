"""Reading holding registers over Modbus TCP; nothing here can write one.

pymodbus makes the frames and takes the answers apart; the connection is asyncio's own. Its
ready-made client drops what is too long without a word, repeats what is not answered, and logs
every odd byte, so a peer gone mad would cost the whole deadline and fill the log. Here an
answer is bounded by its own header (at most 260 bytes), and anything odd ends the connection.

One connection lasts one look: a controller that was restarted, or that closes what is idle, is
found again by the next look, and nothing stays open in between.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ReadHoldingRegistersRequest

from prep_console.probes.probe import OwnThread
from prep_console.probes.resolver import is_address
from prep_console.wording import N_

PORT: Final = 502
_ADDRESS = re.compile(
    r"(?:\[(?P<ipv6>[0-9a-f:.%]+)\]|(?P<host>[a-z0-9_.-]{1,253}))(?::(?P<port>[0-9]{1,5}))?", re.I
)
_ANSWER_S = 3.0
"""Controllers answer within milliseconds; one behind a serial converter within a second."""
_NOT_MODBUS = N_("what answers does not speak Modbus")
_HEADER_BYTES = 7
_LONGEST = 254
"""Bytes after the header's length field: unit, function and 252 of data (Modbus TCP, 4.1)."""
_BLOCK = 100
"""Registers asked for at once; the protocol allows 125."""
_GAP = 8
"""Registers between two wanted ones that are read along rather than asked for apart."""
_ABSENT = {ExcCodes.ILLEGAL_ADDRESS, ExcCodes.ILLEGAL_VALUE}
_REASONS: Final[Mapping[int, str]] = {
    ExcCodes.ILLEGAL_FUNCTION: N_("the controller does not know how to read registers"),
    ExcCodes.DEVICE_FAILURE: N_("the controller says that it failed"),
    ExcCodes.DEVICE_BUSY: N_("the controller says that it is busy"),
    ExcCodes.GATEWAY_PATH_UNAVIABLE: N_("the gateway has no way to that unit number"),
    ExcCodes.GATEWAY_NO_RESPONSE: N_("nothing answers to that unit number"),
}

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # the reasons here are better


class ModbusError(OSError):
    """The peer answered, but not as a controller should. The text is a reason for people."""


class AbsentError(ModbusError):
    """The controller has no such register; others it may have."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a controller is, as ``HOST[:PORT]`` and unit number say it."""

    host: str
    port: int
    unit: int


def address(text: str, unit: int) -> Address:
    """``HOST[:PORT]`` (IPv6 in brackets) taken apart; ValueError says what is wrong with it."""
    taken = _ADDRESS.fullmatch(text)
    if taken is None:
        raise ValueError(f"{text[:80]!r} is not HOST[:PORT]")
    host, port = taken["ipv6"] or taken["host"], taken["port"] or str(PORT)
    if taken["ipv6"] and not is_address(host):
        raise ValueError(f"{text[:80]!r} is not HOST[:PORT]")
    if not 0 < int(port) < 65536:
        raise ValueError(f"{port} is not a port")
    if not 0 <= unit <= 255:
        raise ValueError(f"{unit} is not a unit number: 0 to 255")
    return Address(host, int(port), unit)


class Connection:
    """One open connection; ask one thing at a time."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unit: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._unit = unit
        self._framer = FramerSocket(DecodePDU(False))
        self._asked = 0

    async def registers(self, first: int, count: int) -> Sequence[int]:
        """``count`` holding registers from ``first`` on.

        Raises AbsentError when the controller has not got all of them, ModbusError for any
        other answer that is none, OSError and TimeoutError of the connection.
        """
        self._asked += 1
        request = ReadHoldingRegistersRequest(
            dev_id=self._unit, transaction_id=self._asked, address=first, count=count
        )
        self._writer.write(self._framer.buildFrame(request))
        try:
            async with asyncio.timeout(_ANSWER_S):
                frame = await self._frame()
        except asyncio.IncompleteReadError as exc:
            raise ModbusError(N_("the controller hung up in the middle of an answer")) from exc
        except TimeoutError as exc:
            raise TimeoutError(N_("the controller does not answer")) from exc
        answer = self._framer.decoder.decode(frame)
        if isinstance(answer, ExceptionResponse):
            raise _refusal(answer.exception_code)
        if answer is None or answer.function_code != request.function_code:
            raise ModbusError(_NOT_MODBUS)
        if len(answer.registers) != count:
            raise ModbusError(N_("the controller answered with another number of registers"))
        return answer.registers

    async def _frame(self) -> bytes:
        """The function code and data of the answer to the question asked last."""
        header = await self._reader.readexactly(_HEADER_BYTES)
        asked, protocol, length = (int.from_bytes(header[at : at + 2], "big") for at in (0, 2, 4))
        if (asked, protocol, header[6]) != (self._asked, 0, self._unit):
            raise ModbusError(_NOT_MODBUS)
        if not 3 <= length <= _LONGEST:
            raise ModbusError(_NOT_MODBUS)
        return await self._reader.readexactly(length - 1)


async def resolved(host: str, thread: OwnThread[str]) -> str:
    """An address of the host; DNS, which blocks, is asked in the thread."""

    def ask() -> str:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])

    try:
        ipaddress.ip_address(host)
    except ValueError:
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await thread.run(ask)
        except UnicodeError as exc:
            raise ModbusError(N_("the name of the controller's host is no name")) from exc
        except TimeoutError as exc:
            raise TimeoutError(N_("DNS does not answer for the controller's name")) from exc
    return host


@asynccontextmanager
async def connected(to: Address, host: str) -> AsyncIterator[Connection]:
    """A connection for one look, to ``host``, the address of ``to``.

    OSError when there is none; it is closed whatever happens.
    """
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection(host, to.port, limit=4096)
    except TimeoutError as exc:
        raise TimeoutError(N_("the controller does not take the connection")) from exc
    try:
        yield Connection(reader, writer, to.unit)
    finally:
        writer.transport.abort()  # nothing is left to be sent, so nothing is lost


async def read(connection: Connection, wanted: Iterable[tuple[int, int]]) -> dict[int, int]:
    """The registers of every wanted (first, count), by address; absent ones are left out.

    Wanted ones that lie close together are asked for at once. Where the controller refuses
    such a block, each wanted one in it is asked for alone.
    """
    found: dict[int, int] = {}
    for block in blocks(wanted):
        try:
            found |= await _span(connection, block[0][0], block[-1][0] + block[-1][1])
        except AbsentError:
            if len(block) == 1:
                continue
            for first, count in block:
                try:
                    found |= await _span(connection, first, first + count)
                except AbsentError:
                    continue
    return found


def blocks(wanted: Iterable[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """The wanted (first, count) in order, grouped into what one question can fetch."""
    grouped: list[list[tuple[int, int]]] = []
    end = 0
    for first, count in sorted(set(wanted)):
        near = grouped and first - end <= _GAP and first + count - grouped[-1][0][0] <= _BLOCK
        if near:
            grouped[-1].append((first, count))
            end = max(end, first + count)
        else:
            grouped.append([(first, count)])
            end = first + count
    return grouped


async def _span(connection: Connection, first: int, end: int) -> dict[int, int]:
    values = await connection.registers(first, end - first)
    return dict(enumerate(values, first))


def _refusal(code: int) -> ModbusError:
    if code in _ABSENT:
        return AbsentError(N_("the controller has no such register"))
    return ModbusError(_REASONS.get(code) or f"the controller refused with code {code}")
