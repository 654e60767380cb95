"""A generator's controller for rehearsals and tests: Deep Sea's GenComm registers over Modbus TCP.

    with generator_server() as peer:
        ... peer.address ...               # 127.0.0.1:PORT
        peer.lose_mains()                  # cranks, then runs, by itself, when in automatic
        peer.set(fuel_percent=20, mode="manual")

The server is pymodbus's own, in a thread with a loop of its own. The registers are written down
here once more, as numbers, so that a mistake in the map that reads them shows.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from prep_console.drill.children import free_port
from prep_console.wording import N_, Sentence, sentence

State = Literal["standby", "starting", "running", "cooling"]

_PAGES: Final = ((768, 16), (1024, 72), (1408, 1), (1792, 20), (4096, 16), (39424, 21))
"""First register and number of what the controller has; 4096 is where commands would go."""
_STATES: Final[Mapping[State, int]] = {"standby": 0, "starting": 1, "running": 3, "cooling": 4}
_MODES: Final = {"stop": 0, "auto": 1, "manual": 2, "test": 3, "auto, manual restore": 4, "off": 7}
_SINGLE: Final = {
    "oil_kpa": (1024, 1.0),
    "coolant_c": (1025, 1.0),
    "fuel_percent": (1027, 1.0),
    "battery_v": (1029, 10.0),
    "rpm": (1030, 1.0),
    "frequency_hz": (1031, 10.0),
    "mains_frequency_hz": (1059, 10.0),
}
_DOUBLE: Final = {
    "voltage_v": ((1032, 1034, 1036), 10.0),
    "mains_voltage_v": ((1060, 1062, 1064), 10.0),
    "run_s": ((1798,), 1.0),
    "starts": ((1808,), 1.0),
}
_METERS: Final[Mapping[State, Mapping[str, float]]] = {
    "standby": {"rpm": 0, "frequency_hz": 0, "voltage_v": 0, "oil_kpa": 0, "battery_v": 26.6},
    "starting": {"rpm": 180, "frequency_hz": 0, "voltage_v": 0, "oil_kpa": 90, "battery_v": 21.0},
    "running": {
        "rpm": 1800,
        "frequency_hz": 60,
        "voltage_v": 127.4,
        "oil_kpa": 420,
        "battery_v": 27.9,
    },
    "cooling": {
        "rpm": 1800,
        "frequency_hz": 60,
        "voltage_v": 127.1,
        "oil_kpa": 415,
        "battery_v": 27.9,
    },
}
FAIL_TO_START: Final = 14
"""Number of that alarm in GenComm's list of named alarms, from 1."""

_T = TypeVar("_T")


