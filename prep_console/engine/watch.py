"""The engine's watch over alarms: each second from readings to alarms, and into the journal."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from prep_console.alarms import conditions, records
from prep_console.alarms.lifecycle import Event, Memory, advance, remembered
from prep_console.config import Settings
from prep_console.engine.last_word import read_now
from prep_console.problems import Problem
from prep_console.publication.station import Station
from prep_console.publication.stuck import Locks
from prep_console.snapshot import EngineView, Reading, ServedView

log = logging.getLogger(__name__)


class Watch:
    """One for the life of an engine. :meth:`step` inline, :meth:`write` through a thread::

        events = watch.step(now, readings, served, since)   # well under a millisecond
        if watch.owes:
            await asyncio.to_thread(watch.write)             # the action lock, an fsync
        for event in events: ...                             # hooks, webhook, telemetry

    ``memory`` goes into now.json (``Now.alarms``), where screens and ``status`` go on from.
    """

    def __init__(self, settings: Settings, now: datetime) -> None:
        self._settings = settings
        self._station = Station(settings)
        self._locks = Locks(self._station)
        self._hand = Station(settings)
        """For :meth:`write`: it is used from another thread."""
        self._owed: tuple[Event, ...] = ()
        self._told: frozenset[tuple[str, str, str]] = frozenset()
        self.memory = _start(self._station, self._station.run / "now.json", now)

    def step(
        self,
        now: datetime,
        readings: Mapping[str, Reading],
        served: ServedView | None,
        since: Mapping[str, datetime],
    ) -> tuple[Event, ...]:
        """What happened since the step before: each event once, whether it could be written or not.

        ``since``: from when on a reading, or ``served``, is in its present state. OSError when
        the journal cannot be read; the memory is then as before.
        """
        state = self._station.state()
        look = conditions.look(
            self._settings,
            state,
            engine=EngineView(True, None, 0.0),
            served=served,
            readings=readings,
            since=since,
            memory=self.memory,
            now=now,
            held=self._locks.stuck(now),
            looked=True,
        )
        self.memory, _, self._owed = advance(self.memory, look, state, now)
        fresh = tuple(event for event in self._owed if _name(event) not in self._told)
        self._told = frozenset(map(_name, self._owed))
        return fresh

    @property
    def owes(self) -> bool:
        """Whether something is not in the journal yet."""
        return bool(self._owed)

    def write(self) -> None:
        """Journal what is owed. A full disk or a held lock is logged and tried again next time."""
        owed = self._owed
        try:
            records.write(self._hand, owed)
            if self._owed is owed:  # else a step found more meanwhile
                self._owed = ()
        except (OSError, Problem) as error:
            log.error("alarms are not in the journal yet: %s", error)


def _name(event: Event) -> tuple[str, str, str]:
    return event.kind, event.alarm.key, event.alarm.severity


def _start(station: Station, path: Path, now: datetime) -> Memory:
    """Where the engine before left off: its memory, and the journal's open alarms."""
    said = read_now(path)
    before = said.alarms if said is not None else Memory()
    kept = Memory(before.entries, before.raises, now)
    try:
        return remembered(kept, station.state())
    except OSError as error:
        log.error("the alarms of the journal cannot be read: %s", error)
        return kept
