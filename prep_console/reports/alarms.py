"""Alarms as commands print them: stable English JSON, sentences for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from prep_console import dates
from prep_console.alarms.table import TABLE, named, sentence_of
from prep_console.reports.document import iso
from prep_console.snapshot import AlarmView, Snapshot
from prep_console.wording import N_, known_text, say, visible


def alarm_json(alarm: AlarmView) -> dict[str, Any]:
    rule = TABLE.get(alarm.id)
    return {
        "id": alarm.id,
        "subject": alarm.subject,
        "key": alarm.key,
        "severity": alarm.severity,
        "since": alarm.since.isoformat(),
        "acknowledged_by": alarm.acknowledged_by,
        "acknowledged_at": iso(alarm.acknowledged_at),
        "shelved_until": iso(alarm.shelved_until),
        "shelved_by": alarm.shelved_by,
        "shelved_reason": alarm.shelved_reason,
        "flapping": alarm.flapping,
        "consequences": list(alarm.consequences),
        "text": alarm.text,
        "cause": rule.cause if rule else "",
        "consequence": rule.consequence if rule else "",
        "to_do": rule.to_do if rule else "",
    }


def alarms_json(snapshot: Snapshot) -> dict[str, Any]:
    """``alarms --json``."""
    return {
        "schema": 1,
        "observed_at": snapshot.observed_at.isoformat(),
        "alarms": [alarm_json(alarm) for alarm in snapshot.alarms],
        "read_error": snapshot.read_error,
    }


def alarm_lines(snapshot: Snapshot) -> Iterable[str]:
    """``alarms`` for a person: what is wrong, why, what it means, and what to do."""
    zone = ZoneInfo(snapshot.timezone)
    if snapshot.read_error is not None:
        yield say(
            N_("the station cannot be read in full: {error}"), error=known_text(snapshot.read_error)
        )
    for alarm in snapshot.alarms:
        since = dates.second(alarm.since.astimezone(zone))
        yield f"{_sign(alarm)} {sentence_of(alarm)}"
        yield f"    {visible(alarm.key)} · " + say(N_("since {time}"), time=since)
        yield from ("    " + fact for fact in _alarm_facts(alarm, snapshot.observed_at, zone))
        rule = TABLE.get(alarm.id)
        if rule is not None:
            yield "    " + say(N_("Why: {text}"), text=known_text(rule.cause))
            yield "    " + say(N_("It means: {text}"), text=known_text(rule.consequence))
            yield "    " + say(N_("To do: {text}"), text=known_text(rule.to_do))
    if not snapshot.alarms:
        yield say(N_("no alarms"))


def _alarm_facts(alarm: AlarmView, now: datetime, zone: ZoneInfo) -> Iterable[str]:
    """Who saw it, who shelved it, whether it comes and goes, what it explains."""

    def hour(moment: datetime) -> str:
        return dates.hour(moment.astimezone(zone), now, "%H:%M:%S")

    if alarm.acknowledged_by is not None and alarm.acknowledged_at is not None:
        at = hour(alarm.acknowledged_at)
        yield say(N_("seen by {by} at {time}"), by=alarm.acknowledged_by, time=at)
    if alarm.shelved_until is not None:
        yield say(
            N_("shelved until {time} by {by}: {reason}"),
            time=hour(alarm.shelved_until),
            by=alarm.shelved_by,
            reason=alarm.shelved_reason,
        )
    if alarm.flapping:
        yield say(N_("it comes and goes: it stays until ten minutes were quiet"))
    if alarm.consequences:
        told = " · ".join(named(key).rstrip(".") for key in alarm.consequences)
        yield say(N_("it explains: {alarms}"), alarms=told)


def short_alarm_lines(snapshot: Snapshot) -> Iterable[str]:
    """One line an alarm, for ``status``."""
    zone = ZoneInfo(snapshot.timezone)
    for alarm in snapshot.alarms:
        facts = " · ".join(_alarm_facts(alarm, snapshot.observed_at, zone))
        yield f"{_sign(alarm)} {sentence_of(alarm)}" + (f" ({facts})" if facts else "")


def _sign(alarm: AlarmView) -> str:
    return "✖" if alarm.severity == "critical" else "▲"
