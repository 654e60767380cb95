"""What changed between two sealed cuts, through the command."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest

from tests import nights
from tests.stations import Sandbox, sandbox

OLD, NEW = "20240602_2205", "20240603_0105"


@pytest.fixture(params=["two archives", "zip of zips", "tree"])
def night(tmp_path: Path, request: pytest.FixtureRequest) -> Sandbox:
    made = sandbox(tmp_path)
    for stamp in (OLD, NEW):
        folder = tmp_path / stamp
        folder.mkdir()
        if request.param == "two archives":
            paths = list(nights.two_archives(folder, stamp).values())
        elif request.param == "zip of zips":
            paths = [nights.zip_of_zips(folder, stamp)]
        else:
            nights.tree(folder, stamp)
            paths = [folder]
        for path in paths:
            assert made.run("receive", path).code == 0
    return made


def keys(folder: Path, stamp: str, election: str) -> set[str]:
    """Acta keys that have votes, read with nothing but the standard library."""
    path = nights.archive(folder, election, stamp)
    with zipfile.ZipFile(path) as packed:
        (name,) = (n for n in packed.namelist() if "CANDIDATURA" not in n and n.endswith(".csv"))
        text = packed.read(name).decode("utf-8-sig")
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if "CLAVE_ACTA" in line)
    delimiter = "|" if "|" in lines[at] else ","
    rows = csv.DictReader(io.StringIO("\n".join(lines[at:])), delimiter=delimiter)
    voted = {row["CLAVE_ACTA"].strip("'") for row in rows if int(row["TOTAL_VOTOS_CALCULADO"] or 0)}
    return voted - {"-"}  # out of catalogue: no key of their own


def test_added_actas_and_figures_between_two_cuts(night: Sandbox, tmp_path: Path) -> None:
    said = night.run("diff", OLD, NEW, "--json")
    assert said.code == 0, said.err
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for election in said.json["elections"]:
        code = election["election"]
        expected = keys(scratch, NEW, code) - keys(scratch, OLD, code)
        assert expected
        assert set(election["actas"]["added"]) == expected
        assert (election["actas"]["changed"], election["actas"]["gone"]) == ([], [])
        counted = next(f for f in election["figures"] if f["name"] == "counted")
        assert counted["after"] > counted["before"]
        assert not counted["fell"]
    back = night.run("diff", NEW, OLD, "--json").json
    assert all(e["actas"]["gone"] for e in back["elections"])
    assert all(any(f["fell"] for f in e["figures"]) for e in back["elections"])
    people = night.run("diff", OLD, NEW)
    assert "actas added" in people.out


def test_a_cut_against_itself_and_wrong_names(night: Sandbox) -> None:
    same = night.run("diff", NEW, NEW, "--json").json
    assert [e["same"] for e in same["elections"]] == [True, True]
    assert same["files"] == {"added": [], "changed": [], "gone": []}
    assert night.run("diff", NEW, "20990101_0000").code == 1
    assert night.run("diff", NEW, "../../etc").code == 2
    assert night.run("diff", NEW).code == 2
