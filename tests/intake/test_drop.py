"""The drop folder: bounded looks, files that are not whole, folders that are odd, links."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from prep_console.intake import drop as drops
from prep_console.intake import staging
from prep_console.intake.drop import Arrival, DropFolder
from prep_console.intake.receipt import Receipt
from prep_console.intake.receive import receive
from prep_console.intake.resync import resync
from prep_console.intake.sealing import assemble_due
from prep_console.intake.whole import End
from prep_console.journal import journal
from prep_console.journal.actor import Actor
from prep_console.problems import Failed
from prep_console.publication import lock
from prep_console.publication.station import Station
from tests import nights
from tests.stations import sandbox
from tests.waiting import wait_until

PERSON = Actor(1000, "ana")
NO_UTF8 = "20240602_2006_PREP_DIP_LOC_Quer\udce9taro.zip"
"""What os.fsdecode makes of cp1252's Querétaro."""


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return settling(tmp_path, 0.2)


def settling(folder: Path, settle_seconds: float) -> Station:
    made = sandbox(
        folder,
        {"election": {"elections": ["DIP_LOC"]}, "intake": {"settle_seconds": settle_seconds}},
    ).station
    made.prepare()
    return made


def names(arrivals: list[Arrival]) -> list[str]:
    return [arrival.path.name for arrival in arrivals]


def taken(station: Station, drop: DropFolder, arrival: Arrival) -> Receipt:
    receipt = receive(station, arrival.path, actor=PERSON, dropped=True)
    drop.note(arrival, receipt)
    return receipt


@pytest.mark.parametrize("good", [True, False])
def test_a_name_that_is_no_utf8_is_refused_and_kept_escaped(
    station: Station, tmp_path: Path, good: bool
) -> None:
    path = tmp_path / NO_UTF8
    made = nights.archive(tmp_path, "DIP_LOC", "20240602_2006", actas=5)
    path.write_bytes(made.read_bytes() if good else b"nothing")
    receipt = receive(station, path, actor=PERSON)
    assert receipt.result == "refused"
    assert [f.check for f in receipt.examination.findings] == ["archive.name"]
    kept = station.quarantine / str(receipt.quarantined)
    assert "Quer\\\\xe9taro" in (kept / "reason.json").read_text(encoding="ascii")
    (refused,) = station.state().refused
    assert refused.name.encode() == b"20240602_2006_PREP_DIP_LOC_Quer\\xe9taro.zip"
    assert receive(station, made, actor=PERSON).cut == "20240602_2006"


def test_a_name_inside_a_tree_that_is_no_utf8_is_told_escaped(
    station: Station, tmp_path: Path
) -> None:
    tree = nights.tree(tmp_path / "tree", actas=5)
    (tree / NO_UTF8).write_bytes(b"x")
    receipt = receive(station, tree, actor=PERSON)
    assert receipt.result == "refused"
    assert {f.check for f in receipt.examination.findings} >= {"archive.name"}
    for found in station.state().refused[-1].findings:
        str(found).encode()


