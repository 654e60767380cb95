"""The mode table, row by row: what each action does in auto, hold and frozen."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prep_console.cuts.model import Examination
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.intake import receive as receiving
from prep_console.intake.lists_beside import with_lists_beside
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.problems import Failed, Refused
from prep_console.publication import actions, lock, pointer
from prep_console.publication import station as stations
from prep_console.publication.actions import Expected, Outcome
from prep_console.publication.afresh import begin_afresh
from prep_console.publication.pointer import Live
from prep_console.publication.settle import settle_if_open
from prep_console.publication.station import Station
from tests import nights
from tests.stations import sandbox

PERSON = Actor(1000, "ana", "192.0.2.7")
FIRST, SECOND, THIRD, FOURTH = nights.stamps(count=4)


def deliver(station: Station, folder: Path, stamp: str) -> None:
    source = folder / f"delivery-{stamp}"
    if not source.exists():
        source.mkdir()
        nights.two_archives(source, stamp=stamp, actas=5)
    receive(station, source, actor=PERSON)


@pytest.fixture
def station(tmp_path: Path) -> Station:
    """Three cuts, the third one live, in auto."""
    made = sandbox(tmp_path).station
    for stamp in (FIRST, SECOND, THIRD):
        deliver(made, tmp_path, stamp)
    return made


def live(station: Station) -> str | None:
    """What the public gets, from the pointer itself; journal and pointer must agree."""
    cut = station.live().cut
    assert Station(station.settings).whole_state().live == cut
    return cut


def mode(station: Station) -> str:
    return Station(station.settings).whole_state().mode


def cut(name: str) -> CutId:
    return CutId.of(name)


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


def test_a_rollback_that_is_cut_short_holds_all_the_same(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who wanted the cut before wants no newer one by itself, though the switch failed."""

    def refused(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(pointer, "write", refused)
        with pytest.raises(Failed):
            actions.rollback(station, actor=PERSON, reason="r")
    deliver(station, tmp_path, FOURTH)
    assert (live(station), mode(station)) == (THIRD, "hold")


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


def test_a_cut_whose_manifest_is_not_the_one_that_was_sealed_is_not_put_up(
    station: Station,
) -> None:
    """It reads as before; but who changed it could have changed what it says of the files."""
    path = station.cuts / SECOND / "cut.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(Refused):
        actions.rollback(station, actor=PERSON)
    assert live(station) == THIRD


def test_a_damaged_cut_is_not_put_up(station: Station) -> None:
    site = station.cuts / SECOND / "site"
    site.chmod(0o755)
    next(site.iterdir()).unlink()
    with pytest.raises(Refused):
        actions.rollback(station, actor=PERSON)
    assert live(station) == THIRD


def test_the_embargo_holds_for_the_rules_and_not_for_a_person(tmp_path: Path) -> None:
    opens = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    file = sandbox(tmp_path).file
    file.write_text(f"{file.read_text()}opens = {opens}\n")
    from prep_console import config

    station = Station(config.load(file))
    deliver(station, tmp_path, FIRST)
    assert live(station) is None
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


def test_the_journal_says_who_and_why(station: Station) -> None:
    actions.rollback(station, actor=PERSON, reason="datos de prueba")
    decision = station.state().decision
    assert decision is not None
    assert (decision.action, decision.by, decision.reason) == (
        "rollback",
        "ana",
        "datos de prueba",
    )


def test_a_sealed_folder_without_its_line_is_found_by_the_next_action(
    station: Station, tmp_path: Path
) -> None:
    """As a kill between the seal and the journal leaves it; and one that is no whole cut."""
    journal = station.journal.read_bytes()
    deliver(station, tmp_path, FOURTH)
    station.journal.write_bytes(journal)
    (station.run / "state.json").unlink(missing_ok=True)
    actions.hold(Station(station.settings), actor=PERSON, reason="r")
    assert FOURTH in station.whole_state().cuts
    (station.cuts / "20240602_2100").mkdir()
    actions.thaw(Station(station.settings), actor=PERSON)
    assert not (station.cuts / "20240602_2100").exists()
    assert (station.quarantine / "cut-20240602_2100").is_dir()


def test_a_pointer_that_nobody_moved_here_stays_where_it_is_and_holds(
    station: Station, tmp_path: Path
) -> None:
    """Somebody rewrote it by hand: what is public and whole stays, and nothing newer comes."""
    pointer.write(station.public, Live(SECOND, station.live().estado))
    settle_if_open(Station(station.settings))
    deliver(Station(station.settings), tmp_path, FOURTH)
    assert (live(station), mode(station)) == (SECOND, "hold")


def test_a_pointer_that_names_half_a_cut_goes_back_to_what_the_record_says(
    station: Station,
) -> None:
    """Somebody rewrote it by hand. A whole cut would stay, on hold; half of one is served to no
    visitor for longer than it takes to act."""
    pointer.write(station.public, Live(SECOND, station.live().estado))
    site = station.cuts / SECOND / "site"
    site.chmod(0o755)
    next(site.iterdir()).unlink()
    actions.hold(Station(station.settings), actor=PERSON, reason="r")
    assert (live(station), mode(station)) == (THIRD, "hold")


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
