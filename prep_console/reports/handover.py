"""What the next shift must know: state, what was decided and why, what was late, what will bite.

Everything is read from the station (snapshot and journal); nobody writes a handover by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from prep_console import dates, record
from prep_console.cuts.checks import reasons, recorded
from prep_console.journal.chain import Line
from prep_console.journal.decided import is_decision
from prep_console.journal.journal import Reading as JournalReading
from prep_console.reports.document import SCHEMA
from prep_console.reports.status import status_json, status_lines
from prep_console.snapshot import CutView, Detail, Snapshot
from prep_console.wording import N_, Sentence, by_count, say, say_n, sentence, visible

_LATE = 1.5
"""Times the cadence, as the alarm for a late cut."""
_HOURS_AHEAD = 24.0
_CERTIFICATE_DAYS = 30.0


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without a delivery, longer than 1.5 times the cadence. Aware UTC."""

    after: str
    """Id of the cut before it."""
    begins: datetime
    ends: datetime

    @property
    def minutes(self) -> int:
        return round((self.ends - self.begins).total_seconds() / 60)


@dataclass(frozen=True, slots=True)
class Trend:
    """Something that will run out if nothing is done."""

    reading: str
    hours: float
    told: Sentence


@dataclass(frozen=True, slots=True)
class Handover:
    """One shift, from ``since`` to the snapshot's moment."""

    snapshot: Snapshot
    since: datetime
    decisions: tuple[Line, ...]
    """By people, oldest first."""
    refused: tuple[Line, ...]
    gaps: tuple[Gap, ...]
    trends: tuple[Trend, ...]
    """Soonest first."""
    broken_line: int | None
    """First line of the journal where the chain does not hold."""


def handover(snapshot: Snapshot, journal: JournalReading, since: datetime) -> Handover:
    """The shift that began at ``since``. Pure."""
    shift = [line for line in journal.lines if line.time >= since]
    return Handover(
        snapshot=snapshot,
        since=since,
        decisions=tuple(line for line in shift if is_decision(line)),
        refused=tuple(line for line in shift if line.kind == "refused"),
        gaps=tuple(gaps(snapshot.cuts, timedelta(seconds=snapshot.cadence_s), since)),
        trends=tuple(sorted(_trends(snapshot), key=lambda trend: trend.hours)),
        broken_line=journal.breaks[0].line if journal.breaks else None,
    )


def gaps(cuts: Iterable[CutView], cadence: timedelta, since: datetime) -> Iterator[Gap]:
    """Stretches between two receptions that were longer than they should be, oldest first."""
    came = sorted(cuts, key=lambda cut: cut.received_at)
    for before, after in pairwise(came):
        late = after.received_at - before.received_at > cadence * _LATE
        if late and after.received_at >= since:
            yield Gap(before.id, before.received_at, after.received_at)


def _trends(snapshot: Snapshot) -> Iterator[Trend]:
    for name, reading in snapshot.readings.items():
        if reading.state == "unknown":
            continue
        lasts_s = _number(reading.detail.get("lasts_s"))
        if name == "host.disk" and lasts_s is not None and lasts_s < _HOURS_AHEAD * 3600:
            hours = lasts_s / 3600
            told = sentence(N_("the disk is full in {hours:.1f} h as it goes now"), hours=hours)
            yield Trend(name, hours, told)
        runtime_s = _number(reading.detail.get("runtime_s"))
        on_battery = "OB" in str(reading.detail.get("status") or "").split()
        if name.startswith("power.") and on_battery and runtime_s is not None:
            hours = runtime_s / 3600
            told = sentence(
                N_("{device}: the battery lasts {minutes} min"),
                device=name.removeprefix("power."),
                minutes=round(runtime_s / 60),
            )
            yield Trend(name, hours, told)
        days = _number(reading.value) if reading.unit == "days" else None
        if days is not None and days < _CERTIFICATE_DAYS:
            told = Sentence(
                by_count(
                    round(days),
                    N_("the certificate ends in 1 day"),
                    N_("the certificate ends in {days} days"),
                ),
                {"days": round(days)},
            )
            yield Trend(name, days * 24, told)


