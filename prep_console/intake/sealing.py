"""Sealing: what waits and what just came become cuts, as soon as the rules allow.

Done under the intake lock, by whoever brought the last part: a receive, the engine's clock, or a
person who will not wait.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from prep_console import durable
from prep_console.cuts.stamps import CutId
from prep_console.intake import quarantine, staging
from prep_console.intake.assembly import CutPlan, assemble, is_due
from prep_console.intake.build import NoGoodCopy, build
from prep_console.intake.staging import Delivery
from prep_console.journal.actor import Actor
from prep_console.journal.records import Waiting
from prep_console.journal.state import State
from prep_console.problems import Failed, Refused
from prep_console.publication import actions, lock, store
from prep_console.publication.settle import settle, settle_if_open
from prep_console.publication.station import Station
from prep_console.values import replace
from prep_console.wording import N_, sentence

PATIENCE_S = 60.0
"""Sealing a large cut takes seconds; another one waits for its turn."""


def assemble_due(
    station: Station, *, actor: Actor, at_once: bool = False, joins: bool = True
) -> list[str]:
    """Put together and seal every cut that can be by now; publish if the mode says so.

    Returns the ids of the new cuts. What the engine calls when waiting may have ended. ``joins``
    as for :func:`~prep_console.intake.assembly.assemble`.
    """
    if not is_due(station.state(), joins=joins):
        return []
    try:
        with lock.held(station.intake_lock, "assemble", patience_s=PATIENCE_S):
            settle_if_open(station)  # a cut that a killed worker sealed and could not record
            drop_lost(station, actor)
            cuts, _ = seal_ready(station, {}, actor, at_once, joins=joins)
    except OSError as error:
        raise unwritable(station, error) from error
    if cuts:
        with suppress(Refused):  # the cuts are sealed all the same, and it is tried again
            actions.advance(station)
    return cuts


class MarksMoved(Exception):
    """``accept-from`` came after the fresh deliveries were judged: they are to be judged anew."""


_Judged = TypeVar("_Judged")


def judged(judge: Callable[[], _Judged]) -> _Judged:
    """What ``judge`` comes to by marks that have not moved when it is sealed."""
    while True:
        try:
            return judge()
        except MarksMoved:
            continue


def seal_ready(
    station: Station,
    fresh: Mapping[str, tuple[Waiting, Delivery]],
    actor: Actor,
    at_once: bool,
    *,
    epoch: int | None = None,
    joins: bool = True,
) -> tuple[list[str], tuple[str, ...]]:
    """Seal every cut that the waiting and the fresh deliveries make; the ids, what is lacking.

    A fresh delivery is journalled together with the cut it makes, after one flush for both; one
    that must wait is flushed and journalled by itself. When the disk refuses (Failed, OSError)
    nothing of it is journalled: it is left where it came from, to be taken again. ``epoch``: that
    of the state by which the fresh ones were judged; MarksMoved when it is another one. ``joins``:
    whether to begin with one (see :func:`~prep_console.intake.assembly.assemble`).
    """
    unrecorded = dict(fresh)
    sealed: list[str] = []
    while True:
        state = station.state()
        hoped = replace(
            state, waiting=(*state.waiting, *(entry for entry, _ in unrecorded.values()))
        )
        now = datetime.now(UTC)
        found = assemble(hoped, station.settings, now, at_once=at_once, joins=joins)
        if found.superseded:
            _record_waiting(station, unrecorded, actor, epoch)
            unrecorded.clear()
            _set_aside(station, found.superseded, actor)
            continue
        if found.plan is None:
            _record_waiting(station, unrecorded, actor, epoch)
            return sealed, found.waiting_for
        try:
            sealed.append(_seal(station, hoped, found.plan, unrecorded, actor, epoch))
        except NoGoodCopy:
            if not found.plan.deliveries:  # what was sealed is not here any more: nothing of it
                joins = False  # is public, its alarm stays, and no delivery waits for that
                continue
            _record_waiting(station, unrecorded, actor, epoch)
            unrecorded.clear()
            if not found.later_complete:
                raise
            # A whole newer cut must not wait for it.
            _set_aside(station, found.plan.deliveries, actor)
            continue
        joins = True  # the new cut may be what one that waits for a person is to be joined with
        for delivery in found.plan.deliveries:
            unrecorded.pop(delivery, None)


def _seal(
    station: Station,
    state: State,
    plan: CutPlan,
    unrecorded: Mapping[str, tuple[Waiting, Delivery]],
    actor: Actor,
    epoch: int | None,
) -> str:
    deliveries = {
        name: unrecorded[name][1] if name in unrecorded else staging.kept(station, name)
        for name in plan.deliveries
    }
    folder, manifest = build(station, state, plan, deliveries)
    try:
        digest = store.seal(station, folder, manifest)
        lines: list[tuple[str, Mapping[str, object]]] = [
            ("accepted", _accepted(*unrecorded[name]))
            for name in plan.deliveries
            if name in unrecorded
        ]
        with station.acting("seal") as ledger:
            _refuse_moved(settle(ledger), epoch if lines else None)
            store.commit(station, folder, CutId.of(manifest.id))
            ledger.append([*lines, ("sealed", store.line_of(manifest, digest))], actor)
    finally:
        store.discard(folder)
    for name in plan.deliveries:
        store.discard(station.staging / name)
    return manifest.id


def _refuse_moved(state: State, epoch: int | None) -> None:
    if epoch is not None and state.epoch != epoch:
        raise MarksMoved


def _record_waiting(
    station: Station,
    unrecorded: Mapping[str, tuple[Waiting, Delivery]],
    actor: Actor,
    epoch: int | None,
) -> None:
    if not unrecorded:
        return
    for name, (_, delivery) in unrecorded.items():
        staging.keep(station.staging / name, delivery)
    durable.sync_file_system(station.staging)
    try:
        with station.acting("accept") as ledger:
            _refuse_moved(settle(ledger), epoch)
            ledger.append([("accepted", _accepted(e, d)) for e, d in unrecorded.values()], actor)
    except MarksMoved:
        for name in unrecorded:
            (station.staging / name / staging.RECORD).unlink()
        raise


def _accepted(entry: Waiting, delivery: Delivery) -> dict[str, object]:
    return {
        "delivery": delivery.id,
        "name": delivery.name,
        "source": delivery.source,
        "bytes": delivery.examination.bytes,
        "parts": [
            {"election": p.election, "stamp": p.stamp, "sha256": p.sha256} for p in entry.parts
        ],
        "received_at": delivery.received_at.isoformat(),
        "verified_at": delivery.verified_at.isoformat(),
        "corrected": entry.corrected,
        "warnings": len(delivery.examination.findings),
    }


def drop_lost(station: Station, actor: Actor) -> None:
    """A waiting delivery whose files are gone is said so, before anybody is told that we have it:
    it may come again."""
    lost = []
    for entry in station.state().waiting:
        try:
            whole = staging.is_whole(station, staging.kept(station, entry.delivery))
        except (OSError, ValueError, RecursionError):
            whole = False
        if not whole:
            lost.append(entry.delivery)
    if lost:
        with station.acting("drop") as ledger:
            settle(ledger)
            ledger.append([("dropped", {"deliveries": lost, "why": "lost"})], actor)


def _set_aside(station: Station, deliveries: Sequence[str], actor: Actor) -> None:
    """Deliveries that can become no cut any more go to quarantine, and the journal says why.

    Until it has said so the delivery waits, and is there: what goes is a copy of its links.
    """
    for name in deliveries:
        delivery = staging.kept(station, name)
        identity = quarantine.keep(
            station,
            staging.linked_copy(station, name),
            name=delivery.name,
            source=delivery.source,
            at=datetime.now(UTC),
            findings=(),
        )
        with station.acting("set aside") as ledger:
            settle(ledger)
            ledger.append([("dropped", {"deliveries": [name], "quarantine": identity})], actor)
        store.discard(station.staging / name)


def told_alike(station: Station, place: object) -> str:
    """Where something failed: folders of ours that have another name at each try stay unnamed, or
    a disk that is full all night would be told anew every few seconds."""
    named = os.fsdecode(place) if isinstance(place, str | bytes | os.PathLike) else str(place)
    ours = (station.staging, station.quarantine)
    return next((str(folder) for folder in ours if Path(named).is_relative_to(folder)), named)


def unwritable(station: Station, error: OSError) -> Failed:
    place = told_alike(station, error.filename or "")
    return Failed(
        sentence(
            N_("the delivery could not be stored: {error}"),
            error=f"{error.strerror}: {place}".rstrip(": "),
        ),
        sentence(N_("it was left where it is; check the station's disk and repeat")),
    )
