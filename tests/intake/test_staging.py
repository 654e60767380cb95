"""Staging copies what others own, follows no link, and is bounded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from prep_console.cuts import delivery
from prep_console.cuts.folders import LooseFile
from prep_console.cuts.model import Limits
from prep_console.intake import staging
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.publication.station import Station
from tests import nights
from tests.stations import sandbox

PERSON = Actor(1000, "ana")


@pytest.fixture
def station(tmp_path: Path) -> Station:
    made = sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}}).station
    made.prepare()
    return made


def checks(staged: staging.Staged) -> set[str]:
    return {f.check for f in staged.findings}


def test_a_descriptor_that_was_open_before_cannot_change_what_was_staged(
    station: Station, tmp_path: Path
) -> None:
    path = nights.archive(tmp_path, "DIP_LOC", "20240602_2005", actas=5)
    with path.open("r+b") as institute:
        receipt = receive(station, path, actor=PERSON)
        institute.write(b"changed afterwards")
    site = station.cuts / str(receipt.cut) / "site" / path.name
    assert not site.read_bytes().startswith(b"changed")
    assert site.stat().st_ino != path.stat().st_ino


def test_a_file_that_is_written_while_it_is_copied_is_told(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = nights.archive(tmp_path, "DIP_LOC", actas=4)
    copied = staging._copy

    def and_written(source: int, target: Path, most: int) -> tuple[int, str]:
        found = copied(source, target, most)
        with path.open("r+b") as file:  # as long as before: only its dates tell
            file.write(b"X")
        return found

    monkeypatch.setattr(staging, "_copy", and_written)
    assert "delivery.changed" in checks(staging.stage(station, path, Limits(), None))


def test_a_file_of_the_live_cut_that_another_process_links_meanwhile_was_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What did not change since the live cut is one file with it, and others link it too.

    Two deliveries at once, one of which had nothing new for an election: it was refused as being
    written still (seed 8 of the model, on a machine with much to do).
    """
    station = sandbox(tmp_path).station
    site = nights.tree(tmp_path / "first", "20240602_2005", actas=5)
    assert receive(station, site, actor=PERSON).result == "sealed"
    hashed = delivery._Reader._read_and_hash
    linked: list[Path] = []

    def and_linked(reader: delivery._Reader, file: LooseFile, *rest: Any) -> str:
        found = hashed(reader, file, *rest)
        own = station.cuts / "20240602_2005" / "site" / file.path
        if own.exists():
            linked.append(tmp_path / f"linked-{len(linked)}")
            linked[-1].hardlink_to(own)
        return found

    monkeypatch.setattr(delivery._Reader, "_read_and_hash", and_linked)
    again = nights.tree(tmp_path / "again", "20240602_2005", actas=5)
    assert receive(station, again, actor=PERSON).result == "had"
    assert linked


@pytest.mark.parametrize("kind", ["file", "folder", "fifo"])
def test_links_and_pipes_in_a_tree_are_refused(station: Station, tmp_path: Path, kind: str) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    nights.archive(tree, "DIP_LOC", "20240602_2005", actas=5)
    odd = tree / "odd"
    if kind == "fifo":
        os.mkfifo(odd)
    else:
        odd.symlink_to("/etc/passwd" if kind == "file" else "/etc")
    receipt = receive(station, tree, actor=PERSON)
    assert receipt.result == "refused"
    kept = station.quarantine / str(receipt.quarantined) / "files"
    assert [p.name for p in kept.rglob("*")] == ["20240602_2005_PREP_DIP_LOC_QRO.zip"]


def test_links_by_the_thousand_are_told_once_in_a_while_and_count_as_entries(
    station: Station, tmp_path: Path
) -> None:
    """Each was compared with all before it, and all of them stood in the refusal's line."""
    tree = tmp_path / "tree"
    tree.mkdir()
    nights.archive(tree, "DIP_LOC", "20240602_2005", actas=5)
    for number in range(3_000):
        (tree / f"link{number}").symlink_to("/etc/passwd")
    receipt = receive(station, tree, actor=PERSON)
    assert receipt.result == "refused"
    told = [found for found in receipt.examination.findings if found.check == "archive.link"]
    assert len(told) == 20
    few = Limits(max_entries=1_000)
    staged = staging.stage(station, tree, few, None)
    assert checks(staged) == {"archive.link", "archive.entries"}


def test_a_quarantine_that_cannot_be_trimmed_keeps_the_refusal(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(folder: Path) -> int:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("prep_console.intake.quarantine._size", refuses)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "odd").symlink_to("/etc/passwd")
    receipt = receive(station, tree, actor=PERSON)
    assert receipt.result == "refused"
    assert (station.quarantine / str(receipt.quarantined) / "reason.json").is_file()
    assert len(list(station.quarantine.iterdir())) == 1


def test_a_folder_that_became_a_link_is_not_followed(station: Station, tmp_path: Path) -> None:
    drop = station.settings.drop_folder
    secret = tmp_path / "secret"
    secret.mkdir()
    nights.archive(secret, "DIP_LOC", "20240602_2005", actas=5)
    (drop / "sub").symlink_to(secret)
    path = drop / "sub" / "20240602_2005_PREP_DIP_LOC_QRO.zip"
    with pytest.raises(NotADirectoryError):
        staging.stage(station, path, Limits(), None, base=drop)
    assert list(station.staging.iterdir()) == []


def test_bounds_stop_the_copy(station: Station, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(5):
        (tree / f"{number}").write_bytes(b"x" * 100)
    assert checks(staging.stage(station, tree, Limits(max_entries=3), None)) == {"archive.entries"}
    staged = staging.stage(station, tree, Limits(max_total_bytes=250), None)
    assert checks(staged) == {"archive.size"}
    assert sum(p.stat().st_size for p in staged.content.iterdir()) == 200


def test_leftovers_of_dead_processes_are_cleared(tmp_path: Path) -> None:
    """By the next receive too: without an engine they would fill the disk."""
    box = sandbox(tmp_path)
    station = box.station
    path = nights.archive(tmp_path, "DIP_LOC", "20240602_2005", actas=5)
    assert box.run("receive", path).code == 0  # its process is gone, its part waits for AYUN
    (waits,) = station.staging.iterdir()
    ours = staging.stage(station, path, Limits(), None)
    dead = station.staging / "d-999999-1-1"
    dead.mkdir()
    assert box.run("receive", path).code == 0
    assert set(station.staging.iterdir()) == {ours.folder, waits}


def test_quarantine_keeps_reasons_when_bytes_must_go(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"intake": {"quarantine_bytes": 50}})
    for number in range(3):
        bad = tmp_path / f"bad{number}.zip"
        bad.write_bytes(b"x" * 40)
        assert receive(box.station, bad, actor=PERSON).result == "refused"
    kept = list(box.station.quarantine.iterdir())
    assert len(kept) == 3
    assert all((folder / "reason.json").is_file() for folder in kept)
    assert sum((folder / "files").exists() for folder in kept) == 1
