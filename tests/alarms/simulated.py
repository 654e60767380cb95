"""A station without a disk: scripted readings and journal lines on an accelerated clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from prep_console.alarms import conditions, records
from prep_console.alarms.lifecycle import Event, Memory, advance
from prep_console.config.model import Election, Settings, Station
from prep_console.journal.actor import Actor
from prep_console.journal.chain import Line
from prep_console.journal.fold import fold
from prep_console.journal.journal import Position
from prep_console.journal.state import State
from prep_console.snapshot import (
    AlarmView,
    Detail,
    EngineView,
    Reading,
    ReadingState,
    ServedView,
)
from prep_console.values import replace

EVENING = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)
"""20:00 of the election's day in Querétaro."""
ENGINE = Actor(1, "engine")
ANA = Actor(1000, "ana")
BETO = Actor(1001, "beto")
ALIVE = EngineView(True, 1, 0.0)


def settings(**tables: object) -> Settings:
    """DIP_LOC and AYUN every five minutes."""
    known: dict[str, object] = {
        "station": Station(root="/nowhere"),
        "election": Election(elections=["DIP_LOC", "AYUN"]),
    }
    return msgspec.convert({**known, **tables}, Settings)


class Sim:
    """Drives conditions and lifecycle as the engine's watch does, second by second."""

    def __init__(self, chosen: Settings | None = None, start: datetime = EVENING) -> None:
        self.settings = chosen or settings()
        self.now = start
        self.state = State()
        self.memory = Memory(began=start - timedelta(hours=1))
        self.readings: dict[str, Reading] = {}
        self.since: dict[str, datetime] = {}
        self.served: ServedView | None = None
        self.alarms: tuple[AlarmView, ...] = ()
        self.history: list[Event] = []

    @property
    def keys(self) -> list[str]:
        return [alarm.key for alarm in self.alarms]

    @property
    def by_key(self) -> Mapping[str, AlarmView]:
        return {alarm.key: alarm for alarm in self.alarms}

    def read(
        self,
        name: str,
        value: float | str | None,
        state: ReadingState = "ok",
        /,
        *,
        error: str | None = None,
        unit: str = "",
        **detail: Detail,
    ) -> None:
        """A probe delivers, as the engine takes it: a new state has a new beginning."""
        before = self.readings.get(name)
        if before is None or before.state != state:
            self.since[name] = self.now
        self.readings[name] = Reading(value, unit, state, self.now, error, detail)

    def unread(self, name: str, why: str = "no answer within 10 s") -> None:
        self.read(name, None, "unknown", error=why)

    def serve(self, cut: str | None, error: str | None = None) -> None:
        """What a visitor gets."""
        ok = error is None and cut == self.state.live
        if self.served is None or self.served.ok != ok:
            self.since["served"] = self.now
        self.served = ServedView(cut, ok, self.now, 0.03, 200 if error is None else None, error)

    def write(self, kind: str, data: Mapping[str, object], actor: Actor = ENGINE) -> None:
        line = Line(self.state.position.seq + 1, self.now, actor, kind, dict(data), "", "")
        self.state = fold([line], replace(Position(), seq=line.seq), self.state)
        assert not self.state.breaks

    def cut(
        self,
        stamp: str,
        *,
        counted: int | None = None,
        carried: tuple[str, ...] = (),
        live: bool = True,
        checks: tuple[str, ...] = (),
    ) -> None:
        """A cut arrives, is sealed and, unless told otherwise, published."""
        at = self.now.isoformat()
        parts = [
            {"election": e, "stamp": stamp, "sha256": "0", "carried": e in carried}
            for e in ("DIP_LOC", "AYUN")
        ]
        self.write(
            "sealed",
            {
                "cut": stamp,
                "parts": parts,
                "manifest": "0" * 64,
                "bytes": 1,
                "warnings": len(checks),
                "checks": list(checks),
                "counted": counted,
                "mtime_us": 1,
                "received_at": at,
                "verified_at": at,
            },
        )
        if live and self.state.mode == "auto":
            self.publish(stamp)

    def publish(self, cut: str) -> None:
        """The rules make it live."""
        self.write("intent", {"action": "publish", "to": cut, "mode": "auto", "person": False})
        self.write("done", {"intent": self.state.position.seq})

    def step(self, seconds: float = 1.0, *, written: bool = True) -> tuple[Event, ...]:
        """One step of the watch after some time; ``written``: the journal takes the lines."""
        self.now += timedelta(seconds=seconds)
        look = conditions.look(
            self.settings,
            self.state,
            engine=ALIVE,
            served=self.served,
            readings=self.readings,
            since=self.since,
            memory=self.memory,
            now=self.now,
        )
        self.memory, self.alarms, events = advance(self.memory, look, self.state, self.now)
        self.history += events
        for event in events if written else ():
            for kind, data in records.lines_of(event, self.state.alarms):
                self.write(kind, data)
        return events

    def run(self, seconds: int) -> list[Event]:
        """So many steps of one second; what happened in them."""
        before = len(self.history)
        for _ in range(seconds):
            self.step()
        return self.history[before:]
