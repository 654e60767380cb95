"""Two consoles and the engine at once: one wins, the others are told who was first."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest

from prep_console import wording
from prep_console.console import decisions, orders
from prep_console.console.orders import Action, Order, StationActions
from prep_console.engine.view import SnapshotReader
from prep_console.intake.receive import receive
from prep_console.journal import journal
from prep_console.journal.actor import Actor, program
from prep_console.journal.chain import Line
from prep_console.journal.journal import Position
from prep_console.problems import Problem
from prep_console.publication import actions
from prep_console.publication.actions import Expected
from prep_console.snapshot import CutView, Snapshot
from tests import nights
from tests.proof import acting, forked, table, whole
from tests.proof.model import Part
from tests.proof.stations import Place, Said

RACES = 1000 if table.WHOLE else 60
_A_NIGHT = 100
"""Races on one station: each is held against its whole journal."""
PEOPLE = (Actor(1000, "ana", "192.0.2.7"), Actor(1001, "luis", "192.0.2.8"))
ENGINE = "the program"
_AUTOMATIC: tuple[Action, ...] = ("rollback", "publish", "hold", "freeze", "suspend")
"""What a console may decide while publishing is automatic: each takes that away."""
_HELD: tuple[Action, ...] = ("release", "rollback", "publish", "freeze", "suspend")
_IGNORED = {"pruned", "served"}


@dataclass(frozen=True, slots=True)
class Race:
    """What each of them saw, and wants."""

    seen: Snapshot
    wants: tuple[Order, Order]
    waits_s: tuple[float, float]
    arrives: str
    """The cut whose last part the engine takes meanwhile."""


@pytest.fixture
def at() -> Iterator[Place]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="prep-races-", dir=memory if memory.is_dir() else None
    ) as folder:
        yield acting.station_in(Path(folder) / "at")


def _drop(at: Place, stamp: str, election: str) -> Path:
    folder = at.settings.drop_folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stamp}_PREP_{election}_QRO.zip"
    path.write_bytes(acting.archive(Part(election, stamp, "first")))
    return path


def _take(at: Place, path: Path) -> None:
    """As the engine takes what lies in the drop folder, and what has become due."""
    receive(at.station, path, actor=program("engine"), source="drop", dropped=True)
    actions.advance(at.station, actor=program("prep-console"))


def _ready(at: Place, stamp: str, *, held: bool) -> None:
    """The newest cut is public, by itself or until a release; of the next one part is here."""
    for command in ("thaw", "release"):
        assert at.call(command).code == 0
    if held:
        assert at.call("hold").code == 0
    _take(at, _drop(at, stamp, "DIP_LOC"))


def _decided(seen: Snapshot, action: Action, chosen: CutView) -> Order | None:
    """As the decision screen makes it, from the snapshot on which somebody pressed the key; None
    when that key is off."""
    decision = decisions.decide(action, seen, chosen)
    if decision.off is not None:
        return None
    live = seen.live.cut.id if seen.live is not None else None
    target = decision.after if decision.shows_cuts else None
    expected = Expected(seen.mode, live, seen.journal[0].seq)
    return Order(action, target.id if target else None, "proof", expected)


def _carries_out(at: Place, order: Order, person: Actor, waits_s: float) -> Said:
    """In a process of its own: the console's way into the station."""
    wording.use("en")
    threading.Event().wait(waits_s)
    began = time.monotonic()
    try:
        with patch.object(orders, "current_actor", lambda: person):
            StationActions(at.settings, at.settings_file).do(order)
    except Problem as problem:
        return Said(problem.exit_code, _when(began), f"{problem.what} {problem.todo}")
    return Said(0, _when(began), "")


def _when(began: float) -> str:
    """From when to when it acted: the clock of the machine, the same in every process."""
    return f"{began} {time.monotonic()}"


def _met(said: Sequence[Said]) -> bool:
    """Whether two of them acted at one time; else nobody raced."""
    spans = sorted(tuple(map(float, one.out.split())) for one in said)
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))


def _races(at: Place, race: Race) -> tuple[Said, Said, Said]:
    path = _drop(at, race.arrives, "AYUN")

    def engine() -> Said:
        began = time.monotonic()
        _take(at, path)
        return Said(0, _when(began), "")

    consoles = [
        lambda n=n: _carries_out(at, race.wants[n], PEOPLE[n], race.waits_s[n]) for n in (0, 1)
    ]
    first, second, third = forked.run([*consoles, engine])
    return first, second, third


def _winner(race: Race, codes: Sequence[int], lines: Sequence[Line]) -> str:
    """Who came first, by the exit codes; the journal must agree, and tell it once."""
    won = [person.name for person, code in zip(PEOPLE, codes, strict=True) if code == 0]
    assert len(won) <= 1, f"both were told that it is done: {lines}"
    return won[0] if won else ENGINE


