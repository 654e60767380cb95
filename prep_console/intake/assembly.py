"""Which parts make a cut, and when: pure decisions over the journal's state.

A cut is one part of every election. Parts whose stamps lie within half the cadence of the newest
belong together. A missing one is waited for, then carried over from the cut before. Only the very
first cut may lack an election, and only when a person says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from prep_console.config import Settings
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.journal.records import CutRecord, PartRecord, Waiting
from prep_console.journal.state import State
from prep_console.publication import rules

_NIGHT = timedelta(hours=24)
"""The PREP's length: an election that the settings do not name is carried over that long."""


class Piece(msgspec.Struct, frozen=True):
    """One election of a planned cut: from a waiting delivery, or from an earlier cut."""

    part: PartRecord
    delivery: str | None
    cut: str | None
    """The earlier cut whose files are linked; None for a delivered part."""


class CutPlan(msgspec.Struct, frozen=True):
    id: CutId
    why: str
    """'', completed, corrected or again."""
    pieces: tuple[Piece, ...]
    missing: tuple[str, ...]
    deliveries: tuple[str, ...]
    """Waiting deliveries that it uses up; none when it joins two cuts that are here."""
    before: str | None
    """The cut that it follows: what a carried election comes from."""


class Assembly(msgspec.Struct, frozen=True):
    """What can be done now. At most one plan: the next one is decided on the state after it."""

    plan: CutPlan | None
    waiting_for: tuple[str, ...]
    superseded: tuple[str, ...] = ()
    """Deliveries that can become no cut any more: a later one is complete before the first."""
    due_at: datetime | None = None
    """When waiting ends, if nothing else comes."""
    later_complete: bool = False
    """A newer cut is whole already: it must not wait for this one."""


class _Group(msgspec.Struct, frozen=True):
    """Waiting parts that belong to one cut."""

    pieces: dict[str, Piece]
    first_at: datetime
    deliveries: tuple[str, ...]


def assemble(
    state: State,
    settings: Settings,
    now: datetime,
    *,
    at_once: bool = False,
    joins: bool = True,
) -> Assembly:
    """The next cut that the waiting parts make, or what they wait for.

    ``at_once`` is a person's word not to wait any longer. ``joins``: whether a cut that a person
    must decide about is put together anew with the late parts that passed it over.
    """
    joined = _joined(state) if joins else None
    if joined is not None:
        return Assembly(joined, ())
    before = rules.newest_eligible(state)
    groups = _groups([w for w in state.waiting if not w.corrected], settings)
    if groups:
        return _next(groups, state, settings, before, now, at_once)
    for entry in state.waiting:
        if entry.corrected:
            plan = _correction(state, entry)
            if plan is not None:
                return Assembly(plan, ())
    return Assembly(None, ())


def is_due(state: State, *, joins: bool = True) -> bool:
    """Whether a cut may be left to put together: something waits, or a crash came between.

    ``joins`` as for :func:`assemble`.
    """
    return bool(state.waiting) or (joins and rules.passed_over(state) is not None)


def _next(
    groups: Sequence[_Group],
    state: State,
    settings: Settings,
    before: CutRecord | None,
    now: datetime,
    at_once: bool,
) -> Assembly:
    group = groups[0]
    pieces, lacking = _pieces(group, settings, before)
    later_complete = any(not _pieces(g, settings, before)[1] for g in groups[1:])
    due_at = group.first_at + timedelta(seconds=settings.intake.carry_after_seconds)
    unavailable = tuple(e for e in lacking if e not in pieces)
    if lacking and not at_once:
        if unavailable and later_complete:
            return Assembly(None, (), superseded=group.deliveries)
        if unavailable or not (later_complete or now >= due_at):
            return Assembly(None, lacking, due_at=None if unavailable else due_at)
    plan = _plan(state, group, pieces, unavailable, before)
    return Assembly(plan, (), later_complete=later_complete)


def _groups(waiting: Sequence[Waiting], settings: Settings) -> list[_Group]:
    """Waiting deliveries in the order of their stamps, those of one cut together."""
    half = timedelta(minutes=settings.election.cadence_minutes) / 2
    groups: list[list[Waiting]] = []
    for entry in sorted(waiting, key=_newest_stamp):
        group = groups[-1] if groups else []
        taken = {part.election for other in group for part in other.parts}
        near = bool(group) and _newest_stamp(entry) - _newest_stamp(group[0]) <= half
        if near and not any(part.election in taken for part in entry.parts):
            group.append(entry)
        else:
            groups.append([entry])
    return [
        _Group(
            {p.election: Piece(p, entry.delivery, None) for entry in group for p in entry.parts},
            min(entry.received_at for entry in group),
            tuple(entry.delivery for entry in group),
        )
        for group in groups
    ]


