"""Open alarms as the journal tells them: raised, escalated, acknowledged, shelved, cleared.

One pure step for each kind of line, over a mapping from an alarm's key to its record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from prep_console.journal.chain import Line
from prep_console.snapshot import AlarmSeverity, Detail
from prep_console.values import replace

_KEPT = 200
"""More open alarms than this would be a fault of ours; a state must not grow for ever."""


class AlarmRecord(msgspec.Struct, frozen=True):
    """An alarm that was raised and has not been cleared. Times are aware UTC."""

    id: str
    subject: str
    severity: AlarmSeverity
    since: datetime
    """From when on the fault was there."""
    raised_at: datetime
    values: Mapping[str, Detail] = msgspec.field(default_factory=dict)
    flapping: bool = False
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    shelved_by: str | None = None
    shelved_until: datetime | None = None
    shelved_reason: str = ""


Alarms = Mapping[str, AlarmRecord]


def moment(value: str) -> datetime:
    """A time of a line's data; ValueError when it is none, or has no zone."""
    read = datetime.fromisoformat(value)
    if read.tzinfo is None:
        raise ValueError(f"a time without a zone: {value}")
    return read


def _raised(alarms: Alarms, line: Line, data: Mapping[str, Any]) -> Alarms:
    record = AlarmRecord(
        id=str(data["alarm"]),
        subject=str(data.get("subject", "")),
        severity=_severity(data["severity"]),
        since=moment(data["since"]),
        raised_at=line.time,
        values=dict(data.get("values", {})),
        flapping=bool(data.get("flapping")),
    )
    raised = {**alarms, str(data["key"]): record}
    return raised if len(raised) <= _KEPT else alarms


def _escalated(alarms: Alarms, line: Line, data: Mapping[str, Any]) -> Alarms:
    """Worse than what somebody acknowledged or shelved: both are over."""
    worse = _change(alarms, data, severity=_severity(data["severity"]), **_NOT_SHELVED)
    return _change(worse, data, acknowledged_by=None, acknowledged_at=None)


def _eased(alarms: Alarms, line: Line, data: Mapping[str, Any]) -> Alarms:
    return _change(alarms, data, severity=_severity(data["severity"]))


def _cleared(alarms: Alarms, line: Line, data: Mapping[str, Any]) -> Alarms:
    return {key: record for key, record in alarms.items() if key != data["key"]}


def _acknowledged(alarms: Alarms, line: Line, data: Mapping[str, Any]) -> Alarms:
    return _change(alarms, data, acknowledged_by=line.actor.name, acknowledged_at=line.time)


def _shelved(alarms: Alarms, line: Line, data: Mapping[str, Any]) -> Alarms:
    return _change(
        alarms,
        data,
        shelved_by=line.actor.name,
        shelved_until=moment(data["until"]),
        shelved_reason=str(data.get("reason", "")),
    )


def _unshelved(alarms: Alarms, line: Line, data: Mapping[str, Any]) -> Alarms:
    return _change(alarms, data, **_NOT_SHELVED)


def _change(alarms: Alarms, data: Mapping[str, Any], **changes: Any) -> Alarms:
    """What is said of an alarm that is not open changes nothing."""
    key = data["key"]
    if key not in alarms:
        return alarms
    return {**alarms, key: replace(alarms[key], **changes)}


def _severity(value: object) -> AlarmSeverity:
    if value not in {"warning", "critical"}:
        raise ValueError(f"no severity: {value!r}")
    return "critical" if value == "critical" else "warning"


_NOT_SHELVED: Mapping[str, Any] = {"shelved_by": None, "shelved_until": None, "shelved_reason": ""}

STEPS: Mapping[str, Callable[[Alarms, Line, Mapping[str, Any]], Alarms]] = {
    "raised": _raised,
    "escalated": _escalated,
    "eased": _eased,
    "cleared": _cleared,
    "acknowledged": _acknowledged,
    "shelved": _shelved,
    "unshelved": _unshelved,
}
"""By kind of line."""
