"""Everything a screen shows, as one frozen value; also the shape of ``run/now.json``.

All times are aware UTC. Readers draw from this and from nothing else: what is not in here is
not on a screen. ``observed_at`` is when the snapshot was put together, so an age on a screen is
``snapshot.observed_at - fact`` and never asks the clock again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

Mode = Literal["auto", "hold", "frozen"]
Phase = Literal["simulacro", "jornada"]
ReadingState = Literal["ok", "warning", "critical", "unknown"]
CutState = Literal["live", "previous", "kept", "withdrawn", "final"]
AlarmSeverity = Literal["warning", "critical"]
Detail = str | int | float | bool | None


class Reading(msgspec.Struct, frozen=True):
    """One instrument read once. ``value`` is None exactly when ``state`` is unknown."""

    value: float | str | None
    unit: str
    """``%``, ``bytes``, ``s``, ``bytes/s`` or ''."""
    state: ReadingState
    observed_at: datetime
    error: str | None = None
    """Why there is no value; English, may hold a neighbour's own words."""
    detail: Mapping[str, Detail] = msgspec.field(default_factory=dict)


class PartView(msgspec.Struct, frozen=True):
    """One election inside a cut."""

    election: str
    stamp: datetime
    carried: bool
    """True when it was taken over from the cut before because none came in time."""


class CutView(msgspec.Struct, frozen=True):
    """One sealed cut, for a table row and for the four clocks. Newest first in a snapshot."""

    id: str
    stamp: datetime
    state: CutState
    received_at: datetime
    verified_at: datetime
    sealed_at: datetime
    published_at: datetime | None
    """When it last became the live one; None if it never was."""
    served_at: datetime | None
    """When it was first seen over HTTP after that."""
    bytes: int
    warnings: int
    revision_of: str | None
    """``completed``, ``corrected``, ``again`` or None."""
    parts: tuple[PartView, ...]
    counted: int | None
    """Counted actas over all elections; None when no file says."""
    counted_delta: int | None
    """Against the cut before it."""
    waits_for_person: bool = False
    """Corrected, questioned, or a withdrawn cut again: only a person may publish it."""
    questioned: bool = False
    """Its figures are zero, though those of the cut before were not."""


class LiveView(msgspec.Struct, frozen=True):
    """The cut that the pointer names."""

    cut: CutView
    sha256: str
    """Of its manifest."""
    since: datetime


class RefusedView(msgspec.Struct, frozen=True):
    """A delivery that was stopped, kept in quarantine."""

    id: str
    name: str
    at: datetime
    reason: str
    """In English; the checks' ids are in ``checks`` for a translated sentence."""
    checks: tuple[str, ...]
    findings: tuple[Mapping[str, Any], ...] = ()
    """What each check found (check, severity, where, values), for a translated sentence."""


class ServedView(msgspec.Struct, frozen=True):
    """What a visitor got from the site at the last look."""

    id: str | None
    """The cut in the answer's header; None when the site named none."""
    ok: bool
    """True when it answered well and with the live cut."""
    checked_at: datetime
    latency_s: float | None
    status: int | None
    error: str | None
    hour: str | None = None
    """``02:35`` of ``id``; None where that is no cut's: a cache may name anything."""


class DecisionView(msgspec.Struct, frozen=True):
    """Who put the station in its mode, and why."""

    action: str
    """rollback, hold, freeze, publish, suspend, thaw."""
    by: str
    at: datetime
    reason: str


class EngineView(msgspec.Struct, frozen=True):
    alive: bool | None
    """None: not known; only a replay says so, of a moment that nobody recorded."""
    pid: int | None
    heartbeat_age_s: float | None
    ever: bool = True
    """False: no engine has run here yet, so there is no telling since when there is none."""


