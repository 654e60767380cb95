"""Samples of the readings over time, for graphs and replays; losing them loses no duty."""

from __future__ import annotations

from prep_console.telemetry.history import History, Point, history, read_history
from prep_console.telemetry.moments import NOTHING, Moment, moment, stretch

__all__ = [
    "NOTHING",
    "History",
    "Moment",
    "Point",
    "history",
    "moment",
    "read_history",
    "stretch",
]
