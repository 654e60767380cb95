"""Power: UPSes, generators, transfer switches, and where the power comes from right now."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeVar

from prep_console.config import Power, PowerDevice, RegisterMap, Settings
from prep_console.probes.power import gencomm, generator, modbus, nut, nut_client
from prep_console.probes.power.chain import REFUSED_NAME
from prep_console.probes.power.contacts import contact
from prep_console.probes.power.transfer_switch import TransferSwitchProbe
from prep_console.probes.power.ups import UpsProbe
from prep_console.probes.probe import Clock, Misconfigured, Probe, utc_now
from prep_console.snapshot import Reading

__all__ = ["probes"]

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_TAKEN = frozenset({"source"})
"""power.source is where the power comes from."""


def probes(
    settings: Settings,
    *,
    now: Clock = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
    before: Mapping[str, Reading] | None = None,
) -> list[Probe]:
    """One probe per device. A setting that cannot work makes its own probe unknown, and says so.

    ``before``: what an engine before this one read last, so that a UPS that was on battery is
    still known to be lost after a restart.
    """
    power = settings.power
    counted = Counter(device.name for device in power.device)
    made: dict[str, Probe] = {}
    for number, device in enumerate(power.device, 1):
        known = _NAME.fullmatch(device.name) and device.name not in _TAKEN
        name = f"power.{device.name}" if known else f"{REFUSED_NAME}{number}"
        try:
            if not known:
                raise ValueError(
                    f"device.name: {device.name[:40]!r} is no name (letters, digits, _ -)"
                )
            if counted[device.name] > 1:
                raise ValueError(f"device.name: {device.name!r} is the name of several devices")
            made[name] = _probe(device, power, now, (before or {}).get(name))
        except ValueError as exc:
            made[name] = Misconfigured((name,), f"power.{exc}", now=now)
    return list(made.values())


def _probe(device: PowerDevice, power: Power, now: Clock, before: Reading | None) -> Probe:
    """ValueError names the setting and what is wrong with it."""
    if device.role == "generator" and device.modbus:
        if device.nut:
            raise ValueError("device.modbus: and nut; one of the two reaches the generator")
        return generator.over_modbus(device, power, _modbus(device), _map(device, power), now=now)
    if device.modbus:
        raise ValueError("device.modbus: is for generators; this one is reached through nut")
    if not device.nut:
        missing = "nut or modbus" if device.role == "generator" else "nut"
        raise ValueError(f"device.{missing}: missing, so that nothing can be asked")
    at = _in_setting("nut", lambda: nut.address(device.nut))
    client = nut_client.client(power, at)
    match device.role:
        case "ups":
            return UpsProbe(device, power, client, now=now, before=before)
        case "transfer-switch":
            return TransferSwitchProbe(device, client, at, now=now)
        case "generator":
            running = _in_setting("running", lambda: contact(device.running))
            failed = None
            if device.failed:
                failed = _in_setting("failed", lambda: contact(device.failed))
            return generator.over_contacts(device, power, client, at, running, failed, now=now)


def _modbus(device: PowerDevice) -> modbus.Address:
    return _in_setting("modbus", lambda: modbus.address(device.modbus, device.unit))


def _map(device: PowerDevice, power: Power) -> RegisterMap:
    """The register map of that name; one of the settings beats the shipped one."""
    known = {gencomm.DEEPSEA.name: gencomm.DEEPSEA, **{each.name: each for each in power.map}}
    chosen = known.get(device.map)
    if chosen is None:
        raise ValueError(
            f"device.map: no {device.map!r}; there are {', '.join(sorted(known))}"[:200]
        )
    problem = gencomm.problem(chosen)
    if problem is not None:
        raise ValueError(f"device.map: {chosen.name}: {problem}"[:200])
    return chosen


def _in_setting(setting: str, take: Callable[[], T]) -> T:
    """What ``take`` makes of a setting, its complaint with the setting's name before it."""
    try:
        return take()
    except ValueError as exc:
        raise ValueError(f"device.{setting}: {exc}") from exc
