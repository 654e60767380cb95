"""The snapshot: journal, pointer and the engine's readings put together for a screen.

Needs no engine; what one said last counts as long as :mod:`.last_word` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec

from prep_console.alarms import conditions, lateness
from prep_console.alarms.lifecycle import Memory, advance, remembered
from prep_console.config import Settings
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.engine.last_word import Now, engine_of, read_now, readings_of, served_of
from prep_console.intake import resync_progress
from prep_console.intake.assembly import assemble
from prep_console.intake.resync_progress import ResyncProgress
from prep_console.journal import journal
from prep_console.journal.actor import program
from prep_console.journal.chain import Line
from prep_console.journal.fold import fold
from prep_console.journal.records import CutRecord
from prep_console.journal.state import State, of_state
from prep_console.publication import rules, store
from prep_console.publication.pointer import Live
from prep_console.publication.station import Station
from prep_console.snapshot import (
    AlarmView,
    CutState,
    CutView,
    DecisionView,
    Detail,
    EngineView,
    JournalView,
    LiveView,
    PartView,
    PastView,
    Reading,
    RefusedView,
    ServedView,
    Snapshot,
)
from prep_console.values import replace
from prep_console.wording import N_

JOURNAL_LINES = 40
"""Lines of the record that a snapshot holds."""
UNKNOWN_CUT = N_("a cut is public that the journal does not know")


class SnapshotReader:
    """Reads one station again and again; what has not changed on disk is not read twice."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._station = Station(settings)
        self._seen: tuple[int, ...] = ()
        self._lines: tuple[Line, ...] = ()

    def read(self, now: datetime | None = None) -> Snapshot:
        """The station at this moment. Never raises for what is wrong on disk: it says so."""
        now = now or datetime.now(UTC)
        error = None
        state = State()
        lines: tuple[Line, ...] = ()  # what is remembered of an unreadable journal is not now's
        try:
            state = self._station.state()
            size = state.position.offset
            if self._seen != (size,):
                self._lines = journal.tail(self._station.journal, JOURNAL_LINES)
                self._seen = (size,)
            lines = self._lines
        except OSError as problem:
            error = f"{problem.strerror}: {problem.filename}"
        said = read_now(self._station.run / "now.json")
        live = Live(None, 0)
        try:
            live = self._station.live()
        except OSError as problem:
            error = error or f"{problem.strerror}: {problem.filename}"
        if live.cut is not None and live.cut not in state.cuts:
            error = error or UNKNOWN_CUT
            state = with_public(self._station, state, live.cut)
        snapshot = compose(
            self._settings,
            state,
            live,
            said,
            engine_of(self._station, said, now),
            now,
            lines=lines,
            read_error=error,
        )
        running = resync_progress.read(self._station)
        if running is None:
            return snapshot
        return replace(snapshot, readings={**snapshot.readings, "resync": _resync(running, now)})


def _resync(running: ResyncProgress, now: datetime) -> Reading:
    """A resync that runs, whoever started it, as one more instrument."""
    detail: dict[str, Detail] = {
        "source": running.source,
        "file": running.file,
        "bytes": running.bytes,
        "total_bytes": running.total_bytes,
        "bytes_per_s": round(running.bytes_per_s, 1),
        "eta_s": running.eta_s,
    }
    return Reading(running.state, "", "ok", now, detail=detail)


def read_snapshot(settings: Settings) -> Snapshot:
    """One look at a station."""
    return SnapshotReader(settings).read()


def compose(
    settings: Settings,
    state: State,
    live: Live,
    said: Now | None,
    engine: EngineView,
    now: datetime,
    *,
    lines: tuple[Line, ...] = (),
    read_error: str | None = None,
) -> Snapshot:
    """Everything a screen shows, from what was read. Pure."""
    readings = readings_of(said, engine, now)
    served = served_of(said, engine, now)
    memory = said.alarms if said is not None else Memory()
    if not engine.alive:  # nobody writes: what the journal says stands, and what is wrong now
        memory = remembered(memory, state)
    look = conditions.look(
        settings,
        state,
        engine=engine,
        served=served,
        readings=readings,
        since=said.since if said else {},
        memory=memory,
        now=now,
    )
    _, alarms, _ = advance(memory, look, state, now)
    seen = Seen(
        engine,
        readings,
        served,
        alarms,
        said.history if said else {},
        said.history_step_s if said else 10.0,
    )
    return put_together(settings, state, live.cut, seen, now, lines=lines, read_error=read_error)


class Seen(msgspec.Struct, frozen=True):
    """What the journal does not say of a moment."""

    engine: EngineView
    readings: Mapping[str, Reading]
    served: ServedView | None
    alarms: tuple[AlarmView, ...]
    history: Mapping[str, tuple[float | None, ...]] = msgspec.field(default_factory=dict)
    history_step_s: float = 10.0


