"""Parts into cuts: waiting, carrying, revisions, and what is refused."""

from __future__ import annotations

import errno
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prep_console import durable
from prep_console.cuts.model import Verdict
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.engine.view import SnapshotReader
from prep_console.intake import quarantine, sealing, staging
from prep_console.intake.receipt import Receipt
from prep_console.intake.receive import receive
from prep_console.intake.sealing import assemble_due
from prep_console.journal import journal
from prep_console.journal.actor import Actor
from prep_console.problems import Failed, Refused
from prep_console.publication import actions, rules, store
from prep_console.publication.manifest import Manifest
from prep_console.publication.station import Station
from prep_console.wording import Sentence
from tests import nights
from tests.stations import sandbox

PERSON = Actor(1000, "ana")


class Desk:
    """One station and a folder to make deliveries in."""

    def __init__(self, folder: Path, **intake: object) -> None:
        tables = {"intake": intake} if intake else None
        self.station = sandbox(folder, tables).station
        self._folder = folder
        self._count = 0

    def bring(
        self,
        election: str,
        stamp: str,
        *,
        now: bool = False,
        seed: int = 1,
        as_of: str | None = None,
    ) -> Receipt:
        self._count += 1
        folder = self._folder / f"d{self._count}"
        folder.mkdir()
        path = nights.archive(folder, election, stamp, actas=5, seed=seed, as_of=as_of)
        return receive(self.station, path, actor=PERSON, at_once=now)

    def other(self, stamp: str) -> Path:
        """A new folder that a delivery may lie in."""
        self._count += 1
        folder = self._folder / f"d{self._count}" / f"{stamp}_PREP_QRO"
        folder.mkdir(parents=True)
        return folder

    def bring_both(self, stamp: str, *, ayun: int = 1) -> Receipt:
        """Both elections in one delivery; ``ayun`` is the seed of its content."""
        folder = self.other(stamp)
        nights.archive(folder, "DIP_LOC", stamp, actas=5, seed=1)
        nights.archive(folder, "AYUN", stamp, actas=5, seed=ayun)
        return receive(self.station, folder, actor=PERSON)

    def manifest(self, cut: str) -> Manifest:
        return store.load(self.station, cut)[0]

    @property
    def live(self) -> str | None:
        return self.station.live().cut


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def parts(manifest: Manifest) -> dict[str, tuple[str, bool]]:
    return {p.election: (p.stamp, p.carried) for p in manifest.parts}


def checks(manifest: Manifest) -> set[str]:
    return {f.check for f in manifest.findings}


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


