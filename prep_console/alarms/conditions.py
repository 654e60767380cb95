"""What is wrong now: a pure look over the journal's state, the site and the instruments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile

from prep_console.alarms import instruments, lateness
from prep_console.alarms.condition import Condition
from prep_console.alarms.lifecycle import Entry, Look, Memory
from prep_console.config import Settings
from prep_console.journal.records import CutRecord
from prep_console.journal.state import State
from prep_console.publication import rules
from prep_console.publication.stuck import Stuck
from prep_console.snapshot import AlarmSeverity, Detail, EngineView, Reading, ServedView
from prep_console.wording import N_

HOLD_REMINDER = timedelta(minutes=10)
HOLD_FORGOTTEN = timedelta(minutes=15)
STANDSTILL_CUTS = 3
"""So many successive cuts with the same figures, or with the same election carried over."""
_TOLD = timedelta(minutes=30)
"""What happened once and is over (a refusal, a repair) is an alarm for this long."""
_FIRST_LOOKS = timedelta(seconds=60)
"""After its start the engine has not looked at every instrument yet."""
_NAMES = 3
_DOUBTS = (
    ("images.mismatch", "images", N_("an image is not the one of its acta")),
    ("figures.fell", "fell", N_("its figures fell")),
)
"""Findings about the public cut that somebody must ask the institute about, with the alarm's
subject. Captured and counted actas never fell in 98 real successive cuts."""
_OF_SITE = frozenset({"site.differs", "site.unseen"})


def look(
    settings: Settings,
    state: State,
    *,
    engine: EngineView,
    served: ServedView | None,
    readings: Mapping[str, Reading],
    since: Mapping[str, datetime],
    memory: Memory,
    now: datetime,
    held: Stuck | None = None,
    looked: bool = False,
) -> Look:
    """Every fault that holds at ``now``, and which of the followed ones cannot be judged.

    ``held``: the lock that a process keeps for too long; ``looked``: whether somebody looked.
    ``since``: from when on a reading, or ``served``, is in its present state. What is followed
    already holds a little beyond its threshold (hysteresis).
    """
    found = [
        *_of_cuts(settings, state, now),
        *_of_publishing(settings, state, now, held),
        *_of_lateness(settings, state, now),
        *_of_hold(state, now),
        *_of_site(state, served, since),
        *_of_station(state, engine, now),
    ]
    if engine.alive:
        found += instruments.conditions(settings, readings, since, memory.entries.keys())
    young = memory.began is None or now - memory.began < _FIRST_LOOKS
    unread = served is None and (young or not engine.alive)
    unseen = not looked and engine.alive is not False  # that engine looks, and its word stands
    unjudged = (
        key
        for key, entry in memory.entries.items()
        if (entry.condition.id in _OF_SITE and unread)
        or (entry.condition.id == "cut.unpublished" and _names_holder(entry) and unseen)
        or (entry.condition.id in instruments.RULES and (young or not engine.alive))
        or any(_is_unknown(readings, name) for name in entry.condition.sources)
    )
    return Look(tuple(found), frozenset(unjudged))


def _is_unknown(readings: Mapping[str, Reading], name: str) -> bool:
    reading = readings.get(name)
    return reading is not None and reading.state == "unknown"


def _of_cuts(settings: Settings, state: State, now: datetime) -> Iterator[Condition]:
    live = state.cuts.get(state.live or "")
    if live is not None and live.damaged:
        names = _names(live.damaged)
        yield Condition("cut.damaged", "critical", live.sealed_at, {"names": names})
    yield from _of_revisions(state, live)
    if state.mode != "frozen":  # a person has declared the end: nothing is to move any more
        yield from _of_figures(rules.stored(state))
    for check, subject, what in _DOUBTS if live is not None else ():
        if live is not None and check in live.checks:
            values = {"what": what, "figure": f" ({live.id})"}
            yield Condition("cut.doubtful", "warning", live.sealed_at, values, subject)
    if state.tampered is not None and now - state.tampered.at < _TOLD:
        at, names = state.tampered.at, _names(state.tampered.names)
        values = {"cut": state.tampered.cut, "names": names}
        yield Condition("cut.tampered", "warning", at, values, renewed_at=at)
    parked = state.parked
    if parked is not None and now < parked.until and not _taken_since(state):
        values = {"name": parked.name[:200], "stamp": parked.stamp}
        yield Condition("cut.parked", "warning", parked.at, values, renewed_at=parked.at)
    refused = [r for r in state.refused if now - r.at < _TOLD]
    for last in refused[-1:]:
        checks = dict.fromkeys(str(f.get("check", "?")) for f in last.findings)
        values = {"name": last.name[:200], "reason": ", ".join(checks)[:200] or "?"}
        yield Condition("cut.refused", "warning", last.at, values, renewed_at=last.at)


def _taken_since(state: State) -> bool:
    """Whether the parked delivery was accepted or refused after all: our clock is known now."""
    parked = state.parked
    if parked is None:
        return False
    accepted = any(mark >= parked.stamp for mark in state.marks.values())
    return accepted or any(r.at > parked.at and r.name == parked.name for r in state.refused)


def _names(paths: tuple[str, ...]) -> str:
    more = f" +{len(paths) - _NAMES}" if len(paths) > _NAMES else ""
    return ", ".join(path[:60] for path in paths[:_NAMES]) + more


def _why_undecided(cut: CutRecord) -> str:
    if cut.questioned:
        return N_("its figures fell to zero")
    if cut.why == "corrected":
        return N_("the institute corrected it")
    return N_("a withdrawn cut came again")


def _of_revisions(state: State, live: CutRecord | None) -> Iterator[Condition]:
    """Cuts that came and need a person's word."""
    asked = rules.undecided(state)[-1:]  # it holds the earlier ones
    undecided = [(cut, _why_undecided(cut)) for cut in asked]
    if state.mode == "frozen" and not undecided:
        late = rules.waiting(state)[-1:]
        undecided = [(cut, N_("it came after the freeze")) for cut in late]
    for cut, what in undecided:
        at = cut.sealed_at
        severity: AlarmSeverity = "critical" if cut in asked else "warning"
        values = {"cut": cut.id, "what": what}
        yield Condition("cut.undecided", severity, at, values, renewed_at=at)
    for part in live.parts if live else ():
        if part.carried and live is not None:
            at = live.sealed_at
            yield Condition("cut.carried", "warning", at, {}, part.election, renewed_at=at)


