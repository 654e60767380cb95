"""Histories for the graphs: from the telemetry, else the minutes that the engine itself keeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from prep_console.config import Settings
from prep_console.snapshot import Snapshot
from prep_console.widgets.history_graph import Bounds, Sample
from prep_console.widgets.instruments.judged import number


def of_station(
    root: Path, name: str, since: datetime, until: datetime, points: int
) -> Sequence[Sample]:
    """What the telemetry kept; empty where it kept nothing. OSError when it cannot be read."""
    from prep_console import telemetry  # sqlite3: not before the first paint

    return [
        Sample(one.at, one.low, one.mean, one.high, one.state)
        for one in telemetry.history(root, name, since, until, points)
    ]


def kept_by_engine(snapshot: Snapshot, name: str) -> Sequence[Sample]:
    """The last samples in the snapshot: all there is while the telemetry is new or was deleted."""
    values = snapshot.history.get(name, ())
    step = timedelta(seconds=snapshot.history_step_s)
    first = snapshot.observed_at - step * max(0, len(values) - 1)
    return [
        Sample(first + step * y, value, value, value, "unknown" if value is None else "ok")
        for y, value in enumerate(values)
    ]


def bounds(settings: Settings, name: str, snapshot: Snapshot) -> Bounds:
    """From where on a reading is wrong, as the settings say; and where its scale ends."""
    reading = snapshot.readings.get(name)
    total = number(reading, "total_bytes") if reading is not None else None
    match name:
        case "clock.offset" | "clock.tracking":
            clock = settings.clock
            return Bounds(clock.warning_ms / 1000, clock.critical_ms / 1000, signed=True)
        case "clock.step":
            return Bounds(0.5, signed=True)
        case "host.disk":
            least = float(settings.host.min_free_bytes)
            return Bounds(least, least / 4, top=total)
        case "site.visitor":
            return Bounds(settings.site.slow_ms / 1000)
        case "site.certificate":
            return Bounds(float(settings.site.certificate_days), 3.0, top=90.0)
        case "host.apache":
            workers = number(reading, "workers") if reading is not None else None
            return Bounds(top=workers)
        case "host.network":
            budget = number(reading, "hourly_budget_bytes") if reading is not None else None
            return Bounds(None if budget is None else budget / 3600)
    if name.startswith("power.") and reading is not None and reading.unit == "%":
        return Bounds(critical=float(settings.power.low_charge_percent))
    return Bounds()
