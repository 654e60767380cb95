"""From what is wrong now to alarms: a pure step over a small memory.

A fault is announced once it has held for its rule's delay and is over once it has been gone for
the deadband. One that comes and goes three times in ten minutes is marked as flapping and stays
until ten minutes were quiet; one that came twelve times within a day, until a whole hour was: in
months of service a restless instrument must fill neither the journal nor anybody's night. A
fault that another listed one explains is named under that one and not by itself; when its cause
goes and it stays, it is announced after its own delay. What cannot be judged now (nobody reads
the instrument) stays as it was.

Who acknowledged or shelved what is in the journal and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from prep_console.alarms.condition import Condition
from prep_console.alarms.table import TABLE, english_of, explains
from prep_console.journal.open_alarms import AlarmRecord
from prep_console.journal.state import State
from prep_console.snapshot import AlarmSeverity, AlarmView
from prep_console.values import replace

FLAPPING_RAISES = 3
FLAPPING_WITHIN = timedelta(minutes=10)
FLAPPING_QUIET = timedelta(minutes=10)
RESTLESS_RAISES = 12
RESTLESS_WITHIN = timedelta(hours=24)
RESTLESS_QUIET = timedelta(hours=1)
_KEPT = 200
"""Faults followed at a time; what a delivery names can be a subject, so there is an end to it."""

EventKind = Literal["raised", "escalated", "eased", "cleared", "returned"]


class Entry(msgspec.Struct, frozen=True):
    """One fault that is being followed."""

    condition: Condition
    """As last seen."""
    severity: AlarmSeverity
    """As announced; the condition's may have been another for a moment."""
    raised_at: datetime | None = None
    """None: not announced, because it is young or explained."""
    gone_at: datetime | None = None
    """Since when it has not been there; it may come back before the deadband ends."""
    shifted_at: datetime | None = None
    """Since when the condition's severity has been another than the announced one."""
    freed_at: datetime | None = None
    """When the cause that explained it went."""
    under: str = ""
    """Key of the listed alarm that explains it."""
    flapping: bool = False


class Memory(msgspec.Struct, frozen=True):
    """What the next step needs of the ones before; kept in ``run/now.json``."""

    entries: Mapping[str, Entry] = msgspec.field(default_factory=dict)
    """By key."""
    raises: Mapping[str, tuple[datetime, ...]] = msgspec.field(default_factory=dict)
    """When an alarm was raised lately, by key."""
    began: datetime | None = None
    """Start of the engine: instruments that nobody has read yet are not judged at once."""

    def moments(self) -> list[datetime]:
        """Every time in it, for a reader that must not meet one without a zone."""
        found = [self.began, *(at for kept in self.raises.values() for at in kept)]
        for entry in self.entries.values():
            found += [entry.condition.since, entry.condition.renewed_at, entry.raised_at]
            found += [entry.gone_at, entry.shifted_at, entry.freed_at]
        return [at for at in found if at is not None]


class Look(msgspec.Struct, frozen=True):
    """What is wrong now, and what cannot be said now."""

    conditions: tuple[Condition, ...]
    unjudged: frozenset[str] = frozenset()
    """Keys of followed faults whose instrument cannot be read."""


class Event(msgspec.Struct, frozen=True):
    """A change that the journal, hooks and the bell are told once."""

    kind: EventKind
    at: datetime
    alarm: AlarmView
    """As it is after the change; when it cleared, as it was."""
    under: str = ""
    """Cleared because this alarm (a key) explains it."""


def advance(
    memory: Memory, look: Look, state: State, now: datetime
) -> tuple[Memory, tuple[AlarmView, ...], tuple[Event, ...]]:
    """One step: the new memory, the alarms to list, and what the journal does not say yet.

    The events are the difference between what is announced and the journal's open alarms, so
    they come again until they are written, and never again after that.
    """
    raises = {
        key: kept[-RESTLESS_RAISES:]
        for key, moments in memory.raises.items()
        if (kept := tuple(at for at in moments if now - at < RESTLESS_WITHIN))
    }
    entries = dict(_followed(memory.entries, look, raises, now))
    _Step(entries, raises, now).settle_all()
    after = Memory(entries, raises, memory.began)
    alarms = listed(after, state, now)
    return after, alarms, tuple(_events(after, alarms, state, now))


