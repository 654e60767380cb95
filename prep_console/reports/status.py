"""``status``: the station now, or at a replayed moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from prep_console import dates, record
from prep_console.reports.alarms import alarm_json, short_alarm_lines
from prep_console.reports.document import SCHEMA, iso
from prep_console.snapshot import Reading, Snapshot
from prep_console.wording import N_, known_text, say, say_n, visible


def status_json(snapshot: Snapshot) -> dict[str, Any]:
    """``status --json``."""
    zone = ZoneInfo(snapshot.timezone)
    live = snapshot.live
    served = snapshot.served
    return {
        "schema": SCHEMA,
        "observed_at": iso(snapshot.observed_at),
        "station": snapshot.station,
        "mode": snapshot.mode if snapshot.mode_is_known else "unknown",
        "phase": snapshot.phase,
        "live": None
        if live is None
        else {
            "id": live.cut.id,
            "stamp": iso(live.cut.stamp.astimezone(zone)),
            "sha256": live.sha256,
            "since": iso(live.since),
            "parts": [
                {
                    "election": p.election,
                    "stamp": iso(p.stamp.astimezone(zone)),
                    "carried": p.carried,
                }
                for p in live.cut.parts
            ],
        },
        "previous": snapshot.previous.id if snapshot.previous else None,
        "decision": None
        if snapshot.decision is None
        else {
            "action": snapshot.decision.action,
            "by": snapshot.decision.by,
            "at": iso(snapshot.decision.at),
            "reason": snapshot.decision.reason,
        },
        "served": None
        if served is None
        else {
            "id": served.id,
            "ok": served.ok,
            "checked_at": iso(served.checked_at),
            "latency_s": served.latency_s,
            "error": served.error,
        },
        "high_water": {
            election: iso(mark.astimezone(zone)) for election, mark in snapshot.high_water.items()
        },
        "waiting_for": list(snapshot.waiting_for),
        "waiting_cuts": snapshot.waiting_cuts,
        "next_due": iso(snapshot.next_due),
        "late_s": snapshot.late_s,
        "cuts": len(snapshot.cuts),
        "cuts_missed": snapshot.cuts_missed,
        "engine": {
            "alive": snapshot.engine.alive,
            "pid": snapshot.engine.pid,
            "heartbeat_age_s": snapshot.engine.heartbeat_age_s,
        },
        "alarms": [alarm_json(alarm) for alarm in snapshot.alarms],
        "readings": {name: _reading_json(r) for name, r in sorted(snapshot.readings.items())},
        "read_error": snapshot.read_error,
        **_past_json(snapshot),
    }


def _past_json(snapshot: Snapshot) -> dict[str, Any]:
    """Only of a replayed moment: no script may take it for what is now."""
    past = snapshot.past
    if past is None:
        return {}
    return {
        "past": {
            "begins": iso(past.begins),
            "ends": iso(past.ends),
            "archive": past.archive,
            "broken_line": past.broken_line,
            "settings_known": past.settings_known,
        }
    }


def _reading_json(reading: Reading) -> dict[str, Any]:
    return {
        "value": reading.value,
        "unit": reading.unit,
        "state": reading.state,
        "observed_at": iso(reading.observed_at),
        "error": reading.error,
        "detail": dict(reading.detail),
    }


def status_lines(snapshot: Snapshot) -> Iterable[str]:
    """``status`` for a person."""
    zone = ZoneInfo(snapshot.timezone)
    if snapshot.phase == "simulacro":
        yield say(N_("REHEARSAL (simulacro)"))
    if snapshot.read_error is not None:
        yield say(
            N_("the station cannot be read in full: {error}"), error=known_text(snapshot.read_error)
        )
    live = snapshot.live
    if live is None:
        yield say(N_("Public: nothing is live"))
    else:
        yield say(
            N_("Public: cut {cut} ({time}), live since {since}"),
            cut=live.cut.id,
            time=dates.minute(live.cut.stamp.astimezone(zone)),
            since=dates.hour(live.since.astimezone(zone), snapshot.observed_at, "%H:%M:%S"),
        )
        for part in live.cut.parts:
            if part.carried:
                yield "  " + say(
                    N_("{election} carried over from {hour}"),
                    election=part.election,
                    hour=f"{part.stamp.astimezone(zone):%H:%M}",
                )
    mode = snapshot.mode if snapshot.mode_is_known else "unknown"
    yield say(N_("Publishing: {mode}"), mode=mode_word(mode))
    decision = snapshot.decision
    if decision is not None:
        yield "  " + say(
            N_("since {hour} by {by}: {reason}"),
            hour=dates.hour(decision.at.astimezone(zone), snapshot.observed_at, "%H:%M:%S"),
            by=record.author(decision.by),
            reason=record.reason_given(decision.reason),
        )
    if snapshot.waiting_cuts:
        yield say_n(
            "{n} newer cut is stored and waits",
            "{n} newer cuts are stored and wait",
            snapshot.waiting_cuts,
        )
    previous = snapshot.previous
    if snapshot.mode != "frozen":
        yield say(N_("A rollback would go to: {cut}"), cut=previous.id if previous else "-")
    if snapshot.waiting_for:
        yield say(N_("Waiting for: {elections}"), elections=", ".join(snapshot.waiting_for))
    yield say_n("{n} cut is stored", "{n} cuts are stored", len(snapshot.cuts))
    engine = snapshot.engine
    if engine.alive is None:
        yield say(N_("Engine: not known"))
    elif engine.alive:
        yield say(N_("Engine: running, pid {pid}"), pid=engine.pid or "?")
        yield from _of_settings(snapshot)
    else:
        ever = "" if engine.ever else say(N_(" None has ever run here."))
        told = say(N_("Engine: NOT RUNNING; nobody receives cuts nor looks at the site"))
        yield f"{told}.{ever}" if ever else told
    yield from _of_resync(snapshot)
    yield from short_alarm_lines(snapshot)


def _of_settings(snapshot: Snapshot) -> Iterable[str]:
    """That the engine does not run with what its settings file says."""
    reading = snapshot.readings.get("engine.settings")
    if reading is not None and reading.state == "warning":
        yield "  " + say(
            N_("▲ its settings file was changed and is not in force: prep-console info")
        )


def _of_resync(snapshot: Snapshot) -> Iterable[str]:
    """What a resync that runs does now, whoever began it."""
    running = snapshot.readings.get("resync")
    if running is not None:
        names = (str(running.detail.get(key) or "") for key in ("source", "file"))
        what = " ".join(filter(None, [known_text(str(running.value)), *map(visible, names)]))
        yield say(N_("A resync is running: {what}"), what=what)


def mode_word(mode: str) -> str:
    """The mode in the chosen language."""
    words = {
        "auto": N_("automatic"),
        "hold": N_("on hold"),
        "frozen": N_("frozen"),
        "unknown": N_("not known"),
    }
    return say(words.get(mode, mode))


def public_now(live: str | None) -> str:
    """What the public sees now, for the middle of every error."""
    if live is None:
        return say(N_("the public sees no cut (nothing is live)"))
    return say(N_("the public still sees cut {cut}"), cut=live)
