"""Decide about an examined delivery: refuse, park, had already, accept, seal; publish if it may.

Everything here runs under the intake lock, on the state as it is then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from prep_console.cuts.checks import finding, may_stop
from prep_console.cuts.model import Examination, Finding, Verdict
from prep_console.cuts.stamps import MOST_AHEAD
from prep_console.intake import quarantine, staging
from prep_console.intake.had import (
    cut_of_all,
    cut_with,
    entry_of,
    has_other_files,
    new_parts,
    waiting_with,
)
from prep_console.intake.receipt import Override, Receipt, Result
from prep_console.intake.sealing import judged, seal_ready
from prep_console.intake.staging import Delivery, Staged
from prep_console.journal import journal
from prep_console.journal.actor import Actor
from prep_console.journal.records import Waiting
from prep_console.journal.state import State
from prep_console.problems import Refused
from prep_console.publication import actions, plans, rules
from prep_console.publication.actions import Outcome
from prep_console.publication.repair import compare_and_repair
from prep_console.publication.settle import settle
from prep_console.publication.station import Station
from prep_console.values import replace
from prep_console.wording import Sentence, visible

_UNFINISHED = {
    "delivery.changed",
    "manifest.mismatch",
    "manifest.missing",
    "delivery.empty",
    "archive.damaged",
    "archive.truncated",
    "archive.checksum",
    "results.missing",
    "results.unrecognised",
    "results.utf16",
    "site.unreadable",
    "results.unreadable",
    "results.binary",
    "results.cut_off",
    "results.no_columns",
}
"""Stops that an upload in another order than front to back shows until it is whole."""

REMEMBERED_LINES = 50
"""Of the journal: a failure that stands in them, tried again every few seconds, is not repeated."""


class Coming(msgspec.Struct, frozen=True):
    """Whether a delivery may still be on its way."""

    dropped: bool
    fresh: bool
    """And was written a moment ago."""


def decide(
    station: Station,
    staged: Staged,
    delivery: Delivery,
    actor: Actor,
    at_once: bool,
    coming: Coming,
) -> Receipt:
    """What becomes of the delivery; MarksMoved when it is to be decided anew (see ``judged``)."""
    examination = delivery.examination
    state = station.state()
    stops = [*_stops(examination), *_older(examination, state)]
    if stops:
        return _refuse(station, staged, delivery, stops, actor, coming)
    new, had_in = new_parts(examination, state)
    if not new and had_in is not None and has_other_files(station, had_in, delivery):
        new = list(examination.parts)  # a revision with the images that came after their data
    if not new:
        cuts, waiting_for = seal_ready(station, {}, actor, at_once)
        if had_in is not None:  # the same bytes again heal what was damaged here meanwhile
            paths = [file.path for file in examination.files]
            files = station.staging / delivery.id / staging.FILES
            compare_and_repair(station, had_in, [files], actor, only=paths)
        published, waits = _advance(station)
        cut = cuts[-1] if cuts else had_in
        result: Result = "sealed" if cuts else "had"
        waits = waits or _waits(station, cut)
        held = waiting_with(station.state(), examination.parts)
        return Receipt(result, examination, cut, waiting_for, None, held, published, waits)
    entry = entry_of(delivery, new, state)
    cuts, waiting_for = seal_ready(
        station, {delivery.id: (entry, delivery)}, actor, at_once, epoch=state.epoch
    )
    published, waits = _advance(station)
    mine = cut_with(station.state(), entry)
    return Receipt(
        "sealed" if mine else "waiting",
        examination,
        mine,
        waiting_for,
        None,
        waiting_with(station.state(), examination.parts),
        published,
        waits or _waits(station, mine),
    )


def decide_overridden(
    station: Station, delivery: Delivery, actor: Actor, override: Override
) -> Receipt:
    """Seal what a person lets through; the decision is in the journal before it takes effect."""
    examination = delivery.examination
    state = station.state()
    stops = [*_stops(examination), *_older(examination, state)]
    if stops:
        return Receipt("refused", _with(examination, stops), None, (), override.quarantined)
    new, _ = new_parts(examination, state)
    if not new:
        return Receipt("had", examination, cut_of_all(state, examination.parts), ())
    with station.acting("override") as ledger:
        plans.refuse_if_frozen(settle(ledger))  # before anything of it is sealed
        data = {
            "quarantine": override.quarantined,
            "name": visible(delivery.name),
            "checks": sorted({f.check for f in examination.findings if may_stop(f)}),
            "reason": visible(override.reason),
        }
        ledger.append([("overridden", data)], actor)

    def sealed() -> tuple[Waiting, tuple[str, ...]]:
        state = station.state()
        entry = entry_of(delivery, new_parts(examination, state)[0], state)
        fresh = {delivery.id: (entry, delivery)}
        return entry, seal_ready(station, fresh, actor, False, epoch=state.epoch)[1]

    entry, waiting_for = judged(sealed)
    mine = cut_with(station.state(), entry)
    return Receipt("sealed" if mine else "waiting", examination, mine, waiting_for)


def only_ahead(examination: Examination) -> bool:
    """Whether nothing stops it but a stamp in the future of our clock."""
    return {f.check for f in _stops(examination)} == {"stamp.future"}


def park(station: Station, delivery: Delivery, actor: Actor) -> Receipt:
    """Neither accepted nor refused: it is looked at again, and said in the journal once."""
    stamp = max(p.stamp for p in delivery.examination.parts)
    until = stamp.at(station.settings.zone).astimezone(UTC) - MOST_AHEAD
    data = {
        "name": delivery.name,
        "source": delivery.source,
        "stamp": str(stamp),
        "until": until.isoformat(),
    }
    if not any(dict(line.data) == data for line in journal.tail(station.journal, REMEMBERED_LINES)):
        with station.acting("park") as ledger:
            settle(ledger)
            ledger.append([("parked", data)], actor)
    return Receipt("parked", delivery.examination, None, ())


def _advance(station: Station) -> tuple[Outcome | None, Sentence | None]:
    """Publish by the rules. What came is taken whether that can be done now or not: the engine
    tries again, and meanwhile the receipt says why it waits."""
    try:
        return actions.advance(station), None
    except Refused as refused:
        return None, refused.what


def _waits(station: Station, cut: str | None) -> Sentence | None:
    return rules.why_waiting(station.state(), station.settings, datetime.now(UTC), cut)


def fresh(station: Station, path: Path) -> bool:
    """Whether it, or a list of hashes beside it, was written a moment ago.

    A sender may give its files any hour, as rsync does with one whose clock is ahead: such a file
    would stay fresh until then. When it came here, our own clock says.
    """
    from prep_console.cuts.manifests import sidecars

    now = time.time()
    found = [p.lstat() for p in (path, *sidecars(path))]
    newest = max(f.st_mtime if f.st_mtime <= now else f.st_ctime for f in found)
    return now - newest < station.settings.intake.settle_seconds


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
    coming: Coming,
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
