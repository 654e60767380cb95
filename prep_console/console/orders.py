"""What a screen may ask for, and the one place where it becomes an action of the station."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, TypedDict

from prep_console.alarms import records
from prep_console.config import Settings
from prep_console.console import exports, histories, wording_of
from prep_console.cuts.stamps import CutId
from prep_console.engine.unit import start_engine
from prep_console.engine.view import SnapshotReader
from prep_console.intake import resync_progress
from prep_console.journal.actor import Actor, current_actor
from prep_console.problems import Failed, Refused
from prep_console.publication import actions, store
from prep_console.publication.actions import Expected, Outcome
from prep_console.publication.station import Station
from prep_console.publication.store import LookedOver
from prep_console.reports import changes as change_report
from prep_console.snapshot import AlarmView, Snapshot
from prep_console.widgets.cut_page import CutFacts
from prep_console.widgets.history_graph import Bounds, Sample
from prep_console.widgets.lines import holds
from prep_console.wording import N_, sentence

ENGINE_WITHIN_S = 20.0
"""From the start to the first heartbeat; the whole journal is verified in between, and a busy
machine starts slowly: what leads a moment later is not to be told as one that did not start."""

Action = Literal[
    "publish",
    "rollback",
    "hold",
    "release",
    "freeze",
    "thaw",
    "suspend",
    "resync",
    "cancel_resync",
    "start_engine",
]


@dataclass(frozen=True, slots=True)
class Order:
    """One decision, complete: what, which cut, why, and what its author saw."""

    action: Action
    cut: str | None
    """Id of the cut meant; None where the action needs none."""
    reason: str
    expected: Expected


@dataclass(frozen=True, slots=True)
class AlarmOrder:
    """What somebody does with an alarm; nothing of it changes what the public sees."""

    kind: Literal["acknowledge", "shelve", "unshelve"]
    alarm: AlarmView
    """As its author saw it."""
    minutes: int = 0
    """How long it is shelved."""
    reason: str = ""


class Actions(Protocol):
    """Carries out orders. Blocks until it is done; raises problems.Problem when it is not."""

    def do(self, order: Order) -> Outcome: ...

    def look_ahead(self, cut: str) -> None:
        """Look over a cut that the next order may make live, while its author decides."""
        ...

    def mind(self, order: AlarmOrder) -> None:
        """Acknowledge, shelve or unshelve an alarm."""
        ...

    def history(self, name: str, since: datetime, until: datetime, points: int) -> Sequence[Sample]:
        """What was kept of a reading; OSError when it cannot be read."""
        ...

    def bounds(self, name: str, snapshot: Snapshot) -> Bounds:
        """From where on a reading is wrong."""
        ...

    def facts(self, cut: str) -> CutFacts:
        """What a stored cut's manifest says; problems.Problem."""
        ...

    def changes(self, before: str, after: str) -> Sequence[str]:
        """What changed from one cut to another, in sentences; problems.Problem."""
        ...

    def export(self, wanted: str) -> Path:
        """Write the record's lines that hold ``wanted`` to a new file; problems.Problem."""
        ...


class _Given(TypedDict):
    """What every action is told."""

    actor: Actor
    reason: str
    expected: Expected
    looked: LookedOver | None


