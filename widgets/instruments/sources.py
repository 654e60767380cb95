"""Where deliveries come from: what arrives now, what stands still, who does not answer."""

from __future__ import annotations

from prep_console.snapshot import Reading, Snapshot
from prep_console.widgets.figures import coarse, size
from prep_console.widgets.instruments.judged import (
    Instrument,
    amount,
    bounded,
    judged,
    number,
    text,
)
from prep_console.wording import N_, known_text, say

START = "source."
RESYNC = "resync"
VALUES = {
    "waiting": N_("nothing new"),
    "arriving": N_("arriving"),
    "stalled": N_("stalled"),
    "older": N_("only an older cut"),
    "unreadable": N_("cannot be read"),
    "unwritable": N_("our disk refuses"),
    "undeletable": N_("cannot be deleted"),
    "broken off": N_("broken off"),
    "asking": N_("asking"),
    "fetching": N_("fetching"),
    "comparing": N_("comparing"),
    "taking": N_("taking"),
}


def lines(snapshot: Snapshot) -> list[Instrument]:
    """Every source that is asked; the drop folder only while something arrives there.

    A resync that runs stands before them.
    """
    names = sorted(name for name in snapshot.readings if name.startswith(START))
    running = snapshot.readings.get(RESYNC)
    return [
        *([_line(snapshot, RESYNC, running)] if running is not None else []),
        *_sources(snapshot, names),
    ]


def _sources(snapshot: Snapshot, names: list[str]) -> list[Instrument]:
    return [
        _line(snapshot, name, reading)
        for name in names
        if (reading := snapshot.readings[name]).value != "waiting"
        or reading.detail.get("kind") != "drop"
        or reading.state != "ok"
    ]


def _line(snapshot: Snapshot, name: str, reading: Reading) -> Instrument:
    known = VALUES.get(str(reading.value))
    said = judged(snapshot, name, reading, say(known) if known else amount(reading))
    label = bounded(name.removeprefix(START))
    if not said.told:
        return Instrument(label, said.value, said.state, said.remark)
    note = _note(reading)
    return Instrument(label, said.value, said.state, note, f"{said.value} {note}".strip())


def way(name: str, reading: Reading) -> str:
    """How its deliveries come, in two words: ``push``, ``sftp ieeq``."""
    kind = text(reading, "kind") or "?"
    label = bounded(name.removeprefix(START))
    how = "push" if kind == "drop" else kind
    return how if label in (kind, how) else f"{how} {label}"


def _note(reading: Reading) -> str:
    """What moves comes before its name: the name is cut first where room is short."""
    if reading.value == "unwritable":
        return known_text(text(reading, "reason"))
    file, stamp = text(reading, "file"), text(reading, "stamp")
    if not file and reading.value in ("asking", "taking", "comparing"):
        return text(reading, "source")
    if not file:
        return say(N_("newest {stamp}"), stamp=stamp) if stamp else ""
    parts = [_amount(reading)]
    rate, left = number(reading, "bytes_per_s"), number(reading, "eta_s")
    quiet = number(reading, "quiet_s")
    if reading.value == "stalled" and quiet is not None:
        parts.append(say(N_("no byte for {time}"), time=coarse(quiet)))
    elif rate:
        parts.append(f"{size(rate)}/s")
    if left is not None:
        parts.append(say(N_("{time} left"), time=coarse(left)))
    return " · ".join([*filter(None, [*parts, text(reading, "source")]), file])


def _amount(reading: Reading) -> str:
    here, whole = number(reading, "bytes"), number(reading, "total_bytes")
    if here is None:
        return ""
    return size(here) if whole is None else f"{size(here)} / {size(whole)}"
