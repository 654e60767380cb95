"""Parts into cuts: what is carried, refused and repaired, and how the seal is made."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Any

import pytest

from prep_console import durable
from prep_console.intake.receive import receive
from prep_console.intake.sealing import assemble_due
from prep_console.journal import journal
from prep_console.problems import Failed
from prep_console.publication import actions, store
from tests import nights
from tests.intake.desk import PERSON, Desk
from tests.stations import sandbox


def test_the_same_stamp_and_bytes_are_already_had(desk: Desk) -> None:
    desk.bring("DIP_LOC", "20240602_2005")
    again = desk.bring("DIP_LOC", "20240602_2005")
    assert (again.result, again.waiting_for) == ("had", ("AYUN",))
    desk.bring("AYUN", "20240602_2005")
    lines = desk.station.state().position.lines
    receipt = desk.bring("AYUN", "20240602_2005")
    assert (receipt.result, receipt.cut) == ("had", "20240602_2005")
    assert desk.station.state().position.lines == lines


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
