"""The institute's line: its sessions always, our own way out when something is wrong with it."""

from __future__ import annotations

from prep_console import status_words
from prep_console.snapshot import Snapshot
from prep_console.widgets.figures import hour
from prep_console.widgets.instruments.judged import (
    Instrument,
    amount,
    finite,
    judged,
    moment,
    text,
)
from prep_console.wording import N_, say, say_n


def lines(snapshot: Snapshot) -> list[Instrument]:
    """Its sessions and its last byte; interface, names and route only when wrong."""
    shown = [_institute(snapshot)] if "link.institute" in snapshot.readings else []
    for name, label, key in (
        ("link.interface", say(N_("interface")), "name"),
        ("link.dns", say(N_("DNS")), "name"),
        ("link.route", say(N_("route")), "interface"),
    ):
        reading = snapshot.readings.get(name)
        if reading is None or reading.state == "ok":
            continue
        value = amount(reading)
        if name == "link.interface" and isinstance(reading.value, str):
            value = status_words.interface(reading.value)
        said = judged(snapshot, name, reading, value)
        shown.append(Instrument(label, said.value, said.state, said.remark or text(reading, key)))
    return shown


def _institute(snapshot: Snapshot) -> Instrument:
    label = say(N_("institute"))
    reading = snapshot.readings["link.institute"]
    sessions = finite(reading.value)
    value = sessions_text(int(sessions)) if sessions is not None else amount(reading)
    said = judged(snapshot, "link.institute", reading, value)
    if not said.told:
        return Instrument(label, said.value, said.state, said.remark)
    notes = []
    byte = moment(reading, "last_byte_at")
    session = moment(reading, "last_session_at")
    if byte is not None:
        notes.append(say(N_("last byte {time}"), time=hour(snapshot, byte)))
    elif session is not None and not sessions:
        notes.append(say(N_("last seen {time}"), time=hour(snapshot, session)))
    note = " · ".join(notes)
    return Instrument(label, said.value, said.state, note, ", ".join([value, *notes]))


def sessions_text(count: int) -> str:
    """``1 SSH session``."""
    return say_n("{n} session", "{n} sessions", count) if count else say(N_("no session"))
