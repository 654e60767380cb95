"""The ballast is for what a person or a rule decided, not for what a program has to tell."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from prep_console.journal import journal
from prep_console.problems import Failed
from prep_console.publication import actions, retention
from prep_console.publication.settle import settle_if_open
from prep_console.publication.station import Station
from tests.publication.three_cuts import FIRST, PERSON, SECOND, THIRD, live, mode
from tests.stations import sandbox


@pytest.fixture
def ballast(station: Station, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a disk where nothing more fits into the journal before it is given."""
    station.reserve()
    there, append = station.run / "ballast", journal.append

    def appended(*given: Any) -> Any:
        if there.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(station.journal))
        return append(*given)

    monkeypatch.setattr(journal, "append", appended)
    assert there.exists()
    return there


def test_a_line_of_a_program_leaves_the_ballast_to_a_rollback(
    station: Station, ballast: Path
) -> None:
    for purpose in ("fail", "alarms", "accept", "seal"):
        with pytest.raises(Failed, match="No space left"), station.acting(purpose) as ledger:
            ledger.append([("failed", {"error": "no room"})], PERSON)
    assert ballast.exists()
    assert actions.rollback(station, actor=PERSON, reason="bad").to_cut == SECOND
    assert (live(station), mode(station)) == (SECOND, "hold")


def test_what_gives_room_is_worth_it(station: Station, ballast: Path, tmp_path: Path) -> None:
    few = sandbox(tmp_path, {"publication": {"keep_cuts": 2}}).station
    assert few.root == station.root
    assert retention.prune(few) == [FIRST]
    assert not ballast.exists()


def test_the_public_gets_its_cut_back_though_the_map_is_gone(
    station: Station, ballast: Path
) -> None:
    (station.public / "live.map").unlink()
    settle_if_open(Station(station.settings))
    assert live(station) == THIRD


def test_a_switch_that_was_cut_short_is_closed_by_whoever_comes_next(
    station: Station, ballast: Path
) -> None:
    ballast.unlink()
    intent = {"action": "suspend", "estado": 99, "from": THIRD, "to": None}
    with station.acting("suspend") as ledger:
        ledger.append([("intent", intent)], PERSON)
    station.reserve()
    assert ballast.exists()
    settle_if_open(Station(station.settings))
    assert Station(station.settings).state().intent is None
    assert live(station) == THIRD
