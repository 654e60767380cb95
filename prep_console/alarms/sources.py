"""What the readings of the sources say is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from prep_console.alarms.condition import Condition
from prep_console.snapshot import AlarmSeverity, Reading
from prep_console.wording import N_

ROOM = "source."
_TEXT = 160


def conditions(
    readings: Mapping[str, Reading], since: Callable[[str], datetime]
) -> Iterator[Condition]:
    """One for each source in trouble; critical when none of them can be reached any more."""
    known = {name: r for name, r in sorted(readings.items()) if name.startswith(ROOM)}
    none_left = all(
        reading.state == "unknown" or reading.value == "unwritable" for reading in known.values()
    )
    severity: AlarmSeverity = "critical" if none_left else "warning"
    for name, reading in known.items():
        found = _trouble(reading)
        if found is not None:
            values = {"what": found[0], "figure": found[1]}
            subject = name.removeprefix(ROOM)[:40]
            yield Condition(
                "source.trouble", severity, since(name), values, subject, sources=(name,)
            )


def _trouble(reading: Reading) -> tuple[str, str] | None:
    if reading.state == "unknown":
        return N_("it cannot be asked"), f" ({(reading.error or '?')[:_TEXT]})"
    if reading.value == "stalled":
        quiet = reading.detail.get("quiet_s")
        file = str(reading.detail.get("file") or "")[:_TEXT]
        told = [file] if file else []
        told += [f"{quiet:.0f} s"] if isinstance(quiet, int | float) else []
        return N_("what was arriving has come to a standstill"), _figure(told)
    if reading.value == "unreadable":
        file = str(reading.detail.get("file") or "")[:_TEXT]
        return N_("its sender gave us no right to read what came"), _figure([file])
    if reading.value == "unwritable":
        reason = str(reading.detail.get("reason") or "")[:_TEXT]
        return N_("what it sends cannot be written here"), _figure([reason])
    if reading.value == "undeletable":
        return N_("what was taken cannot be deleted: the folder's group has no right to"), ""
    if reading.value == "broken off":
        return N_("its last session broke off; the tree waits for a whole one"), ""
    if reading.value == "older":
        stamp = str(reading.detail.get("stamp") or "")[:_TEXT]
        return N_("its newest cut is older than what was accepted"), _figure([stamp])
    return None


def _figure(told: list[str]) -> str:
    text = ", ".join(part for part in told if part)
    return f" ({text})" if text else ""
