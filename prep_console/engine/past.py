"""A station's past: the snapshot of any moment, from its record and its samples alone.

Nothing is written and nothing is asked of a running engine, so it works on a copy of a station's
folder and for a uid that may only read. The journal says what was public, decided and alarmed;
the telemetry what the instruments read. What neither tells is unknown.

A kept state every thousand lines makes a jump in a long record cheap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal

from prep_console import telemetry
from prep_console.alarms import conditions
from prep_console.alarms.lifecycle import Look, Memory, advance, remembered
from prep_console.config import Settings
from prep_console.engine.last_word import STALE_AFTER_S, UNREAD, read_now
from prep_console.engine.settings_of_then import as_then
from prep_console.engine.view import JOURNAL_LINES, UNKNOWN_CUT, Seen, put_together, with_public
from prep_console.journal import reading
from prep_console.journal.chain import Line
from prep_console.journal.decided import is_decision
from prep_console.journal.fold import fold
from prep_console.journal.journal import Position
from prep_console.journal.state import State
from prep_console.probes.site.visitor import VISITOR, served
from prep_console.problems import Refused
from prep_console.publication.station import Station
from prep_console.snapshot import AlarmView, EngineView, PastView, Reading, ServedView, Snapshot
from prep_console.telemetry.moments import STEP_S, Moment
from prep_console.values import replace
from prep_console.wording import N_, sentence

_EVERY = 1000
_SETTLES = timedelta(seconds=10)
"""A cut that goes live within this after it was sealed did so as one event."""
_ALARMS = {"raised", "escalated"}

EventKind = Literal["alarm", "decision", "cut"]


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """One journal, read to its end."""

    archive: str | None
    """Name of the archive it lies in; None: the station's own."""
    lines: tuple[Line, ...]
    times: tuple[datetime, ...]
    """When each line stands on the replay's clock, never falling; see :func:`placed`."""
    states: tuple[State, ...]
    """Before line 0, ``_EVERY``, 2 × ``_EVERY``, …"""
    broken_line: int | None

    def state_after(self, count: int) -> State:
        """The state after the first ``count`` lines."""
        kept = count // _EVERY
        lines = self.lines[kept * _EVERY : count]
        head = lines[-1] if lines else None
        position = Position(0, count, head.seq, head.hash) if head else Position(0, count)
        return fold(lines, position, self.states[kept])


