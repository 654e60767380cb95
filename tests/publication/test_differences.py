"""What changed between two sealed cuts, through the command."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest

from tests import nights
from tests.cuts import deliveries as d
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


def _with_images(folder: Path, stamp: str, kind: str, images: dict[str, bytes]) -> Path:
    """One election's archive with these images, under the names that its stamp gives."""
    name = f"{stamp}_PREP_DIP_LOC_QRO"
    files = {**d.cut_files(stamp=stamp), **{f"{name}/actas/{n}": b for n, b in images.items()}}
    made = {
        "zip": lambda: (f"{name}.zip", d.zipped(files)),
        "tar.gz": lambda: (f"{name}.tar.gz", d.tarred(files)),
        "zip of zips": lambda: (f"{stamp}_PREP.zip", d.zipped({f"{name}.zip": d.zipped(files)})),
        "zip of tars": lambda: (f"{stamp}_PREP.zip", d.zipped({f"{name}.tar": d.tarred(files)})),
    }
    path, content = made[kind]()
    (folder / path).write_bytes(content)
    return folder / path


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "zip of zips", "zip of tars"])
def test_images_in_archives_are_compared(tmp_path: Path, kind: str) -> None:
    box = sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}})
    first, second = "20240602_2005", "20240602_2010"
    before = {"1.jpg": b"uno", "2.jpg": b"dos", "3.jpg": b"tres", "LEEME.txt": b"no"}
    after = {"1.jpg": b"uno", "2.jpg": b"DOS", "4.jpg": b"cuatro", "LEEME.txt": b"image"}
    for stamp, images in ((first, before), (second, after)):
        assert box.run("receive", _with_images(tmp_path, stamp, kind, images)).code == 0
    found = box.run("diff", first, second, "--json").json["archived_images"]
    ends = {key: [path.rpartition("/")[2] for path in found[key]] for key in found if found[key]}
    assert ends == {"added": ["4.jpg"], "changed": ["2.jpg"], "gone": ["3.jpg"]}
    assert second in found["added"][0]
    assert first in found["gone"][0]
    told = box.run("diff", first, second).out
    assert "images added (1)" in told
    assert "▲ images changed (1)" in told
    assert "▲ images gone (1)" in told


def test_images_in_an_archive_that_was_damaged_are_said_not_compared(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}})
    first, second = "20240602_2005", "20240602_2010"
    for stamp in (first, second):
        assert box.run("receive", _with_images(tmp_path, stamp, "zip", {"1.jpg": b""})).code == 0
    sealed = box.station.cuts / first / "site" / f"{first}_PREP_DIP_LOC_QRO.zip"
    sealed.chmod(0o644)
    sealed.write_bytes(sealed.read_bytes()[:200])
    ran = box.run("diff", first, second)
    assert ran.code == 0
    assert "▲ the images in the archives were not compared" in ran.out


def test_totals_without_actas_are_compared_as_such(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"election": {"elections": [], "state": ""}})
    first, second = "20240602_2005", "20240602_2010"
    for stamp, counted in ((first, 4), (second, 6)):
        path = tmp_path / f"{stamp}_PREP.json"
        path.write_bytes(d.site_json(stamp, counted=counted))
        assert box.run("receive", path).code == 0
    ran = box.run("diff", first, second)
    assert ran.code == 0
    assert "4 → 6" in ran.out
    assert "only totals came" in ran.out
    assert "▲" not in ran.out
    (election,) = box.run("diff", first, second, "--json").json["elections"]
    assert (election["actas"], election["unread"]) == (None, None)
