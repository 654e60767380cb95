"""Real public files, beside the checkout: what they say is what is read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from prep_console.cuts.candidates import read_candidates
from prep_console.cuts.model import Figures, Finding, Results
from prep_console.cuts.results import looks_like_results, read_results

pytestmark = pytest.mark.real_data


def _all(path: Path) -> tuple[dict[str, tuple[Results, list[str]]], dict[str, Finding], int]:
    """Results and placeholder warnings by file name, and how many files were neither."""
    results: dict[str, tuple[Results, list[str]]] = {}
    candidates: dict[str, Finding] = {}
    others = 0
    with zipfile.ZipFile(path) as outer:
        for name in outer.namelist():
            data = outer.read(name)
            if name.endswith(".zip"):
                with zipfile.ZipFile(io.BytesIO(data)) as inner:
                    members = {n: inner.read(n) for n in inner.namelist()}
            else:
                members = {name: data}
            for member, content in members.items():
                if looks_like_results(content[:4096]):
                    read, findings = read_results(io.BytesIO(content), member)
                    results[member] = read, [f.check for f in findings]
                elif "CANDIDATURA" in member:
                    for found in read_candidates(io.BytesIO(content), member):
                        candidates[member] = found
                else:
                    others += 1
    return results, candidates, others


def test_quintana_roo_2019(real_data: Path) -> None:
    results, candidates, others = _all(real_data / "qroo_2019/20190603_0547_PREP_DIP_QROO.zip")
    (found,) = results.values()
    assert found[1] == ["arithmetic.over_nominal"]
    read = found[0]
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
    assert (read.title, str(read.stamp)) == ("DIPUTACIONES LOCALES", "20190603_0547")
    assert (read.delimiter, read.encoding, read.rows) == ("|", "ascii", 2136)
    assert not candidates
    assert others == 1


def test_campeche_zero_cut(real_data: Path) -> None:
    results, candidates, others = _all(real_data / "campeche_2021_zero/20210601_1852_PREP_CAMP.zip")
    read = {name: (r.title, r.rows, r.figures.expected) for name, (r, _) in results.items()}
    assert read == {
        "CAMP_GOB_2021.csv": ("GUBERNATURA", 1190, 1190),
        "CAMP_DIP_LOC_2021.csv": ("DIPUTACIONES LOCALES", 1190, 1200),
        "CAMP_AYUN_2021.csv": ("AYUNTAMIENTOS", 1196, 1196),
        "CAMP_JUNTAS_2021.csv": ("JUNTAS", 270, 270),
    }
    assert {name: checks for name, (_, checks) in results.items() if checks} == {
        "CAMP_DIP_LOC_2021.csv": ["arithmetic.rows"],
        "CAMP_AYUN_2021.csv": ["results.duplicate"],
        "CAMP_JUNTAS_2021.csv": ["results.duplicate"],
    }
    assert {r.figures.captured for r, _ in results.values()} == {0}
    assert {str(r.stamp) for r, _ in results.values()} == {"20210601_1852"}
    assert {name: f.values["n"] for name, f in candidates.items()} == {
        "CAMP_DIP_LOC_CANDIDATURA_2021.csv": 4,
        "CAMP_AYUN_CANDIDATURA_2021.csv": 5,
        "CAMP_JUNTAS_CANDIDATURA_2021.csv": 66,
    }
    assert others == 4
