"""Deriving an earlier cut from a final one: on the real files, and where a file resists."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from prep_console.cuts.delivery import examine
from prep_console.cuts.model import Examination, Expectations, Figures, Limits
from prep_console.cuts.stamps import Stamp
from prep_console.drill.final import (
    UnreadableFinalError,
    cut_at,
    read_final,
    time_in,
    time_like,
    truncated,
)
from prep_console.drill.nights import Night, night_from, write_cut
from prep_console.values import field_names
from tests import nights


def figures(night: Night, stamp: Stamp, folder: Path) -> Figures:
    (path,) = write_cut(folder, night, stamp)
    return examined(path).elections[0].figures


def examined(path: Path) -> Examination:
    return examine(path, expectations=Expectations(), limits=Limits(), scratch=path.parent)


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name", ["qroo_2019/20190603_0547_PREP_DIP_QROO.zip", "puebla_2018_gob", "qroo_2019"]
)
def test_a_real_night_only_ever_grows_and_ends_in_its_own_figures(
    real_data: Path, tmp_path: Path, name: str
) -> None:
    night = night_from(real_data / name)
    end = Stamp(night.closes)
    hours = [Stamp(night.closes - timedelta(hours=h)) for h in (16, 11, 9, 7, 5, 3, 1, 0)]
    grown = [figures(night, stamp, tmp_path) for stamp in hours]
    for earlier, later in pairwise(grown):
        for field in ("registered", "captured", "counted", "nominal_list", "votes_with_special"):
            assert getattr(earlier, field) <= getattr(later, field)
    assert grown[0].captured is not None
    assert grown[-2].captured is not None
    assert grown[0].captured < grown[-2].captured
    assert all(f.expected == grown[-1].expected for f in grown)

    stated = next(
        e.figures
        for path in sorted((real_data / name.split("/")[0]).rglob("*"))
        if path.suffix in {".zip", ".csv"} and "CANDID" not in path.name
        for e in examined(path).elections
    )
    at_end = figures(night, end, tmp_path)
    # Puebla's own header says 1,174 where its rows say 1,175 (DOMAIN: off by one in three files).
    assert abs((at_end.not_counted or 0) - (stated.not_counted or 0)) <= 1
    for name in field_names(Figures):
        if name != "not_counted":
            assert getattr(at_end, name) == getattr(stated, name), name


@pytest.mark.real_data
def test_the_final_moment_of_a_real_file_is_the_file_itself(
    real_data: Path, tmp_path: Path
) -> None:
    path = next((real_data / "puebla_2018_gob").rglob("PUE_GOB_2018.csv"))
    data = path.read_bytes()
    final = read_final(path.name, data)
    derived = cut_at(final, final.stamp)
    differing = [
        (ours, theirs)
        for ours, theirs in zip(derived.split(b"\n"), data.split(b"\n"), strict=True)
        if ours != theirs
    ]
    assert [(ours.split(b",")[8], theirs.split(b",")[8]) for ours, theirs in differing] == [
        (b"1175", b"1174")
    ]


@pytest.mark.real_data
def test_a_derived_cut_says_so_inside(real_data: Path) -> None:
    night = night_from(real_data / "qroo_2019")
    (contest,) = night.contests
    note = contest.beside["LEEME_DERIVADO.txt"].decode("cp1252")
    assert "DERIVADO" in note
    assert "qroo_2019" in note
    assert night.source == "qroo_2019"


def test_actas_not_verified_yet_stay_as_rows_without_votes() -> None:
    final = nights.night(actas=60).contests[1].final
    moment = datetime.fromisoformat("2024-06-02T22:00:00")
    rows = cut_at(final, moment).decode().splitlines()[7:]
    in_catalogue = sum(row.in_catalogue for row in final.rows)
    arrived_outside = sum(
        not row.in_catalogue and row.verified is not None and row.verified <= moment
        for row in final.rows
    )
    assert len(rows) == in_catalogue + arrived_outside
    missing = [row for row in final.rows if row.in_catalogue and row.emptied in rows]
    assert missing
    for row in missing:
        assert row.verified is None or row.verified > moment
        kept, emptied = row.line.split(","), row.emptied.split(",")
        assert len(kept) == len(emptied)
        assert kept[:12] == emptied[:12], "identification stays"
        assert set(emptied[12:]) <= {"", str(row.nominal)}


def test_figures_can_stand_still_while_the_stamp_goes_on(tmp_path: Path) -> None:
    still = nights.archive(tmp_path, stamp="20240603_0105", as_of="20240602_2200", actas=200)
    then = nights.archive(tmp_path, stamp="20240602_2200", actas=200)
    stuck, before = examined(still), examined(then)
    assert str(stuck.elections[0].stamp) == "20240603_0105"
    assert stuck.elections[0].figures == before.elections[0].figures


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2019/06/03 05:47 (UTC-5)", "2024/06/02 09:05 (UTC-5)"),
        ("02/07/2018 20:00(UTC-5)", "02/06/2024 09:05(UTC-5)"),
        ("2/7/2018 8:00 (UTC-6)", "2/6/2024 9:05 (UTC-6)"),
        ("Corte: 02/07/2018 20:00", "Corte: 02/06/2024 09:05"),
    ],
)
def test_the_time_line_keeps_its_own_form(line: str, expected: str) -> None:
    written = time_like(line, datetime.fromisoformat("2024-06-02T09:05:00"))
    assert written == expected
    assert time_in(written) == datetime.fromisoformat("2024-06-02T09:05:00")


def test_percentages_are_cut_off_not_rounded() -> None:
    assert truncated(2031, 2136) == "95.0842"
    assert truncated(6232, 7548) == "82.5649"
    assert truncated(2, 3) == "66.6666"
    assert truncated(5, 0) == "0.0000"
    assert truncated(3, 2) == "150.0000"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "ACTAS_ESPERADAS"),
        (b"hola\nmundo\n", "ACTAS_ESPERADAS"),
        (b"TITULO\nACTAS_ESPERADAS,X\n1,2\nCLAVE_CASILLA,CLAVE_ACTA\n", "time"),
        (
            b"T\n02/06/2024 20:00\nACTAS_ESPERADAS\n1\nCLAVE_CASILLA,CLAVE_ACTA\nx,y\n",
            "TIPO_CASILLA",
        ),
    ],
)
def test_a_file_that_is_no_final_cut_says_what_it_lacks(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableFinalError, match=said):
        read_final("X.csv", data)


@pytest.mark.real_data
def test_a_zero_cut_has_no_night_in_it(real_data: Path) -> None:
    with pytest.raises(UnreadableFinalError, match="verified"):
        night_from(real_data / "campeche_2021_zero")


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    (tmp_path / "LEEME.txt").write_text("nada")
    with pytest.raises(UnreadableFinalError, match="no results file"):
        night_from(tmp_path)
    broken = tmp_path / "x.zip"
    broken.write_bytes(b"not a zip")
    with pytest.raises(UnreadableFinalError, match=r"x\.zip"):
        night_from(broken)
