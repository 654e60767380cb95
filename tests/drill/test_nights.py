"""The shapes of a delivery, and the fixtures that all other tests stand on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from prep_console.cuts.delivery import examine
from prep_console.cuts.model import Expectations, Limits, Verdict
from prep_console.cuts.stamps import Stamp
from prep_console.drill.nights import cut_files
from tests import nights

STAMP = "20240603_0105"


@pytest.mark.parametrize("shape", [nights.tree, nights.zip_of_zips, nights.tar_gz])
def test_each_shape_holds_both_elections_of_one_stamp(
    tmp_path: Path, shape: Callable[..., Path]
) -> None:
    found = examine(
        shape(tmp_path / "delivery", STAMP),
        expectations=Expectations(state="QRO", elections=nights.ELECTIONS),
        limits=Limits(),
        scratch=tmp_path,
    )
    assert (found.findings, found.verdict) == ((), Verdict.GOOD)
    assert sorted(part.election for part in found.parts) == sorted(nights.ELECTIONS)
    assert {str(part.stamp) for part in found.parts} == {STAMP}


def test_a_lone_json_is_a_national_cut(tmp_path: Path) -> None:
    found = examine(nights.lone_json(tmp_path, STAMP), expectations=Expectations(), limits=Limits())
    assert found.verdict is Verdict.GOOD
    assert (found.elections[0].figures.expected, str(found.stamp)) == (30, STAMP)


def test_the_tree_has_a_page_the_downloads_and_the_images_of_what_is_in(tmp_path: Path) -> None:
    early = nights.tree(tmp_path / "early", "20240602_2105", actas=200)
    late = nights.tree(tmp_path / "late", "20240603_0305", actas=200)
    assert (early / "index.html").read_text().count("20240602_2105_PREP") == 4
    images = [len(list(folder.rglob("*.png"))) for folder in (early, late)]
    assert 0 < images[0] < images[1]


def test_the_second_archive_may_bear_the_next_minute(tmp_path: Path) -> None:
    files = cut_files(nights.night(STAMP), Stamp.of("20240603_0059"), straddle=True)
    assert list(files) == ["20240603_0059_PREP_DIP_LOC_QRO.zip", "20240603_0100_PREP_AYUN_QRO.zip"]


@pytest.mark.parametrize(
    "shape", [nights.tree, nights.zip_of_zips, nights.tar_gz, nights.lone_json]
)
def test_a_delivery_is_the_same_bytes_each_time(tmp_path: Path, shape: Callable[..., Path]) -> None:
    def content(folder: Path) -> dict[str, bytes]:
        shape(folder, STAMP)
        return {
            str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()
        }

    first = content(tmp_path / "one")
    assert first
    assert first == content(tmp_path / "two")
    assert not [name for name in first if name.endswith(".part")]


def test_padding_makes_a_cut_as_large_as_asked(tmp_path: Path) -> None:
    first, second = nights.padded(tmp_path, STAMP, size=3_000_000).values()
    assert 3_000_000 <= first.stat().st_size < 3_100_000
    assert second.stat().st_size < 100_000
    other = nights.padded(tmp_path / "next", "20240603_0110", size=3_000_000)["DIP_LOC"]
    assert other.read_bytes()[-9_000:-8_000] != first.read_bytes()[-9_000:-8_000]


def test_small_cuts_are_quick(tmp_path: Path) -> None:
    nights.two_archives(tmp_path)
    assert min(_seconds(tmp_path, stamp) for stamp in nights.stamps()) < 0.05


def _seconds(folder: Path, stamp: str) -> float:
    started = time.process_time()
    nights.two_archives(folder, stamp)
    return time.process_time() - started