class AlarmView(msgspec.Struct, frozen=True):
    """One alarm in force. Shelved and acknowledged ones are here too: nothing hides state."""

    id: str
    """Of its rule; see docs/alarms.md."""
    severity: AlarmSeverity
    since: datetime
    """From when on the fault was there, which is before the alarm was raised."""
    acknowledged_by: str | None
    text: str
    """In English."""
    values: Mapping[str, Detail] = msgspec.field(default_factory=dict)
    """Fills the translated sentence of the alarm's id."""
    subject: str = ""
    """What it is about, where a rule can hold for several: a device, a service, an election."""
    acknowledged_at: datetime | None = None
    shelved_until: datetime | None = None
    """Quiet until then; never more than 30 minutes ahead."""
    shelved_by: str | None = None
    shelved_reason: str = ""
    flapping: bool = False
    """It came and went so often that it stays until it has been quiet for a while."""
    consequences: tuple[str, ...] = ()
    """Keys of the alarms that this one explains, and that are therefore not listed."""

    @property
    def key(self) -> str:
        """What an operator names it by."""
        return f"{self.id}:{self.subject}" if self.subject else self.id


class JournalView(msgspec.Struct, frozen=True):
    """One line of the record, ready to be put in words by its kind."""

    seq: int
    at: datetime
    actor: str
    kind: str
    data: Mapping[str, object]


class PastView(msgspec.Struct, frozen=True):
    """That what is shown is over: a replayed moment, and the stretch that it lies in."""

    begins: datetime
    ends: datetime
    archive: str | None = None
    """Where ``station new`` put that night; None: it is the station's own."""
    broken_line: int | None = None
    """First line of that night's journal where the chain does not hold."""
    sampled: bool = True
    """Whether the instruments were recorded at that moment."""
    playing: bool = False
    speed: float = 1.0
    """Replayed seconds per second."""
    remark: str = ""
    """What the last key met, in the reader's language."""
    settings_known: bool = True
    """Whether phase, elections and cadence are those of then; else they are today's."""


class Snapshot(msgspec.Struct, frozen=True):
    observed_at: datetime
    station: str
    title: str
    elections: tuple[str, ...]
    timezone: str
    phase: Phase
    cadence_s: float
    """From one cut to the next as they arrive: less by its speed in a quickened rehearsal."""
    mode: Mode
    decision: DecisionView | None
    """The decision behind hold or frozen, or behind a live cut that a person chose; else None."""
    live: LiveView | None
    previous: CutView | None
    """Where a rollback would go."""
    served: ServedView | None
    high_water: Mapping[str, datetime]
    waiting_for: tuple[str, ...]
    """Elections that the cut being put together still lacks."""
    waiting_cuts: int
    """Sealed cuts newer than the live one, neither withdrawn nor live."""
    next_due: datetime | None
    late_s: float | None
    """Seconds past next_due; 0 when in time; None when nothing is expected."""
    cuts: tuple[CutView, ...]
    cuts_missed: int
    """Cadence steps without a cut between the first and the newest one."""
    refused: tuple[RefusedView, ...]
    engine: EngineView
    alarms: tuple[AlarmView, ...]
    readings: Mapping[str, Reading]
    history: Mapping[str, tuple[float | None, ...]]
    """Last samples per reading name, oldest first, one per ``history_step_s``."""
    history_step_s: float
    journal: tuple[JournalView, ...]
    """The last lines, newest first."""
    read_error: str | None = None
    """Why the station could not be read in full (English), or None."""
    past: PastView | None = None
    """Not None: nothing of this is so now."""
    contacts: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Whom to call: label and what to dial, as the settings have them."""
    embargo_until: datetime | None = None
    """The opening, while nothing goes live by itself before it; else None."""

    @property
    def mode_is_known(self) -> bool:
        """The journal says the mode; where it cannot be read at all, nobody knows it."""
        return self.read_error is None or bool(self.journal)

    @property
    def seq(self) -> int:
        """The journal's last line; 0 when none was read."""
        return self.journal[0].seq if self.journal else 0
