"""Every reading in full: value, state in words, age, error, and each of its details."""

from __future__ import annotations

from collections.abc import Iterator

from prep_console import status_words
from prep_console.snapshot import Detail, Reading, Snapshot
from prep_console.widgets.figures import age_s, local, milliseconds, size, span
from prep_console.widgets.instruments import clock, protection
from prep_console.widgets.instruments.judged import (
    SIGNS,
    TONES,
    amount,
    bounded,
    finite,
    judged,
    moment,
    reason,
    state_word,
    text,
)
from prep_console.widgets.lines import Line, Span, column, fit, flow, line, rule, wrap
from prep_console.wording import N_, known_text, say

_ROOMS = (
    ("power.", N_("POWER")),
    ("clock.", N_("CLOCK")),
    ("site.", N_("SITE")),
    ("link.", N_("LINK")),
    ("host.", N_("SERVER")),
    ("protection.", N_("PROTECTION")),
)
_TITLES = {
    "power.source": N_("power source"),
    "clock.offset": N_("against the time servers"),
    "clock.tracking": N_("time daemon"),
    "clock.step": N_("last step of our clock"),
    "site.visitor": N_("as a visitor"),
    "site.certificate": N_("certificate"),
    "site.time": N_("time that the page shows"),
    "site.files": N_("files against the cut"),
    "link.institute": N_("the institute's sessions"),
    "link.interface": N_("interface"),
    "link.dns": N_("DNS"),
    "link.route": N_("route"),
    "host.cpu": N_("CPU"),
    "host.memory": N_("RAM"),
    "host.swap": N_("swap"),
    "host.load": N_("load"),
    "host.pressure": N_("pressure"),
    "host.disk": N_("disk"),
    "host.network": N_("traffic"),
    "host.apache": N_("Apache's busy workers"),
    "host.services": N_("services"),
}
_DETAILS = {
    "agree": N_("servers that agree"),
    "alarms": N_("controller's alarms"),
    "answered": N_("servers that answered"),
    "asked": N_("servers asked"),
    "at": N_("at"),
    "automatic": N_("in automatic"),
    "available_bytes": N_("available"),
    "battery_v": N_("battery"),
    "battery_voltage_v": N_("battery"),
    "bound_s": N_("uncertainty"),
    "bypass": N_("bypass"),
    "bytes": N_("bytes fetched"),
    "certificate_days": N_("certificate, days"),
    "chain": N_("chain"),
    "charging": N_("charging"),
    "checked": N_("files checked"),
    "coolant_c": N_("coolant, °C"),
    "cpus": N_("cores"),
    "cut": N_("cut"),
    "daemon": N_("daemon"),
    "delay_s": N_("delay"),
    "demanded": N_("must run"),
    "error": N_("error"),
    "estado": N_("in estado.json"),
    "evidence": N_("evidence"),
    "feeds": N_("feeds"),
    "frames_ok": N_("portals may embed it"),
    "frequency_hz": N_("frequency, Hz"),
    "from": N_("from"),
    "fuel_percent": N_("fuel"),
    "generator": N_("generator"),
    "header": N_("in the header"),
    "hourly_budget_bytes": N_("budget an hour"),
    "hourly_bytes": N_("sent an hour"),
    "hours": N_("hours run"),
    "how": N_("how it is known"),
    "inodes_free_percent": N_("inodes free"),
    "input_1_voltage_v": N_("input 1"),
    "input_2_voltage_v": N_("input 2"),
    "input_voltage_v": N_("input"),
    "interface": N_("interface"),
    "issuer": N_("issuer"),
    "last_byte_at": N_("last byte"),
    "last_session_at": N_("last session"),
    "last_status": N_("last status"),
    "lasts_s": N_("lasts"),
    "leap": N_("leap second"),
    "load": N_("load"),
    "load15": N_("over 15 min"),
    "load5": N_("over 5 min"),
    "received_bytes_per_s": N_("received"),
    "same": N_("the same cut"),
    "liars": N_("left out as wrong"),
    "live": N_("of the live cut"),
    "load_percent": N_("load"),
    "login": N_("asks for a login"),
    "lost": N_("lost"),
    "low_battery": N_("battery low"),
    "mains": N_("mains there"),
    "mains_available": N_("mains there"),
    "medium": N_("medium"),
    "memory_bytes": N_("memory"),
    "min_cpus": N_("cores asked for"),
    "min_free_bytes": N_("free, asked for"),
    "missing": N_("missing"),
    "mode": N_("mode"),
    "model": N_("model"),
    "name": N_("name"),
    "not_after": N_("valid until"),
    "oil_kpa": N_("oil, kPa"),
    "on_battery": N_("on battery"),
    "on_battery_since": N_("on battery since"),
    "overload": N_("overload"),
    "page": N_("in the page"),
    "pass_s": N_("whole round takes"),
    "preferred": N_("preferred"),
    "processes": N_("processes"),
    "redirects": N_("redirects"),
    "reference": N_("reference"),
    "replace_battery": N_("battery to be replaced"),
    "requests_per_s": N_("requests a second"),
    "role": N_("kind"),
    "rpm": N_("revolutions a minute"),
    "run_s": N_("runs for"),
    "running": N_("running"),
    "runtime_s": N_("lasts"),
    "self_test": N_("self-test"),
    "self_test_at": N_("self-test on"),
    "server": N_("server"),
    "sessions": N_("sessions now"),
    "since": N_("since"),
    "speed_mbit": N_("speed, Mbit/s"),
    "status": N_("status"),
    "stratum": N_("stratum"),
    "synchronised": N_("synchronised"),
    "tls_version": N_("TLS"),
    "total_bytes": N_("in all"),
    "uptime_s": N_("up for"),
    "voltage_v": N_("voltage"),
    "weakest": N_("weakest UPS"),
    "workers": N_("workers"),
    "wrong": N_("altered"),
}
"""What a detail is called; one of a newer version stands under its own name."""
_VALUES = {
    "ups": N_("UPS"),
    "transfer-switch": N_("transfer switch"),
    "server": N_("the server"),
    "communications": N_("communications"),
    "both": N_("the server and communications"),
    "running": N_("running"),
    "stopped": N_("stopped"),
    "unknown": N_("unknown"),
}
"""Words of our own probes; "generator" is both a kind and a detail, and says itself."""
_LABEL = 28
_FRESH_S, _STEP_S = 15.0, 5.0
"""Younger than this is just now; from there in steps, so that a calm page stays calm."""


