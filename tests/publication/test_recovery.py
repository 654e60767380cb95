"""What an interrupted action or a strange hand left, and cuts that are not whole."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from prep_console.problems import Failed, Refused
from prep_console.publication import actions, pointer
from prep_console.publication.pointer import Live
from prep_console.publication.settle import settle_if_open
from prep_console.publication.station import Station
from tests.publication.three_cuts import (
    FOURTH,
    PERSON,
    SECOND,
    THIRD,
    deliver,
    live,
    mode,
)


def test_a_rollback_that_is_cut_short_holds_all_the_same(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who wanted the cut before wants no newer one by itself, though the switch failed."""

    def refused(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(pointer, "write", refused)
        with pytest.raises(Failed):
            actions.rollback(station, actor=PERSON, reason="r")
    deliver(station, tmp_path, FOURTH)
    assert (live(station), mode(station)) == (THIRD, "hold")


def test_a_cut_whose_manifest_is_not_the_one_that_was_sealed_is_not_put_up(
    station: Station,
) -> None:
    """It reads as before; but who changed it could have changed what it says of the files."""
    path = station.cuts / SECOND / "cut.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(Refused):
        actions.rollback(station, actor=PERSON)
    assert live(station) == THIRD


def test_a_damaged_cut_is_not_put_up(station: Station) -> None:
    site = station.cuts / SECOND / "site"
    site.chmod(0o755)
    next(site.iterdir()).unlink()
    with pytest.raises(Refused):
        actions.rollback(station, actor=PERSON)
    assert live(station) == THIRD


def test_a_sealed_folder_without_its_line_is_found_by_the_next_action(
    station: Station, tmp_path: Path
) -> None:
    """As a kill between the seal and the journal leaves it; and one that is no whole cut."""
    journal = station.journal.read_bytes()
    deliver(station, tmp_path, FOURTH)
    station.journal.write_bytes(journal)
    (station.run / "state.json").unlink(missing_ok=True)
    actions.hold(Station(station.settings), actor=PERSON, reason="r")
    assert FOURTH in station.whole_state().cuts
    (station.cuts / "20240602_2100").mkdir()
    actions.thaw(Station(station.settings), actor=PERSON)
    assert not (station.cuts / "20240602_2100").exists()
    assert (station.quarantine / "cut-20240602_2100").is_dir()


def test_a_pointer_that_nobody_moved_here_stays_where_it_is_and_holds(
    station: Station, tmp_path: Path
) -> None:
    """Somebody rewrote it by hand: what is public and whole stays, and nothing newer comes."""
    pointer.write(station.public, Live(SECOND, station.live().estado))
    settle_if_open(Station(station.settings))
    deliver(Station(station.settings), tmp_path, FOURTH)
    assert (live(station), mode(station)) == (SECOND, "hold")


def test_a_pointer_that_names_half_a_cut_goes_back_to_what_the_record_says(
    station: Station,
) -> None:
    """Somebody rewrote it by hand. A whole cut would stay, on hold; half of one is served to no
    visitor for longer than it takes to act."""
    pointer.write(station.public, Live(SECOND, station.live().estado))
    site = station.cuts / SECOND / "site"
    site.chmod(0o755)
    next(site.iterdir()).unlink()
    actions.hold(Station(station.settings), actor=PERSON, reason="r")
    assert (live(station), mode(station)) == (THIRD, "hold")


@pytest.mark.parametrize("whole_lines", [True, False], ids=["cut off", "one bit"])
def test_what_a_person_took_down_stays_down_though_the_record_lost_that(
    whole_lines: bool, station: Station
) -> None:
    before = station.journal.read_bytes()
    actions.suspend(station, actor=PERSON, reason="a court's order")
    after = station.journal.read_bytes()
    station.journal.write_bytes(before if whole_lines else after.replace(b"court", b"Court", 1))
    hand = Station(station.settings)
    hand.whole_state()
    settle_if_open(hand)
    assert (live(station), mode(station)) == (None, "hold")
    said = json.loads((station.public / f"estado/{station.live().estado}.json").read_bytes())
    assert said["cut"] is None


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"cut 2024",
        b"cut -\nestado 4\npair 4/20240602_2000\n",
        b"cut -\nestado 0\npair 0/-\n",
    ],
    ids=["missing", "empty", "torn", "contradictory", "as Apache's settings make one"],
)
def test_a_map_that_says_nothing_goes_back_to_what_the_record_says(
    content: bytes | None, station: Station
) -> None:
    path = station.public / "live.map"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    settle_if_open(station)
    assert (live(station), mode(station)) == (THIRD, "hold")
