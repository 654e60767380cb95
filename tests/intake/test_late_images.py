"""A mirrored tree whose data stay and whose images move is not what we had already."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep_console.intake.receipt import Receipt
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.publication import store
from tests.cuts import deliveries as d
from tests.stations import Sandbox, sandbox

ENGINE = Actor(1000, "engine")
STAMP = "20240602_2005"


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
