"""The rows say which state they are of, and that is believed more than a file's name."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from prep_console.cuts.delivery import examine
from prep_console.cuts.model import Expectations, Limits
from prep_console.cuts.results import read_results
from prep_console.cuts.states import of_rows, same
from tests.cuts.writing import Election, acta, write_results

GOOD = write_results(Election(actas=tuple(acta(n) for n in range(1, 4))))


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ({"22"}, "QRO"),
        ({"'04", "4", "-"}, "CAMP"),
        ({"23", ""}, "QROO"),
        ({"22", "23"}, ""),
        ({"0", "-"}, ""),
        ({"33"}, ""),
        ({"QRO"}, ""),
        (set(), ""),
    ],
)
def test_the_number_in_the_rows(rows: set[str], state: str) -> None:
    assert of_rows(rows) == state


def test_abbreviations_of_one_state_are_the_same() -> None:
    assert same("camp", "CAM")
    assert same("DF", "CDMX")
    assert same("XYZ", "xyz")
    assert not same("QRO", "QROO")
    assert not same("XYZ", "QRO")


def test_the_results_carry_it() -> None:
    assert read_results(io.BytesIO(GOOD), "X.csv")[0].state == "QRO"
    national = GOOD.replace(b"|22|QUER", b"|9|QUER", 1)
    assert read_results(io.BytesIO(national), "X.csv")[0].state == ""


@pytest.mark.parametrize(
    ("name", "number", "stops"),
    [("_QRO", b"22", False), ("_QRO", b"23", True), ("", b"23", True), ("_QROO", b"22", True)],
)
def test_another_states_actas_stop_whatever_the_name_says(
    tmp_path: Path, name: str, number: bytes, stops: bool
) -> None:
    path = tmp_path / f"20240602_2005_PREP_DIP_LOC{name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("DIP_LOC_2024.csv", GOOD.replace(b"|22|QUER", b"|" + number + b"|QUER"))
    found = examine(path, expectations=Expectations(state="QRO"), limits=Limits())
    assert ("state.wrong" in {f.check for f in found.findings}) is stops
