"""The differences between any two cuts, stepped by keys."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from prep_console.publication.changes import Changes, ImageChanges
from prep_console.reports.changes import told
from prep_console.widgets.changes_page import changes_page
from prep_console.widgets.lines import plain
from prep_console.wording import use
from tests.console.headless import console, see, shown, until
from tests.console.nights import FakeStation, night
from tests.console.test_done import console_of
from tests.publication.three_cuts import FIRST, SECOND, deliver
from tests.stations import sandbox

pytestmark = pytest.mark.usefixtures("in_english")

IDS = [cut.id for cut in night().cuts]


@dataclass
class SlowStation(FakeStation):
    """Its first comparison waits; each one is noted."""

    wait: threading.Event = field(default_factory=threading.Event)
    compared: list[tuple[str, str]] = field(default_factory=list)

    def changes(self, before: str, after: str) -> Sequence[str]:
        self.compared.append((before, after))
        self.wait.wait(10)
        return super().changes(before, after)


async def test_each_side_steps_through_the_cuts_and_passes_the_other() -> None:
    async with console(FakeStation()) as pilot:
        await pilot.press("d")
        await see(pilot, f"{IDS[1]} → {IDS[0]}")
        assert f"before 02:30 {IDS[1]} ○ previous after 02:35 {IDS[0]} ● public" in shown(pilot)
        await pilot.press("left")
        await see(pilot, f"{IDS[2]} → {IDS[0]}")
        await pilot.press("<")
        await see(pilot, f"{IDS[2]} → {IDS[1]}")
        await pilot.press("<")
        await see(pilot, f"{IDS[2]} → {IDS[3]}")
        await pilot.press(">", ">", ">")
        await see(pilot, f"{IDS[2]} → {IDS[0]}")
        await pilot.press("right", "right")
        await see(pilot, f"{IDS[1]} → {IDS[0]}")


async def test_stepping_on_while_one_is_compared_starts_no_others_beside_it() -> None:
    station = SlowStation()
    async with console(station) as pilot:
        await pilot.press("d", "left", "left", "left")
        await see(pilot, "The two cuts are being compared…")
        await until(pilot, lambda: station.compared)
        assert station.compared == [(IDS[1], IDS[0])]
        station.wait.set()
        await see(pilot, f"{IDS[4]} → {IDS[0]}")
        assert station.compared == [(IDS[1], IDS[0]), (IDS[4], IDS[0])]


async def test_one_that_ends_after_the_page_was_left_disturbs_nothing() -> None:
    station = SlowStation()
    async with console(station) as pilot:
        await pilot.press("d", "left", "escape")
        await see(pilot, "CUTS")
        station.wait.set()
        await pilot.press("question_mark")
        await see(pilot, "HELP")
        assert len(station.compared) == 1


async def test_a_manifest_that_cannot_be_read_is_told_with_what_to_do(tmp_path: Path) -> None:
    """As a sentence in the reader's language, on both pages that need it."""
    use("es")
    box = sandbox(tmp_path)
    for stamp in (FIRST, SECOND):
        deliver(box.station, tmp_path, stamp)
    (box.station.cuts / SECOND / "cut.json").unlink()
    told = f"▲ no se puede leer el manifiesto del corte {SECOND}: no existe"
    what_to_do = "Revise el disco de la estación; journal --verify y resync dicen más."
    async with console_of(box) as pilot:
        await pilot.press("d")
        await see(pilot, told)
        assert what_to_do in shown(pilot)
        assert "Errno" not in shown(pilot)
        await pilot.press("escape", "enter")
        await see(pilot, told)
        assert what_to_do in shown(pilot)
        assert "Errno" not in shown(pilot)
        await pilot.press("end")
        await see(pilot, what_to_do)
        assert "ninguna acta" not in shown(pilot), "of its images nothing is known"


def test_what_was_compared_steers_no_terminal() -> None:
    assert "\x1b" not in plain(changes_page(["  ▲ \x1b[2J\x9b31m"], 80))
    assert "\x9b" not in plain(changes_page(["  ▲ \x1b[2J\x9b31m"], 80))


def test_images_are_told_apart_from_other_files() -> None:
    changes = Changes(
        "20240602_2000",
        "20240602_2005",
        (),
        ("actas/1.jpg", "x.csv"),
        ("actas/2.JPG", "index.html"),
        ("actas/3\x1b[2J.png",),
        ImageChanges(("a.zip!/4.jpg",), (), ()),
    )
    lines = list(told(changes))
    assert "images added (2): actas/1.jpg, a.zip!/4.jpg" in lines
    assert "▲ images changed (1): actas/2.JPG" in lines
    assert "files changed (1): index.html" in lines
    (gone,) = (one for one in lines if one.startswith("▲ images gone (1)"))
    assert "\x1b" not in gone
