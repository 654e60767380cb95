"""The scenarios' files: each loads, is told in both languages, and a wrong one is told clearly."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from prep_console.alarms.table import TABLE
from prep_console.drill import drill_report, rehearsal
from prep_console.drill.institute import stamps_of
from prep_console.drill.nights import cut_files, synthetic_night
from prep_console.drill.rehearsal import Rehearsal
from prep_console.drill.sandbox import Answer, Sandbox
from prep_console.drill.scenario import KINDS, load, shipped
from prep_console.problems import WrongUsage


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_loads_and_names_real_alarms(name: str) -> None:
    read = load(name)
    for text in (read.title, read.story, read.advice):
        assert text.es.strip()
        assert text.en.strip()
        assert text.es != text.en
    assert {alarm for one in read.reaction for alarm in one.alarms} <= set(TABLE)


def test_every_fault_is_rehearsed_somewhere() -> None:
    assert {fault.kind for name in shipped() for fault in load(name).fault} == set(KINDS)
    assert {"philippines-2019", "guerrero-2021"} <= set(shipped())


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ('kind = "corrupt"', 'kind = "korrupt"', "korrupt"),
        ("at = 20", "at = 2000", "2000|<= 1440"),
        ("at = 20", "at = 60", "after the end"),
        ("at = 20", "ad = 20", "ad"),
        ("within_seconds", "fault = 7\nwithin_seconds", "fault 7"),
        ("[title]", "[title", "line|table"),
    ],
)
def test_a_wrong_scenario_is_told(was: str, now: str, told: str, tmp_path: Path) -> None:
    text = shipped()["corrupt-zip"].read_text("utf-8")
    assert was in text
    file = tmp_path / "mine.toml"
    file.write_text(text.replace(was, now), "utf-8")
    with pytest.raises(WrongUsage, match=told):
        load(str(file))


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(WrongUsage, match="there is no scenario nothing"):
        load("nothing")


def test_every_kind_of_fault_has_its_words_in_the_report() -> None:
    assert set(drill_report._KINDS) == set(KINDS)


@pytest.mark.parametrize(("kind", "bad"), [("test-data", 1), ("totals-fall", 1), ("corrupt", 2)])
def test_of_a_fault_that_is_one_cut_there_is_one(
    kind: str, bad: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 20 and at 25 minutes a cut comes, and the fault is over after both."""
    monkeypatch.setattr(rehearsal, "_ENDING_S", 0.0)
    text = shipped()["corrupt-zip"].read_text("utf-8")
    text = text.replace('kind = "corrupt"', f'kind = "{kind}"').replace(
        "minutes = 60", "minutes = 35"
    )
    text = text.replace("at = 20", "at = 20\nminutes = 8")
    file = tmp_path / "mine.toml"
    file.write_text(text, "utf-8")
    drop = tmp_path / "drop"
    drop.mkdir()
    station = SimpleNamespace(
        folder=tmp_path,
        settings=SimpleNamespace(drop_folder=drop),
        visit=lambda: Answer(503, None, b""),
    )
    night = synthetic_night(datetime.fromisoformat("2024-06-02T20:00"), actas=100)
    told = Rehearsal(cast(Sandbox, station), night, load(str(file)), 300.0).run(lambda: True)
    assert told.faults
    came: dict[str, dict[str, bytes]] = {}
    for file in drop.iterdir():
        came.setdefault(file.name[:13], {})[file.name] = file.read_bytes()
    assert len(came) >= 5
    good = {str(stamp): dict(cut_files(night, stamp)) for stamp in stamps_of(night)}
    assert len([stamp for stamp, files in came.items() if files != good[stamp]]) == bad
