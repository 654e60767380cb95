"""Snapshots of a made-up night, and a station that only a test's memory knows."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from prep_console.console.orders import AlarmOrder, Order
from prep_console.cuts.checks import describe, finding
from prep_console.problems import Refused
from prep_console.publication.actions import Outcome
from prep_console.snapshot import (
    AlarmView,
    CutState,
    CutView,
    DecisionView,
    EngineView,
    JournalView,
    LiveView,
    Mode,
    PartView,
    Reading,
    RefusedView,
    ServedView,
    Snapshot,
)
from prep_console.values import replace
from prep_console.widgets.cut_page import CutFacts, ImagesTold
from prep_console.widgets.history_graph import Bounds, Sample
from prep_console.wording import say, sentence

ZONE = ZoneInfo("America/Mexico_City")
NOW = datetime(2024, 6, 3, 2, 37, 12, tzinfo=ZONE).astimezone(UTC)
_COUNTED = (5812, 5771, 5708, 5690, 5613, 5540, 5466, 5391, 5320, 5238, 5160, 5071)


def cut(
    minutes_ago: int,
    state: CutState = "kept",
    *,
    counted: int | None = 5000,
    delta: int | None = 41,
    warnings: int = 0,
    carried: bool = False,
    revision_of: str | None = None,
    waits: bool = False,
    now: datetime = NOW,
) -> CutView:
    """A cut whose hour is the last five-minute step, ``minutes_ago`` before that."""
    there = now.astimezone(ZONE)
    base = there.replace(minute=there.minute // 5 * 5, second=0, microsecond=0)
    stamp = base - timedelta(minutes=minutes_ago)
    arrived = stamp + timedelta(seconds=41)
    live = state in ("live", "final")
    other = stamp - timedelta(minutes=5) if carried else stamp
    return CutView(
        id=f"{stamp:%Y%m%d_%H%M}" + (".2" if revision_of else ""),
        stamp=stamp,
        state=state,
        received_at=arrived,
        verified_at=arrived + timedelta(seconds=2),
        sealed_at=arrived + timedelta(seconds=3),
        published_at=arrived + timedelta(seconds=3) if state != "kept" else None,
        served_at=arrived + timedelta(seconds=3.04) if live else None,
        bytes=1_213_004,
        warnings=warnings,
        revision_of=revision_of,
        parts=(PartView("DIP_LOC", stamp, False), PartView("AYUN", other, carried)),
        counted=counted,
        counted_delta=delta,
        waits_for_person=waits,
    )


def night(now: datetime = NOW) -> Snapshot:
    """All is well at 02:37: twelve cuts, one refused, one withdrawn."""
    states: list[CutState] = ["live", "previous", "withdrawn"]
    cuts = tuple(
        cut(
            5 * n,
            states[n] if n < len(states) else "kept",
            counted=counted,
            delta=counted - after,
            warnings=1 if n == 2 else 0,
            now=now,
        )
        for n, (counted, after) in enumerate(zip(_COUNTED, (*_COUNTED[1:], 4980), strict=True))
    )
    live = cuts[0]
    return Snapshot(
        observed_at=now,
        station="Difusor UAQ",
        title="Proceso Electoral Local 2023-2024",
        elections=("DIP_LOC", "AYUN"),
        timezone="America/Mexico_City",
        phase="jornada",
        cadence_s=300.0,
        mode="auto",
        decision=None,
        live=LiveView(live, "ab" * 32, live.sealed_at),
        previous=cuts[1],
        served=ServedView(live.id, True, now - timedelta(seconds=2), 0.038, 200, None),
        high_water={"DIP_LOC": live.stamp, "AYUN": live.stamp},
        waiting_for=(),
        waiting_cuts=0,
        next_due=live.stamp + timedelta(minutes=5),
        late_s=0.0,
        cuts=cuts,
        cuts_missed=0,
        refused=(
            RefusedView(
                "20240603_082044_1",
                "20240603_0205_PREP_DIP_QROO.zip",
                now - timedelta(minutes=16),
                "The cut of DIP_LOC is from 20240603_0205, older than the 20240603_0220"
                " already accepted.",
                ("stamp.older",),
                (
                    {
                        "check": "stamp.older",
                        "severity": "stop",
                        "values": {
                            "election": "DIP_LOC",
                            "stamp": "20240603_0205",
                            "mark": "20240603_0220",
                        },
                    },
                ),
            ),
        ),
        engine=EngineView(True, 4242, 0.4),
        alarms=(),
        readings=readings(now),
        history={
            "host.cpu": tuple(8 + (n * 7) % 13 for n in range(60)),
            "host.memory": tuple(31.0 for _ in range(60)),
        },
        history_step_s=60,
        journal=journal(live, now),
    )


def readings(now: datetime = NOW) -> dict[str, Reading]:
    """What a healthy host's probes say."""
    seen = now - timedelta(seconds=2)
    return {
        "host.cpu": Reading(12.0, "%", "ok", seen, detail={"cpus": 4}),
        "host.memory": Reading(31.0, "%", "ok", seen, detail={"total_bytes": 16_000_000_000}),
        "host.disk": Reading(41e9, "bytes", "ok", seen, detail={"lasts_s": 31 * 3600.0}),
        "host.network": Reading(2.2e5, "bytes/s", "ok", seen, detail={"hourly_bytes": 0.8e9}),
        "site.visitor": Reading(0.038, "s", "ok", seen, detail={"certificate_days": 61}),
    }