def _newest_stamp(entry: Waiting) -> Stamp:
    return max(Stamp.of(part.stamp) for part in entry.parts)


def _pieces(
    group: _Group, settings: Settings, before: CutRecord | None
) -> tuple[dict[str, Piece], tuple[str, ...]]:
    """The best piece of every election, and the elections that are not of this cut's time yet."""
    half = timedelta(minutes=settings.election.cadence_minutes) / 2
    pieces = dict(group.pieces)
    wanted = settings.election.elections
    newest = max(Stamp.of(piece.part.stamp) for piece in pieces.values())
    for part in before.parts if before else ():
        same_night = abs(newest - Stamp.of(part.stamp)) <= _NIGHT
        if part.election not in pieces and (part.election in wanted or same_night):
            pieces[part.election] = Piece(part, None, before.id if before else None)
    newest = max(Stamp.of(piece.part.stamp) for piece in pieces.values())
    near = {
        election: newest - Stamp.of(piece.part.stamp) <= half for election, piece in pieces.items()
    }
    for election, piece in pieces.items():
        if piece.cut is not None:
            part = piece.part
            carried = part.carried or not near[election]
            pieces[election] = Piece(
                PartRecord(part.election, part.stamp, part.sha256, carried), None, piece.cut
            )
    if not wanted:  # accepts any, waits for none
        return pieces, ()
    return pieces, tuple(e for e in wanted if not near.get(e, False))


def _plan(
    state: State,
    group: _Group,
    pieces: dict[str, Piece],
    missing: tuple[str, ...],
    before: CutRecord | None,
) -> CutPlan:
    stamp = max(Stamp.of(piece.part.stamp) for piece in pieces.values())
    revision = _next_revision(state, stamp)
    ordered = tuple(pieces[election] for election in sorted(pieces))
    return CutPlan(
        CutId(stamp, revision),
        _why(state, stamp) if revision > 1 else "",
        ordered,
        missing,
        group.deliveries,
        before.id if before else None,
    )


def _why(state: State, stamp: Stamp) -> str:
    """Of a further revision that corrects nothing: a late part, or all of it once more."""
    before = [cut for cut in state.cuts.values() if CutId.of(cut.id).stamp == stamp]
    return "completed" if any(cut.epoch == state.epoch for cut in before) else "again"


def _correction(state: State, entry: Waiting) -> CutPlan | None:
    """A revision of the cut whose part was delivered again with other bytes.

    It takes what else came with that part, and was late for its cut.
    """
    replaced = {(part.election, part.stamp) for part in entry.parts}
    for cut in reversed(rules.stored(state)):
        if not any((p.election, p.stamp) in replaced and not p.carried for p in cut.parts):
            continue
        stamp = CutId.of(cut.id).stamp
        pieces = {p.election: Piece(p, None, cut.id) for p in cut.parts}
        for part in entry.parts:
            earlier = pieces.get(part.election)
            if earlier is None or part.stamp >= earlier.part.stamp:
                pieces[part.election] = Piece(part, entry.delivery, None)
        return CutPlan(
            CutId(stamp, _next_revision(state, stamp)),
            "corrected",
            tuple(pieces[election] for election in sorted(pieces)),
            tuple(election for election in cut.missing if election not in pieces),
            (entry.delivery,),
            cut.id,
        )
    return None


def _joined(state: State) -> CutPlan | None:
    """A late part made a revision without what waits for a person: one with both, which waits.

    Otherwise nobody would be asked any more, and who publishes the correction would take the late
    part back.
    """
    found = rules.passed_over(state)
    if found is None:
        return None
    waits, late = found
    pieces = {part.election: Piece(part, None, late.id) for part in late.parts}
    pieces |= {part.election: Piece(part, None, waits.id) for part in rules.lacking(late, waits)}
    stamp = CutId.of(late.id).stamp
    return CutPlan(
        CutId(stamp, _next_revision(state, stamp)),
        "corrected" if waits.why == "corrected" else "completed",
        tuple(pieces[election] for election in sorted(pieces)),
        tuple(election for election in late.missing if election not in pieces),
        (),
        late.id,
    )


def _next_revision(state: State, stamp: Stamp) -> int:
    taken = [CutId.of(cut).revision for cut in state.cuts if CutId.of(cut).stamp == stamp]
    return max(taken, default=0) + 1
