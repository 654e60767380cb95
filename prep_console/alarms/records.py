"""Alarms in the journal: what the engine writes of them, and what people do with them.

A person's acknowledgement or shelving is a line by that person. It ends with the alarm, and
with anything worse than what the person saw.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from prep_console.alarms.lifecycle import Event
from prep_console.alarms.table import TABLE
from prep_console.journal.actor import Actor, program
from prep_console.journal.open_alarms import AlarmRecord
from prep_console.problems import Refused, WrongUsage
from prep_console.publication.settle import settle
from prep_console.publication.station import Ledger, Station
from prep_console.snapshot import AlarmView
from prep_console.wording import N_, sentence, visible

LONGEST_MINUTES = 30
_LONGEST_REASON = 200

Line = tuple[str, Mapping[str, object]]


def write(station: Station, events: Iterable[Event]) -> None:
    """Add the lines of events that the journal does not hold yet. Problem when it cannot."""
    owed = list(events)
    if not owed:
        return
    with station.acting("alarms") as ledger:
        lines = [line for event in owed for line in lines_of(event, ledger.state.alarms)]
        if lines:
            ledger.append(lines, program("engine"))


def lines_of(event: Event, known: Mapping[str, AlarmRecord]) -> list[Line]:
    """The line of an event, unless another process wrote it meanwhile."""
    alarm = event.alarm
    record = known.get(alarm.key)
    if event.kind == "raised":
        news = record is None or (alarm.flapping and not record.flapping)
        return [("raised", raised_data(alarm))] if news else []
    if record is None:
        return []
    if event.kind == "returned":
        over = record.shelved_until is not None and record.shelved_until <= event.at
        return [("unshelved", {**_named(alarm), "why": "time"})] if over else []
    if event.kind == "cleared":
        under = {"under": event.under} if event.under else {}
        return [("cleared", {**_named(alarm), **under})]
    if record.severity == alarm.severity:
        return []
    return [(event.kind, {**raised_data(alarm)})]


def raised_data(alarm: AlarmView) -> dict[str, object]:
    """What a ``raised`` line says; ``says`` and ``values`` make its sentence in any language."""
    rule = TABLE.get(alarm.id)
    return {
        **_named(alarm),
        "severity": alarm.severity,
        "since": alarm.since.isoformat(),
        "values": dict(alarm.values),
        "says": rule.worded(alarm.values) if rule else "{text}",
        "text": alarm.text,
        **({"flapping": True} if alarm.flapping else {}),
    }


def _named(alarm: AlarmView | AlarmRecord) -> dict[str, object]:
    key = f"{alarm.id}:{alarm.subject}" if alarm.subject else alarm.id
    return {"alarm": alarm.id, "subject": alarm.subject, "key": key}


def acknowledge(station: Station, alarm: AlarmView, *, actor: Actor, reason: str = "") -> None:
    """Somebody has seen it and says so; it stays listed. Refused when somebody did already."""
    if alarm.acknowledged_by is not None:
        raise Refused(
            sentence(
                N_("{key} was acknowledged by {by} already"),
                key=alarm.key,
                by=alarm.acknowledged_by,
            ),
            sentence(N_("nothing needs to be done")),
        )
    with station.acting("acknowledge") as ledger:
        settle(ledger)
        _still_open(ledger, alarm)
        known = ledger.state.alarms[alarm.key]
        newer = known.acknowledged_at is not None and known.acknowledged_at >= alarm.since
        if known.acknowledged_by is not None and newer:
            raise Refused(
                sentence(
                    N_("{key} was acknowledged by {by} already"),
                    key=alarm.key,
                    by=known.acknowledged_by,
                ),
                sentence(N_("nothing needs to be done")),
            )
        ledger.append([("acknowledged", {**_named(alarm), "reason": _short(reason)})], actor)


def shelve(
    station: Station, alarm: AlarmView, *, minutes: int, reason: str, actor: Actor
) -> datetime:
    """Keep it quiet for some minutes, 30 at most; it stays listed and comes back by itself.

    Refused while it is shelved already, and for alarms that must not be quiet.
    """
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise WrongUsage(
            sentence(N_("an alarm is shelved for 1 to {most} minutes"), most=LONGEST_MINUTES),
            sentence(N_("shelve it again when it comes back, if it must be")),
        )
    if not any(map(str.isalnum, reason)):  # nor one that nobody can read
        raise WrongUsage(
            sentence(N_("an alarm is shelved only with a reason")),
            sentence(N_("say why, for whoever reads it next")),
        )
    rule = TABLE.get(alarm.id)
    if rule is None or not rule.shelvable:
        raise Refused(
            sentence(N_("{key} cannot be shelved: hiding it would do harm"), key=alarm.key),
            sentence(N_("acknowledge it; it stays on the screen until it is over")),
        )
    now = datetime.now(UTC)
    until = now + timedelta(minutes=minutes)
    with station.acting("shelve") as ledger:
        settle(ledger)
        _still_open(ledger, alarm)
        before = ledger.state.alarms[alarm.key]
        if before.shelved_until is not None and now < before.shelved_until:
            # one after another it would never come back by itself
            raise Refused(
                sentence(
                    N_("shelved until {time} by {by}: {reason}"),
                    time=f"{before.shelved_until.astimezone(station.settings.zone):%H:%M:%S}",
                    by=before.shelved_by or "?",
                    reason=before.shelved_reason,
                ),
                sentence(N_("shelve it again when it comes back, if it must be")),
            )
        data = {**_named(alarm), "until": until.isoformat(), "reason": _short(reason)}
        ledger.append([("shelved", data)], actor)
    return until


def unshelve(station: Station, alarm: AlarmView, *, actor: Actor) -> None:
    """Bring it back before its time. Refused when it is not shelved."""
    with station.acting("unshelve") as ledger:
        settle(ledger)
        record = ledger.state.alarms.get(alarm.key)
        if record is None or record.shelved_until is None:
            raise Refused(
                sentence(N_("{key} is not shelved"), key=alarm.key),
                sentence(N_("prep-console alarms lists what is")),
            )
        ledger.append([("unshelved", _named(alarm))], actor)


def named(alarms: Iterable[AlarmView], key: str) -> AlarmView:
    """The listed alarm of that key. Refused when there is none."""
    listed = {alarm.key: alarm for alarm in alarms}
    if key not in listed:
        raise Refused(
            sentence(N_("no alarm {key} is in force"), key=key[:_LONGEST_REASON]),
            sentence(N_("prep-console alarms lists the ones that are")),
        )
    return listed[key]


def _still_open(ledger: Ledger, alarm: AlarmView) -> None:
    """What a person sees may not be in the journal yet (no engine is there to write it)."""
    record = ledger.state.alarms.get(alarm.key)
    if record is None:
        ledger.append([("raised", raised_data(alarm))], program("prep-console"))
    elif record.severity == "warning" and alarm.severity == "critical":
        ledger.append([("escalated", raised_data(alarm))], program("prep-console"))


def _short(reason: str) -> str:
    return visible(re.sub(r"\s+", " ", reason).strip())[:_LONGEST_REASON]