def journal(live: CutView, now: datetime) -> tuple[JournalView, ...]:
    """The last lines of an automatic publication."""
    at = live.sealed_at
    return (
        JournalView(152, at, "site", "served", {"cut": live.id, "after_s": 0.038}),
        JournalView(151, at, "prep-console", "done", {"intent": 150}),
        JournalView(
            150,
            at,
            "prep-console",
            "intent",
            {"action": "publish", "from": None, "to": live.id, "reason": "", "person": False},
        ),
        JournalView(149, at, "engine", "sealed", {"cut": live.id, "bytes": 1213004}),
        JournalView(
            148,
            live.verified_at,
            "engine",
            "accepted",
            {
                "parts": [
                    {"election": "DIP_LOC", "stamp": live.id},
                    {"election": "AYUN", "stamp": live.id},
                ]
            },
        ),
    )


def with_reason(snapshot: Snapshot, action: str, by: str, reason: str) -> Snapshot:
    """The same night after a person's decision four minutes later."""
    at = snapshot.observed_at - timedelta(seconds=70)
    return replace(snapshot, decision=DecisionView(action, by, at, reason))


def held(waiting: int = 2) -> Snapshot:
    """Rolled back by jperez; ``waiting`` newer cuts wait."""
    base = night()
    newer = tuple(replace(cut(-5 * n), state="kept") for n in range(waiting, 0, -1))
    withdrawn = replace(base.cuts[0], state="withdrawn")
    back = replace(base.cuts[1], state="live")
    previous = replace(base.cuts[3], state="previous")
    now = base.observed_at
    return with_reason(
        replace(
            base,
            mode="hold",
            live=LiveView(back, "cd" * 32, now - timedelta(seconds=70)),
            previous=previous,
            served=ServedView(back.id, True, now - timedelta(seconds=1), 0.021, 200, None),
            cuts=(*newer, withdrawn, back, base.cuts[2], previous, *base.cuts[4:]),
            waiting_cuts=waiting,
        ),
        "rollback",
        "jperez",
        "corte con datos de prueba",
    )


def frozen() -> Snapshot:
    """The final cut is up for good."""
    base = night()
    final = replace(base.cuts[0], state="final")
    assert base.live is not None
    return with_reason(
        replace(
            base,
            mode="frozen",
            live=replace(base.live, cut=final),
            cuts=(final, *base.cuts[1:]),
            next_due=None,
            late_s=None,
        ),
        "freeze",
        "jperez",
        "último corte, confirmado por el instituto",
    )


