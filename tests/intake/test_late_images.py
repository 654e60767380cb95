"""A mirrored tree whose data stay and whose images move is not what we had already."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep_console.cuts.stamps import CutId
from prep_console.engine.view import SnapshotReader
from prep_console.intake.receipt import Receipt
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.publication import actions, rules, store
from tests.cuts import deliveries as d
from tests.stations import Sandbox, sandbox

ENGINE, PERSON = Actor(1000, "engine"), Actor(1000, "ana")
BEFORE, STAMP = "20240602_2000", "20240602_2005"


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    return sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {**d.cut_files(), "actas/1.jpg": b"\xff\xd8one", "index.html": b"<p>PREP</p>"}
    return d.put(tmp_path / f"{STAMP}_PREP", files)


def taken(box: Sandbox, tree: Path) -> Receipt:
    return receive(box.station, tree, actor=ENGINE, clock_known=True)


def test_images_that_come_after_their_data_go_live(box: Sandbox, tree: Path) -> None:
    assert taken(box, tree).cut == STAMP
    assert taken(box, tree).result == "had"
    (tree / "actas/2.jpg").write_bytes(b"\xff\xd8two")
    late = taken(box, tree)
    assert (late.result, late.cut) == ("sealed", f"{STAMP}.2")
    assert box.station.live().cut == f"{STAMP}.2"
    sealed, _ = store.load(box.station, f"{STAMP}.2")
    assert sealed.why == "completed"
    assert "actas/2.jpg" in sealed.files
    again = taken(box, tree)
    assert (again.result, again.cut) == ("had", f"{STAMP}.2")


def test_so_does_an_image_that_changed_and_one_that_is_gone(box: Sandbox, tree: Path) -> None:
    taken(box, tree)
    (tree / "actas/1.jpg").write_bytes(b"\xff\xd8other")
    assert taken(box, tree).cut == f"{STAMP}.2"
    (tree / "actas/1.jpg").unlink()
    assert taken(box, tree).cut == f"{STAMP}.3"
    assert set(store.load(box.station, f"{STAMP}.3")[0].files) == {*d.cut_files(), "index.html"}
    assert taken(box, tree).result == "had"


def test_what_other_deliveries_brought_is_not_gone(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    ayun = tmp_path / f"{STAMP}_PREP_AYUN_QRO.zip"
    ayun.write_bytes(d.cut_zip("AYUN"))
    tree = d.put(tmp_path / f"{STAMP}_PREP_DIP_LOC_QRO", d.cut_files())
    assert taken(box, ayun).result == "waiting"
    assert taken(box, tree).cut == STAMP
    assert taken(box, tree).result == "had"
    assert taken(box, ayun).result == "had"
    assert list(box.station.state().cuts) == [STAMP]


def rolled_back(box: Sandbox, tree: Path) -> None:
    """The cut before is public again, and publishing automatic."""
    taken(box, d.put(tree.with_name(f"{BEFORE}_PREP"), d.cut_files(stamp=BEFORE)))
    taken(box, tree)
    assert actions.rollback(box.station, actor=PERSON, reason="wrong").to_cut == BEFORE
    assert actions.release(box.station, actor=PERSON).to_cut == BEFORE


def test_images_bring_no_withdrawn_cut_back(box: Sandbox, tree: Path) -> None:
    rolled_back(box, tree)
    (tree / "actas/2.jpg").write_bytes(b"\xff\xd8two")
    late = taken(box, tree)
    assert (late.result, late.cut, box.station.live().cut) == ("sealed", f"{STAMP}.2", BEFORE)
    assert late.waits is not None
    assert "withdrawn" in late.waits.msgid
    assert [cut.id for cut in rules.undecided(box.station.state())] == [f"{STAMP}.2"]
    (asked,) = [
        a for a in SnapshotReader(box.station.settings).read().alarms if a.id == "cut.undecided"
    ]
    assert "a withdrawn cut came again" in asked.text
    actions.hold(box.station, actor=PERSON)
    actions.release(box.station, actor=PERSON)
    assert box.station.live().cut == BEFORE
    actions.publish(box.station, CutId.of(f"{STAMP}.2"), actor=PERSON)
    assert box.station.live().cut == f"{STAMP}.2"
    (tree / "actas/2.jpg").write_bytes(b"\xff\xd8three")
    assert taken(box, tree).cut == f"{STAMP}.3"  # a person has published it since
    assert box.station.live().cut == f"{STAMP}.3"


def test_nor_do_images_that_came_before_it_was_withdrawn(box: Sandbox, tree: Path) -> None:
    """They waited, on hold, beside the cut that was public then."""
    taken(box, d.put(tree.with_name(f"{BEFORE}_PREP"), d.cut_files(stamp=BEFORE)))
    taken(box, tree)
    actions.hold(box.station, actor=PERSON)
    (tree / "actas/2.jpg").write_bytes(b"\xff\xd8two")
    assert taken(box, tree).cut == f"{STAMP}.2"
    actions.rollback(box.station, actor=PERSON, reason="wrong")
    actions.release(box.station, actor=PERSON)
    assert box.station.live().cut == BEFORE
    later = d.put(tree.with_name("20240602_2010_PREP"), d.cut_files(stamp="20240602_2010"))
    assert taken(box, later).cut == box.station.live().cut == "20240602_2010"
    assert actions.rollback(box.station, actor=PERSON).to_cut == BEFORE
