"""What is wrong now: a pure look over state, readings and clocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from prep_console.alarms.table import TABLE
from prep_console.journal.state import State
from prep_console.publication import rules
from prep_console.snapshot import AlarmView, Detail, EngineView, Reading, ServedView
from prep_console.wording import say_in

HOLD_REMINDER = timedelta(minutes=10)
HOLD_FORGOTTEN = timedelta(minutes=15)
_REFUSED_SHOWN = timedelta(minutes=30)


def current(
    state: State,
    *,
    engine: EngineView,
    served: ServedView | None,
    readings: Mapping[str, Reading],
    next_due: datetime | None,
    cadence: timedelta,
    since: Mapping[str, datetime],
    now: datetime,
) -> tuple[AlarmView, ...]:
    """Alarms in force at ``now``, critical ones first, then the oldest.

    ``since``: from when on a reading, or ``served``, is in its present state.
    """
    found = [
        *_of_cuts(state, now),
        *_of_lateness(next_due, cadence, now),
        *_of_hold(state, now),
        *_of_site(state, served, since),
        *_of_station(state, engine, now),
        *_of_host(readings, since),
    ]
    return tuple(sorted(found, key=lambda a: (a.severity != "critical", a.since)))


def _alarm(id_: str, since: datetime, **values: Detail) -> AlarmView:
    severity, text = TABLE[id_]
    plain = {k: v for k, v in values.items() if not isinstance(v, bool)}
    return AlarmView(id_, severity, since, None, say_in("en", text, **plain), values)


def _of_cuts(state: State, now: datetime) -> Iterator[AlarmView]:
    live = state.cuts.get(state.live or "")
    if live is not None and live.damaged:
        yield _alarm("cut.damaged", live.sealed_at, names=", ".join(live.damaged[:3]))
    corrected = [
        cut
        for cut in rules.stored(state)
        if cut.waits_for_person and (live is None or rules.rank(cut) > rules.rank(live))
    ]
    for cut in corrected[-1:]:  # the newest correction holds the earlier ones
        if not cut.withdrawn:
            yield _alarm("cut.corrected", cut.sealed_at, cut=cut.id)
    if state.mode == "frozen":
        for cut in rules.waiting(state)[-1:]:
            yield _alarm("cut.after_freeze", cut.sealed_at, cut=cut.id)
    for part in live.parts if live else ():
        if part.carried:
            yield _alarm("cut.carried", live.sealed_at if live else now, election=part.election)
    for refused in state.refused[-3:]:
        if now - refused.at < _REFUSED_SHOWN:
            yield _alarm("cut.refused", refused.at, name=refused.name)


def _of_lateness(
    next_due: datetime | None, cadence: timedelta, now: datetime
) -> Iterator[AlarmView]:
    """Late at 1.5 times the cadence after the newest cut, critical at twice."""
    if next_due is None:
        return
    silent = now - next_due + cadence
    since = next_due + cadence / 2
    minutes = int(silent.total_seconds() // 60)
    if silent >= 2 * cadence:
        yield _alarm("cut.overdue", since, minutes=minutes)
    elif silent >= 1.5 * cadence:
        yield _alarm("cut.late", since, minutes=minutes)


def _of_hold(state: State, now: datetime) -> Iterator[AlarmView]:
    if state.mode != "hold" or state.decision is None:
        return
    held = now - state.decision.at
    values: dict[str, Detail] = {
        "minutes": int(held.total_seconds() // 60),
        "n": len(rules.waiting(state)),
    }
    if held >= HOLD_FORGOTTEN:
        yield _alarm("hold.forgotten", state.decision.at + HOLD_FORGOTTEN, **values)
    elif held >= HOLD_REMINDER:
        yield _alarm("hold.reminder", state.decision.at + HOLD_REMINDER, **values)


def _of_site(
    state: State, served: ServedView | None, since: Mapping[str, datetime]
) -> Iterator[AlarmView]:
    if served is None or served.ok:
        return
    began = since.get("served", served.checked_at)
    if served.id is not None and served.id != state.live:
        yield _alarm("site.differs", began, served=served.id, live=state.live or "-")
    else:
        yield _alarm("site.unseen", began, error=served.error or str(served.status))


def _of_station(state: State, engine: EngineView, now: datetime) -> Iterator[AlarmView]:
    if not engine.alive:
        age = timedelta(seconds=engine.heartbeat_age_s or 0.0)
        yield _alarm("engine.stopped", now - age)
    for broken in state.breaks[:1]:
        yield _alarm("journal.broken", now, line=broken.line)
    if not state.breaks and state.known_breaks:
        yield _alarm("journal.broken", state.broken_at or now, line=state.broken_line)
    if state.decision is not None and state.decision.action == "found":
        yield _alarm("pointer.moved", state.decision.at)


def _of_host(readings: Mapping[str, Reading], since: Mapping[str, datetime]) -> Iterator[AlarmView]:
    disk = readings.get("host.disk")
    if disk is None or disk.state not in {"warning", "critical"}:
        return
    check = "host.disk_full" if disk.state == "critical" else "host.disk"
    yield _alarm(check, since.get("host.disk", disk.observed_at))
