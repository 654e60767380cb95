"""Playing, pausing, jumping: on a clock that the test moves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from prep_console.console.player import FASTEST, SLOWEST, Player
from prep_console.engine.past import Past
from prep_console.problems import WrongUsage
from tests.replay.pasts import AT, ZONE, minutes, station

pytestmark = pytest.mark.usefixtures("in_english")

SECOND = timedelta(seconds=1)


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def player(tmp_path: Path, clock: Clock) -> Player:
    past = Past(station(tmp_path).settings)
    return Player(past, past.begins, past.ends, clock=clock)


def at(player: Player) -> float:
    """Minutes after the beginning."""
    return (player.moment - AT) / minutes(1)


def test_it_plays_at_its_speed_and_stands_while_paused(player: Player, clock: Clock) -> None:
    clock.s += 30
    assert at(player) == 0.5
    for _ in range(3):
        player.faster(1)
    assert player.speed == 10
    clock.s += 30
    assert at(player) == 5.5
    player.toggle()
    clock.s += 1000
    assert at(player) == 5.5
    assert not player.playing
    player.toggle()
    clock.s += 6
    assert at(player) == 6.5
    player.faster(-1)
    assert (player.speed, at(player), player.playing) == (5, 6.5, True)


def test_the_speeds_have_two_ends(player: Player) -> None:
    for _ in range(20):
        player.faster(1)
    assert player.speed == FASTEST == 600
    for _ in range(20):
        player.faster(-1)
    assert player.speed == SLOWEST == 1


def test_a_speed_between_two_goes_to_the_next_one(tmp_path: Path) -> None:
    past = Past(station(tmp_path).settings)
    player = Player(past, past.begins, past.ends, speed=45.0)
    player.faster(1)
    assert player.speed == 60
    player.faster(-1)
    assert player.speed == 30


def test_at_the_end_it_stands_says_so_and_begins_again(player: Player, clock: Clock) -> None:
    clock.s += 5000
    assert at(player) == 20
    past = player.read().past
    assert past is not None
    assert (past.playing, past.remark) == (False, "the end of the replay")
    clock.s += 5
    assert at(player) == 20
    player.toggle()
    clock.s += 6
    assert at(player) == 0.1
    assert player.playing


def test_it_jumps_to_what_happened_and_pauses(player: Player) -> None:
    found = []
    for _ in range(3):
        player.jump("alarm", 1)
        found.append(at(player))
    assert found == [13, 20, 20]
    remark = player.read().past
    assert remark is not None
    assert remark.remark == "no further alarm"
    player.jump("decision", -1)
    assert at(player) == 15
    assert not player.playing
    for _ in range(2):
        player.jump("decision", -1)
    assert player.moment == AT + minutes(7) + SECOND
    snapshot = player.read()
    assert (snapshot.mode, snapshot.journal[0].kind) == ("hold", "done")
    player.jump("decision", -1)
    past = player.read().past
    assert past is not None
    assert past.remark == "no decision before this"
    player.jump("cut", 1)
    assert player.moment == AT + minutes(16) + SECOND
    player.jump("cut", -1)
    assert player.moment == AT + minutes(5) + SECOND
    live = player.read().live
    assert live is not None
    assert live.cut.id == "20240603_0205"


def test_it_never_leaves_its_stretch(tmp_path: Path, clock: Clock) -> None:
    past = Past(station(tmp_path).settings)
    player = Player(past, AT + minutes(6), AT + minutes(14), clock=clock)
    player.step(-3600)
    assert at(player) == 6
    player.jump("cut", -1)
    assert at(player) == 6
    player.jump("alarm", 1)
    player.jump("alarm", 1)
    assert at(player) == 13
    player.step(3600)
    assert at(player) == 14
    player.end(-1)
    assert at(player) == 6
    player.end(1)
    assert at(player) == 14
    shown = player.read().past
    assert shown is not None
    assert (shown.begins, shown.ends) == (AT + minutes(6), AT + minutes(14))


def test_a_step_keeps_playing_and_a_typed_time_pauses(player: Player, clock: Clock) -> None:
    player.step(60)
    assert player.playing
    clock.s += 60
    assert at(player) == 2
    player.go("02:14", ZONE)
    assert (at(player), player.playing) == (14, False)
    with pytest.raises(WrongUsage):
        player.go("03:00", ZONE)
    assert at(player) == 14
