"""What the readings say is wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final

from prep_console.alarms import sources
from prep_console.alarms.condition import Condition, key_of
from prep_console.config import Settings
from prep_console.snapshot import AlarmSeverity, Detail, Reading
from prep_console.wording import N_

_LESS = 0.95
"""What is followed already holds until it is better than its threshold by this factor."""
_TEXT = 200
_STRAINED = ("host.cpu", "host.memory", "host.swap", "host.pressure", "host.load")
_SHOWN = ("site.files", "site.time")

RULES: Final = frozenset(
    {
        "host.disk",
        "host.strained",
        "apache.down",
        "service.down",
        "clock.off",
        "power.mains",
        "power.ups",
        "generator.failed",
        "link.down",
        "protection.weak",
        "site.certificate",
        "site.altered",
        "source.trouble",
        "instrument.unknown",
    }
)
"""What only readings tell: with nobody to read them, nothing is known of these."""


def conditions(
    settings: Settings,
    readings: Mapping[str, Reading],
    since: Mapping[str, datetime],
    followed: Collection[str],
) -> Iterator[Condition]:
    """Every fault that the readings show. ``followed``: keys that were there a moment ago."""
    seen = _Seen(settings, readings, since, followed)
    yield from _host(seen)
    yield from _services(seen)
    yield from _clock(seen)
    yield from _power(seen)
    yield from _site(seen)
    yield from _outside(seen)
    yield from sources.conditions(seen.readings, seen.since)
    yield from _unknown(seen)


class _Seen:
    """The readings, and how to speak of them."""

    def __init__(
        self,
        settings: Settings,
        readings: Mapping[str, Reading],
        since: Mapping[str, datetime],
        followed: Collection[str],
    ) -> None:
        self.settings = settings
        self.readings = readings
        self._since = since
        self._followed = followed

    def known(self, name: str) -> Reading | None:
        """A reading that was taken (a lost UPS is one: critical without a value)."""
        reading = self.readings.get(name)
        return None if reading is None or reading.state == "unknown" else reading

    def bad(self, name: str) -> tuple[Reading, AlarmSeverity] | None:
        """A reading that is warning or critical."""
        reading = self.known(name)
        if reading is None or reading.state == "ok" or reading.state == "unknown":
            return None
        return reading, reading.state

    def since(self, name: str) -> datetime:
        return self._since.get(name, self.readings[name].observed_at)

    def follows(self, rule: str, subject: str = "") -> bool:
        return key_of(rule, subject) in self._followed

    def named(self, room: str) -> Iterator[tuple[str, str]]:
        """Full and short names of the readings of a room (``power.``)."""
        for name in sorted(self.readings):
            if name.startswith(room):
                yield name, name.removeprefix(room)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _short(value: object) -> str:
    return str(value)[:_TEXT]


def _host(seen: _Seen) -> Iterator[Condition]:
    disk = seen.known("host.disk")
    free = _number(disk.value) if disk is not None else None
    if disk is not None and free is not None:
        least = seen.settings.host.min_free_bytes
        near = seen.follows("host.disk") and free * _LESS < least
        if disk.state != "ok" or near:
            severity: AlarmSeverity = "critical" if disk.state == "critical" else "warning"
            values = _of_disk(disk, free, least)
            yield Condition(
                "host.disk", severity, seen.since("host.disk"), values, sources=("host.disk",)
            )
    strained = [(name, found) for name in _STRAINED if (found := seen.bad(name)) is not None]
    if strained:
        critical = any(severity == "critical" for _, (_, severity) in strained)
        name, (worst, _) = next((one for one in strained if one[1][1] == "critical"), strained[0])
        value = _number(worst.value)
        told: dict[str, Detail] = {
            "what": _STRAIN_WORDS[name],
            "figure": "" if value is None else f" ({_amount(value, worst.unit)})",
        }
        yield Condition(
            "host.strained",
            "critical" if critical else "warning",
            min(seen.since(name) for name, _ in strained),
            told,
            sources=tuple(name for name, _ in strained),
        )


def _of_disk(disk: Reading, free: float, least: float) -> dict[str, Detail]:
    """Why: what makes writing fail altogether comes first, then what is short."""
    inodes = _number(disk.detail.get("inodes_free_percent"))
    if disk.detail.get("read_only") is True:
        return {"what": N_("it is mounted read-only"), "figure": ""}
    if free * _LESS >= least and disk.state != "ok" and inodes is not None:
        return {"what": N_("it takes hardly any more files"), "figure": f" ({inodes:.1f} % inodes)"}
    return {"what": N_("little space is left"), "figure": f" ({_amount(free, 'bytes')})"}


_STRAIN_WORDS = {
    "host.cpu": N_("processor"),
    "host.memory": N_("memory"),
    "host.swap": N_("swap"),
    "host.pressure": N_("programs wait for one another"),
    "host.load": N_("load"),
}


def _amount(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / 1e9:.1f} GB"
    return f"{value:.0f} {unit}".strip()


def _apache_is_down(seen: _Seen) -> str:
    """The reading that tells it: its process, or the list of services; ''."""
    services = seen.known("host.services")
    if services is not None and services.detail.get("apache") == "stopped":
        return "host.services"
    apache = seen.known("host.apache")
    if apache is not None and apache.detail.get("running") in (0, False):
        return "host.apache"
    return ""


def _services(seen: _Seen) -> Iterator[Condition]:
    told_by = _apache_is_down(seen)
    if told_by:
        yield Condition("apache.down", "critical", seen.since(told_by), sources=(told_by,))
    services = seen.known("host.services")
    missing = str(services.detail.get("missing") or "") if services is not None else ""
    for name in missing.split()[:8]:
        if name != "apache":
            at = seen.since("host.services")
            yield Condition(
                "service.down", "warning", at, {}, name[:40], sources=("host.services",)
            )


def _clock(seen: _Seen) -> Iterator[Condition]:
    """One alarm for the clock: the worst that servers, daemon and own steps say of it."""
    found: list[tuple[AlarmSeverity, str, str, str]] = []
    offset = seen.known("clock.offset")
    value = _number(offset.value) if offset is not None else None
    if offset is not None and value is not None:
        warning_s = seen.settings.clock.warning_ms / 1000
        near = seen.follows("clock.off") and abs(value) > warning_s * _LESS * _LESS
        if offset.state != "ok" or near:
            severity: AlarmSeverity = "critical" if offset.state == "critical" else "warning"
            figure = f" ({value * 1000:+.0f} ms)"
            what = N_("it differs from the time servers")
            found.append((severity, "clock.offset", what, figure))
    tracking = seen.bad("clock.tracking")
    if tracking is not None:
        what = N_("the NTP client is not synchronised")
        figure = ""
        if tracking[0].detail.get("synchronised") is True:  # then it is its own offset that is bad
            what = N_("it differs from the time servers")
            figure = f" ({(_number(tracking[0].value) or 0.0) * 1000:+.0f} ms)"
        found.append((tracking[1], "clock.tracking", what, figure))
    step = seen.bad("clock.step")
    if step is not None:
        jump = _number(step[0].value) or 0.0
        what = N_("it was set")
        found.append((step[1], "clock.step", what, f" ({jump:+.1f} s)"))
    if found:
        found.sort(key=lambda one: one[0] != "critical")
        severity, _, what, figure = found[0]
        names = tuple(one[1] for one in found)
        began = min(map(seen.since, names))
        values: dict[str, Detail] = {"what": what, "figure": figure}
        yield Condition("clock.off", severity, began, values, sources=names)


def _power(seen: _Seen) -> Iterator[Condition]:
    for name, device in seen.named("power."):
        reading = seen.known(name)
        if reading is None:
            continue
        role = reading.detail.get("role")
        if name == "power.source" and role is None:
            yield from _source(seen, reading)
        elif role == "ups":
            yield from _ups(seen, name, device, reading)
        elif role == "generator":
            yield from _generator(seen, name, device, reading)


def _source(seen: _Seen, reading: Reading) -> Iterator[Condition]:
    if reading.value not in {"generator", "battery", "none"}:
        return
    severity: AlarmSeverity = "warning" if reading.value == "generator" else "critical"
    began = seen.since("power.source")
    told = reading.detail.get("since")
    if isinstance(told, str):
        began = _moment(told) or began
    values = {"source": _SOURCE_WORDS[str(reading.value)]}
    yield Condition("power.mains", severity, began, values, sources=("power.source",))


_SOURCE_WORDS = {
    "generator": N_("generator"),
    "battery": N_("battery"),
    "none": N_("nothing that is known"),
}


def _moment(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else None


def _ups(seen: _Seen, name: str, device: str, reading: Reading) -> Iterator[Condition]:
    """Being on battery is the mains' alarm, not the UPS's."""
    began = seen.since(name)
    charge = _number(reading.value)
    power = seen.settings.power
    followed = seen.follows("power.ups", device)
    on_battery = reading.detail.get("on_battery") is True
    status = str(reading.detail.get("status") or "").split()
    runtime = _number(reading.detail.get("runtime_s"))
    ease = 1 / _LESS if followed else 1.0
    short = (charge is not None and charge < power.low_charge_percent * ease) or (
        runtime is not None and runtime < power.low_runtime_seconds * ease
    )
    low = reading.detail.get("low_battery") is True
    found: tuple[AlarmSeverity, str] | None = None
    if reading.detail.get("lost") is True:
        found = "critical", N_("it was on battery and does not answer any more")
    elif "OFF" in status:
        found = "critical", N_("it is switched off")
    elif low or (on_battery and short):
        found = "critical", N_("its battery is nearly empty")
    elif reading.detail.get("overload") is True:
        found = "warning", N_("it is overloaded")
    elif reading.detail.get("replace_battery") is True:
        found = "warning", N_("its battery must be replaced")
    elif reading.detail.get("bypass") is True:
        found = "warning", N_("it is on bypass and protects nothing")
    elif reading.state == "critical":
        found = "critical", N_("it is in a critical state")
    if found is None:
        return
    figures = "" if charge is None else f" ({charge:.0f} %)"
    values: dict[str, Detail] = {"what": found[1], "figure": figures}
    yield Condition("power.ups", found[0], began, values, device, sources=(name,))


def _generator(seen: _Seen, name: str, device: str, reading: Reading) -> Iterator[Condition]:
    began = seen.since(name)
    detail = reading.detail
    fuel = _number(detail.get("fuel_percent"))
    ease = 1 / _LESS if seen.follows("generator.failed", device) else 1.0
    if reading.value == "failed":
        severity: AlarmSeverity = "critical"
        what = N_("it failed")
    elif detail.get("automatic") is False:
        severity, what = "warning", N_("it is not in automatic and will not start by itself")
    elif fuel is not None and fuel < seen.settings.power.low_fuel_percent * ease:
        severity, what = "warning", N_("its fuel is low")
    elif reading.state in {"warning", "critical"}:
        severity = "critical" if reading.state == "critical" else "warning"
        what = N_("its controller warns")
    else:
        return
    yield Condition("generator.failed", severity, began, {"what": what}, device, sources=(name,))


def _site(seen: _Seen) -> Iterator[Condition]:
    certificate = seen.bad("site.certificate")
    if certificate is not None:
        reading, severity = certificate
        days = _number(reading.value)
        what = _short(reading.detail.get("error") or reading.error or "")
        values: dict[str, Detail] = {
            "what": what or N_("it ends soon"),
            "figure": "" if days is None else f" ({days:.0f} d)",
        }
        began = seen.since("site.certificate")
        yield Condition("site.certificate", severity, began, values, sources=("site.certificate",))
    names = (*_SHOWN, *(name for name, _ in seen.named("site.vantage.")))
    altered = [(name, found) for name in names if (found := seen.bad(name)) is not None]
    if altered:
        critical = any(severity == "critical" for _, (_, severity) in altered)
        name, (reading, _) = min(altered, key=lambda one: one[1][1] != "critical")
        values = {
            "what": _ALTERED_WORDS.get(name, N_("another address serves something else")),
            "figure": _altered_figure(name, reading),
        }
        yield Condition(
            "site.altered",
            "critical" if critical else "warning",
            min(seen.since(name) for name, _ in altered),
            values,
            sources=tuple(name for name, _ in altered),
        )


_ALTERED_WORDS = {
    "site.files": N_("files differ from what was sealed"),
    "site.time": N_("the page shows another hour"),
}


def _altered_figure(name: str, reading: Reading) -> str:
    if name == "site.files":
        told = reading.detail.get("wrong") or reading.detail.get("missing") or ""
    elif name == "site.time":
        told = reading.value or ""
    else:
        told = name.removeprefix("site.vantage.")
    return f" ({str(told)[:120]})" if told else ""


def _outside(seen: _Seen) -> Iterator[Condition]:
    interface = seen.known("link.interface")
    if interface is not None and interface.value == "down":
        values: dict[str, Detail] = {"name": _short(interface.detail.get("name") or "?")}
        began = seen.since("link.interface")
        yield Condition("link.down", "critical", began, values, sources=("link.interface",))
    for name, which in seen.named("protection."):
        found = seen.bad(name)
        if found is not None:
            yield Condition(
                "protection.weak", found[1], seen.since(name), {}, which, sources=(name,)
            )


def _unknown(seen: _Seen) -> Iterator[Condition]:
    """An instrument that nobody can read. What the call's duties stand on is told by site.*."""
    for name, reading in sorted(seen.readings.items()):
        if reading.state == "unknown" and not name.startswith(sources.ROOM):
            error = _short(reading.error or "?")
            yield Condition(
                "instrument.unknown", "warning", seen.since(name), {"error": error}, name
            )