class GeneratorPeer:
    """The controller. What is set here is what is read there, at once."""

    def __init__(self, *, crank_s: float, start_s: float, cool_s: float) -> None:
        self.asked: list[tuple[int, int, int]] = []
        """Every question that came: function code, first register, how many."""
        self.absent: set[int] = set()
        """Registers that this controller has not got (illegal data address)."""
        self.connections = 0
        self._crank_s = crank_s
        self._start_s = start_s
        self._cool_s = cool_s
        self._raw: dict[int, int] = {}
        self._running_since: float | None = None
        self._awake = threading.Event()
        self._awake.set()
        self._plans: list[asyncio.TimerHandle] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, daemon=True, name="generator"
        )
        self._server: ModbusTcpServer | None = None
        self.port = free_port()
        self._thread.start()
        self.set(mode="auto", fuel_percent=87, coolant_c=41, run_s=1_234_567, starts=211)
        self.set(mains_voltage_v=127.0, mains_frequency_hz=60)
        self.alarm(FAIL_TO_START, 1)
        self.state("standby")
        self.serve()

    @property
    def address(self) -> str:
        """As ``power.device.modbus`` takes it."""
        return f"127.0.0.1:{self.port}"

    @property
    def told(self) -> Sentence:
        """Which one it is, for the person who rehearses."""
        return sentence(N_("a simulated generator controller (GenComm over Modbus TCP)"))

    def set(self, **values: float | str) -> None:
        """Values by the names of docs/power.md: ``fuel_percent``, ``run_s``, ``mode``, …"""
        for name, value in values.items():
            if isinstance(value, str):
                self.raw({772: _MODES[value]})
            elif name in _SINGLE:
                address, factor = _SINGLE[name]
                self.raw({address: round(value * factor) & 0xFFFF})
            else:
                addresses, factor = _DOUBLE[name]
                whole = round(value * factor)
                for address in addresses:
                    self.raw({address: whole >> 16, address + 1: whole & 0xFFFF})

    def raw(self, registers: Mapping[int, int]) -> None:
        """Registers as they are on the wire, sentinels and nonsense included."""
        self._raw.update(registers)

    def state(self, state: State) -> None:
        """The engine's state and the meters that go with it."""
        if state == "running" and self._running_since is None:
            self._running_since = time.monotonic()
        if state in ("standby", "starting") and self._running_since is not None:
            self.raw(dict(zip((1798, 1799), divmod(self._run_s(), 1 << 16), strict=True)))
            self._running_since = None
        self.raw({1408: _STATES[state]})
        self.set(**_METERS[state])

    def alarm(self, number: int, level: int) -> None:
        """Named alarm ``number`` (from 1): 1 not active, 2 warning, 3 shutdown, 4 trip."""
        address, shift = 39425 + (number - 1) // 4, 12 - 4 * ((number - 1) % 4)
        before = self._raw.get(address, 0x1111)
        self.raw({39424: 80, address: before & ~(0xF << shift) & 0xFFFF | level << shift})

    def lose_mains(self, *, start_fails: bool = False) -> None:
        """The mains go. In automatic it cranks and then runs; or fails, also while it runs."""
        self.set(mains_voltage_v=0, mains_frequency_hz=0)
        if start_fails and self._raw[1408] == _STATES["running"]:
            self._plan((0.0, self.fail_to_start))
        elif self._raw[772] in (1, 4):
            end = self.fail_to_start if start_fails else self.start
            self._plan((self._crank_s, self.crank), (self._start_s, end))

    def restore_mains(self) -> None:
        """The mains are back: a running set cools down and stops; one that failed is reset."""
        self.set(mains_voltage_v=127.0, mains_frequency_hz=60)
        self.alarm(FAIL_TO_START, 1)
        if self._raw[1408] == _STATES["running"]:
            self._plan((0.0, lambda: self.state("cooling")), (self._cool_s, self.stop))
        else:
            self._plan((0.0, self.stop))

    def crank(self) -> None:
        """The starter motor turns."""
        self.state("starting")

    def start(self) -> None:
        """It runs and gives voltage."""
        self.alarm(FAIL_TO_START, 1)
        self.state("running")

    def stop(self) -> None:
        """It stands still."""
        self.state("standby")

    def fail_to_start(self) -> None:
        """It tried, and the alarm that locks it out is up."""
        self.state("standby")
        self.alarm(FAIL_TO_START, 3)

    def freeze(self) -> None:
        """Connections are taken by the kernel; nobody answers, as when its program hangs."""
        self._awake.clear()
        self._loop.call_soon_threadsafe(self._awake.wait)

    def thaw(self) -> None:
        self._awake.set()

    def serve(self) -> None:
        """Answer on the port, as after a restart of the controller."""
        self._call(self._serve())

    def vanish(self) -> None:
        """Switched off: connections break, new ones are refused."""
        self._call(self._vanish())

    def close(self) -> None:
        self.thaw()
        self.vanish()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _plan(self, *steps: tuple[float, Callable[[], None]]) -> None:
        def plan() -> None:
            for handle in self._plans:
                handle.cancel()
            self._plans = [self._loop.call_later(after_s, step) for after_s, step in steps]

        self._loop.call_soon_threadsafe(plan)

    def _run_s(self) -> int:
        since = self._running_since
        extra = 0 if since is None else int(time.monotonic() - since)
        return (self._raw.get(1798, 0) << 16 | self._raw.get(1799, 0)) + extra

    def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self) -> None:
        device = SimDevice(
            id=1,
            simdata=[
                SimData(first, count=count, datatype=DataType.REGISTERS) for first, count in _PAGES
            ],
            action=self._answer,
        )
        self._server = ModbusTcpServer(
            device,
            address=("127.0.0.1", self.port),
            trace_pdu=self._note,
            trace_connect=self._count,
        )
        await self._server.serve_forever(background=True)

    async def _vanish(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for handle in self._plans:
            handle.cancel()

    def _note(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if not sending:
            self.asked.append((pdu.function_code, pdu.address, pdu.count))
        return pdu

    def _count(self, connected: bool) -> None:
        self.connections += 1 if connected else -1

    async def _answer(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        _written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if self.absent & set(range(address, address + count)):
            return ExcCodes.ILLEGAL_ADDRESS
        whole = self._run_s()
        live = {**self._raw, 1798: whole >> 16, 1799: whole & 0xFFFF}
        for at in range(address, address + count):
            registers[at - start] = live.get(at, 0x1111 if at > 39424 else 0xFFFF)
        return None


@contextmanager
def generator_server(
    folder: Path | None = None,
    *,
    crank_s: float = 3.0,
    start_s: float = 8.0,
    cool_s: float = 20.0,
) -> Iterator[GeneratorPeer]:
    """A controller on a free port of loopback, ended with the block.

    ``crank_s`` and ``start_s`` count from the loss of the mains, ``cool_s`` from their return.
    ``folder``, where the demo keeps its peers' things, gets the address in ``generator.address``.
    """
    peer = GeneratorPeer(crank_s=crank_s, start_s=start_s, cool_s=cool_s)
    try:
        if folder is not None:
            (folder / "generator.address").write_text(f"{peer.address}\n", "ascii")
        yield peer
    finally:
        with suppress(TimeoutError):
            peer.close()
