"""Readings and alarms for other programs: Prometheus, a hook command, a webhook."""
