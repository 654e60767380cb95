"""The real files beside the checkout give the figures that they state themselves."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from prep_console.cuts.delivery import examine
from prep_console.cuts.model import Examination, Expectations, Figures, Limits, Verdict
from tests.conftest import SHARED_DATA

pytestmark = pytest.mark.real_data

QROO = SHARED_DATA / "qroo_2019"
CAMPECHE = SHARED_DATA / "campeche_2021_zero" / "20210601_1852_PREP_CAMP.zip"
PUEBLA = SHARED_DATA / "puebla_2018_gob"
INE = SHARED_DATA / "ine_2018_site_json"


def look(path: Path) -> Examination:
    return examine(path, expectations=Expectations(), limits=Limits())


@pytest.mark.parametrize("path", ["20190603_0547_PREP_DIP_QROO.zip", ""])
def test_quintana_roo_alone_and_with_its_site(path: str) -> None:
    found = look(QROO / path)
    (read,) = found.elections
    assert (read.code, read.state, read.title) == ("DIP_LOC", "QROO", "DIPUTACIONES LOCALES")
    assert (read.rows, read.delimiter, str(read.stamp)) == (2136, "|", "20190603_0547")
    assert read.figures == Figures(
        expected=2136,
        registered=2136,
        out_of_catalogue=0,
        captured=2136,
        counted=2031,
        not_counted=105,
        nominal_list=1187254,
        votes_with_special=263005,
        votes_without_special=262598,
        turnout=22.1523,
    )
    assert found.verdict is not Verdict.STOPPED
    assert str(found.stamp) == "20190603_0547"


def test_campeche_holds_four_elections_at_zero() -> None:
    found = look(CAMPECHE)
    assert [(r.code, r.state, r.figures.expected, r.figures.counted) for r in found.elections] == [
        ("AYUN", "CAMP", 1196, 0),
        ("DIP_LOC", "CAMP", 1200, 0),
        ("GUB", "CAMP", 1190, 0),
        ("JUNTAS", "CAMP", 270, 0),
    ]
    assert {p.files for p in found.parts} == {(CAMPECHE.name,)}
    assert len({p.sha256 for p in found.parts}) == 4
    assert found.verdict is Verdict.ODD
    checks = [f.check for f in found.findings]
    assert checks.count("candidates.placeholder") == 3
    assert "arithmetic.rows" in checks


@pytest.mark.parametrize("path", ["20180702_2000_PREP_GOB_PUE", ""])
def test_puebla_unpacked(path: str) -> None:
    found = look(PUEBLA / path)
    (read,) = found.elections
    assert (read.code, read.state, str(read.stamp)) == ("GUB", "PUE", "20180702_2000")
    figures = read.figures
    assert (figures.expected, figures.captured, figures.counted) == (7548, 7407, 6232)
    assert [Path(name).name for name in found.parts[0].files] == [
        "PUE_GOB_2018.csv",
        "PUE_GOB_CANDIDATURAS_2018.csv",
    ]
    assert found.verdict is Verdict.ODD
    assert "arithmetic.not_counted" in [f.check for f in found.findings]


def test_forty_cuts_of_the_national_site() -> None:
    with (INE / "CUTS.tsv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    assert len(rows) == 40
    for row in rows:
        found = look(INE / row["file"])
        assert found.findings == ()
        (part,) = found.parts
        figures = part.figures
        assert part.election == "PRES"
        assert f"{part.stamp}_PREP.zip" == row["cut"]
        assert (figures.expected, figures.captured) == (156840, int(row["captured"]))
        assert figures.counted == int(row["counted"])
        assert figures.votes_with_special == int(row["votes"])
        assert figures.turnout == float(row["turnout"])
