"""A station begins, is put away, and begins afresh."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from prep_console.cuts.model import Examination
from prep_console.intake import receive as receiving
from prep_console.intake.lists_beside import with_lists_beside
from prep_console.problems import Failed, Refused
from prep_console.publication import actions, lock
from prep_console.publication import station as stations
from prep_console.publication.afresh import begin_afresh
from prep_console.publication.station import Station
from tests.publication.three_cuts import (
    FOURTH,
    PERSON,
    THIRD,
    deliver,
    live,
    mode,
)
from tests.stations import sandbox


def test_two_who_come_first_both_make_the_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process made them between our look and our making them."""
    made = sandbox(tmp_path).station
    made.prepare()
    is_dir, looked_at = Path.is_dir, set[Path]()

    def too_early(path: Path) -> bool:
        first = path not in looked_at
        looked_at.add(path)
        return is_dir(path) and not (first and made.root in path.parents)

    monkeypatch.setattr(Path, "is_dir", too_early)
    made.prepare()
    assert made.cuts in looked_at


def test_a_station_is_not_put_away_while_it_is_led_or_frozen(station: Station) -> None:
    with lock.held(station.leader_lock, "engine"), pytest.raises(Refused) as led:
        begin_afresh(station, actor=PERSON)
    assert "an engine is running" in led.value.what.in_("en")
    actions.freeze(station, actor=PERSON)
    with pytest.raises(Refused) as final:
        begin_afresh(station, actor=PERSON)
    assert "is frozen" in final.value.what.in_("en")
    assert (live(station), mode(station)) == (THIRD, "frozen")


def test_a_station_is_not_put_away_while_a_delivery_is_decided_about(station: Station) -> None:
    with lock.held(station.intake_lock, "receive"):
        with pytest.raises(Refused, match="receive"):
            begin_afresh(station, actor=PERSON)
        assert live(station) == THIRD
    begin_afresh(station, actor=PERSON)
    assert live(station) is None


def test_a_delivery_that_is_read_while_the_station_is_put_away_is_not_taken(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was staged of it went with the night before: nothing is said of it that is not so."""

    def then_new(*args: Any) -> Examination:
        begin_afresh(station, actor=PERSON)
        return with_lists_beside(*args)

    monkeypatch.setattr(receiving, "with_lists_beside", then_new)
    with pytest.raises(Failed, match="put away"):
        deliver(station, tmp_path, FOURTH)
    monkeypatch.undo()
    assert (live(station), station.state().cuts) == (None, {})
    deliver(station, tmp_path, FOURTH)
    assert live(station) == FOURTH


def test_a_station_begun_afresh_the_moment_a_decision_is_done_has_a_whole_journal(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a decision keeps for the next process must not be of a journal that is gone by then."""
    monkeypatch.setattr(stations, "_CHECKPOINT_LINES", 1)  # as in a night of more than 40 lines
    held = lock.held

    @contextmanager
    def then_afresh(path: Path, purpose: str, **options: Any) -> Iterator[None]:
        with held(path, purpose, **options):
            yield
        if purpose == "hold":
            begin_afresh(Station(station.settings), actor=PERSON)

    monkeypatch.setattr(lock, "held", then_afresh)
    actions.hold(Station(station.settings), actor=PERSON, reason="r")
    after = Station(station.settings).state()
    assert (after.breaks, after.live, len(after.cuts)) == ((), None, 0)