class Past:
    """The whole past of one station: its archived nights and the one that goes on."""

    def __init__(self, settings: Settings) -> None:
        """Refused when nothing was ever recorded; Failed when a journal may not be read, or is of
        a newer version."""
        self._settings = settings
        self._station = station = Station(settings)
        station.refuse_newer()
        journals: list[tuple[str | None, Path]] = [
            (folder.name, folder / "journal" / station.journal.name)
            for folder in sorted(station.root.glob("archive/*"))
        ]
        nights = (_night(name, path) for name, path in [*journals, (None, station.journal)])
        self.nights = tuple(night for night in nights if night.lines)
        if not self.nights:
            raise Refused(
                sentence(N_("this station has no record yet: there is nothing to replay")),
                sentence(N_("look at the folder that the settings name under station.root")),
            )
        self._last_word = read_now(station.run / "now.json")
        sampled = telemetry.stretch(station.root)
        self.begins = self.nights[0].times[0]
        ends = [self.nights[-1].times[-1], *([sampled[1]] if sampled else [])]
        self.ends = max(ends)
        self._folded: tuple[Night, int, State] | None = None

    @property
    def last_begins(self) -> datetime:
        """Where the last night that holds more than its opening line begins."""
        grown = [night for night in self.nights if len(night.lines) > 1]
        return (grown or self.nights)[-1].times[0]

    def events(self, kind: EventKind) -> tuple[datetime, ...]:
        """When there is something to jump to, oldest first."""
        found = (at for night in self.nights for at in _events(night, kind))
        return tuple(sorted(set(found)))

    def night_at(self, at: datetime) -> tuple[Night | None, int]:
        """The night that ``at`` lies in, and how many of its lines were written by then."""
        found = None
        for night in self.nights:
            if night.times[0] <= at:
                found = night
        return found, bisect_right(found.times, at) if found is not None else 0

    def lines_until(self, at: datetime) -> Sequence[Line]:
        """The record of that night as it was at ``at``."""
        night, count = self.night_at(at)
        return night.lines[:count] if night is not None else ()

    def station_at(self, at: datetime) -> Station:
        """Where the cuts of that night lie, only to be read."""
        night, _ = self.night_at(at)
        station = Station(self._settings)
        if night is not None and night.archive is not None:
            folder = self._station.root / "archive" / night.archive
            station.root, station.cuts, station.run = folder, folder / "cuts", folder / "run"
            station.journal = folder / "journal" / station.journal.name
        return station

    def at(self, at: datetime) -> Snapshot:
        """The station at a moment of its past (aware UTC)."""
        night, count = self.night_at(at)
        state, error = self._state(night, count), None
        if state.live is not None and state.live not in state.cuts:
            error = UNKNOWN_CUT
            state = with_public(self.station_at(at), state, state.live)
        moment = telemetry.moment(self._station.root, at)
        then = as_then(self._settings, moment.settings)
        settings = then or self._settings
        engine = self._engine(moment, at)
        readings = _readings(moment, engine)
        seen_by_visitor = _served(state, readings) if engine.alive else None
        alarms = in_force(settings, state, engine, seen_by_visitor, readings, at)
        lines = night.lines[max(0, count - JOURNAL_LINES) : count] if night is not None else ()
        return put_together(
            settings,
            state,
            state.live,
            Seen(engine, readings, seen_by_visitor, alarms, moment.history, float(STEP_S)),
            at,
            lines=tuple(reversed(lines)),
            read_error=error or moment.error,
            past=PastView(
                self.begins,
                self.ends,
                night.archive if night is not None else None,
                night.broken_line if night is not None else None,
                moment.sampled,
                settings_known=then is not None,
            ),
        )

    def _state(self, night: Night | None, count: int) -> State:
        """Kept for the next look: while it plays, most moments lie behind the same line."""
        if night is None:
            return State()
        kept = self._folded
        if kept is None or kept[0] is not night or kept[1] != count:
            kept = self._folded = night, count, night.state_after(count)
        return kept[2]

    def _engine(self, moment: Moment, at: datetime) -> EngineView:
        alive = moment.alive
        said = self._last_word
        if alive is None and said is not None:
            # of the time after the last sample, the last heartbeat tells what status then told
            age = (at - said.at).total_seconds()
            if age >= STALE_AFTER_S or (said.ended and age >= 0):
                alive = False
        return EngineView(alive, moment.pid if alive else None, None)


def in_force(
    settings: Settings,
    state: State,
    engine: EngineView,
    site: ServedView | None,
    readings: dict[str, Reading],
    at: datetime,
) -> tuple[AlarmView, ...]:
    """The alarms that the record says were in force, with their figures as of ``at``.

    While an engine led, nothing is judged anew: what it did not announce was no alarm. While none
    did, every screen judged for itself, and so does this.
    """
    memory = remembered(Memory(), state)
    found = conditions.look(
        settings,
        state,
        engine=engine if engine.alive is False else EngineView(True, None, None),
        served=site,
        readings=readings,
        since={},
        memory=memory,
        now=at,
    )
    if engine.alive is not False:
        known = [
            replace(one, severity=memory.entries[one.key].severity)
            for one in found.conditions
            if one.key in memory.entries
        ]
        found = Look(tuple(known), frozenset(memory.entries))
    _, alarms, _ = advance(memory, found, state, at)
    return alarms


def _readings(moment: Moment, engine: EngineView) -> dict[str, Reading]:
    """What an engine that was there had read; unknown of any other moment."""
    if engine.alive:
        return dict(moment.readings)
    why = UNREAD if engine.alive is False else telemetry.NOTHING
    return {
        name: replace(one, value=None, state="unknown", error=why)
        for name, one in moment.readings.items()
    }