def remembered(memory: Memory, state: State) -> Memory:
    """``memory`` with what the journal says was raised: an engine starts, or none is there."""
    entries = {
        key: Entry(
            Condition(record.id, record.severity, record.since, record.values, record.subject),
            record.severity,
            record.raised_at,
            flapping=record.flapping,
        )
        for key, record in state.alarms.items()
    }
    lost = {key: entry for key, entry in entries.items() if key not in memory.entries}
    return replace(memory, entries={**memory.entries, **lost})


def _followed(
    entries: Mapping[str, Entry],
    look: Look,
    raises: Mapping[str, tuple[datetime, ...]],
    now: datetime,
) -> Iterator[tuple[str, Entry]]:
    """Every fault that is there, or was there and is not over yet."""
    present = {condition.key: condition for condition in look.conditions}
    for key, entry in entries.items():
        if key in present:
            yield key, _again(entry, present.pop(key), now)
        elif key in look.unjudged:
            yield key, entry
        elif entry.raised_at is not None or entry.under:
            gone = entry if entry.gone_at else replace(entry, gone_at=now)
            if not _is_over(gone, _is_restless(raises.get(key, ())), now):
                yield key, gone
    for key, condition in list(present.items())[: max(0, _KEPT - len(entries))]:
        yield key, Entry(condition, condition.severity)


def _again(entry: Entry, condition: Condition, now: datetime) -> Entry:
    """An entry whose fault is there, with what is known of it now."""
    since = min(entry.condition.since, condition.since)
    seen = replace(condition, since=condition.renewed_at or since)
    if entry.raised_at is None:
        return replace(entry, condition=seen, severity=seen.severity, gone_at=None)
    entry = replace(entry, condition=seen, gone_at=None)
    if seen.severity == entry.severity:
        return replace(entry, shifted_at=None)
    shifted = entry.shifted_at or now
    rule = TABLE[seen.id]
    wait_s = rule.delay_s if seen.severity == "critical" else rule.clear_s
    if now - shifted < timedelta(seconds=wait_s):
        return replace(entry, shifted_at=shifted)
    return replace(entry, severity=seen.severity, shifted_at=None)


def _is_restless(raises: tuple[datetime, ...]) -> bool:
    return len(raises) >= RESTLESS_RAISES


def _is_flapping(raises: tuple[datetime, ...], now: datetime) -> bool:
    lately = sum(now - at < FLAPPING_WITHIN for at in raises)
    return lately >= FLAPPING_RAISES or _is_restless(raises)


def _is_over(entry: Entry, restless: bool, now: datetime) -> bool:
    if entry.gone_at is None:
        return False
    rule = TABLE.get(entry.condition.id)  # None: raised by another version, nobody looks for it
    quiet = timedelta(seconds=rule.clear_s if rule else 0.0)
    if entry.flapping:
        quiet = max(quiet, RESTLESS_QUIET if restless else FLAPPING_QUIET)
    return now - entry.gone_at >= quiet


class _Step:
    """Settles which faults are announced and which stand under another one."""

    def __init__(
        self, entries: dict[str, Entry], raises: dict[str, tuple[datetime, ...]], now: datetime
    ) -> None:
        self._entries = entries
        self._raises = raises
        self._now = now
        self._settled: set[str] = set()

    def settle_all(self) -> None:
        """Again after each that announces something: it may explain one that was settled before."""
        raises = None
        while raises != self._raises:
            raises = dict(self._raises)
            self._settled.clear()
            for key in list(self._entries):
                self._settle(key)

    def _settle(self, key: str) -> None:
        """Announce it, put it under its cause, or leave it waiting. Its causes come first."""
        if key in self._settled or key not in self._entries:
            return
        self._settled.add(key)
        entry = self._entries[key]
        root = self._root(entry, due=False)
        if not root and entry.under:
            # its cause went: from now on it stands for itself, after its own delay
            entry = self._entries[key] = replace(entry, under="", freed_at=self._now)
        due = _due(entry, self._now)
        if due and not root:
            root = self._root(entry, due=True)
        if root:
            self._entries[key] = replace(
                entry,
                severity=entry.condition.severity,
                under=root,
                raised_at=None,
                shifted_at=None,
                freed_at=None,
            )
            return
        if due and entry.raised_at is None and entry.gone_at is None:
            self._announce(key)
        elif entry.raised_at is None and entry.gone_at is not None:
            del self._entries[key]  # explained and gone before it stood for itself

    def _root(self, entry: Entry, *, due: bool) -> str:
        """Key of the listed alarm that explains it; ''. A due fault brings its cause forward."""
        for key in self._causes(entry.condition):
            self._settle(key)
            cause = self._entries.get(key)
            if cause is None:
                continue
            if cause.under:
                return cause.under
            if cause.raised_at is None and due and cause.gone_at is None:
                self._announce(key)
            if self._entries[key].raised_at is not None:
                return key
        return ""

    def _causes(self, condition: Condition) -> list[str]:
        """Keys of the followed faults that may explain it, in its rule's order."""
        rule = TABLE.get(condition.id)
        return [
            key
            for cause in (rule.explained_by if rule else ())
            for key, other in self._entries.items()
            if explains(other.condition, condition, cause)
        ]

    def _announce(self, key: str) -> None:
        raises = (*self._raises.get(key, ()), self._now)[-RESTLESS_RAISES:]
        self._raises[key] = raises
        entry = self._entries[key]
        self._entries[key] = replace(
            entry,
            raised_at=self._now,
            severity=entry.condition.severity,
            flapping=entry.flapping or _is_flapping(raises, self._now),
        )


