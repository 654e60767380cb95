"""Power: where it comes from right now and how long it lasts, each UPS, generator and switch."""

from __future__ import annotations

from prep_console import status_words
from prep_console.snapshot import Reading, Snapshot
from prep_console.widgets.figures import age_s, coarse, hour
from prep_console.widgets.instruments.judged import (
    LONGEST_LABEL,
    Instrument,
    absent,
    amount,
    bounded,
    flag,
    judged,
    moment,
    number,
    text,
)
from prep_console.wording import N_, say

SOURCE = "power.source"
_ROLES = ("ups", "generator", "transfer-switch")


def lines(snapshot: Snapshot) -> list[Instrument]:
    """The source first, then every device by its name."""
    names = sorted(
        (name for name in snapshot.readings if name.startswith("power.") and name != SOURCE),
        key=lambda name: (_rank(snapshot.readings[name]), name),
    )
    shown = [_source(snapshot)] if SOURCE in snapshot.readings else []
    if not names and not shown:
        return [absent(snapshot, say(N_("power")))]
    return [*shown, *(_device(snapshot, name) for name in names)]


def _rank(reading: Reading) -> int:
    """What the load hangs on first: UPS, generator, switch."""
    role = reading.detail.get("role")
    return _ROLES.index(role) if role in _ROLES else 0


def _source(snapshot: Snapshot) -> Instrument:
    """One line: where the power comes from, and how long it lasts."""
    reading = snapshot.readings[SOURCE]
    value = status_words.power_source(str(reading.value)) if reading.value is not None else ""
    said = judged(snapshot, SOURCE, reading, bounded(value))
    if not said.told:
        return Instrument(say(N_("power")), said.value, said.state, said.remark)
    notes = []
    lasts = number(reading, "lasts_s")
    if lasts is not None:
        told = say(N_("lasts {age}"), age=coarse(lasts))
        weakest = text(reading, "weakest")
        on_battery = weakest and reading.value == "battery"
        notes.append(f"{told} ({weakest})" if on_battery else told)
    generator = text(reading, "generator")
    if generator and reading.state != "ok":
        word = bounded(status_words.generator_state(generator))
        notes.append(say(N_("generator {state}"), state=word))
    since = moment(reading, "since")
    if since is not None and reading.state != "ok":
        notes.append(say(N_("since {time}"), time=hour(snapshot, since)))
    note = " · ".join(notes)
    short = ", ".join([said.value, *notes[:2]])
    return Instrument(say(N_("power")), said.value, said.state, note, short)


def _device(snapshot: Snapshot, name: str) -> Instrument:
    reading = snapshot.readings[name]
    device = bounded(name.removeprefix("power."))
    match reading.detail.get("role"):
        case "generator":
            return _generator(snapshot, name, reading, device)
        case "transfer-switch":
            return _switch(snapshot, name, reading, device)
        case "ups":
            label = say(N_("UPS {name}"), name=device)
            return _ups(snapshot, name, reading, label if len(label) <= LONGEST_LABEL else device)
        case _:
            return _ups(snapshot, name, reading, device)


def _ups(snapshot: Snapshot, name: str, reading: Reading, label: str) -> Instrument:
    """Status in words first: charge alone does not say whether the mains are there."""
    status = text(reading, "status")
    flags = status_words.ups_flags(status)
    words = ", ".join(flags[:1] if reading.state == "ok" else flags)
    charge = amount(reading)
    said = judged(snapshot, name, reading, words or charge)
    if flag(reading, "lost"):
        last = status_words.ups_status(text(reading, "last_status"))
        seen = say(N_("lost; last seen {status}"), status=last or "?")
        return Instrument(label, seen, reading.state, said.remark, seen)
    if not said.told:
        return Instrument(label, said.value, said.state, said.remark)
    notes = [charge] if words else []
    runtime = number(reading, "runtime_s")
    if runtime is not None:
        notes.append(say(N_("lasts {age}"), age=coarse(runtime)))
    since = moment(reading, "on_battery_since")
    if since is not None and flag(reading, "on_battery"):
        notes.append(say(N_("for {age}"), age=coarse(age_s(snapshot, since))))
    short = [said.value, *notes]
    if reading.state == "ok" and words:
        short = [charge] if runtime is None else [charge, coarse(runtime)]
    return Instrument(label, said.value, said.state, " · ".join(notes), " ".join(short))


def _generator(snapshot: Snapshot, name: str, reading: Reading, device: str) -> Instrument:
    value = bounded(status_words.generator_state(str(reading.value)))
    said = judged(snapshot, name, reading, value)
    if not said.told:
        return Instrument(device, said.value, said.state, said.remark)
    notes = []
    automatic = flag(reading, "automatic")
    if automatic is not None:
        notes.append(say(N_("in automatic")) if automatic else "▲ " + say(N_("NOT in automatic")))
    fuel = number(reading, "fuel_percent")
    if fuel is not None:
        notes.append(say(N_("fuel {n} %"), n=f"{fuel:.0f}"))
    alarms = text(reading, "alarms")
    if alarms:
        notes.append(alarms)
    short = ", ".join([said.value, *notes])
    return Instrument(device, said.value, said.state, " · ".join(notes), short)


def _switch(snapshot: Snapshot, name: str, reading: Reading, device: str) -> Instrument:
    value = status_words.power_source(str(reading.value))
    if reading.value != "none":
        value = say(N_("takes {source}"), source=value)
    said = judged(snapshot, name, reading, bounded(value))
    if not said.told:
        return Instrument(device, said.value, said.state, said.remark)
    volts = [number(reading, f"input_{n}_voltage_v") for n in (1, 2)]
    shown = [f"{volt:.0f} V" for volt in volts if volt is not None]
    calm = said.state == "ok" and SOURCE in snapshot.readings  # the source's line says the same
    short = "" if calm else said.value
    return Instrument(device, said.value, said.state, " / ".join(shown), short)