def _served(state: State, readings: dict[str, Reading]) -> ServedView | None:
    """The last look at the site, when one is known.

    A look is *ok* only when it met the cut that was live then: one that met another cut than
    the one live now was taken before the switch, though its sample was written after it.
    """
    seen = readings.get(VISITOR)
    if seen is None or (seen.state == "unknown" and seen.error == telemetry.NOTHING):
        return None
    found = served(seen)
    before = state.live_since
    if before is not None and found.ok and found.id not in {None, state.live}:
        return replace(found, checked_at=min(found.checked_at, before - timedelta(microseconds=1)))
    return found


def _night(archive: str | None, path: Path) -> Night:
    found = reading.read(path)
    lines = found.lines
    states = [State()]
    for start in range(0, len(lines) - _EVERY + 1, _EVERY):
        part = lines[start : start + _EVERY]
        end = Position(0, start + _EVERY, part[-1].seq, part[-1].hash)
        states.append(fold(part, end, states[-1]))
    broken = found.breaks[0].line if found.breaks else None
    return Night(archive, lines, placed([one.time for one in lines]), tuple(states), broken)


def placed(times: Sequence[datetime]) -> tuple[datetime, ...]:
    """When each line stands on a clock that never goes back; the chain is in the right order.

    A clock that jumped and was set right again left hours that do not fit the others. Those that
    break the longest rising row are taken for the jump, and stand where the line before them does.
    """
    if all(before <= after for before, after in pairwise(times)):
        return tuple(times)
    fitting = _longest_rising(times)
    first = next(at for at, fits in zip(times, fitting, strict=True) if fits)
    found: list[datetime] = []
    for at, fits in zip(times, fitting, strict=True):
        found.append(at if fits else (found[-1] if found else first))
    return tuple(found)


def _longest_rising(times: Sequence[datetime]) -> list[bool]:
    """Which of ``times`` make the longest row that never falls (patience sorting)."""
    tops: list[datetime] = []
    places: list[int] = []
    before: list[int | None] = []
    for y, at in enumerate(times):
        pile = bisect_right(tops, at)
        before.append(places[pile - 1] if pile else None)
        if pile == len(tops):
            tops.append(at)
            places.append(y)
        else:
            tops[pile], places[pile] = at, y
    fits = [False] * len(times)
    at_line: int | None = places[-1]
    while at_line is not None:
        fits[at_line] = True
        at_line = before[at_line]
    return fits


def _events(night: Night, kind: EventKind) -> Iterable[datetime]:
    if kind == "alarm":
        pairs = zip(night.lines, night.times, strict=True)
        return [at for line, at in pairs if line.kind in _ALARMS]
    return _decisions(night) if kind == "decision" else _cuts(night)


def _ends(night: Night) -> dict[int, int]:
    """Place of the line that closes an intent, by the intent's number."""
    return {
        number: y
        for y, line in enumerate(night.lines)
        if line.kind in {"done", "abandoned"} and isinstance(number := line.data.get("intent"), int)
    }


def _decisions(night: Night) -> list[datetime]:
    """When each decision was carried out: in between neither the old nor the new is settled."""
    ends = _ends(night)
    return [
        night.times[max(y, ends.get(line.seq, y))]
        for y, line in enumerate(night.lines)
        if is_decision(line)
    ]


def _cuts(night: Night) -> list[datetime]:
    """When each cut was there, and public if it went live with that."""
    ends = _ends(night)
    went_live = {
        str(line.data.get("to")): night.times[ends[line.seq]]
        for line in reversed(night.lines)
        if line.kind == "intent" and line.seq in ends
    }
    found = []
    for line, at in zip(night.lines, night.times, strict=True):
        if line.kind == "sealed":
            live = went_live.get(str(line.data.get("cut")))
            found.append(live if live is not None and at <= live < at + _SETTLES else at)
    return found
