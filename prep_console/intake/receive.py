"""Take a delivery: stage, check, decide, put together, seal; live if the mode says so.

The one way for data. The drop folder, the command line and the demo all come through here. The
same code runs in the engine's worker and in ``prep-console receive``: it needs no engine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from prep_console.config import Settings
from prep_console.cuts.checks import finding, may_stop, overridable
from prep_console.cuts.entry_names import name_fault
from prep_console.cuts.model import (
    Examination,
    Expectations,
    Finding,
    Limits,
    Severity,
    Verdict,
)
from prep_console.cuts.stamps import MOST_AHEAD, Stamp
from prep_console.intake import quarantine, staging
from prep_console.intake.had import cut_with, entry_of, new_parts
from prep_console.intake.lists_beside import with_lists_beside
from prep_console.intake.sealing import PATIENCE_S, seal_ready, unwritable
from prep_console.intake.staging import Delivery, Staged, Unpacked
from prep_console.journal import journal
from prep_console.journal.actor import Actor
from prep_console.journal.state import State
from prep_console.problems import Failed, Problem
from prep_console.publication import actions, lock, rules, store
from prep_console.publication.actions import Outcome
from prep_console.publication.repair import compare_and_repair
from prep_console.publication.settle import settle, settle_if_open
from prep_console.publication.station import Station
from prep_console.wording import N_, Sentence, sentence, visible

_UNFINISHED = {
    "delivery.changed",
    "manifest.mismatch",
    "manifest.missing",
    "delivery.empty",
    "archive.damaged",
    "archive.truncated",
    "archive.checksum",
    "results.missing",
    "results.unreadable",
    "results.binary",
    "results.cut_off",
    "results.no_columns",
}
"""Stops that an upload in another order than front to back shows until it is whole."""

_REMEMBERED_LINES = 50
"""Of the journal: a failure that stands in them, tried again every few seconds, is not repeated."""

Result = Literal["refused", "parked", "had", "waiting", "sealed"]


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word that a quarantined delivery is to be taken."""

    quarantined: str
    """Its id in quarantine."""
    name: str
    """What the institute called it."""
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery."""

    result: Result
    examination: Examination
    cut: str | None
    """The cut that was sealed with it (or already holds it)."""
    waiting_for: tuple[str, ...]
    quarantined: str | None = None
    published: Outcome | None = None
    waits: Sentence | None = None
    """Why its cut is not public, when it could be."""
    still_coming: bool = False
    """It is not whole, but was being written a moment ago: to be looked at again."""
    incomplete: bool = False
    """Still coming, and of no use before somebody writes more of it: its end is missing."""


def limits_of(settings: Settings) -> Limits:
    intake = settings.intake
    return Limits(intake.max_total_bytes, intake.max_entries, intake.max_ratio)


def expectations(settings: Settings, state: State | None, now: datetime) -> Expectations:
    """What this station expects of a delivery now."""
    election = settings.election
    return Expectations(
        state=election.state,
        elections=tuple(election.elections),
        cadence_minutes=election.cadence_minutes,
        opens=election.opens,
        closes=election.closes,
        now=now.astimezone(settings.zone),
        marks={e: Stamp.of(m) for e, m in (state.marks if state else {}).items()},
        phase=settings.station.phase,
    )


def receive(
    station: Station,
    path: Path,
    *,
    actor: Actor,
    at_once: bool = False,
    source: str = "receive",
    received_at: datetime | None = None,
    dropped: bool = False,
    clock_known: bool = False,
    override: Override | None = None,
) -> Receipt:
    """Take the delivery at ``path``; it is copied and left where it is.

    Problem when the station or the delivery cannot be read or written; whatever is wrong *in* the
    delivery is in the receipt. ``received_at``: when it was seen whole, if that was earlier.
    ``dropped``: others may still be writing it, so what only looks unfinished is not refused yet.
    ``clock_known``: our own clock is known to be right, so a stamp in the future is refused;
    otherwise it may be we who are wrong, and the delivery is parked.
    ``override``: stops that a person may set aside become warnings. Such a delivery is not
    published here, and not quarantined once more if other stops remain.
    """
    station.prepare()
    settle_if_open(station)
    state = station.state()
    newest = rules.newest_eligible(state)
    received_at = received_at or datetime.now(UTC)
    name = _name_of(path) if override is None else override.name
    try:
        staged = staging.stage(
            station,
            path,
            limits_of(station.settings),
            newest.id if newest else None,
            base=station.settings.drop_folder if dropped else None,
        )
    except OSError as error:
        failed = _unreadable(path, error)
        _record_failure(station, name, source, failed, actor)
        raise failed from error
    try:
        waived = None if override is None else _waiver(override, actor)
        if dropped and _moved(staged):  # it is being mirrored: it may hold files of two cuts
            found = Examination(None, (), (), (), staged.findings)
            return Receipt("refused", found, None, (), still_coming=True)
        examination, unpacked = _examine(station, staged, name, state, waived)
        examination = with_lists_beside(examination, path, staged.content)
        delivery = Delivery(
            staged.folder.name,
            visible(name),
            source,
            received_at,
            datetime.now(UTC),
            examination,
            path.is_dir(),
            staged.linked,
            unpacked,
        )
        with lock.held(station.intake_lock, "receive", patience_s=PATIENCE_S):
            if newest is not None and staged.tampered:
                files = staged.folder / staging.FILES
                compare_and_repair(station, newest.id, [files], actor, only=staged.tampered)
            coming = _Coming(dropped, dropped and _fresh(station, path))
            if not clock_known and _only_ahead(examination):
                return _park(station, delivery, actor)
            if override is not None:
                return _decide_overridden(station, delivery, actor, override)
            return _decide(station, staged, delivery, actor, at_once, coming)
    except OSError as error:
        failed = unwritable(error)
        _record_failure(station, name, source, failed, actor)
        raise failed from error
    finally:
        if staged.folder.name not in {w.delivery for w in station.state().waiting}:
            store.discard(staged.folder)


def _moved(staged: Staged) -> bool:
    """A tree of which some file was written while it was copied."""
    if staged.content.name != staging.FILES:
        return False
    return any(found.check == "delivery.changed" for found in staged.findings)


@dataclass(frozen=True, slots=True)
class _Coming:
    """Whether a delivery may still be on its way."""

    dropped: bool
    fresh: bool
    """And was written a moment ago."""


def _name_of(path: Path) -> str:
    """What the delivery is called; ``.`` and ``..`` have names too."""
    return path.name if path.name not in {"", ".."} else path.resolve().name


def _record_failure(station: Station, name: str, source: str, failed: Failed, actor: Actor) -> None:
    """A line of what could not be taken, if the disk lets us; the same one is said once."""
    data = {"name": visible(name), "source": source, "error": visible(failed.what.in_("en"))}
    with suppress(OSError, Problem):
        lines = journal.tail(station.journal, _REMEMBERED_LINES)
        if not any(line.kind == "failed" and dict(line.data) == data for line in lines):
            with station.acting("fail") as ledger:
                ledger.append([("failed", data)], actor)


def _examine(
    station: Station, staged: Staged, name: str, state: State, waived: Finding | None = None
) -> tuple[Examination, tuple[Unpacked, ...]]:
    """What the staged delivery holds, and its unpacked site where the settings want one."""
    from prep_console.cuts.delivery import examine  # zipfile, csv: not for rollback's start-up
    from prep_console.cuts.members import Unsafe

    settings = station.settings
    fault = name_fault(name)
    if fault is not None:  # it would stand in journal, manifest and addresses
        found = (*staged.findings, finding(fault, visible(name)))
        return Examination(None, (), (), (), _shown(found)), ()
    if not os.path.lexists(staged.content):  # no plain file: nothing was copied
        return Examination(None, (), (), (), staged.findings), ()
    examination = examine(
        staged.content,
        name=name,
        expectations=expectations(settings, state, datetime.now(UTC)),
        limits=limits_of(settings),
        scratch=staged.folder,
        known=staged.known,
    )
    found = _shown((*staged.findings, *examination.findings))
    if waived is not None:
        found = (*map(_as_warning, found), waived)
    examination = replace(examination, findings=found)
    if not settings.publication.unpack or examination.verdict is Verdict.STOPPED:
        return examination, ()
    try:
        return examination, staging.unpack(staged, limits_of(settings))
    except Unsafe as unsafe:
        return replace(examination, findings=(*examination.findings, unsafe.finding)), ()


def _waiver(override: Override, actor: Actor) -> Finding:
    reason, name = visible(override.reason), visible(actor.name)
    return finding("delivery.overridden", override.quarantined, name=name, reason=reason)


def _as_warning(found: Finding) -> Finding:
    """A stop that a person set aside."""
    return replace(found, severity=Severity.WARNING) if overridable(found) else found


def _decide_overridden(
    station: Station, delivery: Delivery, actor: Actor, override: Override
) -> Receipt:
    """Seal what a person lets through; the decision is in the journal before it takes effect."""
    examination = delivery.examination
    state = station.state()
    stops = [*_stops(examination), *_older(examination, state)]
    if stops:
        return Receipt("refused", _with(examination, stops), None, (), override.quarantined)
    new, had_in = new_parts(examination, state)
    if not new:
        return Receipt("had", examination, had_in, ())
    with station.acting("override") as ledger:
        settle(ledger)
        data = {
            "quarantine": override.quarantined,
            "name": visible(delivery.name),
            "checks": sorted({f.check for f in examination.findings if may_stop(f)}),
            "reason": visible(override.reason),
        }
        ledger.append([("overridden", data)], actor)
    entry = entry_of(delivery, new, state)
    _, waiting_for = seal_ready(station, {delivery.id: (entry, delivery)}, actor, False)
    mine = cut_with(station.state(), entry)
    return Receipt("sealed" if mine else "waiting", examination, mine, waiting_for)


def _only_ahead(examination: Examination) -> bool:
    """Whether nothing stops it but a stamp in the future of our clock."""
    return {f.check for f in _stops(examination)} == {"stamp.future"}


def _park(station: Station, delivery: Delivery, actor: Actor) -> Receipt:
    """Neither accepted nor refused: it is looked at again, and said in the journal once."""
    stamp = max(p.stamp for p in delivery.examination.parts)
    until = stamp.at(station.settings.zone).astimezone(UTC) - MOST_AHEAD
    data = {
        "name": delivery.name,
        "source": delivery.source,
        "stamp": str(stamp),
        "until": until.isoformat(),
    }
    if not any(
        dict(line.data) == data for line in journal.tail(station.journal, _REMEMBERED_LINES)
    ):
        with station.acting("park") as ledger:
            settle(ledger)
            ledger.append([("parked", data)], actor)
    return Receipt("parked", delivery.examination, None, ())


def _shown(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Names that are no UTF-8 can be written nowhere: the findings tell them escaped."""
    return tuple(replace(found, where=visible(found.where)) for found in findings)


