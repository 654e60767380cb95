"""The engine's last word, ``run/now.json``: what only it can know, while it is there to say it.

A reading that nobody renews is unknown, never the last good one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from prep_console.alarms.lifecycle import Memory
from prep_console.decoding import decode
from prep_console.publication import lock
from prep_console.publication.station import Station
from prep_console.snapshot import EngineView, Reading, ServedView
from prep_console.values import replace
from prep_console.wording import N_

STALE_AFTER_S = 15.0
"""A heartbeat older than this is no engine; three times this is no reading."""
UNREAD = N_("no engine is there to read it")


class Now(msgspec.Struct, frozen=True):
    """What the engine writes to ``run/now.json``: everything that only it can know."""

    pid: int
    at: datetime
    """Heartbeat, aware UTC."""
    readings: Mapping[str, Reading] = msgspec.field(default_factory=dict)
    history: Mapping[str, tuple[float | None, ...]] = msgspec.field(default_factory=dict)
    history_step_s: float = 10.0
    served: ServedView | None = None
    since: Mapping[str, datetime] = msgspec.field(default_factory=dict)
    """Since when a reading, or ``served``, has been in the state that it is in."""
    alarms: Memory = msgspec.field(default_factory=Memory)
    """What the engine's watch remembers; readers go on from it."""
    stale_after_s: Mapping[str, float] = msgspec.field(default_factory=dict)
    """How old a reading may get, where its probe looks so seldom that 45 s say nothing."""
    ended: bool = False
    """The engine's last word before a clean end."""
    schema: int = 1


def read_now(path: Path) -> Now | None:
    """The engine's last word, None when there is none that can be read."""
    try:
        said = decode(path.read_bytes(), Now)
    except (OSError, ValueError, RecursionError):
        return None
    moments = [said.at, *said.since.values(), *(r.observed_at for r in said.readings.values())]
    moments += [said.served.checked_at] if said.served is not None else []
    moments += said.alarms.moments()
    return said if all(moment.tzinfo is not None for moment in moments) else None


def engine_of(station: Station, said: Now | None, now: datetime) -> EngineView:
    """Whether an engine leads, and how old its last word is."""
    if said is None:
        # every engine that led has left its lock's file, also one that could write nothing else
        return EngineView(False, None, None, ever=os.path.lexists(station.leader_lock))
    age = max(0.0, (now - said.at).total_seconds())
    alive = age < STALE_AFTER_S and not said.ended and _led(station)
    return EngineView(alive, said.pid if alive else None, round(age, 1))


def _led(station: Station) -> bool:
    """Whether somebody leads; taken on trust by a viewer who may not look at the lock."""
    return lock.is_held(station.leader_lock) is not False


def readings_of(said: Now | None, engine: EngineView, now: datetime) -> Mapping[str, Reading]:
    """What the engine read, as long as it is there to read it again."""
    if said is None:
        return {}
    return {
        name: reading
        if engine.alive and now - reading.observed_at < _limit(said, name)
        else replace(reading, value=None, state="unknown", error=UNREAD)
        for name, reading in said.readings.items()
    }


def _limit(said: Now, name: str) -> timedelta:
    """The age from which on a reading is none any more."""
    return timedelta(seconds=max(3 * STALE_AFTER_S, said.stale_after_s.get(name, 0.0)))


def readings_now(station: Station) -> Mapping[str, Reading]:
    """What the engine reads at this moment; nothing without one."""
    said, now = read_now(station.run / "now.json"), datetime.now(UTC)
    return readings_of(said, engine_of(station, said, now), now)


def served_of(said: Now | None, engine: EngineView, now: datetime) -> ServedView | None:
    """The last look at the site; None when nobody looks any more: that is not known then."""
    if said is None or said.served is None or not engine.alive:
        return None
    fresh = now - said.served.checked_at < timedelta(seconds=3 * STALE_AFTER_S)
    return said.served if fresh else None
