"""A UPS through NUT: mains or battery, how full, how long, and what it complains of.

What a UPS says is believed only as far as it can be true: a charge of ``nan``, ``-1`` or 900 % is
left out. What was on battery and then fell silent is critical until it is seen again, as upsmon
holds it too: the likeliest reason for the silence is that its battery is empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from prep_console.config.instruments import Power, PowerDevice
from prep_console.probes.power import nut
from prep_console.probes.probe import Clock, utc_now
from prep_console.snapshot import Detail, Reading, ReadingState
from prep_console.wording import N_, visible

PERIOD_S = 5.0
"""As often as upsmon asks (POLLFREQ)."""
DEADLINE_S = nut.LOOK_S + 1.5
"""The client is done earlier: only so can a UPS on battery be told lost instead of unknown."""

_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
_FAILED_TEST = re.compile(r"\b(fail|bad\b|(?<!no )error)", re.IGNORECASE)
_MAX_RUNTIME_S = 7 * 86400.0
"""Firmware writes "I do not know" as 65535 minutes or 4294967295 seconds."""
_MAX_V = 1000.0
_MAX_BATTERY_V = 1000.0
_MAX_LOAD_PERCENT = 500.0


@dataclass(frozen=True, slots=True)
class Status:
    """``ups.status`` taken apart. A UPS sets several flags at once."""

    flags: frozenset[str]

    @classmethod
    def of(cls, raw: str) -> Status:
        return cls(frozenset(raw.split()))

    @property
    def on_battery(self) -> bool | None:
        """True when the mains are lost; a calibration runs on battery on purpose and is not that.

        None when the flags say neither.
        """
        if "OB" in self.flags:
            return "CAL" not in self.flags
        return False if self.flags & {"OL", "BYPASS", "CAL", "OFF"} else None


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last look at which the UPS was there."""

    status: str
    at: datetime
    on_battery_since: datetime | None


class UpsProbe:
    """One UPS; see :class:`~prep_console.probes.probe.Probe`."""

    period_s = PERIOD_S
    deadline_s = DEADLINE_S

    def __init__(
        self,
        device: PowerDevice,
        power: Power,
        client: nut.NutClient,
        *,
        now: Clock = utc_now,
        before: Reading | None = None,
    ) -> None:
        """ValueError when ``device.nut`` is no address. ``before``: the last reading before us."""
        self.names = (f"power.{device.name}",)
        self._device = device
        self._power = power
        self._ups = nut.address(device.nut).ups
        self._client = client
        self._now = now
        self._seen = _seen_in(before)

    async def read(self) -> Mapping[str, Reading]:
        """The UPS as upsd has it now; unknown, or critical when lost on battery, if it has not."""
        try:
            told = await self._client.variables(self._ups)
            raw = _status(told)
        except nut.NutError as exc:
            return {self.names[0]: self._silent(str(exc), self._now())}
        at = self._now()
        before = self._seen.on_battery_since if self._seen is not None else None
        since = None
        if Status.of(raw).on_battery:
            since = min(before or at, at)  # our clock may have been set back meanwhile
        elif "OFF" in Status.of(raw).flags:
            since = before  # it ran empty: still the same loss
        self._seen = _Seen(raw, at, since)
        return {self.names[0]: self._judged(told, raw, at, since)}

    async def close(self) -> None:
        """Let go of the client."""
        await self._client.close()

    def _silent(self, reason: str, at: datetime) -> Reading:
        detail: dict[str, Detail] = {"role": "ups", "feeds": self._device.feeds}
        seen = self._seen
        if seen is None:
            return Reading(None, "", "unknown", at, error=reason, detail=detail)
        lost = seen.on_battery_since is not None
        detail |= {
            "lost": lost,
            "last_status": seen.status,
            "last_seen_at": _iso(seen.at),
            "on_battery_since": _iso(seen.on_battery_since),
        }
        state: ReadingState = "critical" if lost else "unknown"
        return Reading(None, "", state, at, error=reason, detail=detail)

    def _judged(
        self, told: Mapping[str, str], raw: str, at: datetime, since: datetime | None
    ) -> Reading:
        status = Status.of(raw)
        charge = _number(told, "battery.charge", 100)
        runtime_s = _number(told, "battery.runtime", _MAX_RUNTIME_S)
        load = _number(told, "ups.load", _MAX_LOAD_PERCENT)
        self_test = told.get("ups.test.result")
        short = (charge is not None and charge < self._power.low_charge_percent) or (
            runtime_s is not None and runtime_s < self._power.low_runtime_seconds
        )
        low = "LB" in status.flags
        critical = bool(status.flags & {"OFF", "FSD"}) or (
            bool(status.on_battery) and (low or short)
        )
        warning = (
            bool(status.on_battery)
            or low
            or short
            or bool(status.flags & {"RB", "OVER", "BYPASS", "ALARM"})
            or (self_test is not None and _FAILED_TEST.search(self_test) is not None)
        )
        state: ReadingState = "critical" if critical else "warning" if warning else "ok"
        detail: dict[str, Detail] = {
            "role": "ups",
            "feeds": self._device.feeds,
            "status": raw,
            "on_battery": status.on_battery,
            "on_battery_since": _iso(since),
            "low_battery": low,
            "charging": "CHRG" in status.flags,
            "overload": "OVER" in status.flags,
            "bypass": "BYPASS" in status.flags,
            "replace_battery": "RB" in status.flags,
            "runtime_s": runtime_s,
            "load_percent": load,
            "input_voltage_v": _number(told, "input.voltage", _MAX_V),
            "battery_voltage_v": _number(told, "battery.voltage", _MAX_BATTERY_V),
            "self_test": self_test,
            "self_test_at": told.get("ups.test.date"),
            "alarm": told.get("ups.alarm"),
            "model": told.get("device.model") or told.get("ups.model"),
            "lost": False,
            "last_status": raw,
        }
        if charge is None:  # some tell none: then the flags are all there is
            return Reading(raw, "", state, at, detail=detail)
        return Reading(charge, "%", state, at, detail=detail)


def _seen_in(before: Reading | None) -> _Seen | None:
    """What the last reading of an earlier engine says of the UPS; None when it says nothing."""
    said = before.detail.get("last_status") if before is not None else None
    if before is None or not isinstance(said, str):
        return None
    at = _moment(before.detail.get("last_seen_at")) or before.observed_at
    return _Seen(said[: nut.VALUE_CHARACTERS], at, _moment(before.detail.get("on_battery_since")))


def _moment(text: Detail) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _status(told: Mapping[str, str]) -> str:
    """``ups.status``; NutError when it says nothing about the UPS."""
    raw = " ".join(told.get("ups.status", "").split())
    flags = frozenset(raw.split())
    if not flags:
        raise nut.NutError(N_("upsd tells no status of this UPS"))
    if "WAIT" in flags:
        raise nut.NutError(N_("upsd says WAIT: the driver has not told anything yet"))
    if "NOCOMM" in flags:
        raise nut.NutError(N_("upsd says NOCOMM: the driver has lost the UPS"))
    if Status(flags).on_battery is None and "FSD" not in flags:
        raise nut.NutError(f"upsd says {visible(raw)}: neither on mains nor on battery")
    return raw


def _number(told: Mapping[str, str], name: str, most: float) -> float | None:
    """The variable, when it is a number from 0 to ``most``; else None."""
    text = told.get(name, "").strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if value <= most else None


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds")