def test_a_file_that_nobody_touches_is_looked_at_once(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def end_of(path: Path) -> End:
        looked.append(path.name)
        return End.UNKNOWN

    monkeypatch.setattr(drops, "end_of", end_of)
    monkeypatch.setattr(drops, "_AT_A_LOOK", 4)
    for number in range(10):
        (station.settings.drop_folder / f"{number}").write_bytes(b"x")
    drop = DropFolder(station.settings.drop_folder, 0.0)
    assert [len(drop.look()) for _ in range(4)] == [4, 8, 10, 10]
    assert len(looked) == len(set(looked)) == 10
    (station.settings.drop_folder / "3").write_bytes(b"xy")
    drop.look()
    assert looked[10:] == ["3"]


def test_a_gzip_that_breaks_off_is_left_alone_until_more_comes(
    station: Station, tmp_path: Path
) -> None:
    whole = nights.tar_gz(tmp_path, actas=5).read_bytes()
    path = station.settings.drop_folder / "20240602_2005_PREP.tar.gz"
    path.write_bytes(whole[: len(whole) // 2])
    os.utime(path, (1e9, 1e9))
    drop = DropFolder(station.settings.drop_folder, 0.2)
    began = time.monotonic()
    assert [drop.ready(a) for a in drop.look(began)] == [False]
    (arrival,) = drop.look(began + 1)
    assert drop.ready(arrival)
    receipt = taken(station, drop, arrival)
    assert (receipt.still_coming, receipt.quarantined) == (True, None)
    assert [drop.ready(a) for a in drop.look(began + 100)] == [False]
    assert path.stat().st_size == len(whole) // 2
    path.write_bytes(whole)
    drop.look(began + 101)
    assert [drop.ready(a) for a in drop.look(began + 102)] == [True]


@pytest.mark.parametrize("size", [100, 3_000_000])
def test_a_json_proves_its_end(station: Station, size: int) -> None:
    path = station.settings.drop_folder / "a.json"
    path.write_text('{"a": "' + "x" * size + '"}\n')
    drop = DropFolder(station.settings.drop_folder, 0.0)
    assert [a.end for a in drop.look()] == [End.WHOLE]
    path.write_text('{"a": "' + "x" * size)
    assert [a.end for a in drop.look()] == [End.MISSING]


def test_odd_folders_do_not_hide_the_others(
    station: Station, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = station.settings.drop_folder
    deep = folder / "/".join(["d"] * 40)
    deep.mkdir(parents=True)
    (deep / "a.zip").write_bytes(b"x")
    closed = folder / "closed"
    closed.mkdir(mode=0o000)
    nights.archive(folder, "DIP_LOC", "20240602_2005", actas=5)
    drop = DropFolder(folder, 0.0)
    for _ in range(3):
        assert names(drop.look()) == ["20240602_2005_PREP_DIP_LOC_QRO.zip"]
    told = [r.getMessage() for r in caplog.records if "is not looked into" in r.getMessage()]
    assert len(told) == len(set(told))
    assert any("folders deep" in line for line in told)
    closed.chmod(0o700)


def test_a_link_in_the_place_of_a_folder_deletes_nothing(station: Station, tmp_path: Path) -> None:
    inside = station.settings.drop_folder / "sub"
    inside.mkdir()
    path = nights.archive(inside, "DIP_LOC", "20240602_2005", actas=5)
    drop = DropFolder(station.settings.drop_folder, 0.0)
    (arrival,) = drop.look()
    receipt = receive(station, path, actor=PERSON, dropped=True)
    moved = tmp_path / "moved"
    inside.rename(moved)
    inside.symlink_to(moved)
    drop.note(arrival, receipt)
    assert (moved / path.name).exists()
    inside.unlink()
    moved.rename(inside)
    drop.note(arrival, receipt)
    assert not path.exists()


def test_a_drop_folder_that_cannot_be_read_is_told(station: Station) -> None:
    station.settings.drop_folder.rmdir()
    station.settings.drop_folder.write_bytes(b"a file in its place")
    with pytest.raises(Failed, match="drop folder"):
        resync(station, actor=PERSON)


def test_what_could_not_be_taken_is_recorded_once(station: Station, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(Failed):
            receive(station, tmp_path / "gone\udcff.zip", actor=PERSON)
    lines = [line for line in journal.tail(station.journal, 10) if line.kind == "failed"]
    assert [line.data["name"] for line in lines] == ["gone\\xff.zip"]
    assert "No such file" in str(lines[0].data["error"])


@pytest.mark.parametrize("prefix", ["d", "c"])
def test_a_full_disk_is_recorded_once_however_often_it_is_tried(
    station: Station, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    """The folder that cannot be made, of a delivery or of its cut, has another name each time."""
    path = nights.archive(station.settings.drop_folder, "DIP_LOC", "20240602_2005", actas=5)
    made = staging.new_folder

    def full(station: Station, of: str) -> Path:
        folder = made(station, of)
        if of != prefix:
            return folder
        folder.rmdir()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    monkeypatch.setattr(staging, "new_folder", full)
    for _ in range(3):
        with pytest.raises(Failed, match=f"No space left on device: {station.staging}$"):
            receive(station, path, actor=PERSON, dropped=True)
    lines = journal.tail(station.journal, 10)
    assert [line.kind for line in lines].count("failed") == 1


def hash_beside(archive: Path, data: bytes) -> Path:
    listing = archive.with_name(f"{archive.name}.sha256")
    listing.write_text(f"{hashlib.sha256(data).hexdigest()}  {archive.name}\n")
    return listing


def test_an_archive_is_taken_when_its_hash_matches_and_both_go(tmp_path: Path) -> None:
    station = settling(tmp_path, 60.0)  # however long it takes to look at it, it is fresh
    folder = station.settings.drop_folder
    archive = nights.archive(folder, "DIP_LOC", "20240602_2006", actas=5)
    good = archive.read_bytes()
    listing = hash_beside(archive, b"of what is still to come")
    drop = DropFolder(folder, 0.2)
    (arrival,) = drop.look()  # the hash alone is no delivery
    receipt = taken(station, drop, arrival)
    assert (receipt.result, receipt.still_coming) == ("refused", True)
    assert archive.exists()
    hash_beside(archive, good)
    (arrival,) = drop.look()
    assert taken(station, drop, arrival).result == "sealed"
    assert not archive.exists()
    assert not listing.exists()
    assert drop.look() == []


def test_a_hash_that_comes_while_another_is_received_counts(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = station.settings.drop_folder
    archive = nights.archive(folder, "DIP_LOC", "20240602_2006", actas=5)
    long_ago = time.time() - 60
    os.utime(hash_beside(archive, b"of the cut before"), (long_ago, long_ago))
    os.utime(archive, (long_ago, long_ago))
    held = lock.held

    def after_a_wait(path: Path, purpose: str, **more: Any) -> AbstractContextManager[None]:
        if purpose == "receive":
            right = hash_beside(archive, archive.read_bytes())
            os.utime(right, (time.time() - 30, time.time() - 30))  # settled meanwhile
        return held(path, purpose, **more)

    monkeypatch.setattr(lock, "held", after_a_wait)
    drop = DropFolder(folder, 0.2)
    (arrival,) = drop.look()
    receipt = taken(station, drop, arrival)
    assert (receipt.result, receipt.still_coming) == ("refused", True)
    (arrival,) = drop.look()
    assert taken(station, drop, arrival).result == "sealed"


def test_a_hash_that_never_matches_is_refused(station: Station) -> None:
    folder = station.settings.drop_folder
    archive = nights.archive(folder, "DIP_LOC", "20240602_2006", actas=5)
    listing = hash_beside(archive, b"another archive")
    for path in (archive, listing):
        os.utime(path, (time.time() - 60, time.time() - 60))
    drop = DropFolder(folder, 0.2)
    (arrival,) = drop.look()
    receipt = taken(station, drop, arrival)
    assert [f.check for f in receipt.examination.findings] == ["manifest.mismatch"]
    assert receipt.quarantined is not None
    assert list(folder.iterdir()) == []


def test_a_file_from_the_future_does_not_stay_fresh(station: Station) -> None:
    """Sent with its sender's hour, whose clock is a day ahead."""
    folder = station.settings.drop_folder
    archive = nights.archive(folder, "DIP_LOC", "20240602_2006", actas=5)
    listing = hash_beside(archive, b"another archive")
    for path in (archive, listing):
        os.utime(path, (time.time() + 86_400, time.time() + 86_400))
    drop = DropFolder(folder, 0.2)

    def refused() -> Receipt | None:
        receipts = [taken(station, drop, arrival) for arrival in drop.look()]
        return next((r for r in receipts if r.quarantined is not None), None)

    wait_until(refused, 10, "it is refused")
    assert list(folder.iterdir()) == []


def test_a_hash_that_comes_late_is_not_held_against_the_next_archive(station: Station) -> None:
    folder = station.settings.drop_folder
    archive = nights.archive(folder, "DIP_LOC", "20240602_2006", actas=5)
    drop = DropFolder(folder, 0.2)
    (arrival,) = drop.look()
    assert taken(station, drop, arrival).result == "sealed"
    listing = hash_beside(archive, b"late")
    assert drop.look() == []
    assert not listing.exists()
    first = hash_beside(archive, b"of the next one, sent first")
    assert drop.look() == []
    assert first.exists()


def sums_of(*archives: Path) -> str:
    return "".join(f"{hashlib.sha256(a.read_bytes()).hexdigest()}  {a.name}\n" for a in archives)


def test_a_folder_s_list_goes_with_the_last_that_it_names(station: Station) -> None:
    folder = station.settings.drop_folder
    first = nights.archive(folder, "DIP_LOC", "20240602_2006", actas=5)
    second = nights.archive(folder, "DIP_LOC", "20240602_2011", actas=5)
    listing = folder / "SHA256SUMS"
    listing.write_text(sums_of(first, second))
    data = second.read_bytes()
    second.unlink()
    drop = DropFolder(folder, 0.2)
    (arrival,) = drop.look()
    assert taken(station, drop, arrival).result == "sealed"
    drop.look()
    assert list(folder.iterdir()) == [listing]  # the other one is still to be held against it
    second.write_bytes(nights.archive(folder, "DIP_LOC", "20240602_2011", actas=6).read_bytes())
    (arrival,) = drop.look()
    (found,) = taken(station, drop, arrival).examination.findings
    assert (found.check, found.values["manifest"]) == ("manifest.mismatch", "SHA256SUMS")
    second.write_bytes(data)
    (arrival,) = drop.look()
    assert taken(station, drop, arrival).result == "sealed"
    assert list(folder.iterdir()) == []


def test_a_resync_takes_the_folder_s_list_away(station: Station) -> None:
    folder = station.settings.drop_folder
    archive = nights.archive(folder, "DIP_LOC", "20240602_2006", actas=5)
    (folder / "SHA256SUMS").write_text(sums_of(archive))
    assert resync(station, actor=PERSON).received == ("20240602_2006",)
    assert list(folder.iterdir()) == []


def test_a_folder_s_list_that_comes_late_or_grows_goes_too(station: Station) -> None:
    folder = station.settings.drop_folder
    drop = DropFolder(folder, 0.2)
    said = ""
    for minute in ("20240602_2006", "20240602_2011"):
        archive = nights.archive(folder, "DIP_LOC", minute, actas=5)
        said += sums_of(archive)
        (arrival,) = drop.look()
        assert taken(station, drop, arrival).result == "sealed"
        (folder / "SHA256SUMS").write_text(said)
        assert drop.look() == []
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("target", ["nowhere", "20240602_2005_PREP_DIP_LOC_QRO.zip"])
def test_a_link_that_leads_nowhere_or_to_itself_is_refused_and_goes(
    station: Station, target: str
) -> None:
    link = station.settings.drop_folder / "20240602_2005_PREP_DIP_LOC_QRO.zip"
    link.symlink_to(target)
    drop = DropFolder(station.settings.drop_folder, 0.0)
    (arrival,) = drop.look()
    assert drop.ready(arrival)
    receipt = taken(station, drop, arrival)
    assert [f.check for f in receipt.examination.findings] == ["archive.link"]
    assert receipt.quarantined
    assert not os.path.lexists(link)


def taken_and_there(station: Station) -> tuple[Path, DropFolder, float]:
    """An archive that was taken and lingers for two seconds; when that began."""
    folder = station.settings.drop_folder
    path = nights.archive(folder, "DIP_LOC", "20240602_2005", actas=5)
    drop = DropFolder(folder, 0.0, lingers_s=2.0)
    began = time.monotonic()
    (arrival,) = drop.look(began)
    assert taken(station, drop, arrival).result == "sealed"
    return path, drop, began


def test_what_was_taken_goes_when_its_sender_is_done_with_it(
    station: Station, tmp_path: Path
) -> None:
    """rsync --inplace sets the times of a file after closing it, and fails when it is gone."""
    path, drop, began = taken_and_there(station)
    assert drop.look(began + 1) == []
    os.utime(path, (1_717_400_000, 1_717_400_000))  # as a sender does, a moment late
    (again,) = drop.look(began + 1.5)
    assert taken(station, drop, again).result == "had"
    assert drop.look(began + 3) == []
    assert path.exists()
    assert drop.look(began + 3.6) == []
    assert not path.exists()


def test_another_file_that_came_under_the_name_of_one_that_was_taken_stays(
    station: Station,
) -> None:
    """The sender put the next one in its place before the first one was removed."""
    path, drop, began = taken_and_there(station)
    other = nights.archive(path.parent.parent, "DIP_LOC", "20240602_2005", actas=6)
    other.rename(path)
    for later in (1, 10, 20):  # and somebody else has the intake meanwhile
        assert names(drop.look(began + later)) == [path.name]
    assert path.exists()


def one_waits(folder: Path) -> tuple[Station, DropFolder, Path]:
    """One election of two has come; its file is still there."""
    station = sandbox(folder, {"election": {"elections": ["DIP_LOC", "AYUN"]}}).station
    station.prepare()
    first = nights.archive(station.settings.drop_folder, "DIP_LOC", "20240602_2005", actas=5)
    drop = DropFolder(station.settings.drop_folder, 0.0)
    (arrival,) = drop.look()
    assert taken(station, drop, arrival).result == "waiting"
    return station, drop, first


def test_what_waits_for_its_cut_stays_until_it_is_sealed(tmp_path: Path) -> None:
    station, drop, first = one_waits(tmp_path)
    assert drop.look() == []
    assert first.exists()
    second = nights.archive(first.parent, "AYUN", "20240602_2005", actas=5)
    (arrival,) = drop.look()
    drop.settled(station.state())
    assert first.exists()
    assert taken(station, drop, arrival).result == "sealed"
    drop.settled(station.state())
    assert not first.exists()
    assert not second.exists()


def test_what_waits_is_taken_anew_when_our_copy_of_it_is_lost(tmp_path: Path) -> None:
    """Nothing waits any more, and nothing was sealed: the institute's file is the only one."""
    station, drop, first = one_waits(tmp_path)
    shutil.rmtree(next(station.staging.iterdir()))
    assert assemble_due(station, actor=PERSON) == []
    assert station.state().waiting == ()
    drop.settled(station.state())
    assert first.exists()
    (arrival,) = drop.look()
    assert taken(station, drop, arrival).result == "waiting"
    nights.archive(first.parent, "AYUN", "20240602_2005", actas=5)
    (arrival,) = drop.look()
    assert taken(station, drop, arrival).result == "sealed"
    drop.settled(station.state())
    assert list(first.parent.iterdir()) == []