def _names_holder(entry: Entry) -> bool:
    return bool(entry.condition.values.get("figure"))


def _of_publishing(
    settings: Settings, state: State, now: datetime, held: Stuck | None
) -> Iterator[Condition]:
    """A cut that the rules would publish, or a delivery that they would make one of, and did not.

    Waiting for a late election is no fault until that wait is over; the very first cut waits for
    all of them. Behind a lock that is held nothing is taken, and what came may not be known yet.
    """
    ready = rules.automatic(state, settings, now)
    what: str
    if held is not None:
        began, what = held.since, N_("A delivery") if ready is None else ready.id
    elif ready is not None:
        began, what = ready.sealed_at, ready.id
    elif state.mode == "auto" and state.waiting and state.cuts:
        wait = timedelta(seconds=settings.intake.carry_after_seconds)
        first = min(state.waiting, key=lambda entry: entry.received_at)
        began, what = first.received_at + wait, first.parts[0].stamp if first.parts else "?"
    else:
        return
    if began <= now:
        minutes = int((now - began).total_seconds() // 60)
        figure = "" if held is None else _holder(held)
        values: dict[str, Detail] = {"cut": what, "minutes": minutes, "figure": figure}
        yield Condition("cut.unpublished", "critical", began, values)


def _holder(held: Stuck) -> str:
    """Who has the lock, in what every language reads: the number to end it by, and what it is."""
    pid = "?" if held.pid is None else str(held.pid)
    stopped = ", SIGSTOP" if held.stopped else ""
    command = f": {held.command}" if held.command else ""
    return f" (PID {pid}, {held.purpose}{stopped}{command})"


def _of_figures(stored: Sequence[CutRecord]) -> Iterator[Condition]:
    """Hours advance: do the figures, and every election?"""
    if not stored:
        return
    newest = stored[-1]
    if newest.counted is not None and not (newest.expected and newest.counted >= newest.expected):
        same = list(takewhile(lambda cut: cut.counted == newest.counted, reversed(stored)))
        hours = {cut.id.partition(".")[0] for cut in same}
        if len(hours) >= STANDSTILL_CUTS:
            began = same[-1].sealed_at
            what = N_("new hours, and the counted actas stand still")
            told = {"what": what, "figure": f" ({newest.counted} actas, {len(hours)}×)"}
            yield Condition("cut.doubtful", "warning", began, told, "figures")
    carried = [part.election for part in newest.parts if part.carried]
    flowing = len(carried) < len(newest.parts)
    for election in carried if flowing else ():
        without = list(takewhile(partial(_carries, election=election), reversed(stored)))
        if len(without) >= STANDSTILL_CUTS:
            began = without[-1].sealed_at
            values = {"n": len(without)}
            yield Condition("election.stopped", "warning", began, values, election)


def _carries(cut: CutRecord, election: str) -> bool:
    return any(part.carried and part.election == election for part in cut.parts)


def _of_lateness(settings: Settings, state: State, now: datetime) -> Iterator[Condition]:
    """Late at 1.5 times the cadence after the newest cut, critical at twice."""
    due = lateness.next_due(settings, state)
    if due is None:
        return
    cadence = lateness.cadence(settings)
    silent = now - due + cadence
    values = {"minutes": int(silent.total_seconds() // 60)}
    if silent >= 1.5 * cadence:
        severity: AlarmSeverity = "critical" if silent >= 2 * cadence else "warning"
        yield Condition("cut.late", severity, due + cadence / 2, values)


def _of_hold(state: State, now: datetime) -> Iterator[Condition]:
    if state.mode != "hold" or state.decision is None:
        return
    began = state.decision.at
    held = now - began
    if held < HOLD_REMINDER:
        return
    values = {"minutes": int(held.total_seconds() // 60), "n": len(rules.waiting(state))}
    severity: AlarmSeverity = "critical" if held >= HOLD_FORGOTTEN else "warning"
    yield Condition("hold.long", severity, began + HOLD_REMINDER, values)


def _of_site(
    state: State, served: ServedView | None, since: Mapping[str, datetime]
) -> Iterator[Condition]:
    if served is None or served.ok:
        return
    began = since.get("served", served.checked_at)
    if served.id is not None and served.id != state.live:
        values = {"served": served.id[:60], "live": state.live or "-"}
        yield Condition("site.differs", "critical", began, values)
    else:
        error = (served.error or str(served.status))[:200]
        yield Condition("site.unseen", "critical", began, {"error": error})


def _of_station(state: State, engine: EngineView, now: datetime) -> Iterator[Condition]:
    if not engine.alive:
        began = now - timedelta(seconds=engine.heartbeat_age_s or 0.0)
        ever = ""
        if not engine.ever:  # since it was needed
            began = min((cut.received_at for cut in state.cuts.values()), default=now)
            ever = N_(" None has ever run here.")
        yield Condition("engine.stopped", "critical", began, {"ever": ever})
    for broken in state.breaks[:1]:
        yield Condition("journal.broken", "critical", now, {"line": broken.line})
    if not state.breaks and state.known_breaks:
        began = state.broken_at or now
        yield Condition("journal.broken", "critical", began, {"line": state.broken_line})
    if state.decision is not None and state.decision.action == "found":
        yield Condition("pointer.moved", "critical", state.decision.at)
