"""What is fetched is decided by names alone."""

from __future__ import annotations

import pytest

from prep_console.intake.pull.choice import choose, deliverable

DIP, AYUN = "20240602_2005_PREP_DIP_LOC_QRO.zip", "20240602_2005_PREP_AYUN_QRO.zip"
OLD = "20240602_2000_PREP_DIP_LOC_QRO.zip"


@pytest.mark.parametrize(
    "name",
    [
        "../x.zip",
        ".hidden.zip",
        "a/b.zip",
        "x.exe",
        "20240602_2005_COMPUTOS_DIP_LOC.zip",
        "a\x1b[31m.zip",
        "a\u202e.zip",
        "x" * 250 + ".zip",
        "..",
        "",
    ],
)
def test_what_is_no_delivery_is_never_fetched(name: str) -> None:
    assert not deliverable(name)


def test_the_newest_of_each_election_is_fetched_oldest_first() -> None:
    late = "20240602_2006_PREP_AYUN_QRO.zip"
    choice = choose([OLD, DIP, AYUN, late], {})
    assert choice.state == "new"
    assert choice.names == (DIP, late)
    assert choice.stamp == "20240602_2006"


def test_what_was_accepted_is_not_fetched_but_by_a_resync() -> None:
    marks = {"DIP_LOC": "20240602_2005", "AYUN": "20240602_2005"}
    assert choose([DIP, AYUN], marks).state == "nothing"
    assert choose([DIP, AYUN], marks, again=True).names == (AYUN, DIP)


def test_a_source_that_went_back_in_time_is_told() -> None:
    marks = {"DIP_LOC": "20240602_2010", "AYUN": "20240602_2010"}
    for again in (False, True):
        choice = choose([DIP, AYUN], marks, again=again)
        assert (choice.state, choice.names, choice.stamp) == ("older", (), "20240602_2005")


def test_an_impossible_hour_that_was_fetched_hides_nothing() -> None:
    alien = "29991231_2359_PREP_DIP_LOC_QRO.zip"
    assert choose([alien, DIP], {}, fetched=lambda name: name == alien).names == (DIP,)
