"""The scenarios' files: each loads, is told in both languages, and a wrong one is told clearly."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep_console.alarms.table import TABLE
from prep_console.drill import drill_report
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
