"""The mode table, row by row: what each action does in auto, hold and frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prep_console.cuts.stamps import Stamp
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.problems import Refused
from prep_console.publication import actions, lock, rules
from prep_console.publication.actions import Expected, Outcome
from prep_console.publication.station import Station
from tests import nights
from tests.publication.three_cuts import (
    FIRST,
    FOURTH,
    PERSON,
    SECOND,
    THIRD,
    cut,
    deliver,
    live,
    mode,
)
from tests.stations import sandbox


def test_auto_publishes_a_new_good_cut(station: Station, tmp_path: Path) -> None:
    assert live(station) == THIRD
    deliver(station, tmp_path, FOURTH)
    assert (live(station), mode(station)) == (FOURTH, "auto")


def test_rollback_withdraws_and_holds_until_a_person_releases(
    station: Station, tmp_path: Path
) -> None:
    outcome = actions.rollback(station, actor=PERSON, reason="datos de prueba")
    assert (outcome.from_cut, outcome.to_cut, outcome.mode) == (THIRD, SECOND, "hold")
    assert live(station) == SECOND
    deliver(station, tmp_path, FOURTH)
    assert live(station) == SECOND  # nothing comes back by itself
    actions.release(station, actor=PERSON)
    assert (live(station), mode(station)) == (FOURTH, "auto")


def test_who_holds_before_the_rules_get_the_lock_is_obeyed(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the rules found before they had the lock may be so no longer."""
    held = lock.held

    @contextmanager
    def after_a_hold(path: Path, purpose: str, **options: Any) -> Iterator[None]:
        if purpose == "publish":
            monkeypatch.setattr(lock, "held", held)
            actions.hold(Station(station.settings), actor=PERSON, reason="r")
        with held(path, purpose, **options):
            yield

    monkeypatch.setattr(lock, "held", after_a_hold)
    deliver(station, tmp_path, FOURTH)
    assert lock.held is held
    assert (live(station), mode(station)) == (THIRD, "hold")


def test_release_never_brings_back_a_withdrawn_cut(station: Station) -> None:
    actions.rollback(station, actor=PERSON)
    actions.release(station, actor=PERSON)
    assert (live(station), mode(station)) == (SECOND, "auto")


def test_a_second_rollback_goes_one_further_back(station: Station) -> None:
    actions.rollback(station, actor=PERSON)
    actions.rollback(station, actor=PERSON)
    assert live(station) == FIRST
    with pytest.raises(Refused):
        actions.rollback(station, actor=PERSON)
    assert live(station) == FIRST


def test_a_rollback_sets_no_mark_back(station: Station, tmp_path: Path) -> None:
    """What is older than the newest that was accepted is refused: only accept-from lets it in."""
    marks = dict(station.state().marks)
    actions.rollback(station, to=cut(FIRST), actor=PERSON)
    assert Station(station.settings).whole_state().marks == marks
    older = tmp_path / "older"
    older.mkdir()
    nights.two_archives(older, stamp=SECOND, actas=5, seed=7)
    assert receive(station, older, actor=PERSON).result == "refused"


def test_rollback_to_withdraws_what_lies_between(station: Station) -> None:
    actions.rollback(station, to=cut(FIRST), actor=PERSON)
    state = station.state()
    assert live(station) == FIRST
    assert state.cuts[SECOND].withdrawn
    assert state.cuts[THIRD].withdrawn
    assert not state.cuts[FIRST].withdrawn


def test_a_withdrawn_cut_comes_back_only_by_publish(station: Station) -> None:
    actions.rollback(station, actor=PERSON)
    actions.rollback(station, actor=PERSON)
    actions.publish(station, cut(THIRD), actor=PERSON)
    with pytest.raises(Refused):
        actions.rollback(station, to=cut(SECOND), actor=PERSON)
    actions.publish(station, cut(SECOND), actor=PERSON)
    assert live(station) == SECOND
    assert not station.state().cuts[SECOND].withdrawn


def test_rollback_to_a_newer_cut_is_refused(station: Station) -> None:
    actions.publish(station, cut(FIRST), actor=PERSON)
    with pytest.raises(Refused):
        actions.rollback(station, to=cut(SECOND), actor=PERSON)


def test_publishing_the_newest_keeps_the_mode_and_any_other_holds(station: Station) -> None:
    actions.publish(station, cut(FIRST), actor=PERSON)
    assert (live(station), mode(station)) == (FIRST, "hold")
    actions.publish(station, cut(THIRD), actor=PERSON)
    assert (live(station), mode(station)) == (THIRD, "hold")
    actions.release(station, actor=PERSON)
    assert actions.publish(station, cut(THIRD), actor=PERSON).changed is False
    assert mode(station) == "auto"


