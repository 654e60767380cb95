"""Each rule between the header's figures and the actas, broken alone, gives its one warning."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from prep_console.cuts.checks import describe
from prep_console.cuts.model import Figures, Finding, Severity
from prep_console.cuts.results import read_results
from prep_console.values import replace
from tests.cuts.writing import Acta, Election, Style, acta, figures_of, write_results

ACTAS = (
    acta(1),
    acta(2, (0, 1, 2, 3, 4, 5, 6, 7)),
    replace(acta(3, (None,) * 8), contabilizada="0", observations="Ilegible"),
    replace(acta(4), kind="S", nominal=0),
    replace(acta(5, (None,) * 8), contabilizada="-", integrity=""),
    replace(acta(6, (None,) * 8), key="-", contabilizada="2"),
)
RIGHT = figures_of(ACTAS)
PLAIN = Style()


def read(
    actas: tuple[Acta, ...] = ACTAS, figures: Figures = RIGHT, style: Style = PLAIN
) -> tuple[Finding, ...]:
    data = write_results(Election(actas=actas, figures=figures), style)
    findings = read_results(io.BytesIO(data), "X.csv")[1]
    for one in findings:
        assert one.severity is Severity.WARNING
        assert one.where == "X.csv"
        assert describe(one).in_("en")
    return findings


def checks(figures: Figures) -> set[str]:
    return {f.check for f in read(figures=figures)}


def test_the_actas_stand_for_every_case() -> None:
    expected = Figures(
        expected=5,
        registered=5,
        out_of_catalogue=1,
        captured=4,
        counted=3,
        not_counted=1,
        nominal_list=1500,
        votes_with_special=168,
        votes_without_special=98,
        turnout=6.5333,
    )
    assert expected == RIGHT
    assert read() == ()


@pytest.mark.parametrize(
    ("changed", "check"),
    [
        (replace(RIGHT, registered=6), "arithmetic.registered"),
        (replace(RIGHT, not_counted=2), "arithmetic.not_counted"),
        (replace(RIGHT, votes_with_special=169), "arithmetic.votes_with_special"),
        (replace(RIGHT, turnout=6.5334), "arithmetic.percentage"),
        (replace(RIGHT, turnout=6.53), "arithmetic.percentage"),
    ],
)
def test_one_rule_broken_is_one_warning(changed: Figures, check: str) -> None:
    assert checks(changed) == {check}


def test_a_figure_that_several_rules_know_breaks_all_of_them() -> None:
    assert checks(replace(RIGHT, expected=6)) == {"arithmetic.rows"}
    assert checks(replace(RIGHT, counted=2)) == {"arithmetic.counted", "arithmetic.not_counted"}
    assert checks(replace(RIGHT, captured=6)) == {
        "arithmetic.registered",
        "arithmetic.exceeds_expected",
        "arithmetic.not_counted",
        "arithmetic.over_100",
    }
    assert checks(replace(RIGHT, votes_without_special=99)) == {
        "arithmetic.votes_without_special",
        "arithmetic.percentage",
    }


def test_both_turnouts_are_right() -> None:
    assert checks(replace(RIGHT, turnout=11.2)) == set()


def test_a_warning_says_what_is_stated_and_what_was_found() -> None:
    (broken,) = read(figures=replace(RIGHT, votes_with_special=1))
    assert dict(broken.values) == {"stated": 1, "found": 168}
    (broken,) = read(figures=replace(RIGHT, turnout=6.6))
    assert dict(broken.values) == {
        "name": "PORCENTAJE_PARTICIPACION_CIUDADANA",
        "stated": "6.6000",
        "found": "6.5333",
    }


def test_percentages_are_truncated_not_rounded() -> None:
    actas = tuple(acta(n) for n in range(1, 7))
    figures = replace(figures_of(actas), captured=4, counted=4, not_counted=0, registered=4)
    rounded = write_results(Election(actas=actas, figures=figures)).replace(b"66.6666", b"66.6667")
    findings = read_results(io.BytesIO(rounded), "X.csv")[1]
    told = {f.values["name"] for f in findings if f.check == "arithmetic.percentage"}
    assert told == {"PORCENTAJE_ACTAS_CAPTURADAS", "PORCENTAJE_ACTAS_CONTABILIZADAS"}


def test_missing_figures_break_no_rule() -> None:
    assert checks(Figures()) == set()
    assert checks(Figures(expected=5)) == set()
    assert checks(Figures(expected=7)) == {"arithmetic.rows"}
    assert checks(replace(RIGHT, out_of_catalogue=None)) == set()


def test_without_the_column_of_kinds_nothing_is_said_about_special_ones() -> None:
    style = Style(renamed=(("TIPO_CASILLA", "CASILLA_CLASE"),))
    assert {f.check for f in read(style=style)} == {"results.columns"}


def test_more_votes_than_voters() -> None:
    full = acta(7, (100, 0, 0, 0, 0, 0, 0, 6))
    over = acta(8, (100, 0, 0, 0, 0, 0, 0, 7))
    actas: tuple[Acta, ...] = (
        replace(full, nominal=100),
        replace(over, nominal=100),
        replace(over, key="220009B0100", nominal=100, contabilizada="0"),
        replace(over, key="220010S0100", kind="S", nominal=0),
    )
    actas = (*actas, *(acta(n) for n in range(20, 24)))
    (told,) = read(actas, figures_of(actas))
    assert told.check == "arithmetic.over_nominal"
    assert dict(told.values) == {"n": 1, "line": 8}


def test_a_row_that_adds_up_to_something_else() -> None:
    data = write_results(Election(actas=(acta(1), acta(2)))).replace(b"|4|70|70|", b"|4|70|71|", 1)
    (told,) = read_results(io.BytesIO(data), "X.csv")[1]
    assert (told.check, dict(told.values)) == ("arithmetic.row_sum", {"n": 1, "line": 7})


@pytest.mark.real_data
def test_the_real_files_keep_and_break_the_rules_that_they_are_known_for(real_data: Path) -> None:
    name = "puebla_2018_gob/20180702_2000_PREP_GOB_PUE/PUE_GOB_2018.csv"
    with (real_data / name).open("rb") as stream:
        results, findings = read_results(stream, name)
    assert {f.check: dict(f.values) for f in findings} == {
        "arithmetic.not_counted": {"stated": 7407, "found": 7406},
        "arithmetic.over_nominal": {"n": 2, "line": 339},
        "arithmetic.row_sum": {"n": 1, "line": 3613},
    }
    assert results.rows == 7548
    assert results.figures.votes_with_special == 2516965
