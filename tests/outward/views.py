"""Alarms, events and a snapshot for what goes outward."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from prep_console.alarms.lifecycle import Event, EventKind
from prep_console.config import Settings
from prep_console.engine.view import read_snapshot
from prep_console.snapshot import AlarmView, Reading, Snapshot
from prep_console.values import replace

AT = datetime(2024, 6, 3, 2, 5, tzinfo=UTC)


def alarm(subject: str = "", text: str = "wrong") -> AlarmView:
    return AlarmView("power.battery", "critical", AT, None, text, {"x": 1}, subject)


def event(kind: EventKind = "raised", subject: str = "", text: str = "wrong") -> Event:
    return Event(kind, AT, alarm(subject, text))


def snapshot(
    settings: Settings, readings: Mapping[str, Reading], alarms: tuple[AlarmView, ...] = ()
) -> Snapshot:
    """An empty station's, with these on it."""
    return replace(read_snapshot(settings), readings=readings, alarms=alarms)
