"""How an operator did: reactions out of the journal's lines and what the public saw, in points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from prep_console import record
from prep_console.drill.rehearsal import Told
from prep_console.drill.scenario import Reaction, Scenario
from prep_console.journal.chain import Line
from prep_console.wording import N_

ANNOUNCED = N_("announced by the station")
NOTICED = N_("noticed")
ACKNOWLEDGED = N_("acknowledged")
DECIDED = N_("decided")
RESTORED = N_("public restored")


@dataclass(frozen=True, slots=True)
class Step:
    """One reaction; ``seconds`` from the fault (announcement: from the fault too), None: never."""

    name: str
    seconds: float | None
    points: float
    of: int


@dataclass(frozen=True, slots=True)
class Scored:
    fault: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Score:
    reactions: tuple[Scored, ...]

    @property
    def points(self) -> int:
        """Of 100."""
        steps = [step for one in self.reactions for step in one.steps]
        whole = sum(step.of for step in steps)
        return round(100 * sum(step.points for step in steps) / whole) if whole else 0


def score(scenario: Scenario, told: Told, lines: Sequence[Line]) -> Score:
    """Points of a rehearsal. A person who never did anything has none, whatever mended itself."""
    return Score(tuple(_scored(one, told, lines) for one in scenario.reaction))


def _scored(wanted: Reaction, told: Told, lines: Sequence[Line]) -> Scored:
    if wanted.fault not in told.faults:
        return Scored(wanted.fault, (Step(NOTICED, None, 0, 25),))
    began, _ = told.faults[wanted.fault]
    after = [line for line in lines if line.time >= began]
    people = [line for line in after if not record.is_program(line.actor.name)]
    ours = [line for line in after if _id(line) in wanted.alarms]
    raised = next((line.time for line in ours if line.kind in {"raised", "escalated"}), None)
    start = raised or began
    noticed = next((line.time for line in people if line.time >= start), None)
    steps = [_step(ANNOUNCED, raised, began, 0, 0)] if wanted.alarms else []
    seen = [("noticed", NOTICED, noticed)]
    if wanted.alarms:
        hand = next((i.time for i in ours if i.kind in {"acknowledged", "shelved"}), None)
        seen.append(("acknowledged", ACKNOWLEDGED, hand))
    if wanted.decisions:
        decided = next((i.time for i in people if _action(i) in wanted.decisions), None)
        seen.append(("decided", DECIDED, decided))
    if wanted.public:
        seen.append(("restored", RESTORED, _restored(told, began) if noticed else None))
    for _, name, at in seen:
        late = (at - start).total_seconds() if at else 0.0
        share = max(0.0, min(1.0, 1.5 - late / (2 * wanted.within_seconds)))
        steps.append(_step(name, at, began, share * 25, 25))
    return Scored(wanted.fault, tuple(steps))


def _step(name: str, at: datetime | None, began: datetime, points: float, of: int) -> Step:
    seconds = max(0.0, (at - began).total_seconds()) if at else None
    return Step(name, seconds, points if at else 0.0, of)


def _id(line: Line) -> str:
    return str(line.data.get("alarm") or line.data.get("key") or "").partition(":")[0]


def _action(line: Line) -> str:
    return str(line.data.get("action") or line.kind)


def _restored(told: Told, began: datetime) -> datetime | None:
    """When the public was right again after it had not been."""
    harmed = [at for at, state in told.public if at >= began and state in {"wrong", "down"}]
    if not harmed:
        return began
    good = (at for at, s in told.public if at >= harmed[-1] and s in {"fresh", "stale"})
    return next(good, None)