def page(snapshot: Snapshot, width: int) -> list[Line]:
    """Every reading by room; nothing is left out, and unknown is said with its reason."""
    lines: list[Line] = []
    if not snapshot.engine.alive:
        told = say(N_("No engine is running: nothing of this is read any more."))
        lines += [line(" ", Span(part, "critical")) for part in wrap("✖ " + told, width - 2)]
    shown: set[str] = set()
    for start, room in _ROOMS:
        names = sorted(name for name in snapshot.readings if name.startswith(start))
        shown.update(names)
        lines += _room(snapshot, say(room), names, width)
    others = sorted(set(snapshot.readings) - shown)
    lines += _room(snapshot, say(N_("OTHERS")), others, width)
    return lines or [line(Span(" " + say(N_("Nothing was read yet.")), "dim"))]


def title(name: str) -> str:
    """What a reading is called: a device by its own name."""
    if name in _TITLES:
        return say(_TITLES[name])
    if name.startswith("protection."):
        return bounded(protection.title(name))
    for start in ("power.", "site.vantage."):
        if name.startswith(start):
            return bounded(name.removeprefix(start))
    return bounded(name)


def _room(snapshot: Snapshot, room: str, names: list[str], width: int) -> list[Line]:
    if not names:
        return []
    lines: list[Line] = [rule(room, width)]
    for name in names:
        lines += _reading(snapshot, name, snapshot.readings[name], width)
    return [*lines, ()]