class StationActions:
    """The real one: the same functions that the commands call."""

    def __init__(self, settings: Settings, config: Path) -> None:
        """``config`` is the settings' own file: a started engine reads it again."""
        self._settings = settings
        self._config = config
        self._looked: LookedOver | None = None

    def facts(self, cut: str) -> CutFacts:
        """What ``cuts/<id>/cut.json`` says; Failed when it cannot be read."""
        return wording_of.facts(*store.manifest_of(Station(self._settings), cut))

    def changes(self, before: str, after: str) -> Sequence[str]:
        """As ``diff`` tells it."""
        from prep_console.publication.changes import between  # csv, zipfile: not for the start

        return tuple(change_report.told(between(Station(self._settings), before, after)))

    def export(self, wanted: str) -> Path:
        """As ``journal`` tells it, into the current folder."""
        from prep_console.journal import reading

        settings = self._settings
        lines = reading.texts(Station(settings).journal, settings.zone, as_json=False, follow=False)
        kept = (text for text in lines if holds(text, wanted))
        return exports.write(kept, "journal", datetime.now(settings.zone), Path.cwd())

    def look_ahead(self, cut: str) -> None:
        """Kept for the next order: it then need not look at thousands of files."""
        self._looked = actions.look_ahead(Station(self._settings), CutId.of(cut))

    def mind(self, order: AlarmOrder) -> None:
        """Write it into the record, as the command does."""
        station, actor = Station(self._settings), current_actor()
        match order.kind:
            case "acknowledge":
                records.acknowledge(station, order.alarm, actor=actor, reason=order.reason)
            case "shelve":
                records.shelve(
                    station, order.alarm, minutes=order.minutes, reason=order.reason, actor=actor
                )
            case "unshelve":
                records.unshelve(station, order.alarm, actor=actor)

    def history(self, name: str, since: datetime, until: datetime, points: int) -> Sequence[Sample]:
        """From the telemetry of the station."""
        return histories.of_station(self._settings.root, name, since, until, points)

    def bounds(self, name: str, snapshot: Snapshot) -> Bounds:
        """As the settings say."""
        return histories.bounds(self._settings, name, snapshot)

    def do(self, order: Order) -> Outcome:
        """Carry ``order`` out under the station's rules and lock."""
        station, actor = Station(self._settings), current_actor()
        looked, self._looked = self._looked, None
        given = _Given(actor=actor, reason=order.reason, expected=order.expected, looked=looked)
        cut = CutId.of(order.cut) if order.cut is not None else None
        match order.action:
            case "publish":
                assert cut is not None
                return actions.publish(station, cut, **given)
            case "rollback":
                return actions.rollback(station, to=cut, **given)
            case "hold":
                return actions.hold(station, **given)
            case "release":
                return actions.release(station, **given)
            case "freeze":
                return actions.freeze(station, cut, **given)
            case "thaw":
                return actions.thaw(station, **given)
            case "suspend":
                return actions.suspend(station, **given)
            case "resync":
                from prep_console.intake.resync import resync  # the whole intake: not for the start

                done = resync(station, actor=actor)
                live = station.live().cut
                return Outcome(
                    "resync", bool(done.received), live, live, given["expected"].mode, done.told
                )
            case "cancel_resync":
                return _cancel_resync(station, given["expected"])
            case "start_engine":
                return self._start_engine(given["expected"])

    def _start_engine(self, seen: Expected) -> Outcome:
        try:
            started = start_engine(self._config)
        except OSError as error:
            raise _not_started(str(error)) from error
        reader, pause = SnapshotReader(self._settings), threading.Event()
        end = time.monotonic() + ENGINE_WITHIN_S
        while not reader.read().engine.alive:
            if started is not None and started.poll() is not None:
                raise _not_started(f"exit {started.returncode}")
            if time.monotonic() > end:
                raise _not_started(f"{ENGINE_WITHIN_S:g} s")
            pause.wait(0.1)
        told = sentence(N_("the engine is running"))
        return Outcome("start_engine", True, seen.live, seen.live, seen.mode, told)


def _cancel_resync(station: Station, seen: Expected) -> Outcome:
    if not resync_progress.cancel(station):
        raise Refused(
            sentence(N_("no resync runs that you could stop")),
            sentence(N_("status shows one that runs")),
        )
    told = sentence(N_("the resync was asked to stop; what is being sealed is sealed first"))
    return Outcome("cancel_resync", True, seen.live, seen.live, seen.mode, told)


def _not_started(error: str) -> Failed:
    return Failed(
        sentence(N_("the engine did not start: {error}"), error=error),
        sentence(N_("prep-console check and journalctl -u prep-console -n 50 say why")),
    )
