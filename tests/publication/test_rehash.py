"""Reading a sealed cut again and again, and putting back what is not as sealed."""

from __future__ import annotations

import shutil
import threading
import zipfile
from pathlib import Path

import pytest

from prep_console.journal import journal
from prep_console.journal.actor import program
from prep_console.publication import estado, repair, store
from prep_console.publication.estado_check import altered_pages, make_again
from prep_console.publication.rehash import PASS_S, Rereading
from prep_console.publication.settle import settle_if_open
from prep_console.publication.station import Station
from tests import nights
from tests.proof import disks
from tests.stations import Sandbox, sandbox

CUT = "20240602_2005"
ACTOR = program("test")


@pytest.fixture
def made(tmp_path: Path) -> tuple[Station, dict[str, Path]]:
    """A live cut and its archives."""
    return brought(sandbox(tmp_path), tmp_path / "made")


def brought(box: Sandbox, into: Path) -> tuple[Station, dict[str, Path]]:
    into.mkdir()
    archives = nights.two_archives(into, CUT, actas=5)
    assert box.run("receive", into).code == 0
    return box.station, archives


def site(station: Station) -> Path:
    return station.cuts / CUT / store.SITE


def rereading(station: Station) -> Rereading:
    sealed, _ = store.load(station, CUT)
    return Rereading(site(station), sealed.files)


def spoil(path: Path) -> bytes:
    """Other bytes of the same size; the right ones."""
    right = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(bytes([right[0] ^ 1]) + right[1:])
    path.chmod(0o444)
    return right


def mend(station: Station, *elsewhere: Path) -> repair.Repair:
    return repair.compare_and_repair(station, CUT, elsewhere, ACTOR)


def told(station: Station) -> list[object]:
    lines = journal.tail(station.journal, 50)
    return [line.data for line in lines if line.kind == "repaired"]


def test_every_byte_is_read_within_an_hour_and_no_faster_than_needed(
    made: tuple[Station, dict[str, Path]],
) -> None:
    reading = rereading(made[0])
    seconds = 0
    while reading.passes == 0:
        reading.read_on(5.0)
        seconds += 5
    assert 0.75 * PASS_S < seconds <= PASS_S
    assert not reading.wrong


def test_a_rotten_byte_is_found_by_reading_alone(made: tuple[Station, dict[str, Path]]) -> None:
    station, archives = made
    reading = rereading(station)
    spoil(site(station) / archives["AYUN"].name)
    while reading.passes == 0:
        reading.read_on(60.0)
    assert reading.wrong.files == {archives["AYUN"].name}


def test_a_new_file_is_read_before_those_that_were_read_a_moment_ago(
    made: tuple[Station, dict[str, Path]],
) -> None:
    station, archives = made
    sealed, _ = store.load(station, CUT)
    new = archives["DIP_LOC"].name
    known = {file.sha256 for path, file in sealed.files.items() if path != new}
    reading = Rereading(site(station), sealed.files, known)
    spoil(site(station) / new)
    while reading.checked == 0:
        reading.read_on(1.0)
    assert reading.wrong.files == {new}


def test_what_was_written_through_is_read_at_once(made: tuple[Station, dict[str, Path]]) -> None:
    """Its size is right; the pace alone would come by in an hour."""
    station, archives = made
    reading = rereading(station)
    reading.look_over()
    spoil(site(station) / archives["AYUN"].name)
    reading.look_over()
    reading.read_on(0.0)
    assert reading.wrong.files == {archives["AYUN"].name}
    assert reading.checked == 0


@pytest.mark.parametrize("what", ["missing", "link", "folder", "writable", "folder gone"])
def test_whatever_stands_in_the_place_of_a_file(
    what: str, made: tuple[Station, dict[str, Path]]
) -> None:
    station, archives = made
    good = archives["AYUN"]
    target = site(station) / good.name
    if what != "writable":
        target.parent.chmod(0o755)
    if what == "folder gone":
        shutil.rmtree(target.parent)
    elif what != "writable":
        target.unlink()
    if what == "link":
        target.symlink_to("/etc/passwd")
    elif what == "folder":
        target.mkdir()
        (target / "x").touch()
    elif what == "writable":
        target.chmod(0o666)
    if what == "folder gone":
        target.parent.mkdir()
    reading = rereading(station)
    reading.look_over()
    reading.read_on(1.0)
    assert good.name in reading.wrong.files
    done = mend(station, good.parent)
    assert good.name in done.repaired
    assert not done.lost
    assert target.read_bytes() == good.read_bytes()
    assert (target.lstat().st_mode & 0o777, site(station).stat().st_mode & 0o777) == (0o444, 0o555)
    assert list(station.staging.iterdir()) == []