def test_hold_stores_and_release_publishes_the_newest(station: Station, tmp_path: Path) -> None:
    assert actions.hold(station, actor=PERSON).changed
    assert not actions.hold(station, actor=PERSON).changed
    deliver(station, tmp_path, FOURTH)
    assert live(station) == THIRD
    assert actions.release(station, actor=PERSON).to_cut == FOURTH
    assert not actions.release(station, actor=PERSON).changed


def test_a_release_and_what_goes_live_by_it_are_one_step(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else somebody comes between, and a release that is refused has released all the same."""
    actions.hold(station, actor=PERSON)
    deliver(station, tmp_path, FOURTH)
    held, purposes = lock.held, []

    def noted(path: Path, purpose: str, **named: Any) -> AbstractContextManager[None]:
        purposes.append(purpose)
        return held(path, purpose, **named)

    monkeypatch.setattr(lock, "held", noted)
    assert actions.release(station, actor=PERSON).to_cut == FOURTH
    assert purposes == ["release"]


def test_frozen_stands_against_everything(station: Station, tmp_path: Path) -> None:
    actions.freeze(station, actor=PERSON, reason="último corte")
    deliver(station, tmp_path, FOURTH)
    attempts: list[Callable[[], Outcome]] = [
        lambda: actions.publish(station, cut(FIRST), actor=PERSON),
        lambda: actions.rollback(station, actor=PERSON),
        lambda: actions.hold(station, actor=PERSON),
        lambda: actions.release(station, actor=PERSON),
        lambda: actions.suspend(station, actor=PERSON),
    ]
    for refused in attempts:
        with pytest.raises(Refused):
            refused()
    assert (live(station), mode(station)) == (THIRD, "frozen")


def test_refreezing_another_cut_needs_a_reason_and_takes_one_step(
    station: Station, tmp_path: Path
) -> None:
    actions.freeze(station, cut(SECOND), actor=PERSON)
    assert (live(station), mode(station)) == (SECOND, "frozen")
    with pytest.raises(Refused):
        actions.freeze(station, cut(THIRD), actor=PERSON)
    actions.freeze(station, cut(THIRD), actor=PERSON, reason="corte final corregido")
    assert (live(station), mode(station)) == (THIRD, "frozen")


def test_freezing_brings_no_withdrawn_cut_back(station: Station) -> None:
    actions.rollback(station, actor=PERSON)
    with pytest.raises(Refused, match="withdrawn"):
        actions.freeze(station, cut(THIRD), actor=PERSON, reason="el final")
    assert (live(station), mode(station)) == (SECOND, "hold")
    actions.freeze(station, cut(FIRST), actor=PERSON)
    with pytest.raises(Refused, match="withdrawn"):
        actions.freeze(station, cut(THIRD), actor=PERSON, reason="el final")
    assert (live(station), mode(station)) == (FIRST, "frozen")


@pytest.mark.parametrize("which", [SECOND, THIRD])
def test_publish_says_that_it_leaves_publishing_on_hold(station: Station, which: str) -> None:
    actions.rollback(station, actor=PERSON)
    actions.rollback(station, actor=PERSON)
    told = actions.publish(station, cut(which), actor=PERSON).told
    assert told.in_("en") == f"cut {which} is live; publishing is on hold"


def test_thaw_goes_to_hold_and_changes_nothing_public(station: Station) -> None:
    assert not actions.thaw(station, actor=PERSON).changed
    actions.freeze(station, actor=PERSON)
    actions.thaw(station, actor=PERSON)
    assert (live(station), mode(station)) == (THIRD, "hold")


def test_suspend_takes_everything_down_and_publish_puts_it_up(station: Station) -> None:
    actions.suspend(station, actor=PERSON)
    assert (live(station), mode(station)) == (None, "hold")
    with pytest.raises(Refused):
        actions.rollback(station, actor=PERSON)
    with pytest.raises(Refused):
        actions.freeze(station, actor=PERSON)
    actions.publish(station, cut(THIRD), actor=PERSON)
    assert live(station) == THIRD


def test_an_unknown_cut_is_refused(station: Station) -> None:
    with pytest.raises(Refused):
        actions.publish(station, cut("20300101_0000"), actor=PERSON)
    assert live(station) == THIRD


def test_what_the_person_saw_is_checked_again(station: Station) -> None:
    seen = Expected("auto", SECOND)
    lines = station.state().position.lines
    with pytest.raises(Refused, match=r"was first, .* 20240602_2015"):
        actions.rollback(station, actor=PERSON, expected=seen)
    assert station.state().position.lines == lines
    actions.rollback(station, actor=PERSON, expected=Expected("auto", THIRD))
    assert live(station) == SECOND


def test_who_is_not_asked_means_the_live_cut_or_a_newer_one(station: Station) -> None:
    """Two rollbacks at one moment go one back; a cut that came just then is the one meant."""
    seen = Expected("auto", THIRD, counts="cut not newer")
    actions.rollback(station, actor=PERSON)
    with pytest.raises(Refused, match="was first"):
        actions.rollback(station, actor=PERSON, expected=seen)
    assert live(station) == SECOND
    actions.rollback(station, actor=PERSON, expected=Expected("auto", FIRST, counts=seen.counts))
    assert live(station) == FIRST


def test_who_comes_late_is_told_who_was_first(station: Station) -> None:
    """The first who changed it since they looked, whatever followed from that."""
    actions.hold(station, actor=PERSON)
    seen = Expected("hold", THIRD, station.state().position.seq)
    actions.rollback(station, actor=Actor(1001, "luis"), reason="datos de prueba")
    actions.suspend(station, actor=Actor(1002, "eva"))
    with pytest.raises(Refused) as told:
        actions.release(station, actor=PERSON, expected=seen)
    assert "luis was first" in told.value.what.in_("en")
    assert f"{SECOND}: “datos de prueba”" in told.value.what.in_("en")
    assert "eva" not in told.value.what.in_("en")


def test_the_embargo_holds_for_the_rules_and_not_for_a_person(tmp_path: Path) -> None:
    opens = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    file = sandbox(tmp_path).file
    file.write_text(f"{file.read_text()}opens = {opens}\n")
    from prep_console import config

    station = Station(config.load(file))
    deliver(station, tmp_path, FIRST)
    assert live(station) is None
    why = rules.why_waiting(station.state(), station.settings, datetime.now(UTC), FIRST)
    assert why is not None
    day = datetime.fromisoformat(opens).astimezone(station.settings.zone)
    assert why.in_("es") == f"espera: nada se publica antes de la apertura ({day:%Y-%m-%d %H:%M})"
    actions.publish(station, cut(FIRST), actor=PERSON)
    assert live(station) == FIRST


def test_a_rehearsal_has_no_embargo(tmp_path: Path) -> None:
    file = sandbox(tmp_path, {"station": {"phase": "simulacro"}}).file
    opens = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    file.write_text(f"{file.read_text()}opens = {opens}\n")
    from prep_console import config

    station = Station(config.load(file))
    deliver(station, tmp_path, FIRST)
    assert live(station) == FIRST


def test_accept_from_lets_older_cuts_in_again_and_they_outrank(
    station: Station, tmp_path: Path
) -> None:
    actions.rollback(station, actor=PERSON)
    actions.accept_from(station, Stamp.of("20240602_2012"), actor=PERSON, reason="reloj malo")
    actions.release(station, actor=PERSON)
    deliver(station, tmp_path, "20240602_2012")
    assert live(station) == "20240602_2012"
    assert not actions.accept_from(station, Stamp.of("20240602_2012"), actor=PERSON).changed


def test_a_revision_raises_no_mark_of_what_it_only_takes_over(
    station: Station, tmp_path: Path
) -> None:
    """A correction of one election must not undo ``accept-from`` for the other."""
    actions.accept_from(station, Stamp.of("20240602_2012"), actor=PERSON, reason="reloj malo")
    again = nights.archive(tmp_path / "again", "DIP_LOC", THIRD, actas=5, seed=7)
    receive(station, again, actor=PERSON)
    assert station.state().marks == {"DIP_LOC": THIRD, "AYUN": "20240602_2012"}


def test_sealing_what_waited_raises_no_mark_that_was_set_back(
    station: Station, tmp_path: Path
) -> None:
    receive(station, nights.archive(tmp_path / "one", "DIP_LOC", FOURTH, actas=5), actor=PERSON)
    actions.accept_from(station, Stamp.of("20240602_2012"), actor=PERSON, reason="reloj malo")
    receive(station, nights.archive(tmp_path / "two", "AYUN", FOURTH, actas=5), actor=PERSON)
    assert FOURTH in station.state().cuts
    assert station.state().marks == {"DIP_LOC": "20240602_2012", "AYUN": FOURTH}


def test_what_is_live_comes_again_after_a_correction_and_is_had(
    station: Station, tmp_path: Path
) -> None:
    """The correction is newer and shares a part of it: that makes nothing of this one new."""
    again = nights.archive(tmp_path / "again", "DIP_LOC", THIRD, actas=5, seed=7)
    receive(station, again, actor=PERSON)
    assert f"{THIRD}.2" in station.state().cuts
    came = receive(station, tmp_path / f"delivery-{THIRD}", actor=PERSON)
    assert (came.result, came.cut) == ("had", THIRD)
    assert f"{THIRD}.3" not in station.state().cuts


def test_the_journal_says_who_and_why(station: Station) -> None:
    actions.rollback(station, actor=PERSON, reason="datos de prueba")
    decision = station.state().decision
    assert decision is not None
    assert (decision.action, decision.by, decision.reason) == (
        "rollback",
        "ana",
        "datos de prueba",
    )
