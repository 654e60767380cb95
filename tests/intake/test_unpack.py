"""Institutes that deliver the web site itself as an archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.publication import store
from tests import nights
from tests.cuts.deliveries import put
from tests.stations import sandbox

PERSON = Actor(1000, "ana")


def served(tmp_path: Path, unpack: bool) -> dict[str, bytes]:
    box = sandbox(
        tmp_path, {"publication": {"unpack": unpack}, "election": {"elections": ["DIP_LOC"]}}
    )
    extra = {"sitio/index.html": b"<h1>PREP</h1>", "sitio/css/a.css": b"h1{}"}
    path = nights.archive(tmp_path, "DIP_LOC", "20240602_2005", actas=5, extra=extra)
    receipt = receive(box.station, path, actor=PERSON)
    site = box.station.cuts / str(receipt.cut) / "site"
    return {str(p.relative_to(site)): p.read_bytes() for p in site.rglob("*") if p.is_file()}


def test_an_archive_is_served_as_it_came(tmp_path: Path) -> None:
    assert set(served(tmp_path, unpack=False)) == {"20240602_2005_PREP_DIP_LOC_QRO.zip"}


def test_with_unpack_its_content_is_served_beside_it(tmp_path: Path) -> None:
    files = served(tmp_path, unpack=True)
    assert files["sitio/index.html"] == b"<h1>PREP</h1>"
    assert "20240602_2005_PREP_DIP_LOC_QRO.zip" in files
    assert "QRO_DIP_LOC_2024.csv" in files


def test_a_file_and_a_folder_of_one_name_are_a_finding(tmp_path: Path) -> None:
    box = sandbox(
        tmp_path, {"publication": {"unpack": True}, "election": {"elections": ["DIP_LOC", "AYUN"]}}
    )
    tree = tmp_path / "tree"
    tree.mkdir()
    nights.archive(tree, "DIP_LOC", "20240602_2005", actas=5, extra={"x": b"1"})
    nights.archive(tree, "AYUN", "20240602_2005", actas=5, extra={"x/y": b"2"})
    receipt = receive(box.station, tree, actor=PERSON)
    assert receipt.cut == "20240602_2005"
    manifest = store.load(box.station, receipt.cut)[0]
    assert "name.collision" in {f.check for f in manifest.findings}


@pytest.mark.parametrize("unpack", [False, True])
def test_what_the_web_server_hides_is_a_finding(tmp_path: Path, unpack: bool) -> None:
    """Under the estado's own folder, or hidden by its name: no visitor gets it."""
    box = sandbox(
        tmp_path, {"publication": {"unpack": unpack}, "election": {"elections": ["DIP_LOC"]}}
    )
    hidden = {"_prep/estado.json": b"{}", "css/.oculto": b""}
    tree = tmp_path / "20240602_2005_PREP_QRO"
    tree.mkdir()
    if unpack:
        nights.archive(tree, "DIP_LOC", "20240602_2005", actas=5, extra=hidden)
    else:
        nights.archive(tree, "DIP_LOC", "20240602_2005", actas=5)
        put(tree, hidden)
    receipt = receive(box.station, tree, actor=PERSON)
    manifest = store.load(box.station, str(receipt.cut))[0]
    found = [f.where for f in manifest.findings if f.check == "name.reserved"]
    assert sorted(found) == sorted(hidden)