def _expected_lines(race: Race, winner: str, lines: Sequence[Line]) -> list[tuple[str, str]]:
    """Kind and author of each line that the journal may have, in order, but for the sealing."""
    by_rule = [("intent", "prep-console"), ("done", "prep-console")]
    if winner == ENGINE:
        return by_rule
    order = race.wants[[p.name for p in PEOPLE].index(winner)]
    live = race.seen.live.cut.id if race.seen.live is not None else None
    if order.action in {"hold", "release"} or (order.action == "freeze" and order.cut == live):
        own: list[tuple[str, str]] = [(order.action, winner)]
    else:
        own = [("intent", winner), ("done", winner)]
    return own + (by_rule if order.action == "release" and _published(lines) else [])


def _published(lines: Sequence[Line]) -> bool:
    return any(line.kind == "intent" and line.data.get("person") is False for line in lines)


def _ends(race: Race, winner: str) -> tuple[set[str | None], str]:
    """What is public afterwards, and the mode: the winner's."""
    live = race.seen.live.cut.id if race.seen.live is not None else None
    if winner == ENGINE:
        return {race.arrives}, "auto"
    order = race.wants[[p.name for p in PEOPLE].index(winner)]
    match order.action:
        case "rollback" | "publish":
            return {order.cut}, "hold"
        case "hold":
            return {live}, "hold"
        case "freeze":
            return {order.cut}, "frozen"
        case "suspend":
            return {None}, "hold"
        case "release":
            return {race.arrives}, "auto"
    raise AssertionError(order)


def _judge(at: Place, race: Race, said: Sequence[Said], before: Position) -> str:
    assert whole.faults(at) == []
    lines = journal.read(at.station.journal, before).lines
    told = f"{race.wants} ended {said}: {[(li.kind, li.actor.name) for li in lines]}"
    assert said[2].code == 0, told
    winner = _winner(race, [one.code for one in said[:2]], lines)
    for person, one in zip(PEOPLE, said[:2], strict=True):
        if person.name != winner:
            assert one.code == 1, told
            assert f"{winner} was first, at " in one.err, told
            assert "nothing of yours was done" in one.err, told
    sealing = [("accepted", "engine"), ("sealed", "engine")]
    rest = [(li.kind, li.actor.name) for li in lines if li.kind not in _IGNORED]
    where = rest.index(sealing[0])
    assert rest[where : where + 2] == sealing, told
    del rest[where : where + 2]
    assert rest == _expected_lines(race, winner, lines), told
    public, mode = _ends(race, winner)
    state = at.station.state()
    assert (state.live in public, state.mode) == (True, mode), told
    assert (whole.live(at.root)[0] if state.live else None) == state.live
    assert race.arrives in state.cuts, "what came was lost"
    return winner


@pytest.mark.slow
@pytest.mark.timeout(3600)  # its size is counted, not timed: a busy machine may take long
@pytest.mark.parametrize("night", range(-(-RACES // _A_NIGHT)))
def test_two_consoles_and_the_engine_at_once_one_wins_and_the_others_are_told_by_whom(
    night: int, at: Place
) -> None:
    lot = Random(night)
    races = min(_A_NIGHT, RACES)
    coming = iter(nights.stamps("20240602_2105", count=2 * races + 3))
    began = time.monotonic()
    for _ in range(3):
        stamp = next(coming)
        _take(at, _drop(at, stamp, "DIP_LOC"))
        _take(at, _drop(at, stamp, "AYUN"))
    within_s = (time.monotonic() - began) / 3  # twice what one delivery takes
    won: Counter[str] = Counter()
    met = 0
    for stamp in coming:
        if met == races:
            break
        held = lot.random() < 0.3
        _ready(at, stamp, held=held)
        race = _race(at, lot, stamp, held=held, within_s=within_s)
        before = at.station.state().position
        said = _races(at, race)
        winner = _judge(at, race, said, before)
        met += _met(said)
        won[winner] += 1
        within_s *= 0.8 if winner == ENGINE else 1.1  # a third of them are its own, on any machine
        for path in at.settings.drop_folder.iterdir():
            path.unlink()
        assert at.call("prune").code == 0
    print(dict(won), f"{met} met")
    assert set(won) == {"ana", "luis", ENGINE}, "one of them never came first: it was no race"
    table.record("race: two consoles and the engine at once", tried=won.total(), fired=met)
    assert met == races, "they acted one after the other too often"


def _race(at: Place, lot: Random, arrives: str, *, held: bool, within_s: float) -> Race:
    """Two that look at the same moment, and decide within the time that a delivery takes."""
    seen = SnapshotReader(at.settings).read()
    live = seen.live.cut.id if seen.live is not None else ""
    others = [cut for cut in seen.cuts if cut.id != live]
    keys = _HELD if held else _AUTOMATIC
    may = [_decided(seen, action, lot.choice(others)) for action in keys]
    first, second = lot.sample([order for order in may if order is not None], 2)
    waits_s = (lot.uniform(0, within_s), lot.uniform(0, within_s))
    return Race(seen, (first, second), waits_s, arrives)