def late(minutes: int = 11) -> Snapshot:
    """No cut for ``minutes`` after it was due."""
    base = night()
    assert base.next_due is not None
    now = base.next_due + timedelta(minutes=minutes)
    served = replace(base.served, checked_at=now - timedelta(seconds=2)) if base.served else None
    return replace(
        base, observed_at=now, late_s=minutes * 60.0, served=served, readings=readings(now)
    )


def no_engine() -> Snapshot:
    """The engine died a minute ago."""
    return replace(night(), engine=EngineView(False, None, 63.0))


def nothing_yet() -> Snapshot:
    """Before the first cut: one election has come, the other is missing."""
    return replace(
        night(),
        live=None,
        previous=None,
        served=None,
        cuts=(),
        refused=(),
        journal=(),
        history={},
        waiting_for=("AYUN",),
        next_due=None,
        late_s=None,
    )


def troubled() -> Snapshot:
    """Everything at once: held, alarms, a carried election, a disk that fills."""
    base = held()
    now = base.observed_at
    assert base.live is not None
    carried = replace(cut(5, "live", carried=True), counted=5771)
    return replace(
        base,
        live=replace(base.live, cut=carried),
        cuts=tuple(carried if one.id == carried.id else one for one in base.cuts),
        readings={
            **base.readings,
            "host.disk": Reading(1.2e9, "bytes", "critical", now, detail={"lasts_s": 2700.0}),
            "site.visitor": Reading(None, "s", "unknown", now, "connection refused"),
            "clock.offset": Reading(
                0.003, "s", "ok", now, detail={"bound_s": 0.009, "server": "cronos.cenam.mx"}
            ),
        },
        alarms=tuple(alarms(now)),
    )


def alarms(now: datetime) -> list[AlarmView]:
    """Two that count and three more."""
    texts = (
        ("disk.full", "critical", "The disk lasts 45 min at the present rate."),
        ("figures.exceed", "warning", "3 actas exceed the nominal list."),
        ("hold.long", "warning", "Publishing has been on hold for 15 min."),
        ("site.slow", "warning", "The site answered after 2.1 s."),
        ("certificate", "warning", "The certificate ends in 6 days."),
    )
    return [
        AlarmView(
            name,
            "critical" if grade == "critical" else "warning",
            now - timedelta(minutes=12 - n),
            None,
            text,
        )
        for n, (name, grade, text) in enumerate(texts)
    ]


STATES: Mapping[str, Snapshot] = {
    "calm": night(),
    "held": held(),
    "frozen": frozen(),
    "late": late(),
    "no_engine": no_engine(),
    "nothing": nothing_yet(),
    "troubled": troubled(),
    "drill": replace(troubled(), phase="simulacro"),
    "unreadable": replace(night(), read_error="OSError: [Errno 5] Input/output error"),
}


HOSTILE_ACTA = "[red]acta[/red]"


