"""The server itself: processor, memory, disk, Apache, services, traffic."""

from __future__ import annotations

from prep_console.snapshot import Reading, Snapshot
from prep_console.widgets.figures import coarse, size
from prep_console.widgets.instruments.judged import (
    Instrument,
    absent,
    amount,
    finite,
    judged,
    missing,
    number,
    text,
)
from prep_console.wording import N_, say, say_n

_SCARCE_INODES = 20.0
"""Per cent free from which on the panel speaks of them."""


def lines(snapshot: Snapshot) -> list[Instrument]:
    """What is always of interest, then what is shown only when it is wrong."""
    shown = [
        _strip(snapshot, "host.cpu", say(N_("CPU"))),
        _strip(snapshot, "host.memory", say(N_("RAM"))),
        _disk(snapshot),
    ]
    for name, label in (
        ("host.swap", say(N_("swap"))),
        ("host.pressure", say(N_("pressure"))),
        ("host.load", say(N_("load"))),
    ):
        reading = snapshot.readings.get(name)
        if reading is not None and reading.state != "ok":
            said = judged(snapshot, name, reading, amount(reading))
            shown.append(Instrument(label, said.value, said.state, said.remark))
    return shown


def serving(snapshot: Snapshot) -> list[Instrument]:
    """Apache, what must run beside it, and what it sends."""
    shown = []
    if "host.apache" in snapshot.readings:
        shown.append(_apache(snapshot))
    services = snapshot.readings.get("host.services")
    if services is not None and services.state != "ok":
        gone = text(services, "missing")
        value = say(N_("stopped: {names}"), names=", ".join(gone.split())) if gone else ""
        said = judged(snapshot, "host.services", services, value or amount(services))
        shown.append(Instrument(say(N_("services")), said.value, said.state, said.remark))
    return [*shown, _traffic(snapshot)]


def _strip(snapshot: Snapshot, name: str, label: str) -> Instrument:
    reading = snapshot.readings.get(name)
    if reading is None:
        return missing(label)
    value = short = amount(reading)
    total = number(reading, "total_bytes")
    if total is not None:
        value = say(N_("{part} of {total}"), part=value, total=size(total))
    said = judged(snapshot, name, reading, value)
    note = said.remark or _cores(reading)
    if said.told and note and said.state != "ok":
        short = f"{short}, {note}"
    history = snapshot.history.get(name, ())
    return Instrument(label, said.value, said.state, note, short if said.told else None, history)


def _cores(reading: Reading) -> str:
    cores, least = number(reading, "cpus"), number(reading, "min_cpus")
    if cores is None:
        return ""
    if least is not None and cores < least:
        return say(N_("{n} of {least} cores"), n=f"{cores:.0f}", least=f"{least:.0f}")
    return say_n("{n} core", "{n} cores", round(cores))


def _disk(snapshot: Snapshot) -> Instrument:
    label = say(N_("disk"))
    reading = snapshot.readings.get("host.disk")
    if reading is None:
        return missing(label)
    said = judged(snapshot, "host.disk", reading, say(N_("{size} free"), size=amount(reading)))
    if not said.told:
        return Instrument(label, said.value, said.state, said.remark)
    notes = []
    lasts = number(reading, "lasts_s")
    if lasts is not None:
        notes.append(say(N_("lasts {age}"), age=coarse(lasts)))
    inodes = number(reading, "inodes_free_percent")
    if inodes is not None and inodes < _SCARCE_INODES:
        notes.append(say(N_("inodes free: only {n} %"), n=f"{inodes:.0f}"))
    return Instrument(
        label, said.value, said.state, " · ".join(notes), ", ".join([said.value, *notes])
    )


def _apache(snapshot: Snapshot) -> Instrument:
    reading = snapshot.readings["host.apache"]
    workers, busy = number(reading, "workers"), finite(reading.value)
    value = amount(reading)
    if busy is not None and workers is not None:
        value = say(N_("{busy} of {workers} workers"), busy=f"{busy:.0f}", workers=f"{workers:.0f}")
        short = f"{busy:.0f}/{workers:.0f}"
    else:
        short = value
    said = judged(snapshot, "host.apache", reading, value)
    rate = number(reading, "requests_per_s")
    note = said.remark
    if said.told and rate is not None:
        note = say(N_("{n} requests/s"), n=f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}")
    return Instrument("Apache", said.value, said.state, note, short if said.told else None)


def _traffic(snapshot: Snapshot) -> Instrument:
    """Bytes sent, an hour at the present rate where that is known (the call names 3 GB)."""
    label = say(N_("traffic"))
    reading = snapshot.readings.get("host.network")
    if reading is None:
        return absent(snapshot, label)
    hourly = number(reading, "hourly_bytes")
    sent = f"{size(hourly)}/h" if hourly is not None else amount(reading)
    said = judged(snapshot, "host.network", reading, sent)
    return Instrument(label, said.value, said.state, said.remark)
