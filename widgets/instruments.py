"""What keeps the station going, each in a value with its state and, when old, its age."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from prep_console.snapshot import Reading, ReadingState, Snapshot
from prep_console.widgets.figures import age_s, coarse, milliseconds, signed_ms, size, span
from prep_console.widgets.lines import Line, Span, Tone, column, fit, flow, line
from prep_console.wording import N_, known_text, say, visible

OLD_S = 30.0
"""From here on a value shows its age."""
GONE_S = 120.0
"""From here on a value is unknown: it says nothing about now."""

_BARS = "▁▂▃▅▆▇█"
_SIGNS: dict[ReadingState, str] = {"ok": "✓", "warning": "▲", "critical": "✖", "unknown": "?"}
_TONES: dict[ReadingState, Tone] = {
    "ok": "",
    "warning": "warning",
    "critical": "critical",
    "unknown": "warning",
}


class Instrument(NamedTuple):
    """One line of the panel."""

    label: str
    value: str
    state: ReadingState | None
    """None: not configured, which is no fault."""
    note: str = ""
    history: tuple[float | None, ...] = ()
    scale: float = 100.0
    """Value at the top of the history's strip."""


def instruments(snapshot: Snapshot) -> list[Instrument]:
    """Every instrument, in the order in which trouble shows."""
    readings = snapshot.readings
    shown = [
        _host(snapshot, "host.cpu", say(N_("CPU"))),
        _host(snapshot, "host.memory", say(N_("RAM"))),
        _disk(snapshot),
        _site(snapshot),
        _clock(snapshot),
    ]
    power = sorted(name for name in readings if name.startswith("power."))
    shown += [_power(snapshot, name) for name in power]
    if not power:
        shown.append(_absent(snapshot, say(N_("power"))))
    shown.append(_traffic(snapshot))
    if "link.institute" in readings:
        shown.append(_host(snapshot, "link.institute", say(N_("link"))))
    return shown


def _judged(snapshot: Snapshot, reading: Reading, value: str) -> tuple[str, ReadingState, str]:
    """Value, state and a remark on its age: an old value is never shown as a good one."""
    age = age_s(snapshot, reading.observed_at)
    if reading.state == "unknown" or reading.value is None:
        return say(N_("unknown")), "unknown", visible(known_text(reading.error or ""))
    if age > GONE_S:
        return say(N_("unknown")), "unknown", say(N_("last read {age} ago"), age=coarse(age))
    if age > OLD_S:
        return value, "unknown", say(N_("read {age} ago"), age=span(age))
    return value, reading.state, ""


def _absent(snapshot: Snapshot, label: str) -> Instrument:
    """No such reading: not configured, once an engine has had the time to read it."""
    if not snapshot.readings or not snapshot.engine.alive:
        return Instrument(label, say(N_("unknown")), "unknown", say(N_("no reading")))
    if is_new(snapshot):
        return Instrument(label, say(N_("no reading yet")), None)
    return Instrument(label, say(N_("not configured")), None)


def is_new(snapshot: Snapshot) -> bool:
    """Whether the engine came up so lately that not all was read yet: it has kept no history."""
    return max((len(kept) for kept in snapshot.history.values()), default=0) < 2


def _host(snapshot: Snapshot, name: str, label: str) -> Instrument:
    reading = snapshot.readings.get(name)
    if reading is None:
        return Instrument(label, say(N_("unknown")), "unknown", say(N_("no reading")))
    value = amount(reading)
    total = reading.detail.get("total_bytes")
    if isinstance(total, int | float):
        value = say(N_("{part} of {total}"), part=value, total=size(total))
    value, state, remark = _judged(snapshot, reading, value)
    note = remark or _cores(reading)
    history = snapshot.history.get(name, ())
    scale = 100.0 if reading.unit == "%" else max([v for v in history if v] or [1.0])
    return Instrument(label, value, state, note, history, scale)


def _cores(reading: Reading) -> str:
    cores, least = reading.detail.get("cpus"), reading.detail.get("min_cpus")
    if isinstance(cores, int) and isinstance(least, int) and cores < least:
        return say(N_("{n} of {least} cores"), n=str(cores), least=str(least))
    return say(N_("{n} cores"), n=str(cores)) if isinstance(cores, int) else ""


def _traffic(snapshot: Snapshot) -> Instrument:
    """Bytes sent, an hour at the present rate where that is known (the call names 3 GB)."""
    label = say(N_("traffic"))
    reading = snapshot.readings.get("host.network")
    if reading is None:
        return _absent(snapshot, label)
    hourly = reading.detail.get("hourly_bytes")
    sent = f"{size(hourly)}/h" if isinstance(hourly, int | float) else amount(reading)
    value, state, remark = _judged(snapshot, reading, sent)
    return Instrument(label, value, state, remark)