def _due(entry: Entry, now: datetime) -> bool:
    """Whether it has held for its rule's delay."""
    began = max(entry.condition.since, entry.freed_at or entry.condition.since)
    rule = TABLE.get(entry.condition.id)
    return now - began >= timedelta(seconds=rule.delay_s if rule else 0.0)


def listed(memory: Memory, state: State, now: datetime) -> tuple[AlarmView, ...]:
    """The announced alarms, critical ones first, then the oldest."""
    below: dict[str, list[str]] = {}
    for key, entry in memory.entries.items():
        if entry.under and _due(entry, now):
            below.setdefault(entry.under, []).append(key)
    alarms = [
        _view(key, entry, state.alarms.get(key), tuple(sorted(below.get(key, ()))), now)
        for key, entry in memory.entries.items()
        if entry.raised_at is not None
    ]
    return tuple(sorted(alarms, key=lambda a: (a.severity != "critical", a.since, a.key)))


def _view(
    key: str, entry: Entry, record: AlarmRecord | None, below: tuple[str, ...], now: datetime
) -> AlarmView:
    condition = entry.condition
    bare = AlarmView(
        condition.id,
        entry.severity,
        condition.since,
        None,
        english_of(condition),
        condition.values,
        condition.subject,
        flapping=entry.flapping,
        consequences=below,
    )
    if record is None or _worse(entry.severity, record.severity):
        return bare
    seen_at = record.acknowledged_at
    renewed = condition.renewed_at
    if seen_at is not None and (renewed is None or renewed <= seen_at):
        bare = replace(
            bare, acknowledged_by=record.acknowledged_by, acknowledged_at=record.acknowledged_at
        )
    if record.shelved_until is not None and now < record.shelved_until:
        bare = replace(
            bare,
            shelved_until=record.shelved_until,
            shelved_by=record.shelved_by,
            shelved_reason=record.shelved_reason,
        )
    return bare


def _worse(one: AlarmSeverity, other: AlarmSeverity) -> bool:
    return one == "critical" and other == "warning"


def _events(
    memory: Memory, alarms: tuple[AlarmView, ...], state: State, now: datetime
) -> Iterator[Event]:
    open_now = {alarm.key: alarm for alarm in alarms}
    for key, record in state.alarms.items():
        if key not in open_now:
            entry = memory.entries.get(key)
            yield Event("cleared", now, view_of(record), entry.under if entry else "")
    for key, alarm in open_now.items():
        known = state.alarms.get(key)
        if known is None or (alarm.flapping and not known.flapping):
            yield Event("raised", now, alarm)
        elif known.severity != alarm.severity:
            yield Event("escalated" if alarm.severity == "critical" else "eased", now, alarm)
        elif known.shelved_until is not None and known.shelved_until <= now:
            yield Event("returned", now, alarm)


def view_of(record: AlarmRecord) -> AlarmView:
    """An alarm as the journal knows it."""
    condition = Condition(record.id, record.severity, record.since, record.values, record.subject)
    return AlarmView(
        record.id,
        record.severity,
        record.since,
        record.acknowledged_by,
        english_of(condition),
        record.values,
        record.subject,
        acknowledged_at=record.acknowledged_at,
        flapping=record.flapping,
    )