def _decide(
    station: Station,
    staged: Staged,
    delivery: Delivery,
    actor: Actor,
    at_once: bool,
    coming: _Coming,
) -> Receipt:
    examination = delivery.examination
    state = station.state()
    stops = [*_stops(examination), *_older(examination, state)]
    if stops:
        return _refuse(station, staged, delivery, stops, actor, coming)
    new, had_in = new_parts(examination, state)
    if not new:
        cuts, waiting_for = seal_ready(station, {}, actor, at_once)
        if had_in is not None:  # the same bytes again heal what was damaged here meanwhile
            paths = [file.path for file in examination.files]
            files = station.staging / delivery.id / staging.FILES
            compare_and_repair(station, had_in, [files], actor, only=paths)
        published = actions.advance(station)
        cut = cuts[-1] if cuts else had_in
        result: Result = "sealed" if cuts else "had"
        return Receipt(result, examination, cut, waiting_for, None, published, _waits(station, cut))
    entry = entry_of(delivery, new, state)
    cuts, waiting_for = seal_ready(station, {delivery.id: (entry, delivery)}, actor, at_once)
    published = actions.advance(station)
    mine = cut_with(station.state(), entry)
    return Receipt(
        "sealed" if mine else "waiting",
        examination,
        mine,
        waiting_for,
        None,
        published,
        _waits(station, mine),
    )


