"""What a generator's controller says, read through a register map; Deep Sea's GenComm is shipped.

GenComm is Deep Sea Electronics' own standard ("GenComm standard for use with generating set
control equipment"): pages of 256 registers, so page 4 register 3 is 1027. The addresses, scales,
modes and engine states here were checked against that document (versions 1.29 and 2.210), the
names of the alarms against the lists for the 61xx, 72xx/73xx/74xx and 8xxx families, which agree
on the first 31 of them.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from prep_console.config import Register, RegisterMap
from prep_console.probes.power.modbus import Connection, ModbusError, read
from prep_console.wording import N_

Value = float | str

NAMES: Final = frozenset(
    {
        "state",
        "mode",
        "shutdown",
        "warning",
        "mains",
        "rpm",
        "frequency_hz",
        "voltage_v",
        "voltage_l2_v",
        "voltage_l3_v",
        "fuel_percent",
        "battery_v",
        "coolant_c",
        "oil_kpa",
        "run_s",
        "starts",
        "mains_voltage_v",
        "mains_voltage_l2_v",
        "mains_voltage_l3_v",
        "mains_frequency_hz",
    }
)
"""Values the program knows what to do with; docs/power.md says what."""

_WORDS: Final = {
    "state": frozenset({"standby", "starting", "running", "stopping", "failed", ""}),
    "mains": frozenset({"available", "absent", ""}),
}
"""Values that are words: only these mean something ('': the controller does not know)."""

AlarmLevel = Literal["warning", "shutdown", "electrical trip", "controlled shutdown"]
_LEVELS: Final[Mapping[int, AlarmLevel]] = {
    2: "warning",
    3: "shutdown",
    4: "electrical trip",
    5: "controlled shutdown",
}
"""Of the four bits of an alarm; 0, 1 and the rest are: disabled, not active, mere indications."""

_ALARM_NAMES: Final = (
    "emergency stop",
    "low oil pressure",
    "high coolant temperature",
    "low coolant temperature",
    "under speed",
    "over speed",
    "generator under frequency",
    "generator over frequency",
    "generator low voltage",
    "generator high voltage",
    "battery low voltage",
    "battery high voltage",
    "charge alternator failure",
    "fail to start",
    "fail to stop",
    "generator fail to close",
    "mains fail to close",
    "oil pressure sender fault",
    "loss of magnetic pick-up",
    "magnetic pick-up open circuit",
    "generator high current",
    "calibration lost",
    "low fuel level",
    "engine control unit warning",
    "engine control unit shutdown",
    "engine control unit data fail",
    "low oil level switch",
    "high temperature switch",
    "low fuel level switch",
    "expansion unit watchdog",
    "overload",
)
_NAMED_ALARMS = 39424
"""Page 154: their number, then four to a register."""
_OLDER_ALARMS = 2048
"""Page 8, the same of older controllers, whose order of names differs from one to another."""
_FEWEST_ALARMS = 11
"""Registers of alarms that every family has; a refused block would hide them all."""
_MOST_ALARMS = 40

_NO_16 = list(range(0xFFF8, 0x10000))
_NO_16_SIGNED = list(range(0x7FF8, 0x8000))
_NO_32 = list(range(0xFFFFFFF8, 0x100000000))
"""GenComm's sentinels: not implemented, out of range, sender broken, bad data, switch."""


def _word(address: int, scale: float = 1.0) -> Register:
    return Register(address=address, scale=scale, invalid=_NO_16)


def _double(address: int, scale: float = 1.0) -> Register:
    return Register(address=address, words=2, scale=scale, invalid=_NO_32)


