"""One trial: a station as it was, a command killed at one point, and what is left judged."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import TypeVar

from prep_console.values import replace
from tests.proof import kills, whole
from tests.proof.kills import Point
from tests.proof.scenarios import Scenario
from tests.proof.stations import Place, Said, place, put_back
from tests.proof.whole import NOTHING, Facts

_AT_ONCE = min(2, os.cpu_count() or 1)
MODULE = ("-m", "prep_console")
_P = TypeVar("_P")


@dataclass(frozen=True, slots=True)
class Clean:
    """The command without a crash: what there is to compare with."""

    folder: Path
    """Scratch folder; ``base`` in it holds the station as the command finds it."""
    settings: str
    command: tuple[str, ...]
    before: Facts
    after: Facts
    twice: Facts
    """After the same command once more: a rollback goes one further back."""
    code: int
    code_twice: int
    damaged: str

    def fresh(self, name: str) -> Place:
        """Another place of this name with the station as the command finds it."""
        at = _place(self.folder / name, self.settings)
        put_back(self.folder / "base" / "station", at.root)
        return at


@dataclass(frozen=True, slots=True)
class _Way:
    """How the command is run, and what befalls it."""

    program: Path
    """Copy of the program that is killed."""
    runner: tuple[str, ...]
    fault: str
    reads: bool


@dataclass(frozen=True, slots=True)
class Trial:
    point: Point
    fired: bool
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What all the trials of a command came to."""

    name: str
    points: int
    kills: int
    faults: tuple[str, ...]

    def __str__(self) -> str:
        counted = f"{self.points:4} points {self.kills:4} kills {len(self.faults):3} faults"
        return f"{self.name:24} {counted}"


def prove(
    name: str,
    scenario: Scenario,
    scratch: Path,
    program: Path,
    *,
    runner: Sequence[str] = MODULE,
    fault: str = kills.KILL,
    reads: bool = False,
    chosen: Callable[[Sequence[Point]], Sequence[Point]] = lambda points: points,
) -> Report:
    """Kill the command at each of its mutating calls, or make those that are ``chosen`` fail.

    ``reads``: of its calls that read, in their place.
    """
    seen: list[Point] = []

    def traced(at: Place, command: tuple[str, ...]) -> int:
        ready = at.command(*command, runner=runner)
        found, ran = kills.points(ready, at.root, program, reads=reads)
        assert found, "nothing under the station was touched: the trace is wrong"
        seen.extend(found)
        return ran.code

    clean = cleanly(scenario, scratch, traced)
    points = chosen(seen)
    way = _Way(program, tuple(runner), fault, reads)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_AT_ONCE, mp_context=context) as pool:
        trials = list(pool.map(_trial, repeat(clean), points, repeat(way), chunksize=4))
    return Report(
        name,
        len(trials),
        sum(trial.fired for trial in trials),
        tuple(f"{t.point}: {fault}" for t in trials for fault in t.faults),
    )


