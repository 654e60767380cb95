"""The simulated institute: what lies in the drop folder while a cut arrives."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from prep_console.cuts.stamps import Stamp
from prep_console.drill.institute import STEP, deliver, stamps_of
from tests import nights
from tests.processes import ended
from tests.waiting import wait_until

STAMP = Stamp.of("20240602_2105")
FIRST, SECOND = "20240602_2105_PREP_DIP_LOC_QRO.zip", "20240602_2105_PREP_AYUN_QRO.zip"


def visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def test_stamps_go_in_five_minute_steps_to_the_final_cut() -> None:
    night = nights.night()
    stamps = list(stamps_of(night))
    assert {later - earlier for earlier, later in pairwise(stamps[:-1])} == {STEP}
    assert stamps[-1] == Stamp(night.closes)
    assert 100 < len(stamps) < 160


def test_the_slow_archive_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    seen: list[set[str]] = []
    delivered = deliver(
        tmp_path,
        nights.night(),
        STAMP,
        slow_s=1.0,
        wait=lambda _: seen.append(visible(tmp_path)),
    )
    assert len(seen) > 3
    assert all(names == {FIRST} for names in seen), "its name is taken only at the end"
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == delivered
    assert set(delivered) == {FIRST, SECOND}


def test_an_upload_in_place_grows_under_its_own_name(tmp_path: Path) -> None:
    sizes: list[int] = []
    delivered = deliver(
        tmp_path,
        nights.night(),
        STAMP,
        slow_s=1.0,
        wait=lambda _: sizes.append((tmp_path / SECOND).stat().st_size),
        in_place=True,
    )
    assert sizes == sorted(sizes)
    assert 0 < sizes[0] < len(delivered[SECOND]) == sizes[-1]


def test_a_broken_off_upload_leaves_its_temporary_file(tmp_path: Path) -> None:
    deliver(tmp_path, nights.night(), STAMP, slow_s=1.0, wait=lambda _: True)
    assert visible(tmp_path) == {FIRST}
    (left,) = (path for path in tmp_path.iterdir() if path.name.startswith("."))
    assert left.name.startswith(f".{SECOND}.")


@pytest.mark.parametrize("cuts", [2])
def test_as_a_process_it_delivers_so_many_cuts_and_ends(tmp_path: Path, cuts: int) -> None:
    done = subprocess.run(
        institute(tmp_path, "--every", "0.1", "--cuts", str(cuts)), timeout=60, check=False
    )
    assert done.returncode == 0
    stamps = {name[:13] for name in visible(tmp_path)}
    assert len(stamps) == cuts
    assert len(visible(tmp_path)) == 2 * cuts


def test_as_a_process_it_ends_when_told(tmp_path: Path) -> None:
    process = subprocess.Popen(institute(tmp_path, "--every", "600"))
    try:
        wait_until(lambda: visible(tmp_path), 30)
    finally:
        code = ended(process)
    assert code == 0


def institute(folder: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "prep_console.drill.institute", str(folder)]
    return [*command, "--opens", "2024-06-02T20:00", *arguments]
