"""The record on the console: filtered, turned round, written to a file."""

from __future__ import annotations

import os
import stat
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prep_console.console import exports
from prep_console.console.main_screen import MainScreen
from prep_console.console.orders import StationActions
from prep_console.problems import Failed
from prep_console.wording import sentence
from tests.console.headless import console, see, shown, until
from tests.console.nights import FakeStation
from tests.stations import sandbox

pytestmark = pytest.mark.usefixtures("in_english")

WHEN = datetime(2024, 6, 3, 2, 37, 12, tzinfo=UTC)


async def test_the_record_is_filtered_as_one_types_and_esc_ends_it() -> None:
    async with console(FakeStation()) as pilot:
        await pilot.press("l")
        await see(pilot, "RECORD")
        whole = shown(pilot)
        await pilot.press("slash", *"SEALED")
        await see(pilot, "only lines with “SEALED”")
        assert "sealed" in shown(pilot)
        assert len(shown(pilot)) < len(whole)
        await pilot.press("enter", "o")
        await see(pilot, "newest first")
        assert "only lines with" in shown(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: "only lines with" not in shown(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


async def test_without_a_filter_one_key_goes_back_and_the_keys_are_seen() -> None:
    async with console(FakeStation()) as pilot:
        await pilot.press("l")
        await see(pilot, "write to a file")
        assert not pilot.app.screen.query_one("#filter").display
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


async def test_a_filter_that_nothing_meets_says_so_and_is_harmless() -> None:
    async with console(FakeStation()) as pilot:
        await pilot.press("l", "slash", *"[b]q", "enter")
        await see(pilot, "no line holds that")
        assert "“[b]q”" in shown(pilot)


async def test_it_is_turned_round() -> None:
    station = FakeStation()
    numbers = [str(entry.seq) for entry in station.snapshot.journal]
    async with console(station, (120, 40)) as pilot:
        await pilot.press("l")
        await see(pilot, "oldest first")
        text = shown(pilot)
        assert text.index(f" {numbers[0]} ") < text.index(f" {numbers[-1]} ")
        await pilot.press("o")
        await see(pilot, "newest first")
        text = shown(pilot)
        assert text.index(f" {numbers[-1]} ") < text.index(f" {numbers[0]} ")


async def test_writing_it_says_where_or_why_not() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("l", "slash", *"acta", "enter", "e")
        await see(pilot, "Written: /home/ñ/prep-journal.txt")
        assert station.exported == ["acta"]
        station.fails = Failed(sentence("the disk is full"), sentence("make room"))
        await pilot.press("e")
        await see(pilot, "The disk is full. Make room.")


def test_a_file_is_for_all_who_read_the_record_and_never_over_another(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "prep-journal-20240603-023712.txt").symlink_to(target)
    old = os.umask(0)
    try:
        second = exports.write(["a", "ñ"], "journal", WHEN, tmp_path)
    finally:
        os.umask(old)
    third = exports.write(["b"], "journal", WHEN, tmp_path)
    assert second.name == "prep-journal-20240603-023712-2.txt"
    assert third.name == "prep-journal-20240603-023712-3.txt"
    assert stat.S_IMODE(second.stat().st_mode) == 0o644
    assert second.read_text("utf-8") == "a\nñ\n"
    assert target.read_text() == "mine"


def test_where_the_station_s_user_may_not_write_it_goes_into_tmp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through sudo the console stands in the operator's own folder, which is shut to it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shut = Path("/sys")  # where root makes no file either
    assert exports.write(["a"], "journal", WHEN, shut).parent == tmp_path


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="nothing could be written"):
        exports.write(["a"], "journal", WHEN, tmp_path / "gone")


def test_a_real_record_is_written_as_the_filter_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = sandbox(tmp_path)
    box.station.prepare()
    for reason in ("prueba uno", "revisión dos"):
        box.run("hold", "--reason", reason)
        box.run("release", "--reason", reason)
    monkeypatch.chdir(tmp_path)
    actions = StationActions(box.settings, box.file)
    whole = actions.export("").read_text("utf-8").splitlines()
    some = actions.export("REVISION").read_text("utf-8").splitlines()
    assert len(whole) >= 4
    assert 0 < len(some) < len(whole)
    assert all("revisión dos" in text for text in some)