def spread(points: Sequence[_P], at_most: int | None) -> Sequence[_P]:
    """So many of the points, the first and those after it at even distances."""
    if at_most is None or len(points) <= at_most:
        return points
    return [points[n * len(points) // at_most] for n in range(at_most)]


def cleanly(
    scenario: Scenario, scratch: Path, does: Callable[[Place, tuple[str, ...]], int]
) -> Clean:
    """The command carried out by ``does``, which gives its exit code; then once more."""
    base = place(scratch / "base")
    base.folder.joinpath("deliveries").mkdir()
    command = tuple(scenario.prepare(base, base.folder / "deliveries"))
    base.root.mkdir(exist_ok=True)
    at = _place(scratch / "clean", scenario.settings)
    put_back(base.root, at.root)
    before = whole.facts(at)
    code = does(at, command)
    after = whole.facts(at)
    again = at.call(*command)
    twice = whole.facts(at)
    return Clean(
        scratch,
        scenario.settings,
        command,
        before,
        after,
        twice,
        code,
        again.code,
        scenario.damaged,
    )


def _place(folder: Path, settings: str) -> Place:
    return place(folder, extra=settings) if settings else place(folder)


def _trial(clean: Clean, point: Point, way: _Way) -> Trial:
    at = clean.fresh(f"worker-{os.getpid()}")
    command = at.command(*clean.command, runner=way.runner)
    killed = kills.run(command, at.root, way.program, point, way.fault, reads=way.reads)
    if not (kills.fired(killed, point) if way.fault == kills.KILL else killed.injected):
        last = killed.calls[-1] if killed.calls else "nothing"
        return Trial(point, False, (f"did not fire: ended {killed.code} in {last}; {killed.told}",))
    said = None if way.fault == kills.KILL else Said(killed.code, killed.told, "")
    return Trial(point, True, tuple(judged(at, clean, said)))


def judged(at: Place, clean: Clean, said: Said | None) -> list[str]:
    """What is wrong with what the command left; ``said``: what it answered, unless it died."""
    found = [f"at once: {f}" for f in whole.faults(at, damaged=clean.damaged)]
    if found:
        return found
    crashed = whole.facts(at)
    if said is None or not _taken_and_told(said, clean, crashed):
        found += [f"at once: {f}" for f in whole.neither(crashed, clean.before, clean.after)]
        found += _told(said, clean, crashed) if said is not None else []
    found += [f"at once: {f}" for f in _at_once(at, clean, crashed)]
    kept = at.folder / "crashed"
    put_back(at.root, kept)
    found += [f"then hold: {f}" for f in _then_hold(at, clean, crashed)]
    put_back(kept, at.root)
    return found + [f"then again: {f}" for f in _then_again(at, clean, crashed)]


def _told(said: Said, clean: Clean, now: Facts) -> list[str]:
    """A command that met an error ends in order, and says 0 only for what is done."""
    found = []
    if said.code not in {0, 1, 3} or "Traceback" in said.out + said.err:
        found.append(f"ended {said.code}: {said.out}{said.err}")
    if said.code == 0 and now != clean.after:
        found.append(f"said 0 and left {now}, not {clean.after}: {said.out}{said.err}")
    return found


def _taken_and_told(said: Said, clean: Clean, now: Facts) -> bool:
    """``receive`` took what came; what cannot be read keeps it out of sight, and that is said.

    The cut itself, once it is sealed; or the earlier cut that it shares bytes with: then the
    delivery waits.
    """
    before, after = clean.before, clean.after
    sealed = replace(after, live=before.live, final=before.final)
    waits = replace(before, marks=after.marks, waiting=now.waiting)
    told = said.out + said.err
    return clean.command[0] == "receive" and (
        ("is not whole on disk" in told and now == sealed)
        or ("no good copy is here" in told and now == waits and now.waiting > before.waiting)
    )


def _at_once(at: Place, clean: Clean, crashed: Facts) -> list[str]:
    """What the public and a reader get from what the crash left, before anybody acts."""
    found: list[str] = []
    intent = at.station.state().intent
    if intent is not None and intent.action == "rollback" and crashed.mode != "hold":
        found.append("a rollback was begun, and new cuts are still published")
    found += _lost(at.root, clean.before, clean.after)
    return found + _readers(at, crashed)


def _lost(root: Path, before: Facts, after: Facts) -> list[str]:
    """Cuts that are neither in the store nor in an archive, though nobody pruned them."""
    return [
        f"cut {cut} is gone"
        for cut in before.cuts
        if cut not in after.pruned
        and not (root / "cuts" / cut / "site").is_dir()
        and not list(root.glob(f"archive/*/cuts/{cut}/site"))
    ]


def _readers(at: Place, crashed: Facts) -> list[str]:
    found: list[str] = []
    status = at.call("status", "--json")
    said = json.loads(status.out) if status.code == 0 else None
    if said is None:
        found.append(f"status ended {status.code}: {status.err}")
    elif (said["live"] or {"id": NOTHING})["id"] != crashed.live:
        found.append(f"status says {said['live']} while {crashed.live} is public")
    verify = at.call("journal", "--verify")
    if verify.code != 0:
        found.append(f"journal --verify ended {verify.code}: {verify.out}{verify.err}")
    return found


def _then_hold(at: Place, clean: Clean, crashed: Facts) -> list[str]:
    """Another decision follows: it settles what is open, and nothing is rolled forward."""
    said = at.call("hold")
    if found := whole.faults(at, damaged=clean.damaged):
        return found
    now = whole.facts(at)
    frozen = now.mode == "frozen"
    found = unsettled(at)
    if said.code != (1 if frozen else 0) or now.mode not in {"hold", "frozen"}:
        found.append(f"ended {said.code} in {now.mode}: {said.err}")
    if now.live != crashed.live and list(at.root.glob("archive/*")) == []:
        found.append(f"{now.live} is live, {crashed.live} was")
    return found


def _then_again(at: Place, clean: Clean, crashed: Facts) -> list[str]:
    """The same command once more ends where it would have ended, and nothing is lost."""
    said = at.call(*clean.command)
    if found := whole.faults(at):
        return found
    found = unsettled(at) + _lost(at.root, clean.before, clean.after)
    now = whole.facts(at)
    wanted = [(clean.code, clean.after)]
    if crashed.live == clean.after.live:  # it may have been done: then this is the second time
        wanted.append((clean.code_twice, clean.twice))
    if (said.code, now) not in wanted:
        found.append(f"ended {said.code} in {now}, not {wanted}: {said.out}{said.err}")
    return found


def unsettled(at: Place) -> list[str]:
    """Nothing is open any more, and the estado pages say what the state says."""
    state = at.station.state()
    found: list[str] = []
    if state.intent is not None:
        found.append(f"the intent {state.intent} is open")
    if (state.live or NOTHING) != whole.live(at.root)[0]:
        found.append(f"the journal says {state.live}, the pointer {whole.live(at.root)[0]}")
    if whole.facts(at).final != (state.mode == "frozen" and state.live is not None):
        found.append("the estado page is wrong about the cut being final")
    unrecorded = {p.name for p in (at.root / "cuts").iterdir()} - set(state.cuts)
    if unrecorded:
        found.append(f"cuts without a line: {unrecorded}")
    return found
