"""Samples of the readings over time, for graphs; losing them loses no duty."""

from __future__ import annotations

from prep_console.telemetry.history import History, Point, history, read_history

__all__ = ["History", "Point", "history", "read_history"]
