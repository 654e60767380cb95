"""Whose side a delay is on, and how that is known: ours, the institute's, or not known."""

from __future__ import annotations

from typing import NamedTuple

from prep_console.snapshot import Reading, Snapshot
from prep_console.widgets.figures import age_s, hour, second
from prep_console.widgets.instruments.judged import finite, judged, moment
from prep_console.wording import N_, say, say_n

SITE_STALE_S = 40.0
"""A look at the site older than this proves nothing about what visitors get now."""
_BUSY_S = 120.0
"""A byte that came within this time: a delivery may be under way."""

_OURS = (
    ("host.disk", N_("disk")),
    ("host.apache", N_("Apache")),
    ("host.services", N_("services")),
    ("link.interface", N_("network")),
    ("link.route", N_("route")),
    ("link.dns", N_("DNS")),
    ("clock.offset", N_("clock")),
    ("power.source", N_("power")),
)
"""What of ours could keep a cut from coming, and what it is called in the sentence."""


class OwnSide(NamedTuple):
    """Our own parts by what is known of them. One that is not configured is in none."""

    well: list[str]
    ill: list[str]
    unknown: list[str]


def site_tells(snapshot: Snapshot) -> bool:
    """Whether the last look at the site says anything about what visitors get now."""
    served, live = snapshot.served, snapshot.live
    if served is None or age_s(snapshot, served.checked_at) > SITE_STALE_S:
        return False
    return live is None or served.checked_at >= live.since


def own_side(snapshot: Snapshot) -> OwnSide:
    """What is known to be well, to be ill, and what could not be read: that is never well."""
    found = OwnSide([], [], [])
    alive = snapshot.engine.alive
    of_engine = found.unknown if alive is None else found.well if alive else found.ill
    of_engine.append(say(N_("engine")))
    for name, label in _OURS:
        reading = snapshot.readings.get(name)
        if reading is None:
            continue
        state = judged(snapshot, name, reading, "").state
        if name == "host.services" and state == "ok" and reading.detail.get("apache") == "stopped":
            if say(N_("Apache")) not in found.ill:  # the alarm looks here too
                found.ill.append(say(N_("Apache")))
        elif state == "ok":
            found.well.append(say(label))
        elif state == "unknown":
            found.unknown.append(say(label))
        elif state == "critical" or name in ("host.services", "link.interface", "link.route"):
            found.ill.append(say(label))
    served = snapshot.served
    if served is not None and site_tells(snapshot):
        (found.well if served.ok else found.ill).append(say(N_("site")))
    elif "site.visitor" in snapshot.readings:
        found.unknown.append(say(N_("site")))
    return found


def whose_side(snapshot: Snapshot) -> str:
    """The sentence: whose side, the institute's session, and the state of our own parts."""
    ours = own_side(snapshot)
    told = []
    if ours.ill:
        told.append(say(N_("Look at our side first: {parts}."), parts=", ".join(ours.ill)))
    elif not ours.unknown:
        told.append(say(N_("On the institute's side.")))
    told += _institute(snapshot)
    if ours.well and not ours.ill:
        told.append(say(N_("Ours is well: {parts}."), parts=", ".join(ours.well)))
    if ours.unknown:
        told.append(say(N_("Not known: {parts}."), parts=", ".join(ours.unknown)))
    return " ".join(told)


def _institute(snapshot: Snapshot) -> list[str]:
    """Its SSH sessions now, else the last one, and its last byte."""
    reading = snapshot.readings.get("link.institute")
    if reading is None:
        return []
    said = judged(snapshot, "link.institute", reading, "")
    sessions = finite(reading.value)
    if not said.told or sessions is None:
        why = said.remark or "?"
        return [say(N_("SSH session of the institute: not known ({why})."), why=why)]
    if sessions:
        told = say_n(
            "SSH sessions of the institute: {n}.",
            "SSH sessions of the institute: {n}.",
            int(sessions),
        )
        return [told, *_last_byte(snapshot, reading)]
    last = moment(reading, "last_session_at")
    if last is None:
        told = say(N_("SSH session of the institute: none."))
    else:
        told = say(
            N_("SSH session of the institute: none, the last at {time}."),
            time=hour(snapshot, last),
        )
    return [told, *_last_byte(snapshot, reading)]


def _last_byte(snapshot: Snapshot, reading: Reading) -> list[str]:
    byte = moment(reading, "last_byte_at")
    if byte is None:
        return []
    if age_s(snapshot, byte) < _BUSY_S:
        return [
            say(
                N_("Bytes came at {time}: a delivery may be under way."),
                time=second(snapshot, byte),
            )
        ]
    return [say(N_("Last byte at {time}."), time=hour(snapshot, byte))]
