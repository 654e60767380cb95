"""When the next cut should be here, and how late it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prep_console.config import Settings
from prep_console.cuts.stamps import CutId
from prep_console.journal.state import State
from prep_console.publication import rules


def cadence(settings: Settings) -> timedelta:
    """From one cut to the next, as they arrive."""
    return timedelta(minutes=settings.election.cadence_minutes) / settings.station.rehearsal_speed


def next_due(settings: Settings, state: State) -> datetime | None:
    """When the next cut should be here; None when none is expected.

    One cadence after the newest cut's own time; after its arrival when that time is not near it
    (a rehearsal replays another night).
    """
    if state.mode == "frozen":
        return None
    newest = rules.newest(state)
    if newest is None:
        opens = settings.election.opens
        return opens.astimezone(UTC) if opens is not None else None
    stamp = CutId.of(newest.id).stamp.at(settings.zone).astimezone(UTC)
    near = abs(newest.received_at - stamp) < 2 * cadence(settings)
    return (stamp if near else newest.received_at) + cadence(settings)