DEEPSEA: Final = RegisterMap(
    name="deepsea",
    register={
        "mode": Register(
            address=772,
            invalid=_NO_16,
            words_of={
                "0": "stop",
                "1": "auto",
                "2": "manual",
                "3": "test on load",
                "4": "auto, manual restore",
                "5": "user configuration",
                "6": "test off load",
                "7": "off",
            },
        ),
        "state": Register(
            address=1408,
            invalid=[7, 15, *_NO_16],
            words_of={
                "0": "standby",
                "1": "starting",
                "2": "starting",
                "3": "running",
                "4": "stopping",
                "5": "standby",
                "6": "standby",
            },
        ),
        "oil_kpa": _word(1024),
        "coolant_c": Register(address=1025, signed=True, invalid=_NO_16_SIGNED),
        "fuel_percent": _word(1027),
        "battery_v": _word(1029, 0.1),
        "rpm": _word(1030),
        "frequency_hz": _word(1031, 0.1),
        "voltage_v": _double(1032, 0.1),
        "voltage_l2_v": _double(1034, 0.1),
        "voltage_l3_v": _double(1036, 0.1),
        "mains_frequency_hz": _word(1059, 0.1),
        "mains_voltage_v": _double(1060, 0.1),
        "mains_voltage_l2_v": _double(1062, 0.1),
        "mains_voltage_l3_v": _double(1064, 0.1),
        "run_s": _double(1798),
        "starts": _double(1808),
    },
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm that the controller itself has raised."""

    name: str
    level: AlarmLevel


@dataclass(frozen=True, slots=True)
class Controller:
    """All that one look learned: only the values that the controller has."""

    values: Mapping[str, Value]
    alarms: tuple[Alarm, ...] = ()

    def number(self, name: str) -> float | None:
        """A value that is a number, or None."""
        value = self.values.get(name)
        return value if isinstance(value, float) else None

    def word(self, name: str) -> str | None:
        """A value that is a word, or None."""
        value = self.values.get(name)
        return value or None if isinstance(value, str) else None


def problem(chosen: RegisterMap) -> str | None:
    """Why this map cannot work, naming the value; None when it can."""
    if not chosen.register:
        return "it names no register"
    for name, register in chosen.register.items():
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, 1, 0.4)
            return f"register.{name}: no such value" + (f"; {near[0]}?" if near else "")
        if not 0 <= register.address <= 65536 - register.words:
            return f"register.{name}.address: {register.address} is not a register"
        if not 0 <= register.mask < 1 << 16 * register.words:
            return f"register.{name}.mask: {register.mask} does not fit its registers"
        if not math.isfinite(register.scale) or register.scale == 0:
            return f"register.{name}.scale: {register.scale} makes no value of anything"
        if not all(raw.isascii() and raw.isdigit() for raw in register.words_of):
            return f"register.{name}.words_of: its keys are raw values: 0, 1, 2, …"
        known = _WORDS.get(name)
        strange = sorted(set(register.words_of.values()) - known) if known else []
        if strange:
            return f"register.{name}.words_of: {strange[0]!r} is none of {sorted(known or ())[1:]}"
        if known and not register.words_of:
            return f"register.{name}.words_of: missing, so that nothing of it would be understood"
    if not chosen.register.keys() & {"state", "rpm", "frequency_hz", "voltage_v"}:
        return "without state, rpm, frequency_hz or voltage_v it cannot tell whether it runs"
    return None


async def look(connection: Connection, chosen: RegisterMap) -> Controller:
    """Everything that the controller has of the map. ModbusError when it has none of it."""
    raw = await read(connection, [(r.address, r.words) for r in chosen.register.values()])
    values = {
        name: value
        for name, register in chosen.register.items()
        if (value := decoded(register, raw)) is not None
    }
    if not values:
        raise ModbusError(N_("the controller has none of these registers: wrong unit or map?"))
    return Controller(values, await _alarms(connection) if chosen is DEEPSEA else ())


def decoded(register: Register, raw: Mapping[int, int]) -> Value | None:
    """The value of one register out of the raw ones; None when the controller has none."""
    words = [raw.get(register.address + at) for at in range(register.words)]
    bits = 16 * register.words
    whole = 0
    for word in words:
        if word is None:
            return None
        whole = whole << 16 | word
    if register.mask:
        lowest = (register.mask & -register.mask).bit_length() - 1
        whole = (whole & register.mask) >> lowest
        bits = (register.mask >> lowest).bit_length()
    if whole in register.invalid:
        return None
    if register.words_of:
        return register.words_of.get(str(whole), f"{whole}")
    if register.signed and whole >> (bits - 1):
        whole -= 1 << bits
    return round(whole * register.scale, 3)


async def _alarms(connection: Connection) -> tuple[Alarm, ...]:
    """The alarms the controller has raised; none when it keeps no list that is known here."""
    for page, names in ((_NAMED_ALARMS, _ALARM_NAMES), (_OLDER_ALARMS, ())):
        raw = await read(connection, [(page, 1), (page + 1, _FEWEST_ALARMS)])
        if page in raw and page + 1 in raw:
            held = min(-(-raw[page] // 4), _MOST_ALARMS) if raw[page] < _NO_16[0] else 0
            if held > _FEWEST_ALARMS:
                first = page + 1 + _FEWEST_ALARMS
                raw |= await read(connection, [(first, held - _FEWEST_ALARMS)])
            listed = [raw[at] for at in range(page + 1, page + 1 + _MOST_ALARMS) if at in raw]
            return raised(listed, names)
    return ()


def raised(registers: Sequence[int], names: Sequence[str]) -> tuple[Alarm, ...]:
    """Alarms in force out of their registers: four to each, the first in the highest bits."""
    found = []
    for at, register in enumerate(registers):
        for nibble in range(4):
            level = _LEVELS.get(register >> 12 - 4 * nibble & 0xF)
            if level is not None:
                number = 4 * at + nibble
                name = names[number] if number < len(names) else f"alarm {number + 1}"
                found.append(Alarm(name, level))
    return tuple(found)
