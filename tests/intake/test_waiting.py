"""What came waits for its cut: for the other elections, for a time, for a clock."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prep_console.cuts.model import Verdict
from prep_console.intake import quarantine, staging
from prep_console.intake.receive import receive
from prep_console.intake.sealing import assemble_due
from prep_console.journal import journal
from prep_console.problems import Refused
from prep_console.publication import actions, store
from prep_console.publication.station import Station
from prep_console.wording import Sentence
from tests import nights
from tests.intake.desk import PERSON, Desk, checks, parts
from tests.stations import sandbox


def test_a_cut_waits_for_every_election(desk: Desk) -> None:
    first = desk.bring("DIP_LOC", "20240602_2005")
    assert (first.result, first.waiting_for, desk.live) == ("waiting", ("AYUN",), None)
    second = desk.bring("AYUN", "20240602_2005")
    assert (second.result, second.cut, desk.live) == ("sealed", "20240602_2005", "20240602_2005")
    manifest = desk.manifest("20240602_2005")
    assert parts(manifest) == {
        "DIP_LOC": ("20240602_2005", False),
        "AYUN": ("20240602_2005", False),
    }
    assert manifest.why == ""


def test_stamps_that_straddle_a_minute_are_one_cut_named_by_the_newest(desk: Desk) -> None:
    desk.bring("AYUN", "20240602_2004")
    assert desk.bring("DIP_LOC", "20240602_2005").cut == "20240602_2005"


def test_stamps_half_a_cadence_apart_are_two_cuts(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    assert desk.bring("DIP_LOC", "20240602_2010").result == "waiting"
    assert desk.bring("AYUN", "20240602_2009").cut == "20240602_2010"


def test_after_the_wait_a_missing_election_is_carried_and_marked(tmp_path: Path) -> None:
    desk = Desk(tmp_path, carry_after_seconds=0)
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    receipt = desk.bring("DIP_LOC", "20240602_2010")
    assert receipt.cut == "20240602_2010"
    manifest = desk.manifest("20240602_2010")
    assert parts(manifest)["AYUN"] == ("20240602_2005", True)
    assert {"election.missing", "election.lags"} <= checks(manifest)


def test_the_wait_is_over_by_itself_only_after_its_time(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    desk.bring("DIP_LOC", "20240602_2010")
    assert assemble_due(desk.station, actor=PERSON) == []
    assert assemble_due(desk.station, actor=PERSON, at_once=True) == ["20240602_2010"]
    assert desk.live == "20240602_2010"


def test_the_very_first_cut_waits_whatever_the_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path, carry_after_seconds=0)
    assert desk.bring("DIP_LOC", "20240602_2005").result == "waiting"
    assert assemble_due(desk.station, actor=PERSON) == []
    assert desk.live is None


def test_a_person_may_publish_the_first_cut_without_an_election(desk: Desk) -> None:
    receipt = desk.bring("DIP_LOC", "20240602_2005", now=True)
    assert (receipt.cut, desk.live) == ("20240602_2005", "20240602_2005")
    manifest = desk.manifest("20240602_2005")
    assert manifest.missing == ("AYUN",)
    assert "election.absent" in checks(manifest)


def test_a_person_can_end_the_wait_with_what_was_had(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    assert desk.bring("DIP_LOC", "20240602_2005", now=True).cut == "20240602_2005"
    assert desk.live == "20240602_2005"


def test_a_backlog_is_put_together_in_order(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    desk.bring("DIP_LOC", "20240602_2010")
    desk.bring("DIP_LOC", "20240602_2015")
    receipt = desk.bring("AYUN", "20240602_2015")
    assert receipt.cut == "20240602_2015"
    assert sorted(desk.station.state().cuts) == [
        "20240602_2005",
        "20240602_2010",
        "20240602_2015",
    ]
    assert parts(desk.manifest("20240602_2010"))["AYUN"] == ("20240602_2005", True)


def test_a_first_part_that_can_never_be_whole_is_set_aside(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("DIP_LOC", "20240602_2015")
    desk.bring("AYUN", "20240602_2015")
    state = desk.station.state()
    assert sorted(state.cuts) == ["20240602_2015"]
    assert state.waiting == ()
    assert len(list(desk.station.quarantine.iterdir())) == 1


def test_what_is_set_aside_waits_until_the_journal_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between leaves it waiting and whole, and the next look sets it aside."""
    desk.bring("DIP_LOC", "20240602_2005")
    keep = quarantine.keep

    def dies(*args: Any, **named: Any) -> None:
        keep(*args, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(quarantine, "keep", dies)
        desk.bring("DIP_LOC", "20240602_2010")
        with pytest.raises(KeyboardInterrupt):
            desk.bring("AYUN", "20240602_2010")
    (first, *_) = desk.station.state().waiting
    assert staging.is_whole(desk.station, staging.kept(desk.station, first.delivery))
    assert assemble_due(desk.station, actor=PERSON) == ["20240602_2010"]
    assert desk.live == "20240602_2010"
    dropped = [x for x in journal.tail(desk.station.journal, 20) if x.kind == "dropped"]
    assert [line.data["deliveries"] for line in dropped] == [[first.delivery]]
    assert (desk.station.quarantine / str(dropped[0].data["quarantine"]) / "files").is_dir()
    assert list(desk.station.staging.iterdir()) == []


def test_a_whole_newer_cut_does_not_wait_for_what_cannot_be_carried(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    tampered = desk.station.cuts / "20240602_2005" / "site" / "20240602_2005_PREP_AYUN_QRO.zip"
    tampered.chmod(0o644)
    tampered.write_bytes(b"!")
    desk.bring("DIP_LOC", "20240602_2010")
    desk.bring("DIP_LOC", "20240602_2015")
    assert desk.bring("AYUN", "20240602_2015").cut == "20240602_2015"
    assert desk.live == "20240602_2015"
    assert desk.station.state().waiting == ()


def test_a_waiting_delivery_that_was_lost_does_not_stop_the_rest(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    (folder,) = desk.station.staging.iterdir()
    (folder / "delivery.json").write_text("{}")
    assert desk.bring("AYUN", "20240602_2005").result == "waiting"
    assert desk.bring("DIP_LOC", "20240602_2005").cut == "20240602_2005"
    assert desk.live == "20240602_2005"


def test_a_waiting_delivery_without_its_files_may_come_again(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    (folder,) = desk.station.staging.iterdir()
    next((folder / "files").iterdir()).unlink()
    desk.bring("AYUN", "20240602_2005")
    assert desk.bring("DIP_LOC", "20240602_2005").cut == "20240602_2005"


def test_a_waiting_delivery_whose_folder_was_cleared_is_taken_when_it_comes_again(
    desk: Desk,
) -> None:
    """Somebody made room on a full disk: the copy that comes then is the only one."""
    desk.bring("DIP_LOC", "20240602_2005")
    shutil.rmtree(next(desk.station.staging.iterdir()))
    assert desk.bring("DIP_LOC", "20240602_2005").result == "waiting"
    assert desk.bring("DIP_LOC", "20240602_2005").result == "had"
    assert desk.bring("AYUN", "20240602_2005").cut == "20240602_2005"


def test_what_came_is_taken_though_somebody_holds_the_lock(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sealed by then: the receipt says why it is not public yet, and it is tried again."""
    desk.bring("DIP_LOC", "20240602_2005")
    with monkeypatch.context() as busy:
        busy.setattr(actions, "advance", _is_held)
        receipt = desk.bring("AYUN", "20240602_2005")
    assert (receipt.result, receipt.published) == ("sealed", None)
    assert receipt.waits is not None
    assert "has held the lock" in receipt.waits.in_("en")
    assert actions.advance(desk.station) is not None
    assert desk.live == "20240602_2005"


def _is_held(*_: object) -> None:
    raise Refused(Sentence("process 7 has held the lock"), Sentence("try again"))


def test_any_election_is_taken_where_none_is_named(tmp_path: Path) -> None:
    station: Station = sandbox(tmp_path, {"election": {"elections": [], "state": ""}}).station
    dip = nights.archive(tmp_path, "DIP_LOC", "20240602_2005", actas=5)
    ayun = nights.archive(tmp_path, "AYUN", "20240602_2010", actas=5)
    assert receive(station, dip, actor=PERSON).cut == "20240602_2005"
    assert receive(station, ayun, actor=PERSON).cut == "20240602_2010"
    manifest = store.load(station, "20240602_2010")[0]
    assert parts(manifest)["DIP_LOC"] == ("20240602_2005", True)


def test_a_cut_from_the_future_is_parked_while_our_clock_is_not_known_right(desk: Desk) -> None:
    ahead = datetime.now(desk.station.settings.zone) + timedelta(hours=2)
    stamp = f"{ahead:%Y%m%d_%H%M}"
    path = nights.archive(desk.station.staging.parent, "DIP_LOC", stamp, actas=5)
    for _ in range(2):
        receipt = receive(desk.station, path, actor=PERSON)
        assert (receipt.result, receipt.quarantined) == ("parked", None)
        assert receipt.examination.verdict is Verdict.STOPPED
    lines = journal.tail(desk.station.journal, 10)
    assert [line.data["stamp"] for line in lines if line.kind == "parked"] == [stamp]
    assert desk.station.state().marks == {}
    assert receive(desk.station, path, actor=PERSON, clock_known=True).result == "refused"


def test_what_is_parked_must_be_good_in_all_else(desk: Desk) -> None:
    ahead = datetime.now(desk.station.settings.zone) + timedelta(hours=2)
    path = nights.archive(desk.station.staging.parent, "DIP_LOC", f"{ahead:%Y%m%d_%H%M}", actas=5)
    path.write_bytes(path.read_bytes()[:-40])
    assert receive(desk.station, path, actor=PERSON).result == "refused"