def test_a_late_part_completes_its_cut(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    desk.bring("DIP_LOC", "20240602_2010", now=True)
    receipt = desk.bring("AYUN", "20240602_2009")
    assert receipt.cut == "20240602_2010.2"
    manifest = desk.manifest("20240602_2010.2")
    assert manifest.why == "completed"
    assert parts(manifest) == {
        "DIP_LOC": ("20240602_2010", False),
        "AYUN": ("20240602_2009", False),
    }
    assert desk.live == "20240602_2010.2"


def test_the_same_stamp_and_bytes_are_already_had(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    again = desk.bring("DIP_LOC", "20240602_2005")
    assert (again.result, again.waiting_for) == ("had", ("AYUN",))
    desk.bring("AYUN", "20240602_2005")
    lines = desk.station.state().position.lines
    receipt = desk.bring("AYUN", "20240602_2005")
    assert (receipt.result, receipt.cut) == ("had", "20240602_2005")
    assert desk.station.state().position.lines == lines


def test_a_person_can_end_the_wait_with_what_was_had(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    assert desk.bring("DIP_LOC", "20240602_2005", now=True).cut == "20240602_2005"
    assert desk.live == "20240602_2005"


def test_an_older_stamp_is_refused_and_kept_in_quarantine(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2010")
    desk.bring("AYUN", "20240602_2010")
    receipt = desk.bring("AYUN", "20240602_2005")
    assert receipt.result == "refused"
    assert {f.check for f in receipt.examination.findings if f.severity == "stop"} == {
        "stamp.older"
    }
    kept = desk.station.quarantine / str(receipt.quarantined)
    assert (kept / "reason.json").is_file()
    assert [p.name for p in (kept / "files").iterdir()] == ["20240602_2005_PREP_AYUN_QRO.zip"]
    assert desk.live == "20240602_2010"


def test_a_rollback_does_not_move_the_marks_back(desk: Desk) -> None:
    for stamp in ("20240602_2005", "20240602_2010"):
        desk.bring("DIP_LOC", stamp)
        desk.bring("AYUN", stamp)
    actions.rollback(desk.station, actor=PERSON)
    assert desk.bring("AYUN", "20240602_2006").result == "refused"


def test_other_bytes_under_the_same_stamp_wait_for_a_person(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    receipt = desk.bring("AYUN", "20240602_2005", seed=2)
    assert (receipt.result, receipt.cut) == ("sealed", "20240602_2005.2")
    manifest = desk.manifest("20240602_2005.2")
    assert manifest.why == "corrected"
    assert "stamp.corrected" in checks(manifest)
    assert desk.live == "20240602_2005"
    actions.release(desk.station, actor=PERSON)
    assert desk.live == "20240602_2005"
    assert desk.bring("AYUN", "20240602_2005", seed=2).result == "had"
    actions.publish(desk.station, CutId.of("20240602_2005.2"), actor=PERSON)
    assert desk.live == "20240602_2005.2"
    assert desk.station.state().mode == "auto"


def test_a_late_part_that_brings_a_correction_along_waits_for_a_person(desk: Desk) -> None:
    desk.bring_both("20240602_2000")
    desk.bring("AYUN", "20240602_2005", now=True)
    receipt = desk.bring_both("20240602_2005", ayun=2)
    assert (receipt.result, receipt.cut) == ("sealed", "20240602_2005.2")
    manifest = desk.manifest("20240602_2005.2")
    assert manifest.why == "corrected"
    assert parts(manifest) == {
        "DIP_LOC": ("20240602_2005", False),
        "AYUN": ("20240602_2005", False),
    }
    corrected = [f.values["election"] for f in manifest.findings if f.check == "stamp.corrected"]
    assert corrected == ["AYUN"]
    assert desk.live == "20240602_2005"


def test_a_correction_brings_what_a_first_cut_lacked(desk: Desk) -> None:
    desk.bring("AYUN", "20240602_2005", now=True)
    receipt = desk.bring_both("20240602_2005", ayun=2)
    manifest = desk.manifest(str(receipt.cut))
    assert (manifest.id, manifest.why, manifest.missing) == ("20240602_2005.2", "corrected", ())
    assert set(parts(manifest)) == {"DIP_LOC", "AYUN"}
    assert "election.absent" not in checks(manifest)
    assert desk.live == "20240602_2005"


def test_other_bytes_of_what_only_waits_hold_no_whole_cut_back(desk: Desk) -> None:
    desk.bring("AYUN", "20240602_2005")
    receipt = desk.bring_both("20240602_2005", ayun=2)
    assert (receipt.result, desk.live) == ("sealed", "20240602_2005")


def test_a_newer_cut_says_which_election_changed_under_its_stamp(desk: Desk) -> None:
    desk.bring_both("20240602_2005")
    folder = desk.other("20240602_2010")
    nights.archive(folder, "DIP_LOC", "20240602_2010", actas=5, seed=1)
    nights.archive(folder, "AYUN", "20240602_2005", actas=5, seed=2)
    receipt = receive(desk.station, folder, actor=PERSON)
    if receipt.result == "waiting":
        assemble_due(desk.station, actor=PERSON, at_once=True)
    assert desk.live == "20240602_2010"
    assert "stamp.corrected" in checks(desk.manifest("20240602_2010"))


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_accepted_anew_goes_live_whether_its_bytes_changed_or_not(
    desk: Desk, seed: int
) -> None:
    """The institute had its clock wrong, and delivers the night's cuts once more."""
    for stamp in ("20240602_2005", "20240602_2010", "20240602_2015"):
        desk.bring_both(stamp)
    from_here = Stamp.of("20240602_2010")
    actions.accept_from(desk.station, from_here, actor=PERSON, reason="reloj del instituto")
    assert desk.bring_both("20240602_2005").result == "refused"
    assert desk.bring_both("20240602_2015").result == "had"  # it is what the public sees
    receipt = desk.bring_both("20240602_2010", ayun=seed)
    assert (receipt.cut, desk.live) == ("20240602_2010.2", "20240602_2010.2")
    assert desk.manifest("20240602_2010.2").why == "again"
    assert ("stamp.corrected" in checks(desk.manifest("20240602_2010.2"))) == (seed == 2)
    assert desk.bring_both("20240602_2010", ayun=seed).result == "had"
    assert desk.bring_both("20240602_2015").cut == "20240602_2015.2"
    assert desk.live == "20240602_2015.2"


def test_a_correction_is_overtaken_by_a_newer_cut(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    desk.bring("AYUN", "20240602_2005", seed=2)
    desk.bring("DIP_LOC", "20240602_2010")
    desk.bring("AYUN", "20240602_2010")
    assert desk.live == "20240602_2010"
    actions.rollback(desk.station, actor=PERSON)
    assert desk.live == "20240602_2005"  # never to a correction that nobody approved


def _corrected_then_late(desk: Desk) -> None:
    """The institute corrects one election while the other is late for that cut."""
    desk.bring_both("20240602_2000")
    desk.bring("DIP_LOC", "20240602_2005", now=True)
    assert desk.bring("DIP_LOC", "20240602_2005", seed=2).cut == "20240602_2005.2"


def _undecided(desk: Desk) -> list[str]:
    """Which cuts the alarm asks a person about."""
    snapshot = SnapshotReader(desk.station.settings).read()
    asked = [alarm.text for alarm in snapshot.alarms if alarm.id == "cut.undecided"]
    views = [cut.id for cut in snapshot.cuts if cut.waits_for_person]
    assert len(asked) <= 1
    assert all(views[0] in text for text in asked)
    return views if asked else []


def test_a_late_part_does_not_bury_a_correction_that_waits(desk: Desk) -> None:
    _corrected_then_late(desk)
    assert _undecided(desk) == ["20240602_2005.2"]
    desk.bring("AYUN", "20240602_2005")
    assert desk.live == "20240602_2005.3"  # the late part is what everybody waited for
    assert desk.manifest("20240602_2005.3").why == "completed"
    joined = desk.manifest("20240602_2005.4")
    assert (joined.why, joined.missing) == ("corrected", ())
    sha256 = {
        cut: {p.election: p.sha256 for p in desk.manifest(f"20240602_2005.{cut}").parts}
        for cut in (2, 3, 4)
    }
    assert sha256[4] == {"DIP_LOC": sha256[2]["DIP_LOC"], "AYUN": sha256[3]["AYUN"]}
    assert "stamp.corrected" in checks(joined)
    assert _undecided(desk) == ["20240602_2005.4"]
    assert assemble_due(desk.station, actor=PERSON) == []
    actions.publish(desk.station, CutId.of("20240602_2005.4"), actor=PERSON)
    assert (desk.live, desk.station.state().mode) == ("20240602_2005.4", "auto")
    assert _undecided(desk) == []


def test_a_correction_that_a_newer_cut_overtook_asks_nobody(desk: Desk) -> None:
    _corrected_then_late(desk)
    desk.bring("AYUN", "20240602_2005")
    desk.bring_both("20240602_2010")
    assert desk.live == "20240602_2010"
    assert _undecided(desk) == []


def test_a_correction_that_a_person_withdrew_is_not_put_together_again(desk: Desk) -> None:
    _corrected_then_late(desk)
    desk.bring("AYUN", "20240602_2005")
    actions.publish(desk.station, CutId.of("20240602_2005.4"), actor=PERSON)
    actions.rollback(desk.station, actor=PERSON)
    assert desk.live == "20240602_2005.3"
    assert assemble_due(desk.station, actor=PERSON) == []
    assert _undecided(desk) == []


def test_what_a_crash_kept_from_being_put_together_is_made_up_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _corrected_then_late(desk)
    with monkeypatch.context() as patch:
        patch.setattr(rules, "passed_over", lambda _: None)
        desk.bring("AYUN", "20240602_2005")
    assert desk.live == "20240602_2005.3"
    assert _undecided(desk) == ["20240602_2005.2"]  # passed over, and asked about all the same
    assert assemble_due(desk.station, actor=PERSON) == ["20240602_2005.4"]


def test_a_correction_whose_bytes_are_lost_holds_no_delivery_up(desk: Desk) -> None:
    _corrected_then_late(desk)
    for file in (desk.station.cuts / "20240602_2005.2" / store.SITE).rglob("*DIP_LOC*"):
        file.chmod(0o644)
        file.write_bytes(b"changed by somebody")
    desk.bring("AYUN", "20240602_2005")
    assert desk.live == "20240602_2005.3"
    assert _undecided(desk) == ["20240602_2005.2"]
    desk.bring_both("20240602_2010")
    assert desk.live == "20240602_2010"


def test_figures_that_fell_to_zero_are_not_buried_by_a_late_part(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.bring_both("20240602_2300")
    desk.bring("DIP_LOC", "20240602_2305", now=True, as_of="20240602_1955")
    assert (desk.live, _undecided(desk)) == ("20240602_2300", ["20240602_2305"])
    desk.bring("AYUN", "20240602_2305", now=True)
    newest = _undecided(desk)[0]
    assert parts(desk.manifest(newest)) == {
        "DIP_LOC": ("20240602_2305", False),
        "AYUN": ("20240602_2305", False),
    }


def test_two_elections_under_one_name_lose_neither_when_one_is_late(desk: Desk) -> None:
    for election in ("DIP_LOC", "AYUN"):
        folder = desk.other("20240602_2005").parent
        name = "20240602_2005_PREP.zip"
        path = nights.archive(folder, election, "20240602_2005", actas=5, name=name)
        receipt = receive(desk.station, path, actor=PERSON, at_once=True)
    manifest = desk.manifest(str(receipt.cut))
    assert manifest.why == "completed"
    for part in manifest.parts:
        assert [manifest.files[path].sha256 for path in part.files] == [part.sha256], part.election
        assert part.results.startswith(part.files[0])


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


def test_what_is_carried_is_shared_on_disk_byte_for_byte(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    desk.bring("DIP_LOC", "20240602_2010", now=True)
    name = "20240602_2005_PREP_AYUN_QRO.zip"
    old = desk.station.cuts / "20240602_2005" / "site" / name
    new = desk.station.cuts / "20240602_2010" / "site" / name
    assert old.stat().st_ino == new.stat().st_ino
    assert old.stat().st_mode & 0o222 == 0


def test_a_tampered_file_is_never_carried(desk: Desk) -> None:
    from prep_console.problems import Failed

    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    tampered = desk.station.cuts / "20240602_2005" / "site" / "20240602_2005_PREP_AYUN_QRO.zip"
    tampered.chmod(0o644)
    tampered.write_bytes(tampered.read_bytes()[:-1] + b"!")
    with pytest.raises(Failed):
        desk.bring("DIP_LOC", "20240602_2010", now=True)
    assert desk.live == "20240602_2005"


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


def test_a_cut_that_was_sealed_and_not_recorded_is_recorded_and_not_sealed_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's worker was killed in between; the engine goes on and asks a new one."""
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    desk.bring("DIP_LOC", "20240602_2010")
    commit = store.commit

    def dies(*args: Any) -> None:
        commit(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(store, "commit", dies)
        with pytest.raises(KeyboardInterrupt):
            assemble_due(desk.station, actor=PERSON, at_once=True)
    assert "20240602_2010" not in desk.station.state().cuts
    assemble_due(desk.station, actor=PERSON, at_once=True)
    state = desk.station.state()
    assert list(state.cuts) == ["20240602_2005", "20240602_2010"]
    assert state.waiting == ()


def test_every_new_cut_gets_a_later_modification_time(desk: Desk) -> None:
    moments = []
    for stamp in ("20240602_2005", "20240602_2010"):
        desk.bring("DIP_LOC", stamp)
        desk.bring("AYUN", stamp)
        site = desk.station.cuts / stamp / "site"
        moments.append({p.stat().st_mtime_ns for p in site.iterdir()})
    assert max(moments[0]) < min(moments[1])


def test_staging_is_left_empty(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    desk.bring("AYUN", "20240602_2000")
    assert list(desk.station.staging.iterdir()) == []


def test_any_election_is_taken_where_none_is_named(tmp_path: Path) -> None:
    station: Station = sandbox(tmp_path, {"election": {"elections": [], "state": ""}}).station
    dip = nights.archive(tmp_path, "DIP_LOC", "20240602_2005", actas=5)
    ayun = nights.archive(tmp_path, "AYUN", "20240602_2010", actas=5)
    assert receive(station, dip, actor=PERSON).cut == "20240602_2005"
    assert receive(station, ayun, actor=PERSON).cut == "20240602_2010"
    manifest = store.load(station, "20240602_2010")[0]
    assert parts(manifest)["DIP_LOC"] == ("20240602_2005", True)


def test_a_tampered_file_that_is_delivered_again_is_repaired_and_told(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    desk.bring("AYUN", "20240602_2005")
    own = desk.station.cuts / "20240602_2005" / "site" / "20240602_2005_PREP_AYUN_QRO.zip"
    sealed = own.read_bytes()
    own.chmod(0o644)
    own.write_bytes(sealed[:-1] + b"!")
    assert desk.bring("AYUN", "20240602_2005").result == "had"
    assert own.read_bytes() == sealed
    told = [line.data for line in journal.tail(desk.station.journal, 10) if line.kind == "repaired"]
    assert told == [{"cut": "20240602_2005", "repaired": [own.name], "lost": []}]


def test_a_tampered_file_in_a_refused_delivery_is_repaired_too(desk: Desk, tmp_path: Path) -> None:
    """The bytes have the manifest's hash, whatever else came with them."""
    site = {"index.html": b"<p>05</p>", "[x].json": b"{}"}
    first = nights.archive(tmp_path, "DIP_LOC", "20240602_2005", actas=5)
    site[first.name] = first.read_bytes()
    second = nights.archive(tmp_path, "AYUN", "20240602_2005", actas=5)
    site[second.name] = second.read_bytes()

    def tree(name: str, **more: bytes) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for path, content in {**site, **more}.items():
            (folder / path).write_bytes(content)
        return folder

    assert receive(desk.station, tree("a"), actor=PERSON).cut == "20240602_2005"
    own = desk.station.cuts / "20240602_2005" / "site" / "[x].json"
    own.chmod(0o644)
    own.write_bytes(b"[]")
    bad = tree("b", **{"20240602_2010_PREP_DIP_LOC_QRO.zip": b"no zip"})
    assert receive(desk.station, bad, actor=PERSON).result == "refused"
    assert own.read_bytes() == b"{}"


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


def refused_by_the_disk(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Flushing ``folder`` fails from here on, after what happened in it has happened."""
    flushes = durable.sync_folder

    def flush(path: Path) -> None:
        if path == folder:
            raise OSError(errno.EIO, "Input/output error", str(path))
        flushes(path)

    monkeypatch.setattr(durable, "sync_folder", flush)


def test_a_seal_that_was_not_flushed_makes_no_revision_of_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    with monkeypatch.context() as failing:
        refused_by_the_disk(failing, desk.station.cuts)
        with pytest.raises(Failed):
            desk.bring("AYUN", "20240602_2005")
    assert desk.bring("AYUN", "20240602_2005").cut == "20240602_2005"
    assert [path.name for path in desk.station.cuts.iterdir()] == ["20240602_2005"]
    assert desk.station.state().waiting == ()
    assert desk.live == "20240602_2005"


def test_a_disk_that_refuses_quarantines_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as failing:
        refused_by_the_disk(failing, desk.station.cuts)
        desk.bring("DIP_LOC", "20240602_2005")
        with pytest.raises(Failed):
            desk.bring("AYUN", "20240602_2005")
        with pytest.raises(Failed):
            desk.bring_both("20240602_2010")
    assert list(desk.station.quarantine.iterdir()) == []
    assert desk.bring_both("20240602_2010").cut == "20240602_2010"


@pytest.mark.parametrize("between", ["build", "sync_file_system"])
def test_marks_set_back_while_it_is_sealed_count_for_a_delivery(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    """It was judged a correction by marks that a person had set back when it was sealed."""
    desk.bring("DIP_LOC", "20240602_2010")
    desk.bring("AYUN", "20240602_2010")
    where = sealing if between == "build" else durable
    done = getattr(where, between)
    came: list[str] = []

    def person_comes(*arguments: Any) -> Any:
        if not came:
            came.append("accept-from")
            actions.accept_from(desk.station, Stamp.of("20240602_2005"), actor=PERSON)
        return done(*arguments)

    monkeypatch.setattr(where, between, person_comes)
    stamp = "20240602_2010" if between == "build" else "20240602_2015"
    receipt = desk.bring("AYUN", stamp, seed=2)
    assert came == ["accept-from"]
    state = desk.station.state()
    assert state.marks == {"AYUN": stamp, "DIP_LOC": "20240602_2005"}
    if between == "build":
        cut = state.cuts[str(receipt.cut)]
        assert (cut.epoch, cut.waits_for_person) == (1, False)
    else:
        assert [entry.corrected for entry in state.waiting] == [False]
    assert desk.bring("AYUN", stamp, seed=2).result in {"had", "waiting"}
    assert journal.read(desk.station.journal).breaks == ()


def test_new_files_are_later_than_all_before_though_the_clock_went_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visitor's cache tells files apart by size and date: of two cuts none may look the same."""
    station = sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}}).station
    ahead = time.time_ns() + 3600 * 10**9
    with monkeypatch.context() as patched:
        patched.setattr(time, "time_ns", lambda: ahead)
        first = receive(
            station, nights.archive(tmp_path, "DIP_LOC", "20240602_2005"), actor=PERSON
        ).cut
    second = receive(
        station, nights.archive(tmp_path, "DIP_LOC", "20240602_2010"), actor=PERSON
    ).cut
    dates = [
        path.stat().st_mtime_ns
        for cut in (first, second)
        for path in (station.cuts / str(cut) / "site").iterdir()
    ]
    assert dates[0] // 1000 == ahead // 1000, "the date of a cut is that of its files"
    assert dates[1] > dates[0]
    assert len(dates) == 2
