"""Where the power comes from right now and how long it lasts, over mains, generator and UPS.

Every device sees one link of the chain; together they tell more than each, and sometimes they
contradict one another. The worst that somebody saw counts: one UPS on battery means battery,
whatever the others say. "mains" is only said when something shows it, never because nothing
speaks against it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from prep_console.config import Power, PowerDevice
from prep_console.probes.power.generator import LIVE_V, overdue
from prep_console.snapshot import Detail, Reading, ReadingState
from prep_console.wording import N_

NAME: Final = "power.source"
REFUSED_NAME: Final = "power.device-"
"""Reading of a device whose name cannot be one; its number in the settings follows."""
NOTHING_TELLS: Final = N_("nothing tells where the power comes from")
_NO_UPS_ANSWERS: Final = N_("no UPS answers, so nothing tells what feeds the server")
_MAINS_OR_GENERATOR: Final = N_("there is power, but nothing tells whether mains or generator")
_GATHERING: Final = N_("not every power device was looked at yet")

Source = Literal["mains", "generator", "battery", "none"]
Basis = Literal["mains", "battery", "at most", "unknown", "fuel", "nothing"]
"""What ``lasts_s`` stands on; ``at most``: a UPS on battery does not say how long it lasts."""


@dataclass(frozen=True, slots=True)
class _Ups:
    name: str
    feeds: str
    seen: Literal["line", "battery", "off", "unseen"]
    runtime_s: float | None
    reading: Reading | None
    lost: bool = False
    testing: bool = False


@dataclass(frozen=True, slots=True)
class _Chain:
    """Everything that is known, sorted by link."""

    upses: tuple[_Ups, ...]
    switches: tuple[Reading | None, ...]
    generators: tuple[Reading | None, ...]
    """None: unseen."""

    def on(self, seen: str) -> tuple[_Ups, ...]:
        return tuple(ups for ups in self.upses if ups.seen == seen)

    @property
    def position(self) -> Source | None:
        """What the transfer switches feed from, the worst of several; None when none is seen."""
        said = {switch.value for switch in self.switches if switch is not None}
        order: tuple[Source, ...] = ("none", "generator", "mains")
        return next((source for source in order if source in said), None)

    @property
    def running(self) -> bool:
        return any(g is not None and g.value == "running" for g in self.generators)

    @property
    def idle(self) -> bool:
        """No generator gives power, and that is known of each; also where there is none."""
        return all(g is not None and g.value != "running" for g in self.generators)

    @property
    def metered(self) -> bool | None:
        """Mains as the switches' and controllers' meters show them."""
        volts = [_number(s, "input_1_voltage_v") for s in self.switches if s is not None]
        shown = [level >= LIVE_V for level in volts if level is not None]
        said = [g.detail.get("mains_available") for g in self.generators if g is not None]
        shown += [available for available in said if isinstance(available, bool)]
        return any(shown) if shown else None


def derived(
    power: Power, readings: Mapping[str, Reading], now: datetime, before: Reading | None
) -> dict[str, Reading]:
    """``power.source``, and the readings of generators that ought to run and do not.

    ``readings`` are the devices' own, ``before`` is the power.source of a moment ago. Nothing
    at all when no device is set up.
    """
    if not power.device:
        return {}
    said = source(power, readings, now, before)
    lost_s = _lost_s(said, now)
    found = {NAME: said}
    for device in power.device:
        name = f"power.{device.name}"
        if device.role == "generator" and name in readings:
            again = overdue(readings[name], power, lost_s)
            if again is not readings[name]:
                found[name] = again
    if len(found) > 1:
        found[NAME] = source(power, {**readings, **found}, now, before)
    return found


def source(
    power: Power, readings: Mapping[str, Reading], now: datetime, before: Reading | None
) -> Reading:
    """``power.source``: unknown when nothing tells."""
    chain = _sorted(power, readings)
    came_from = before.value if before is not None else None
    value = _value(chain, came_from if isinstance(came_from, str) else None)
    mains = _mains(chain, value)
    detail = _detail(chain, value, mains, now, before)
    if value is None:
        return Reading(None, "", "unknown", now, error=_why(chain, readings, power), detail=detail)
    return Reading(value, "", _state(power, chain, value, detail), now, detail=detail)


def _sorted(power: Power, readings: Mapping[str, Reading]) -> _Chain:
    def of(role: str) -> Iterable[tuple[PowerDevice, Reading | None]]:
        for device in power.device:
            if device.role == role:
                yield device, readings.get(f"power.{device.name}")

    def known(reading: Reading | None) -> Reading | None:
        return None if reading is None or reading.value is None else reading

    return _Chain(
        tuple(_ups(device, reading) for device, reading in of("ups")),
        tuple(known(reading) for _, reading in of("transfer-switch")),
        tuple(known(reading) for _, reading in of("generator")),
    )


def _ups(device: PowerDevice, reading: Reading | None) -> _Ups:
    """A lost UPS (last seen on battery) counts as on battery, for who knows how long."""
    if reading is None:
        return _Ups(device.name, device.feeds, "unseen", None, None)
    detail = reading.detail
    flags = str(detail.get("status") or "").split()
    runtime_s = _number(reading, "runtime_s")
    seen: Literal["line", "battery", "off", "unseen"]
    lost = detail.get("lost") is True
    if lost:
        seen, runtime_s = "battery", None
    elif reading.state == "unknown":
        seen = "unseen"
    elif "OFF" in flags:
        seen = "off"
    elif detail.get("on_battery") is True or "OB" in flags:
        seen = "battery"
    else:
        seen = "line" if {"OL", "BYPASS"} & set(flags) else "unseen"
    if runtime_s is not None and runtime_s < 0:
        runtime_s = None
    testing = not lost and bool({"CAL", "TEST"} & set(flags))
    return _Ups(device.name, device.feeds, seen, runtime_s, reading, lost, testing)


def _value(chain: _Chain, before: str | None) -> Source | None:
    if chain.on("battery"):
        return "battery"
    if chain.on("line"):
        return _behind_ups(chain, before)
    if chain.on("off"):
        return "none"
    if chain.upses:  # none of them is seen: only what is bad can be said
        if chain.position in ("none", "generator"):
            return chain.position
        return "generator" if chain.running and chain.metered is False else None
    if chain.position is not None:
        return chain.position
    if chain.running:
        return _while_running(chain, before)
    # a meter that shows nothing may not be wired: this program is fed by something
    return "mains" if chain.idle and chain.metered else None


def _behind_ups(chain: _Chain, before: str | None) -> Source | None:
    """A UPS is on line: there is power, and it comes from the mains or from the generator."""
    if chain.position in ("mains", "generator"):
        return chain.position
    if chain.running:
        return _while_running(chain, before)
    if chain.idle:
        return "mains"
    # A generator is not seen. From mains to generator the way leads over the battery.
    return "mains" if before == "mains" else None


def _while_running(chain: _Chain, before: str | None) -> Source | None:
    """It runs and no switch is seen: with the mains there too, it is a test, or they are back."""
    if chain.metered is not True:
        return "generator"
    if before == "mains":
        return "mains"
    return "generator" if before == "generator" else None


def _mains(chain: _Chain, value: Source | None) -> bool | None:
    """Are the mains there? A UPS that has input while no generator runs beats any meter.

    A UPS on battery because it tests itself says nothing about them.
    """
    if value == "mains" or (chain.on("line") and chain.idle and chain.position != "generator"):
        return True
    if chain.metered is not None:
        return chain.metered
    on_battery = chain.on("battery")
    if on_battery and not chain.on("line") and not all(ups.testing for ups in on_battery):
        return False
    return False if value == "generator" and chain.position is None else None


def _detail(
    chain: _Chain, value: Source | None, mains: bool | None, now: datetime, before: Reading | None
) -> dict[str, Detail]:
    battery = chain.on("battery")
    weakest = min(battery or chain.on("line"), key=_reserve_s, default=None)
    held = [ups.runtime_s for ups in (battery or chain.on("line")) if ups.runtime_s is not None]
    reserve_s = min(held, default=None)
    silent = any(ups.runtime_s is None for ups in battery)
    basis: Basis
    match value:
        case "battery" if reserve_s is None:
            basis = "unknown"
        case "battery":
            basis = "at most" if silent else "battery"
        case "generator":
            basis = "fuel"
        case "mains":
            basis = "mains"
        case _:
            basis = "nothing"
    fuel = [_number(g, "fuel_percent") for g in chain.generators if g is not None]
    return {
        "lasts_s": reserve_s if value == "battery" else None,
        "basis": basis,
        "reserve_s": reserve_s,
        "weakest": weakest.name if weakest is not None else None,
        "weakest_feeds": weakest.feeds if weakest is not None else None,
        "since": _carried(before, value, now),
        "mains": mains,
        "mains_lost_at": _mains_lost_at(chain, mains, now, before),
        "generator": _generator(chain),
        "generator_automatic": _automatic(chain),
        "fuel_percent": min((level for level in fuel if level is not None), default=None),
        "switch": chain.position,
        "on_battery": _names(battery),
        "lost": _names(ups for ups in battery if ups.lost),
        "off": _names(chain.on("off")),
        "unseen": _names(chain.on("unseen")),
        "contradiction": _contradiction(chain),
    }


def _state(
    power: Power, chain: _Chain, value: Source, detail: Mapping[str, Detail]
) -> ReadingState:
    match value:
        case "none":
            return "critical"
        case "battery":
            lasts_s = detail["lasts_s"]
            short = not isinstance(lasts_s, float) or lasts_s < power.low_runtime_seconds
            alone = detail["generator"] == "failed" or detail["generator_automatic"] is False
            grave = any(
                ups.reading is not None and ups.reading.state == "critical" for ups in chain.upses
            )
            silent = detail["basis"] != "battery"
            return "critical" if short or alone or grave or silent else "warning"
        case "generator":
            grave = any(
                g is not None and g.value == "running" and g.state == "critical"
                for g in chain.generators
            )
            return "critical" if grave else "warning"
        case "mains":
            dark = detail["off"] != ""
            return "critical" if dark else "warning" if detail["contradiction"] else "ok"


def _why(chain: _Chain, readings: Mapping[str, Reading], power: Power) -> str:
    refused = sum(name.startswith(REFUSED_NAME) for name in readings)
    looked_at = sum(f"power.{device.name}" in readings for device in power.device)
    if looked_at + refused < len(power.device):
        return _GATHERING
    if chain.on("line"):
        return _MAINS_OR_GENERATOR
    return _NO_UPS_ANSWERS if chain.upses else NOTHING_TELLS


def _contradiction(chain: _Chain) -> bool:
    """Two instruments cannot both be right: a person has to look which."""
    if chain.position == "generator" and chain.generators and chain.idle:
        return True
    return chain.position == "none" and bool(chain.on("line"))


def _generator(chain: _Chain) -> str | None:
    """The state of the generator, the most useful of several; None where there is none."""
    if not chain.generators:
        return None
    said = {g.value for g in chain.generators if g is not None}
    for value in ("running", "starting", "standby", "failed"):
        if value in said:
            return value
    return "unknown"


def _automatic(chain: _Chain) -> bool | None:
    """False when no generator would start by itself."""
    told = [g.detail.get("automatic") for g in chain.generators if g is not None]
    if not told or any(own not in (True, False) for own in told):
        return None
    return any(told)


def _reserve_s(ups: _Ups) -> float:
    """What does not say how long it lasts is taken for the weakest."""
    return -1.0 if ups.runtime_s is None else ups.runtime_s


def _carried(before: Reading | None, value: Source | None, now: datetime) -> str:
    """Since when the value is what it is."""
    since = before.detail.get("since") if before is not None and before.value == value else None
    return since if isinstance(since, str) else now.isoformat()


def _mains_lost_at(
    chain: _Chain, mains: bool | None, now: datetime, before: Reading | None
) -> str | None:
    """When the mains went. Kept while nobody knows; forgotten once they are seen again."""
    if mains is True:
        return None
    at = _time(before, "mains_lost_at") if before is not None else None
    if at is not None:
        return min(at, now).isoformat()  # our clock may have been set back meanwhile
    if mains is None:
        return None
    times = [_time(ups.reading, "on_battery_since") for ups in chain.on("battery")]
    return min([now, *(time for time in times if time is not None)]).isoformat()


def _lost_s(said: Reading, now: datetime) -> float | None:
    """For how long the mains are gone; None when they are not, or when nobody knows."""
    at = _time(said, "mains_lost_at")
    if said.detail.get("mains") is not False or at is None:
        return None
    return max(0.0, (now - at).total_seconds())


def _names(upses: Iterable[_Ups]) -> str:
    return " ".join(ups.name for ups in upses)


def _number(reading: Reading, name: str) -> float | None:
    value = reading.detail.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _time(reading: Reading | None, name: str) -> datetime | None:
    text = reading.detail.get(name) if reading is not None else None
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo is not None else None
