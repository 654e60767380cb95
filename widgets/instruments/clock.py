"""The clock: how far ours is from the official time, in words that say which way."""

from __future__ import annotations

from prep_console.snapshot import Reading, Snapshot
from prep_console.widgets.figures import milliseconds, second
from prep_console.widgets.instruments.judged import (
    Instrument,
    absent,
    amount,
    finite,
    judged,
    moment,
    number,
    reason,
    text,
)
from prep_console.wording import N_, say

_RIGHT_S = 0.0005


def lines(snapshot: Snapshot) -> list[Instrument]:
    """The offset; the daemon's tracking and a step only when they are wrong."""
    shown = [_offset(snapshot)]
    tracking = snapshot.readings.get("clock.tracking")
    if tracking is not None and tracking.state != "ok":
        told = say(N_("not synchronised"))
        if tracking.detail.get("synchronised") is True:  # then it is its own offset that is bad
            told = sentence(tracking) or told
        said = judged(snapshot, "clock.tracking", tracking, told)
        note = said.remark or text(tracking, "daemon")
        shown.append(Instrument(say(N_("time daemon")), said.value, said.state, note))
    step = snapshot.readings.get("clock.step")
    if step is not None and step.state != "ok":
        said = judged(snapshot, "clock.step", step, say(N_("jumped by {s}"), s=_seconds(step)))
        at = moment(step, "at")
        note = said.remark or (say(N_("at {time}"), time=second(snapshot, at)) if at else "")
        shown.append(Instrument(say(N_("clock step")), said.value, said.state, note))
    return shown


def sentence(reading: Reading | None) -> str | None:
    """``our clock is 12 ms slow``: the offset is server minus ours, so plus means that we lag."""
    offset = finite(reading.value) if reading is not None else None
    if offset is None:
        return None
    size = milliseconds(abs(offset))
    if abs(offset) < _RIGHT_S:
        return say(N_("our clock is right to the millisecond"))
    if offset < 0:
        return say(N_("our clock is {size} fast"), size=size)
    return say(N_("our clock is {size} slow"), size=size)


def header(snapshot: Snapshot) -> str | None:
    """For the top line: what is wrong with the clock; None while nothing is."""
    reading = snapshot.readings.get("clock.offset")
    if reading is None or reading.state == "ok":
        return None
    told = sentence(reading)
    if reading.state == "unknown" or told is None:
        return say(N_("clock unknown"))
    return told


def _offset(snapshot: Snapshot) -> Instrument:
    label = say(N_("clock"))
    reading = snapshot.readings.get("clock.offset")
    if reading is None:
        return absent(snapshot, label)
    offset = finite(reading.value)
    value, short = amount(reading), None
    if offset is not None:
        value = size = _size(offset)
        if abs(offset) >= _RIGHT_S:
            value = say(N_("{size} fast") if offset < 0 else N_("{size} slow"), size=size)
        short = value
        bound = number(reading, "bound_s")
        if bound is not None:
            value += f" ± {_size(bound)}"
    said = judged(snapshot, "clock.offset", reading, value)
    notes = [said.remark]
    if said.told:
        liars = text(reading, "liars")
        leap = text(reading, "leap")
        notes = [
            text(reading, "server"),
            say(N_("left out as wrong: {names}"), names=liars) if liars else "",
            say(N_("a leap second is announced")) if leap else "",
        ]
        if short is not None and (liars or leap):
            short = f"{short}, {' · '.join(part for part in notes[1:] if part)}"
    elif reading.state == "unknown":
        notes = [reason(reading)]
        short = None
    note = " · ".join(part for part in notes if part)
    return Instrument(label, said.value, said.state, note, short if said.told else None)


def _size(seconds: float) -> str:
    return milliseconds(abs(seconds)) if abs(seconds) >= _RIGHT_S else "<1 ms"


def _seconds(reading: Reading) -> str:
    value = finite(reading.value)
    return f"{value:+.1f} s" if value is not None else "?"