def test_a_member_of_a_zip_that_lies_in_the_drop_folder_is_a_good_copy(
    made: tuple[Station, dict[str, Path]], tmp_path: Path
) -> None:
    station, archives = made
    target = site(station) / archives["AYUN"].name
    right = spoil(target)
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "broken.zip").write_bytes(b"PK\x03\x04 no archive")
    with zipfile.ZipFile(drop / "both.zip", "w") as both:
        both.writestr(f"in/{target.name}", b"x" * len(right))  # the size is right
        both.writestr(f"again/{target.name}", right)
    assert mend(station, drop).repaired == (target.name,)
    assert target.read_bytes() == right


def test_a_copy_that_changes_while_it_is_read_is_never_put_into_place(
    made: tuple[Station, dict[str, Path]], tmp_path: Path
) -> None:
    station, archives = made
    target = site(station) / archives["AYUN"].name
    right = spoil(target)
    spoiled = target.read_bytes()
    fickle = tmp_path / "fickle" / target.name
    fickle.parent.mkdir()
    leave = threading.Event()

    def change() -> None:
        while not leave.is_set():
            for content in (right, b"z" * len(right)):
                fickle.write_bytes(content)

    writer = threading.Thread(target=change)
    writer.start()
    try:
        for _ in range(50):
            repaired = mend(station, fickle.parent).repaired
            assert target.read_bytes() == (right if repaired else spoiled)
            if repaired:
                spoil(target)
                spoiled = target.read_bytes()
    finally:
        leave.set()
        writer.join(10)


def test_what_stays_lost_is_told_once_and_not_forgotten_by_another_repair(
    made: tuple[Station, dict[str, Path]],
) -> None:
    station, archives = made
    lost, other = archives["AYUN"], archives["DIP_LOC"]
    right = spoil(site(station) / lost.name)
    lost.unlink()
    for _ in range(2):
        assert mend(station).lost == (lost.name,)
    spoil(site(station) / other.name)
    repair.compare_and_repair(station, CUT, [other.parent], ACTOR, only=[other.name])
    assert station.state().cuts[CUT].damaged == (lost.name,)
    assert len(told(station)) == 2
    lost.write_bytes(right)
    mend(station, lost.parent)
    assert station.state().cuts[CUT].damaged == ()


def test_on_a_full_disk_it_is_lost_and_told_and_healed_when_there_is_room(tmp_path: Path) -> None:
    assert disks.why_none() is None
    with disks.mounted(tmp_path) as disk:
        box = sandbox(disk.folder)
        station, archives = brought(box, tmp_path / "made")
        kept = archives["AYUN"]
        spoil(site(station) / kept.name)
        disk.fill()
        assert mend(station, kept.parent).lost == (kept.name,)
        assert station.state().cuts[CUT].damaged == (kept.name,)
        assert list(station.staging.iterdir()) == []
        (disk.folder / "filling").unlink()
        assert mend(station, kept.parent).repaired == (kept.name,)
        assert station.state().cuts[CUT].damaged == ()


def test_an_altered_page_is_made_again_and_a_true_one_is_left(
    made: tuple[Station, dict[str, Path]],
) -> None:
    station, _ = made
    number = station.live().estado
    assert altered_pages(station, station.state()) == ()
    for suffix, old, new in (("html", b"20", b"21"), ("json", b"AYUN", b"AYUM")):
        page = station.public / "estado" / f"{number}.{suffix}"
        page.write_bytes(page.read_bytes().replace(old, new))
        assert page.name in altered_pages(station, station.state())
        settle_if_open(station)
        assert station.live().estado == number + 1
        number += 1
        assert altered_pages(station, station.state()) == ()


def test_a_page_whose_head_the_journal_never_had_is_made_again(
    made: tuple[Station, dict[str, Path]],
) -> None:
    station, _ = made
    number = station.live().estado
    document = estado.said_by(station.public, number)
    assert document is not None
    said = estado.Said(document)
    estado.write(station.public, number, said, (1, "0" * 64))
    assert altered_pages(station, station.state()) == (f"{number}.json",)
    with station.acting("test") as ledger:
        assert make_again(ledger) == (f"{number}.json",)
    assert altered_pages(station, station.state()) == ()
    assert estado.head_of(station.public, number + 1) is not None
    estado.write(station.public, number + 1, said, (10**6, "0" * 64))
    assert altered_pages(station, station.state()) == ()  # the journal may have lost its end