@dataclass
class FakeStation:
    """A source and actions over one snapshot in memory; a test moves it as it likes."""

    snapshot: Snapshot = field(default_factory=night)
    orders: list[Order] = field(default_factory=list)
    fails: Exception | None = None
    seen: bool | None = True
    gate: threading.Event = field(default_factory=threading.Event)
    minded: list[AlarmOrder] = field(default_factory=list)
    asked: list[tuple[str, float]] = field(default_factory=list)
    """Histories that were asked for: the reading, and over how many seconds."""
    looked_at: list[str] = field(default_factory=list)
    """Cuts that were looked over while somebody decided."""
    kept: Sequence[Sample] = ()
    exported: list[str] = field(default_factory=list)
    """What the record was filtered for when it was written to a file."""
    goes_live: str = ""
    """A cut that the next action makes public and that no snapshot holds yet."""

    def __post_init__(self) -> None:
        self.gate.set()

    def read(self) -> Snapshot:
        return self.snapshot

    def changes(self, before: str, after: str) -> Sequence[str]:
        return (
            f"{before} → {after}",
            "DIP_LOC: 20240602_2000 → 20240602_2005",
            "  ▲ counted: 2,031 → 2,030",
            f"  {HOSTILE_ACTA}",
        )

    def export(self, wanted: str) -> Path:
        if self.fails is not None:
            raise self.fails
        self.exported.append(wanted)
        return Path("/home/ñ/prep-journal.txt")

    def facts(self, cut: str) -> CutFacts:
        return CutFacts(
            figures=(
                (f"DIP_LOC · {cut}", ((say("expected"), "2,136"), (say("counted"), "2,031"))),
            ),
            warnings=(str(describe(finding("arithmetic.counted", stated=2031, found=2030))),),
            files=((f"{cut}_PREP_DIP_QROO.zip", 606_502, "ab" * 32),),
            images=(ImagesTold("DIP_LOC", 2031, 105, 1, 3, "sha256"),),
            deliveries=(("DIP_LOC", f"{cut}_PREP_DIP_QROO.zip", "cd" * 32),),
            sha256="ef" * 32,
            new_bytes=41_000,
        )

    def look_ahead(self, cut: str) -> None:
        self.looked_at.append(cut)

    def mind(self, order: AlarmOrder) -> None:
        """As the real one: an alarm that is acknowledged, shelved or back."""
        self.gate.wait(10)
        self.minded.append(order)
        if self.fails is not None:
            raise self.fails
        now = self.snapshot.observed_at
        changes: dict[str, dict[str, Any]] = {
            "acknowledge": {"acknowledged_by": "jperez", "acknowledged_at": now},
            "shelve": {
                "shelved_until": now + timedelta(minutes=order.minutes),
                "shelved_by": "jperez",
                "shelved_reason": order.reason,
            },
            "unshelve": {"shelved_until": None, "shelved_by": None, "shelved_reason": ""},
        }
        self.snapshot = replace(
            self.snapshot,
            alarms=tuple(
                replace(one, **changes[order.kind]) if one.key == order.alarm.key else one
                for one in self.snapshot.alarms
            ),
        )

    def history(self, name: str, since: datetime, until: datetime, points: int) -> Sequence[Sample]:
        self.asked.append((name, (until - since).total_seconds()))
        return self.kept

    def bounds(self, name: str, snapshot: Snapshot) -> Bounds:
        return Bounds(0.05, 1.0, signed=True) if name == "clock.offset" else Bounds()

    def do(self, order: Order) -> Outcome:
        """Keeps the same promise as the real one: refuses when ``expected`` no longer holds."""
        self.gate.wait(10)
        self.orders.append(order)
        if self.fails is not None:
            raise self.fails
        live = self.snapshot.live.cut.id if self.snapshot.live else None
        if (order.expected.mode, order.expected.live) != (self.snapshot.mode, live):
            raise Refused(
                sentence("the station changed while you were deciding; nothing was done"),
                sentence("look at the screen and decide again"),
            )
        if order.action == "rollback":
            self.snapshot = held(0)
            if not self.seen:
                self.snapshot = replace(self.snapshot, served=night().served)
        elif order.action in ("hold", "freeze", "release"):
            modes: dict[str, Mode] = {"hold": "hold", "freeze": "frozen", "release": "auto"}
            decided = with_reason(self.snapshot, order.action, "jperez", order.reason)
            self.snapshot = replace(decided, mode=modes[order.action])
        return Outcome(
            order.action,
            True,
            live,
            self.goes_live or order.cut,
            self.snapshot.mode,
            sentence("cut {cut} is live", cut=order.cut or "-"),
            self.seen,
            0.012 if self.seen else None,
            10_000 if self.goes_live else 0,
        )