def _reading(snapshot: Snapshot, name: str, reading: Reading, width: int) -> Iterator[Line]:
    said = judged(snapshot, name, reading, value_text(name, reading))
    tone = TONES[said.state]
    age = _age(snapshot, reading)
    head = line(
        " ",
        Span(SIGNS[said.state], tone),
        " ",
        column(title(name), _LABEL, "strong"),
        " ",
        Span(said.value, tone or "strong"),
    )
    words = f"{state_word(said.state)} · {age}" if said.value != state_word(said.state) else age
    yield fit(line(*head, Span(f"  {words}", "dim")), width)
    if reading.error:
        for part in wrap(reason(reading), width - 6):
            yield line("     ", Span(part, "warning" if tone == "" else tone))
    yield from _details(snapshot, reading, width)


def _age(snapshot: Snapshot, reading: Reading) -> str:
    age = age_s(snapshot, reading.observed_at)
    if age < _FRESH_S:
        return say(N_("read just now"))
    return say(N_("read {age} ago"), age=span(age // _STEP_S * _STEP_S))


def value_text(name: str, reading: Reading) -> str:
    """A reading's value in words."""
    if name in ("clock.offset", "clock.tracking"):
        told = clock.sentence(reading)
        return told if told is not None else amount(reading)
    if isinstance(reading.value, str):
        if name.startswith("protection."):
            return bounded(status_words.protection(reading.value))
        if name == "power.source" or text(reading, "role") == "transfer-switch":
            return bounded(status_words.power_source(reading.value))
        if text(reading, "role") == "generator":
            return bounded(status_words.generator_state(reading.value))
    return amount(reading)


def _details(snapshot: Snapshot, reading: Reading, width: int) -> Iterator[Line]:
    """Short ones side by side, long ones wrapped whole."""
    items: list[Line] = []
    for key, value in reading.detail.items():
        label = say(_DETAILS[key]) if key in _DETAILS else bounded(key)
        if key == "agree" and isinstance(value, bool):
            label = say(N_("all agree"))
        told = _detail(snapshot, reading, key, value)
        if len(label) + len(told) + 2 <= width - 8:
            items.append(line(Span(f"{label} ", "dim"), told))
            continue
        yield from (line("     ", *spans) for spans in flow(items, width - 6))
        items = []
        for part in wrap(f"{label} {told}", width - 6, "  "):
            yield line("     ", part)
    yield from (line("     ", *spans) for spans in flow(items, width - 6))


def _detail(snapshot: Snapshot, reading: Reading, key: str, value: Detail) -> str:
    if key == "leap" and isinstance(value, str):
        return bounded(status_words.leap(value))
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return say(N_("yes")) if value else say(N_("no"))
    if isinstance(value, str):
        at = moment(reading, key)
        if at is not None:
            return local(snapshot, at).strftime("%d/%m/%Y %H:%M:%S")
        if value in _VALUES:
            return say(_VALUES[value])
        if key == "generator":
            return bounded(status_words.generator_state(value))
        if key == "preferred":
            return bounded(status_words.power_source(value))
        if key in ("status", "last_status") and reading.detail.get("role") == "ups":
            return f"{status_words.ups_status(value)} ({bounded(value)})"
        return bounded(known_text(value))
    plain = finite(value)
    if plain is None:
        return "?"
    if key.endswith("_per_s"):
        return f"{size(plain)}/s" if key.endswith("bytes_per_s") else f"{plain:,.4g}"
    if key.endswith("_s"):
        if abs(plain) < 60:
            return milliseconds(plain)
        return f"-{span(-plain)}" if plain < 0 else span(plain)
    if key.endswith("bytes"):
        return size(plain)
    if key.endswith("_percent"):
        return f"{plain:.0f} %"
    if key.endswith("_v"):
        return f"{plain:.1f} V"
    return f"{plain:,.0f}" if plain == int(plain) else f"{plain:,.4g}"
