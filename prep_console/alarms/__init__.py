"""Readings and events to alarms."""
