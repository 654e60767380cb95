"""What commands print: stable English JSON for scripts, sentences for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from prep_console import dates, record
from prep_console.alarm_report import alarm_json, short_alarm_lines
from prep_console.cuts.stamps import Stamp
from prep_console.snapshot import CutView, Reading, Snapshot
from prep_console.wording import N_, known_text, say, say_n, visible

if TYPE_CHECKING:
    from prep_console.cuts.model import Examination, Finding, Results
    from prep_console.intake.receipt import Receipt
    from prep_console.publication.actions import Outcome

SCHEMA = 1


def as_text(document: Mapping[str, Any]) -> str:
    """One JSON document, ASCII so that nothing in it steers a terminal."""
    return json.dumps(document, indent=1, ensure_ascii=True)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


# --- status ---------------------------------------------------------------------------------


def status_json(snapshot: Snapshot) -> dict[str, Any]:
    """``status --json``."""
    zone = ZoneInfo(snapshot.timezone)
    live = snapshot.live
    served = snapshot.served
    return {
        "schema": SCHEMA,
        "observed_at": _iso(snapshot.observed_at),
        "station": snapshot.station,
        "mode": snapshot.mode if _mode_is_known(snapshot) else "unknown",
        "phase": snapshot.phase,
        "live": None
        if live is None
        else {
            "id": live.cut.id,
            "stamp": _iso(live.cut.stamp.astimezone(zone)),
            "sha256": live.sha256,
            "since": _iso(live.since),
            "parts": [
                {
                    "election": p.election,
                    "stamp": _iso(p.stamp.astimezone(zone)),
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
            "at": _iso(snapshot.decision.at),
            "reason": snapshot.decision.reason,
        },
        "served": None
        if served is None
        else {
            "id": served.id,
            "ok": served.ok,
            "checked_at": _iso(served.checked_at),
            "latency_s": served.latency_s,
            "error": served.error,
        },
        "high_water": {
            election: _iso(mark.astimezone(zone)) for election, mark in snapshot.high_water.items()
        },
        "waiting_for": list(snapshot.waiting_for),
        "waiting_cuts": snapshot.waiting_cuts,
        "next_due": _iso(snapshot.next_due),
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
            "begins": _iso(past.begins),
            "ends": _iso(past.ends),
            "archive": past.archive,
            "broken_line": past.broken_line,
        }
    }


def _reading_json(reading: Reading) -> dict[str, Any]:
    return {
        "value": reading.value,
        "unit": reading.unit,
        "state": reading.state,
        "observed_at": _iso(reading.observed_at),
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
            since=f"{live.since.astimezone(zone):%H:%M:%S}",
        )
        for part in live.cut.parts:
            if part.carried:
                yield "  " + say(
                    N_("{election} carried over from {hour}"),
                    election=part.election,
                    hour=f"{part.stamp.astimezone(zone):%H:%M}",
                )
    known = _mode_is_known(snapshot)
    yield say(N_("Publishing: {mode}"), mode=mode_word(snapshot.mode if known else "unknown"))
    decision = snapshot.decision
    if decision is not None:
        yield "  " + say(
            N_("since {hour} by {by}: {reason}"),
            hour=f"{decision.at.astimezone(zone):%H:%M:%S}",
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
    else:
        yield say(N_("Engine: NOT RUNNING; nobody receives cuts nor looks at the site"))
    yield from short_alarm_lines(snapshot)


def _mode_is_known(snapshot: Snapshot) -> bool:
    """The journal says the mode; where it cannot be read at all, nobody knows it."""
    return snapshot.read_error is None or bool(snapshot.journal)


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


# --- deliveries -----------------------------------------------------------------------------


def examination_json(examination: Examination, zone: ZoneInfo) -> dict[str, Any]:
    """``verify --json``, and the common part of ``receive --json``."""
    stamp = examination.stamp
    return {
        "schema": SCHEMA,
        "verdict": str(examination.verdict),
        "id": str(stamp) if stamp else None,
        "stamp": _stamp(stamp, zone),
        "files": len(examination.files),
        "bytes": examination.bytes,
        "elections": [_results_json(r, zone) for r in examination.elections],
        "images": _images_json(examination),
        "findings": [finding_json(f) for f in examination.findings],
    }


def _stamp(stamp: Stamp | None, zone: ZoneInfo) -> str | None:
    return stamp.at(zone).isoformat() if stamp else None


def _results_json(results: Results, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "code": results.code,
        "state": results.state,
        "title": results.title,
        "stamp": _stamp(results.stamp, zone),
        "path": results.path,
        "encoding": results.encoding,
        "delimiter": results.delimiter,
        "rows": results.rows,
        "figures": asdict(results.figures),
    }


def _images_json(examination: Examination) -> dict[str, Any]:
    """All elections together, and each by itself."""
    images = examination.images
    named = [name for i in images for name in i.algorithm.split(",") if name]
    return {
        "matched": sum(i.matched for i in images),
        "pending": sum(i.pending for i in images),
        "mismatched": sum(i.mismatched for i in images),
        "orphan": sum(i.orphan for i in images),
        "algorithm": ",".join(dict.fromkeys(named)),
        "elections": [asdict(i) for i in images],
    }


def finding_json(found: Finding) -> dict[str, Any]:
    """One finding, its text in English."""
    from prep_console.cuts.checks import describe

    return {
        "check": found.check,
        "severity": str(found.severity),
        "text": describe(found).in_("en"),
        "where": found.where,
    }


def examination_lines(examination: Examination, zone: ZoneInfo) -> Iterable[str]:
    """``verify`` for a person."""
    from prep_console.cuts.checks import describe

    verdicts = {
        "good": N_("✓ good: nothing to remark"),
        "odd": N_("▲ odd: would be published with these warnings"),
        "stopped": N_("✖ stopped: would not be published"),
    }
    yield say(verdicts[str(examination.verdict)])
    if examination.stamp is not None:
        yield say_n(
            "cut of {time}, {n} file, {bytes} bytes",
            "cut of {time}, {n} files, {bytes} bytes",
            len(examination.files),
            time=dates.minute(examination.stamp.at(zone)),
            bytes=examination.bytes,
        )
    for results in examination.elections:
        figures = results.figures
        yield say(
            N_(
                "  {code} {state} {title}: expected {expected}, captured {captured}, "
                "counted {counted}, rows {rows}"
            ),
            code=results.code or "?",
            state=results.state,
            title=results.title,
            expected=_shown(figures.expected),
            captured=_shown(figures.captured),
            counted=_shown(figures.counted),
            rows=results.rows,
        )
    for images in examination.images:
        if images.matched or images.mismatched or images.orphan:
            yield say(
                N_(
                    "  images {election} by {algorithm}: matched {matched}, pending {pending}, "
                    "mismatched {mismatched}, orphans {orphan}"
                ),
                election=images.election or "-",
                algorithm=images.algorithm or "-",
                matched=images.matched,
                pending=images.pending,
                mismatched=images.mismatched,
                orphan=images.orphan,
            )
    for found in examination.findings:
        sign = "✖" if str(found.severity) == "stop" else "▲"
        where = f" [{visible(found.where)}]" if found.where else ""
        yield f"  {sign} {found.check}: {describe(found)}{where}"


def _shown(value: int | None) -> str:
    return "-" if value is None else str(value)


def receipt_json(receipt: Receipt, zone: ZoneInfo) -> dict[str, Any]:
    """``receive --json``."""
    published = receipt.published
    return {
        **examination_json(receipt.examination, zone),
        "result": receipt.result,
        "id": receipt.cut or (str(s) if (s := receipt.examination.stamp) else None),
        "cut": receipt.cut,
        "waiting_for": list(receipt.waiting_for),
        "quarantine": receipt.quarantined,
        "waits": None if receipt.waits is None else receipt.waits.in_("en"),
        "live": published is not None and published.to_cut == receipt.cut,
        "published": None if published is None else outcome_json(published),
    }


def receipt_lines(receipt: Receipt, zone: ZoneInfo) -> Iterable[str]:
    """``receive`` for a person, unless it was refused."""
    if receipt.result == "had":
        yield say(N_("already had: nothing was done"))
    elif receipt.result == "waiting":
        yield say(
            N_("accepted; the cut waits for {elections}"),
            elections=", ".join(receipt.waiting_for) or "-",
        )
    elif receipt.cut is not None:
        yield say(N_("sealed as cut {cut}"), cut=receipt.cut)
    yield from examination_lines(receipt.examination, zone)
    if receipt.published is not None:
        yield outcome_line(receipt.published)
    elif receipt.waits is not None:
        yield str(receipt.waits)


# --- actions and lists ----------------------------------------------------------------------


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """What an action did."""
    return {
        "schema": SCHEMA,
        "action": outcome.action,
        "changed": outcome.changed,
        "from": outcome.from_cut,
        "to": outcome.to_cut,
        "mode": outcome.mode,
        "seen": outcome.seen,
        "seen_after_s": outcome.seen_after_s,
    }


def outcome_line(outcome: Outcome) -> str:
    """What an action did, for a person."""
    told = str(outcome.told)
    if outcome.seen is True and outcome.seen_after_s is not None:
        return (
            told
            + " · "
            + say(N_("seen by a visitor after {ms} ms"), ms=round(outcome.seen_after_s * 1000))
        )
    if outcome.seen is False:
        return told + " · " + say(N_("durable, but not yet seen over HTTP: look at the web server"))
    return told


def cuts_json(cuts: Iterable[CutView], zone: ZoneInfo) -> dict[str, Any]:
    """``cuts --json``."""
    return {
        "schema": SCHEMA,
        "cuts": [
            {
                "id": cut.id,
                "stamp": _iso(cut.stamp.astimezone(zone)),
                "state": cut.state,
                "received_at": _iso(cut.received_at),
                "verified_at": _iso(cut.verified_at),
                "sealed_at": _iso(cut.sealed_at),
                "published_at": _iso(cut.published_at),
                "served_at": _iso(cut.served_at),
                "bytes": cut.bytes,
                "warnings": cut.warnings,
                "why": cut.revision_of,
                "counted": cut.counted,
                "parts": [
                    {
                        "election": p.election,
                        "stamp": _iso(p.stamp.astimezone(zone)),
                        "carried": p.carried,
                    }
                    for p in cut.parts
                ],
            }
            for cut in cuts
        ],
    }


def cut_lines(cuts: Iterable[CutView], zone: ZoneInfo) -> Iterable[str]:
    """``cuts`` for a person."""
    words = {
        "live": N_("public"),
        "previous": N_("previous"),
        "kept": N_("kept"),
        "withdrawn": N_("withdrawn"),
        "final": N_("final"),
    }
    for cut in cuts:
        warnings = f"  ▲{cut.warnings}" if cut.warnings else ""
        counted = "-" if cut.counted is None else f"{cut.counted:,}"
        yield (
            f"{cut.id:<18} {dates.minute(cut.stamp.astimezone(zone)):<18}  "
            f"{say(words[cut.state]):<10} {counted:>8} {cut.bytes:>13,} B{warnings}"
        )
