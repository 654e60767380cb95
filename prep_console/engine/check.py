"""One line for Nagios and its kin: OK, WARNING, CRITICAL or UNKNOWN, and figures."""

from __future__ import annotations

from prep_console.config import Settings
from prep_console.engine.view import read_snapshot

_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


def check(settings: Settings) -> tuple[str, int]:
    """The line and the exit code. What cannot be read is UNKNOWN, never OK."""
    snapshot = read_snapshot(settings)
    if snapshot.read_error is not None:
        return f"PREP UNKNOWN - {snapshot.read_error}", 3
    severities = {alarm.severity for alarm in snapshot.alarms}
    code = 2 if "critical" in severities else 1 if "warning" in severities else 0
    live = snapshot.live.cut.id if snapshot.live else "none"
    told = "; ".join(alarm.text for alarm in snapshot.alarms[:3])
    late = "U" if snapshot.late_s is None else f"{snapshot.late_s:.0f}"
    figures = f"late={late}s cuts={len(snapshot.cuts)} alarms={len(snapshot.alarms)}"
    line = f"PREP {_WORDS[code]} - cut {live}, {snapshot.mode}"
    return f"{line}{': ' + told if told else ''} | {figures}".replace("\n", " "), code
