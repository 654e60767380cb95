"""The reading of registers, against pymodbus's server and against peers that misbehave."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_console.config import Register
from prep_console.drill.peers.generator import GeneratorPeer, generator_server
from prep_console.probes.power import modbus
from prep_console.probes.power.gencomm import DEEPSEA, decoded
from tests import hostile
from tests.waiting import wait_until


@pytest.fixture
def peer() -> Iterator[GeneratorPeer]:
    with generator_server() as running:
        yield running


async def ask(to: modbus.Address, *wanted: tuple[int, int]) -> dict[int, int]:
    async with modbus.connected(to, to.host) as connection:
        return await modbus.read(connection, wanted)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.40", "192.0.2.40", 502),
        ("192.0.2.40:1502", "192.0.2.40", 1502),
        ("planta.local:5020", "planta.local", 5020),
        ("[2001:db8::1]", "2001:db8::1", 502),
        ("[2001:db8::1]:5020", "2001:db8::1", 5020),
    ],
)
def test_an_address_is_taken_apart(text: str, host: str, port: int) -> None:
    assert modbus.address(text, 3) == modbus.Address(host, port, 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":502",
        "a:b",
        "a:0",
        "a:65536",
        "a b:502",
        "a:²",
        "2001:db8::1",
        "[::1",
        "a:-1",
        "[::::]:502",
        "[1.2.3.4.5]",
    ],
)
def test_an_address_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST|port"):
        modbus.address(text, 1)


@pytest.mark.parametrize("unit", [-1, 256])
def test_a_unit_that_cannot_be_is_refused(unit: int) -> None:
    with pytest.raises(ValueError, match="unit"):
        modbus.address("h", unit)


def test_what_lies_together_is_asked_for_at_once() -> None:
    assert modbus.blocks([(1032, 2), (1024, 1), (1030, 1), (1059, 1), (1024, 1)]) == [
        [(1024, 1), (1030, 1), (1032, 2)],
        [(1059, 1)],
    ]


@given(st.lists(st.tuples(st.integers(0, 65534), st.integers(1, 2)), max_size=60))
def test_every_wanted_register_is_in_one_block_that_fits_a_question(
    wanted: list[tuple[int, int]],
) -> None:
    blocks = modbus.blocks(wanted)
    assert sorted(set(wanted)) == [one for block in blocks for one in block]
    assert all(block[-1][0] + block[-1][1] - block[0][0] <= 125 for block in blocks)


async def test_registers_are_read_and_absent_ones_left_out(peer: GeneratorPeer) -> None:
    peer.raw({1024: 7, 1025: 8, 1026: 9})
    peer.absent = {1025}
    to = modbus.address(peer.address, 1)
    assert await ask(to, (1024, 1), (1025, 1), (1026, 1), (60000, 2)) == {1024: 7, 1026: 9}


async def test_only_reading_is_ever_asked(peer: GeneratorPeer) -> None:
    peer.absent = {1408, 1025}
    await ask(modbus.address(peer.address, 1), *[(r.address, 1) for r in DEEPSEA.register.values()])
    assert peer.asked
    assert {function for function, _, _ in peer.asked} == {3}


async def test_a_unit_that_is_not_there_is_told(peer: GeneratorPeer) -> None:
    with pytest.raises(modbus.ModbusError):
        await ask(modbus.address(peer.address, 9), (1024, 1))


def answer(request: bytes, *, frame: bytes | None = None, **changed: int) -> bytes:
    """What a controller says to ``request``, or something close to it."""
    asked, _, _, unit, _, _, count = struct.unpack(">HHHBBHH", request)
    body = frame if frame is not None else struct.pack(">BB", 3, 2 * count) + bytes(2 * count)
    head = struct.pack(
        ">HHHB",
        changed.get("asked", asked),
        changed.get("protocol", 0),
        changed.get("length", len(body) + 1),
        changed.get("unit", unit),
    )
    return head + body


ODD = {
    "another question": lambda request: answer(request, asked=999),
    "another protocol": lambda request: answer(request, protocol=1),
    "another unit": lambda request: answer(request, unit=77),
    "no length": lambda request: answer(request, length=0),
    "a huge length": lambda request: answer(request, length=65535),
    "another function": lambda request: answer(request, frame=b"\x04\x02\x00\x00"),
    "a write": lambda request: answer(request, frame=b"\x10\x04\x00\x00\x01"),
    "an unknown function": lambda request: answer(request, frame=b"\x63\x02\x00\x00"),
    "too few": lambda request: answer(request, frame=b"\x03\x02\x00\x00"),
    "too many": lambda request: answer(request, frame=b"\x03\x08" + bytes(8)),
    "a false count": lambda request: answer(request, frame=b"\x03\x09\x00"),
    "no count": lambda request: answer(request, frame=b"\x03\x00"),
    "an exception cut short": lambda request: answer(request, frame=b"\x83\x00"),
}


@pytest.mark.parametrize("kind", ODD)
async def test_an_odd_answer_is_a_reason(kind: str) -> None:
    with hostile.tcp("answers", ODD[kind]) as odd, pytest.raises(modbus.ModbusError) as caught:
        await asyncio.wait_for(ask(modbus.Address("127.0.0.1", odd.port, 1), (1024, 2)), 5)
    assert str(caught.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [(1, "does not know"), (4, "failed"), (6, "busy"), (10, "no way"), (11, "nothing"), (99, "99")],
)
async def test_a_refusal_says_why(code: int, said: str) -> None:
    def refuse(request: bytes) -> bytes:
        return answer(request, frame=bytes((0x83, code)))

    with hostile.tcp("answers", refuse) as peer, pytest.raises(modbus.ModbusError, match=said):
        await ask(modbus.Address("127.0.0.1", peer.port, 1), (1024, 2))


def _at_most(descriptors: int) -> bool:
    return hostile.descriptors() <= descriptors


async def test_no_descriptor_is_left_by_many_looks_that_fail() -> None:
    for fault in ("close", "reset", "garbage", "half", "megabyte", "refuse"):
        with hostile.tcp(fault, lambda request: answer(request)) as peer:
            to = modbus.Address("127.0.0.1", peer.port, 1)
            before = hostile.descriptors()
            for _ in range(30):
                with pytest.raises((OSError, TimeoutError)):
                    await ask(to, (1024, 2))
            await asyncio.sleep(0)
            wait_until(partial(_at_most, before), what=fault)


@pytest.mark.parametrize(
    ("register", "raw", "value"),
    [
        (Register(address=1), {1: 87}, 87.0),
        (Register(address=1), {}, None),
        (Register(address=1, scale=0.1), {1: 277}, 27.7),
        (Register(address=1, signed=True), {1: 0xFFFB}, -5.0),
        (Register(address=1, words=2), {1: 1, 2: 2}, 65538.0),
        (Register(address=1, words=2), {1: 1}, None),
        (Register(address=1, words=2, signed=True), {1: 0xFFFF, 2: 0xFFFE}, -2.0),
        (Register(address=1, mask=0x0100), {1: 0xFFFF}, 1.0),
        (Register(address=1, mask=0x0100), {1: 0xFEFF}, 0.0),
        (Register(address=1, mask=0x00F0, signed=True), {1: 0x0F80}, -8.0),
        (Register(address=1, invalid=[9]), {1: 9}, None),
        (Register(address=1, mask=0xF0, invalid=[2], words_of={"2": "x"}), {1: 0x2F}, None),
        (Register(address=1, words_of={"1": "running"}), {1: 1}, "running"),
        (Register(address=1, words_of={"1": "running"}), {1: 4}, "4"),
    ],
)
def test_a_raw_value_gets_its_meaning(
    register: Register, raw: dict[int, int], value: float | str | None
) -> None:
    assert decoded(register, raw) == value