def amount(reading: Reading) -> str:
    """A reading's value in its unit."""
    value = reading.value
    if value is None or isinstance(value, str):
        return visible(value or "?")
    if reading.unit == "%":
        return f"{value:.0f} %"
    if reading.unit == "bytes":
        return size(value)
    if reading.unit == "bytes/s":
        return f"{size(value)}/s"
    if reading.unit == "s":
        return milliseconds(value)
    return f"{value:g} {visible(reading.unit)}".rstrip()


def _disk(snapshot: Snapshot) -> Instrument:
    label = say(N_("disk"))
    reading = snapshot.readings.get("host.disk")
    if reading is None:
        return Instrument(label, say(N_("unknown")), "unknown", say(N_("no reading")))
    value, state, remark = _judged(snapshot, reading, say(N_("{size} free"), size=amount(reading)))
    lasts = reading.detail.get("lasts_s")
    if not remark and isinstance(lasts, int | float):
        remark = say(N_("lasts {age}"), age=coarse(lasts))
    return Instrument(label, value, state, remark)


def _site(snapshot: Snapshot) -> Instrument:
    label = say(N_("site"))
    reading, served = snapshot.readings.get("site.visitor"), snapshot.served
    if reading is None:
        return _absent(snapshot, label)
    if served is not None and served.ok and served.status == 503:
        status = say(N_("no cut (503), as it must be"))
    else:
        status = str(served.status) if served is not None and served.status is not None else "?"
    latency = ""
    if served is not None and served.latency_s is not None:
        latency = milliseconds(served.latency_s)
    value, state, remark = _judged(snapshot, reading, " · ".join(filter(None, (status, latency))))
    days = reading.detail.get("certificate_days")
    if not remark and isinstance(days, int | float):
        remark = say(N_("certificate {n} d"), n=int(days))
    return Instrument(label, value, state, remark)


def _clock(snapshot: Snapshot) -> Instrument:
    label = say(N_("clock"))
    reading = snapshot.readings.get("clock.offset")
    if reading is None:
        return _absent(snapshot, label)
    value = amount(reading)
    if isinstance(reading.value, int | float):
        value = signed_ms(reading.value)
        bound = reading.detail.get("bound_s")
        if isinstance(bound, int | float):
            value += f" ± {milliseconds(bound)}"
    value, state, remark = _judged(snapshot, reading, value)
    return Instrument(label, value, state, remark or visible(str(reading.detail.get("server", ""))))


def _power(snapshot: Snapshot, name: str) -> Instrument:
    reading = snapshot.readings[name]
    value, state, remark = _judged(snapshot, reading, amount(reading))
    runtime = reading.detail.get("runtime_s")
    if not remark and isinstance(runtime, int | float):
        remark = say(N_("lasts {age}"), age=coarse(runtime))
    status = reading.detail.get("status")
    if not remark and isinstance(status, str):
        remark = visible(status)
    return Instrument(visible(name.removeprefix("power.")), value, state, remark)


def _sign(instrument: Instrument) -> Span:
    if instrument.state is None:
        return Span("·", "dim")
    return Span(_SIGNS[instrument.state], _TONES[instrument.state])


def panel(snapshot: Snapshot, width: int) -> list[Line]:
    """One instrument a line, with its history where there is one."""
    return [fit(spans, width) for spans in _panel(snapshot, width)]


def _panel(snapshot: Snapshot, width: int) -> Iterator[Line]:
    for instrument in instruments(snapshot):
        tone: Tone = "dim" if instrument.state is None else _TONES[instrument.state]
        strip = sparkline(instrument.history, instrument.scale, 10) if width >= 44 else ""
        yield line(
            " ",
            _sign(instrument),
            " ",
            column(instrument.label, 8, "dim"),
            column(instrument.value, 16, tone),
            Span(f"{strip}  " if strip else "", "dim"),
            Span(instrument.note, "dim" if instrument.state in ("ok", None) else tone),
        )


def compact(snapshot: Snapshot, width: int) -> list[Line]:
    """All instruments in as few lines as they take, for a small terminal."""
    items = []
    for instrument in instruments(snapshot):
        tone: Tone = "dim" if instrument.state is None else _TONES[instrument.state]
        value = f"{instrument.label} {instrument.value}"
        if instrument.note and (instrument.state != "ok" or instrument.label == say(N_("disk"))):
            value += f", {instrument.note}"
        items.append(line(_sign(instrument), " ", Span(value, tone)))
    return [fit(line(" ", *spans), width) for spans in flow(items, width - 2)]


def sparkline(values: tuple[float | None, ...], top: float, width: int) -> str:
    """The last ``width`` values on a fixed scale from 0 to ``top``; a gap where none was read."""
    if not values or top <= 0:
        return ""
    last = values[-width:]
    steps = len(_BARS) - 1
    return "".join(
        " " if value is None else _BARS[max(0, min(steps, round(value / top * steps)))]
        for value in last
    ).rjust(width)