def put_together(
    settings: Settings,
    state: State,
    live: str | None,
    seen: Seen,
    now: datetime,
    *,
    lines: tuple[Line, ...] = (),
    read_error: str | None = None,
    past: PastView | None = None,
) -> Snapshot:
    """The snapshot of a moment, present or past; ``live`` is the cut that the pointer names."""
    cuts = _cut_views(state, settings.zone)
    by_id = {cut.id: cut for cut in cuts}
    target = rules.rollback_target(state)
    next_due = lateness.next_due(settings, state)
    record = state.cuts.get(live or "")
    public = by_id.get(live or "")
    return Snapshot(
        observed_at=now,
        station=settings.station.name,
        title=settings.election.title,
        elections=tuple(settings.election.elections),
        timezone=settings.station.timezone,
        phase=settings.station.phase,
        cadence_s=lateness.cadence(settings).total_seconds(),
        mode=state.mode,
        decision=_decision(state),
        live=LiveView(public, record.manifest, state.live_since or public.sealed_at)
        if public and record
        else None,
        previous=by_id.get(target.id) if target else None,
        served=seen.served,
        high_water={
            election: Stamp.of(mark).at(settings.zone).astimezone(UTC)
            for election, mark in sorted(state.marks.items())
        },
        waiting_for=assemble(state, settings, now, joins=False).waiting_for,
        waiting_cuts=len(rules.waiting(state)),
        next_due=next_due,
        late_s=None if next_due is None else max(0.0, round((now - next_due).total_seconds(), 1)),
        cuts=cuts,
        cuts_missed=_missed(state, timedelta(minutes=settings.election.cadence_minutes)),
        refused=tuple(
            RefusedView(
                r.id,
                r.name,
                r.at,
                "; ".join(str(f["text"]) for f in r.findings),
                tuple(str(f["check"]) for f in r.findings),
                r.findings,
            )
            for r in reversed(state.refused)
        ),
        engine=seen.engine,
        alarms=seen.alarms,
        readings=seen.readings,
        history=seen.history,
        history_step_s=seen.history_step_s,
        journal=tuple(
            JournalView(line.seq, line.time, line.actor.name, line.kind, line.data)
            for line in lines
        ),
        read_error=read_error,
        past=past,
        contacts=settings.contacts,
        embargo_until=settings.election.opens if rules.embargoed(settings, now) else None,
    )


def with_public(station: Station, state: State, cut: str) -> State:
    """The public cut is on the screen also when its lines were lost: its manifest says what it is.

    The state as it was when not even that can be read.
    """
    try:
        sealed, digest = store.load(station, cut)
    except (OSError, ValueError):
        return state
    data = store.line_of(sealed, digest)
    line = Line(0, sealed.verified_at, program("status"), "sealed", data, "", "")
    return fold([line], state.position, state)


@of_state
def _cut_views(state: State, zone: ZoneInfo) -> tuple[CutView, ...]:
    views: list[CutView] = []
    before: CutRecord | None = None
    words = rules.cut_states(state)
    undecided = {cut.id for cut in rules.undecided(state)}
    for cut in rules.stored(state):
        counted_before = before.counted if before else None
        views.append(_cut_view(zone, words[cut.id], cut, counted_before, cut.id in undecided))
        before = cut
    return tuple(reversed(views))


@lru_cache(maxsize=1024)
def _cut_view(
    zone: ZoneInfo, word: CutState, cut: CutRecord, counted_before: int | None, undecided: bool
) -> CutView:
    """Kept: a line of the journal comes, and of a night's 288 cuts hardly one has changed."""
    return CutView(
        id=cut.id,
        stamp=CutId.of(cut.id).stamp.at(zone).astimezone(UTC),
        state=word,
        received_at=cut.received_at,
        verified_at=cut.verified_at,
        sealed_at=cut.sealed_at,
        published_at=cut.published_at,
        served_at=cut.served_at,
        bytes=cut.bytes,
        warnings=cut.warnings,
        revision_of=cut.why or None,
        parts=tuple(
            PartView(p.election, Stamp.of(p.stamp).at(zone).astimezone(UTC), p.carried)
            for p in cut.parts
        ),
        counted=cut.counted,
        counted_delta=None
        if cut.counted is None or counted_before is None
        else cut.counted - counted_before,
        waits_for_person=undecided,
        questioned=cut.questioned,
    )


def _decision(state: State) -> DecisionView | None:
    made = state.decision
    return DecisionView(made.action, made.by, made.at, made.reason) if made else None


@of_state
def _missed(state: State, cadence: timedelta) -> int:
    """By the hours that the cuts bear: those of a quickened rehearsal are as far apart as ever."""
    times = sorted({CutId.of(cut.id).stamp.wall for cut in state.cuts.values()})
    gaps = pairwise(times)
    return sum(max(0, round((later - earlier) / cadence) - 1) for earlier, later in gaps)
