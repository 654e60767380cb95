"""Late parts and corrections: a cut that was there already comes again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prep_console import durable
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.engine.view import SnapshotReader
from prep_console.intake import sealing
from prep_console.intake.assembly import Assembly
from prep_console.intake.receive import receive
from prep_console.intake.sealing import assemble_due
from prep_console.journal import journal
from prep_console.publication import actions, rules, store
from tests import nights
from tests.intake.desk import PERSON, Desk, checks, parts


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


def test_a_late_part_that_is_sealed_later_is_joined_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a join by itself is not tried again yet."""
    _corrected_then_late(desk)
    with monkeypatch.context() as patch:
        patch.setattr("prep_console.intake.sealing.assemble", lambda *_, **__: Assembly(None, ()))
        assert desk.bring("AYUN", "20240602_2005").result == "waiting"
    cuts = assemble_due(desk.station, actor=PERSON, joins=False)
    assert cuts == ["20240602_2005.3", "20240602_2005.4"]
    assert _undecided(desk) == ["20240602_2005.4"]


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