def _waits(station: Station, cut: str | None) -> Sentence | None:
    return rules.why_waiting(station.state(), station.settings, datetime.now(UTC), cut)


def _fresh(station: Station, path: Path) -> bool:
    """Whether it, or a list of hashes beside it, was written a moment ago."""
    from prep_console.cuts.manifests import sidecars

    newest = max(p.stat().st_mtime for p in (path, *sidecars(path)))
    return time.time() - newest < station.settings.intake.settle_seconds


def _stops(examination: Examination) -> list[Finding]:
    if examination.verdict is not Verdict.STOPPED:
        return []
    return [f for f in examination.findings if f.severity == "stop"]


def _older(examination: Examination, state: State) -> list[Finding]:
    """Marks may have moved between the examination and our turn: look again, under the lock."""
    said = {f.check for f in examination.findings}
    return [
        finding("stamp.older", election=p.election, stamp=str(p.stamp), mark=mark)
        for p in examination.parts
        if (mark := state.marks.get(p.election, "")) > str(p.stamp) and "stamp.older" not in said
    ]


def _refuse(
    station: Station,
    staged: Staged,
    delivery: Delivery,
    stops: Sequence[Finding],
    actor: Actor,
    coming: _Coming,
) -> Receipt:
    examination = _with(delivery.examination, stops)
    # Long at rest, one without its end is an upload that was killed: its bytes are left to who
    # sends the rest. Whatever else is wrong with it may come of that.
    endless = any((f.check, f.where) == ("archive.truncated", delivery.name) for f in stops)
    unfinished = endless or all(f.check in _UNFINISHED for f in stops)
    if (coming.fresh and unfinished) or (coming.dropped and endless):
        return Receipt("refused", examination, None, (), still_coming=True, incomplete=endless)
    now = datetime.now(UTC)
    identity = quarantine.keep(
        station,
        staged.folder,
        name=delivery.name,
        source=delivery.source,
        at=now,
        findings=stops,
    )
    with station.acting("refuse") as ledger:
        settle(ledger)
        data = {
            "id": identity,
            "name": delivery.name,
            "source": delivery.source,
            "findings": [quarantine.as_json(f) for f in stops],
        }
        ledger.append([("refused", data)], actor)
    return Receipt("refused", examination, None, (), identity)


def _with(examination: Examination, stops: Sequence[Finding]) -> Examination:
    more = tuple(f for f in stops if f not in examination.findings)
    return replace(examination, findings=(*examination.findings, *more))


def _unreadable(path: Path, error: OSError) -> Failed:
    return Failed(
        sentence(
            N_("the delivery cannot be read or staged: {error}"),
            error=f"{error.strerror}: {error.filename or path}",
        ),
        sentence(N_("it was left where it is; check the file and the station's disk")),
    )