def _number(value: Detail) -> float | None:
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def handover_lines(shift: Handover) -> Iterable[str]:
    """``handover`` for a person: to be read aloud, then kept."""
    snapshot = shift.snapshot
    zone = ZoneInfo(snapshot.timezone)
    now = snapshot.observed_at.astimezone(zone)
    yield say(
        N_("HANDOVER · {station} · {time}"),
        station=snapshot.station,
        time=f"{dates.second(now)} {now:%Z}",
    )
    yield say(N_("The shift from {time}"), time=dates.minute(shift.since.astimezone(zone)))
    yield ""
    yield say(N_("NOW"))
    yield from _indented(status_lines(snapshot))
    if snapshot.late_s and snapshot.late_s >= snapshot.cadence_s / 2:  # as the alarm, and no sooner
        yield "  " + say_n(
            "The next cut is late by {n} minute",
            "The next cut is late by {n} minutes",
            round(snapshot.late_s / 60),
        )
    yield ""
    yield say(N_("DECISIONS"))
    yield from _indented(_told(shift.decisions, now)) if shift.decisions else _none()
    yield ""
    yield say(N_("STOPPED DELIVERIES"))
    yield from _indented(_told(shift.refused, now)) if shift.refused else _none()
    yield ""
    yield say(N_("DELAYS"))
    for gap in shift.gaps:
        yield "  " + say(
            N_("{minutes} min without a cut, {begins} to {ends} (after {cut})"),
            minutes=gap.minutes,
            begins=dates.hour(gap.begins.astimezone(zone), now, "%H:%M:%S"),
            ends=dates.hour(gap.ends.astimezone(zone), now, "%H:%M:%S"),
            cut=gap.after,
        )
    if not shift.gaps:
        yield from _none()
    yield ""
    yield say(N_("WILL BITE"))
    yield from _indented(str(trend.told) for trend in shift.trends)
    if not snapshot.engine.alive:
        yield "  " + say(N_("not known: no engine reads the instruments"))
    elif not shift.trends:
        yield from _none()
    if shift.broken_line is not None:
        yield ""
        yield "✖ " + say(N_("the journal's chain is broken at line {n}"), n=shift.broken_line)


def _none() -> Iterator[str]:
    yield "  " + say(N_("nothing"))


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return ("  " + line for line in lines)


def _told(lines: Iterable[Line], now: datetime) -> Iterator[str]:
    for line in lines:
        by = visible(record.author(line.actor.name))
        at = dates.hour(line.time.astimezone(now.tzinfo), now, "%H:%M:%S")
        yield f"{at} {by}: {words(line)}"


def words(line: Line) -> str:
    """A line for people who read no names of checks: a refusal says why in sentences."""
    findings = line.data.get("findings")
    if line.kind != "refused" or not isinstance(findings, list | tuple) or not findings:
        return record.words(line.kind, line.data)
    why = reasons(recorded(found) for found in findings if isinstance(found, Mapping))
    return say(N_("refused {name}: {checks}"), name=visible(str(line.data.get("name"))), checks=why)


def handover_json(shift: Handover) -> dict[str, Any]:
    """``handover --json``."""
    return {
        "schema": SCHEMA,
        "since": shift.since.isoformat(),
        "status": status_json(shift.snapshot),
        "decisions": [_line_json(line) for line in shift.decisions],
        "refused": [_line_json(line) for line in shift.refused],
        "gaps": [
            {
                "after": gap.after,
                "begins": gap.begins.isoformat(),
                "ends": gap.ends.isoformat(),
                "minutes": gap.minutes,
            }
            for gap in shift.gaps
        ],
        "trends": [
            {"reading": t.reading, "hours": round(t.hours, 2), "text": t.told.in_("en")}
            for t in shift.trends
        ],
        "broken_line": shift.broken_line,
    }


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "seq": line.seq,
        "time": line.time.isoformat(),
        "by": line.actor.name,
        "kind": line.kind,
        "data": dict(line.data),
    }
