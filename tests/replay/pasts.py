"""Pasts for tests: a journal written at chosen hours, and samples beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from prep_console.config import Settings
from prep_console.journal import journal
from prep_console.journal.actor import Actor, program
from prep_console.journal.journal import Position
from prep_console.snapshot import Reading
from prep_console.telemetry.store import Bounds, Store
from tests.stations import Sandbox, sandbox

ZONE = ZoneInfo("America/Mexico_City")
AT = datetime(2024, 6, 3, 2, 0, tzinfo=ZONE).astimezone(UTC)
JPEREZ = Actor(1000, "jperez")
ENGINE = program("engine")

Entry = tuple[float, Actor, str, Mapping[str, object]]
"""Minutes after 02:00, who, what kind of line, and its data."""


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def written(path: Path, entries: Iterable[Entry]) -> Position:
    """A journal whose lines were written at these minutes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    end = Position()
    for at, actor, kind, data in entries:
        _, end = journal.append(path, end, [(kind, data)], actor, AT + minutes(at))
    return end


def sealed(cut: str) -> Mapping[str, object]:
    """The data of a ``sealed`` line."""
    parts = [
        {"election": election, "stamp": cut, "sha256": "ab" * 32, "carried": False}
        for election in ("AYUN", "DIP_LOC")
    ]
    return {
        "cut": cut,
        "parts": parts,
        "manifest": "cd" * 32,
        "bytes": 1000,
        "warnings": 0,
        "counted": int(cut[-4:]),
        "expected": 9000,
        "mtime_us": 1,
        "received_at": AT.isoformat(),
        "verified_at": AT.isoformat(),
    }


def published(at: float, cut: str, seq: int, *, action: str = "publish") -> list[Entry]:
    """Sealed and live a second later; ``seq`` is the number of the ``sealed`` line."""
    intent = {"action": action, "to": cut, "mode": "auto", "person": False, "withdraws": []}
    return [
        (at, ENGINE, "sealed", sealed(cut)),
        (at + 1 / 120, ENGINE, "intent", intent),
        (at + 1 / 60, ENGINE, "done", {"intent": seq + 1}),
    ]


def rolled_back(at: float, to: str, seq: int, *withdraws: str) -> list[Entry]:
    """By a person; ``seq`` is the number of its intent."""
    intent = {
        "action": "rollback",
        "to": to,
        "mode": "hold",
        "person": True,
        "withdraws": list(withdraws),
        "reason": "datos de prueba",
    }
    return [(at, JPEREZ, "intent", intent), (at + 1 / 60, JPEREZ, "done", {"intent": seq})]


def raised(at: float, key: str = "cut.late") -> Entry:
    return (
        at,
        ENGINE,
        "raised",
        {
            "alarm": key,
            "subject": "",
            "key": key,
            "severity": "warning",
            "since": (AT + minutes(at)).isoformat(),
            "values": {"minutes": 8, "what": "it is nearly full", "figure": ""},
        },
    )


def cleared(at: float, key: str = "cut.late") -> Entry:
    return at, ENGINE, "cleared", {"alarm": key, "subject": "", "key": key}


NIGHT: tuple[Entry, ...] = (
    *published(0, "20240603_0200", 1),
    *published(5, "20240603_0205", 4),
    *rolled_back(7, "20240603_0200", 7, "20240603_0205"),
    raised(13),
    (14, JPEREZ, "acknowledged", {"alarm": "cut.late", "subject": "", "key": "cut.late"}),
    (15, JPEREZ, "release", {"reason": ""}),
    *published(16, "20240603_0215", 12),
    cleared(16.5),
    raised(20, "host.disk"),
)
"""Two cuts, a rollback, lateness, a release, a third cut, a full disk."""


def station(folder: Path, entries: Iterable[Entry] = NIGHT, *, samples: bool = True) -> Sandbox:
    """A station that only its record tells of, with an engine's samples of the first 15 minutes."""
    box = sandbox(folder)
    written(box.settings.root / "journal" / "journal.jsonl", entries)
    if samples:
        sampled(box.settings, 0, 15)
    return box


def sampled(settings: Settings, first: float, last: float) -> None:
    """Readings of an engine that lived between two minutes and ended as it should."""
    store = Store(settings.root / "telemetry.db", Bounds(10**9, 10**9), AT + minutes(first))
    steps = int((last - first) * 6)
    for n in range(steps + 1):
        at = AT + minutes(first) + timedelta(seconds=10 * n)
        store.add(at, readings(at, float(n)))
    store.end(AT + minutes(last))
    store.close()


def readings(at: datetime, cpu: float) -> dict[str, Reading]:
    looked = at - timedelta(seconds=2)
    live = "20240603_0200" if at < AT + minutes(5) else "20240603_0205"
    live = live if at < AT + minutes(7) else "20240603_0200"
    return {
        "host.cpu": Reading(cpu, "%", "ok", looked, detail={"cpus": 4}),
        "site.visitor": Reading(0.02, "s", "ok", looked, detail={"cut": live, "status": 200}),
    }
