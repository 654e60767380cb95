"""Good deliveries in every shape, and what the station expects of them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from prep_console.cuts.archives import NoScratch
from prep_console.cuts.delivery import examine
from prep_console.cuts.model import Examination, Expectations, Limits, Verdict
from prep_console.cuts.stamps import Stamp
from prep_console.values import replace
from tests import nights
from tests.cuts import deliveries as d

NAME = "20240602_2005_PREP_DIP_LOC_QRO.zip"
AYUN = "20240602_2005_PREP_AYUN_QRO.zip"
ZONE = ZoneInfo("America/Mexico_City")
EXPECTS = Expectations(
    state="QRO",
    elections=("DIP_LOC", "AYUN"),
    opens=datetime(2024, 6, 2, 20, 0, tzinfo=ZONE),
    closes=datetime(2024, 6, 3, 20, 0, tzinfo=ZONE),
    now=datetime(2024, 6, 2, 20, 6, tzinfo=ZONE),
)


def look(path: Path, expects: Expectations = EXPECTS) -> Examination:
    return examine(path, expectations=expects, limits=Limits())


def file(folder: Path, name: str, data: bytes) -> Path:
    d.put(folder, {name: data})
    return folder / name


def checks(examination: Examination) -> list[str]:
    return [f.check for f in examination.findings]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# -- shapes ------------------------------------------------------------------------------------


def test_one_zip(tmp_path: Path) -> None:
    data = d.cut_zip()
    found = look(file(tmp_path, NAME, data))
    assert found.findings == ()
    assert found.verdict is Verdict.GOOD
    assert found.stamp == Stamp.of("20240602_2005")
    assert [(f.path, f.size, f.sha256) for f in found.files] == [(NAME, len(data), sha256(data))]
    (part,) = found.parts
    assert (part.election, part.files, part.sha256) == ("DIP_LOC", (NAME,), sha256(data))
    (read,) = found.elections
    assert (read.code, read.state, read.rows) == ("DIP_LOC", "QRO", 4)
    assert read.path == f"{NAME}!/QRO_DIP_LOC_2024.csv"
    assert part.figures.counted == 4


def test_a_name_that_is_not_the_files_own(tmp_path: Path) -> None:
    staged = file(tmp_path, "0001.part", d.cut_zip())
    found = examine(staged, name=NAME, expectations=EXPECTS, limits=Limits())
    assert found.findings == ()
    assert found.parts[0].files == (NAME,)


def test_a_zip_with_an_inner_folder(tmp_path: Path) -> None:
    inner = {f"20240602_2005_PREP/{n}": b for n, b in d.cut_files().items()}
    found = look(file(tmp_path, NAME, d.zipped({"20240602_2005_PREP/": b"", **inner})))
    assert found.findings == ()
    assert found.parts[0].election == "DIP_LOC"


def test_a_zip_of_zips_has_one_part_per_inner_zip(tmp_path: Path) -> None:
    dip, ayun = d.cut_zip(), d.cut_zip("AYUN")
    outer = "20240602_2005_PREP_QRO.zip"
    found = look(file(tmp_path, outer, d.zipped({NAME: dip, AYUN: ayun})))
    assert found.findings == ()
    assert [(p.election, p.sha256, p.files) for p in found.parts] == [
        ("AYUN", sha256(ayun), (outer,)),
        ("DIP_LOC", sha256(dip), (outer,)),
    ]
    assert [f.path for f in found.files] == [outer]


@pytest.mark.parametrize("packed", [True, False])
def test_a_tar_of_zips(packed: bool, tmp_path: Path) -> None:
    name = "20240602_2005_PREP_QRO.tar.gz" if packed else "20240602_2005_PREP_QRO.tar"
    data = d.tarred({f"./{NAME}": d.cut_zip(), f"./{AYUN}": d.cut_zip("AYUN")}, packed=packed)
    found = look(file(tmp_path, name, data))
    assert found.findings == ()
    assert [p.election for p in found.parts] == ["AYUN", "DIP_LOC"]


def test_a_tar_gz_of_one_election(tmp_path: Path) -> None:
    name = "20240602_2005_PREP_DIP_LOC_QRO.tgz"
    found = look(file(tmp_path, name, d.tarred(d.cut_files())))
    assert found.findings == ()
    assert found.parts[0].files == (name,)


def test_a_folder_of_two_archives_whose_minutes_differ(tmp_path: Path) -> None:
    later = "20240602_2006_PREP_AYUN_QRO.zip"
    d.put(tmp_path / "entrega", {NAME: d.cut_zip(), later: d.cut_zip("AYUN", "20240602_2006")})
    found = look(tmp_path / "entrega")
    assert found.findings == ()
    assert [(p.election, str(p.stamp), p.files) for p in found.parts] == [
        ("AYUN", "20240602_2006", (later,)),
        ("DIP_LOC", "20240602_2005", (NAME,)),
    ]
    assert str(found.stamp) == "20240602_2006"


def test_a_named_folder_with_loose_files(tmp_path: Path) -> None:
    files = d.cut_files()
    found = look(d.put(tmp_path / "20240602_2005_PREP_DIP_LOC_QRO", files))
    assert found.findings == ()
    (part,) = found.parts
    assert part.files == ("QRO_DIP_LOC_2024.csv", "QRO_DIP_LOC_CANDIDATURAS_2024.csv")
    listing = "".join(f"{sha256(files[name])}  {name}\n" for name in sorted(part.files))
    assert part.sha256 == sha256(listing.encode())
    assert len(found.files) == 3


def test_a_site_with_archives_loose_csv_json_and_images_is_one_part_per_election(
    tmp_path: Path,
) -> None:
    tree = {
        "index.html": b"<html>",
        "datos/corte.json": d.site_json(),
        "datos/otra.json": b'{"distrito": 1}',
        "descargas/" + NAME: d.cut_zip(),
        "descargas/" + AYUN: d.cut_zip("AYUN"),
        "csv/QRO_DIP_LOC_2024.csv": d.results_csv(),
        "img/0001.jpg": b"\xff\xd8",
        "descargas/imagenes.zip": d.zipped({"0001.jpg": b"\xff\xd8"}),
    }
    found = look(d.put(tmp_path / "sitio", tree))
    assert found.findings == ()
    assert [p.files for p in found.parts] == [("descargas/" + AYUN,), ("descargas/" + NAME,)]
    assert {f.path: f.sha256 for f in found.files} == {n: sha256(b) for n, b in tree.items()}


def test_an_archive_and_its_loose_copy_that_say_different_figures_stop(tmp_path: Path) -> None:
    tree = {NAME: d.cut_zip(), "csv/QRO_DIP_LOC_2024.csv": d.results_csv(votes=12)}
    assert checks(look(d.put(tmp_path / "s", tree))) == ["election.twice"]


def test_the_newest_of_a_sites_archives_counts(tmp_path: Path) -> None:
    older = "20240602_2000_PREP_DIP_LOC_QRO.zip"
    tree = {older: d.cut_zip(stamp="20240602_2000"), NAME: d.cut_zip()}
    found = look(d.put(tmp_path / "s", tree))
    assert found.findings == ()
    assert found.parts[0].files == (NAME,)


def test_the_archive_beside_it_belongs_to_the_same_part(tmp_path: Path) -> None:
    beside = "20240602_2005_PREP_DIP_LOC_QRO_ext.zip"
    more = d.zipped({"QRO_DIP_LOC_2024.csv": d.results_csv(rows=2)})
    found = look(d.put(tmp_path / "s", {NAME: d.cut_zip(), beside: more}))
    assert found.findings == ()
    (part,) = found.parts
    assert part.files == (NAME, beside)
    assert part.figures.counted == 4


def test_a_lone_json_is_the_presidential_election(tmp_path: Path) -> None:
    found = look(file(tmp_path, "20240602_2005_PREP.json", d.site_json()), Expectations())
    assert found.findings == ()
    assert [(p.election, str(p.stamp)) for p in found.parts] == [("PRES", "20240602_2005")]


def test_a_lone_json_is_the_one_election_that_is_expected(tmp_path: Path) -> None:
    expects = Expectations(elections=("GOB",))
    found = look(file(tmp_path, "20240602_2005_PREP.json", d.site_json()), expects)
    assert [p.election for p in found.parts] == ["GUB"]


@pytest.mark.parametrize(
    ("election", "stops"), [("DIP_LOC", True), ("GOB", True), ("PRES", False), ("SEN", False)]
)
def test_national_totals_are_no_local_election_of_a_state(
    tmp_path: Path, election: str, stops: bool
) -> None:
    expects = Expectations(state="QRO", elections=(election,))
    found = look(file(tmp_path, "20240602_2005_PREP.json", d.site_json()), expects)
    assert ("election.wrong" in {f.check for f in found.findings}) is stops


@pytest.mark.parametrize("said", [True, "true", "TRUE", "1", 1, "Sí"])
def test_a_test_says_so_in_any_way(tmp_path: Path, said: object) -> None:
    data = json.dumps({**json.loads(d.site_json()), "cortePrueba": said}).encode()
    found = look(file(tmp_path, "20240602_2005_PREP.json", data), Expectations())
    assert "product.test" in {f.check for f in found.findings}


@pytest.mark.parametrize("said", [False, "false", "0", 0, None, "", "no"])
def test_what_is_no_test_says_so_in_any_way(tmp_path: Path, said: object) -> None:
    data = json.dumps({**json.loads(d.site_json()), "cortePrueba": said}).encode()
    found = look(file(tmp_path, "20240602_2005_PREP.json", data), Expectations())
    assert found.findings == ()


@pytest.mark.parametrize(
    "name", ["20240231_2005_PREP_DIP_LOC_QRO.zip", "20240602_2475_PREP_DIP_LOC_QRO.zip"]
)
def test_a_name_with_an_hour_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    """The three places of the hour must agree; this one cannot, and the data's hour counts."""
    found = look(file(tmp_path, name, d.cut_zip()))
    assert {f.check: f.where for f in found.findings} == {"stamp.name": name}
    assert [str(part.stamp) for part in found.parts] == ["20240602_2005"]


def test_hashes_that_are_known_are_not_computed_again(tmp_path: Path) -> None:
    tree = d.put(tmp_path / "s", {NAME: d.cut_zip(), "a.jpg": b"imagen"})
    size = (tree / NAME).stat().st_size
    known = {NAME: (size, "k" * 64), "a.jpg": (6, "j" * 64)}
    found = examine(tree, expectations=EXPECTS, limits=Limits(), known=known)
    assert {f.path: (f.size, f.sha256) for f in found.files} == known
    assert found.parts[0].sha256 == "k" * 64


def test_a_file_that_is_not_what_was_staged_stops(tmp_path: Path) -> None:
    tree = d.put(tmp_path / "s", {NAME: d.cut_zip()})
    found = examine(tree, expectations=EXPECTS, limits=Limits(), known={NAME: (5, "k" * 64)})
    assert checks(found) == ["delivery.changed"]


# -- oddities that only warn -------------------------------------------------------------------


def test_bytes_after_a_zip_warn(tmp_path: Path) -> None:
    found = look(file(tmp_path, NAME, d.cut_zip() + b"basura"))
    assert checks(found) == ["archive.trailing"]
    assert found.findings[0].values == {"n": 6}
    assert found.verdict is Verdict.ODD


def test_bytes_before_a_zip_warn(tmp_path: Path) -> None:
    found = look(file(tmp_path, NAME, b"#!/bin/sh\n" + d.cut_zip()))
    assert checks(found) == ["archive.trailing"]
    assert found.parts[0].election == "DIP_LOC"


def test_bytes_after_a_gzip_warn(tmp_path: Path) -> None:
    name = NAME.replace(".zip", ".tar.gz")
    found = look(file(tmp_path, name, d.tarred(d.cut_files()) + b"basura"))
    assert checks(found) == ["archive.trailing"]


def test_hidden_files_and_names_that_look_alike_warn_in_a_tree(tmp_path: Path) -> None:
    tree = {NAME: d.cut_zip(), ".htaccess": b"", "Foto.jpg": b"", "foto.jpg": b""}
    found = look(d.put(tmp_path / "s", tree))
    assert sorted(checks(found)) == ["name.collision", "name.reserved"]
    assert len(found.files) == 4


# -- stamps ------------------------------------------------------------------------------------


def test_times_apart_by_no_more_than_a_cadence_warn_and_the_archives_name_counts(
    tmp_path: Path,
) -> None:
    found = look(file(tmp_path, NAME, d.cut_zip(stamp="20240602_2000")))
    assert checks(found) == ["stamp.differ"]
    assert str(found.stamp) == "20240602_2005"


def test_times_apart_by_more_than_a_cadence_stop(tmp_path: Path) -> None:
    found = look(file(tmp_path, NAME, d.cut_zip(stamp="20240602_1959")))
    assert checks(found) == ["stamp.disagree"]


def test_the_csv_counts_where_the_archive_names_no_time(tmp_path: Path) -> None:
    found = look(file(tmp_path, "PREP_DIP_LOC_QRO.zip", d.cut_zip()))
    assert found.findings == ()
    assert str(found.stamp) == "20240602_2005"


def test_an_outer_name_is_held_against_the_newest_part(tmp_path: Path) -> None:
    inner = {
        NAME: d.cut_zip(),
        "20240602_2006_PREP_AYUN_QRO.zip": d.cut_zip("AYUN", "20240602_2006"),
    }
    good = look(file(tmp_path, "20240602_2006_PREP_QRO.zip", d.zipped(inner)))
    assert good.findings == ()
    late = look(file(tmp_path, "20240602_2010_PREP_QRO.zip", d.zipped(inner)))
    assert checks(late) == ["stamp.differ"]
    other = look(file(tmp_path, "20240602_2105_PREP_QRO.zip", d.zipped(inner)))
    assert checks(other) == ["stamp.disagree"]


@pytest.mark.parametrize(
    ("site", "check"), [("20240602_2010", "stamp.differ"), ("20240602_2030", "stamp.disagree")]
)
def test_a_sites_json_is_held_against_the_parts(site: str, check: str, tmp_path: Path) -> None:
    tree = {NAME: d.cut_zip(), "corte.json": d.site_json(site)}
    assert checks(look(d.put(tmp_path / "s", tree))) == [check]


def test_times_of_zip_entries_prove_nothing(tmp_path: Path) -> None:
    """Every entry of the synthetic zips is of 20:05, whatever the cut."""
    name = NAME.replace("2005", "2200")
    found = look(file(tmp_path, name, d.cut_zip(stamp="20240602_2200")), Expectations())
    assert found.findings == ()


# -- what the station expects ------------------------------------------------------------------


def _marked(stamp: str) -> Expectations:
    return replace(EXPECTS, marks={"DIP_LOC": Stamp.of(stamp)})


@pytest.mark.parametrize(
    ("expects", "check"),
    [
        (_marked("20240602_2010"), "stamp.older"),
        (replace(EXPECTS, now=datetime(2024, 6, 2, 19, 54, tzinfo=ZONE)), "stamp.future"),
        (replace(EXPECTS, state="QROO"), "state.wrong"),
        (replace(EXPECTS, elections=("AYUN",)), "election.wrong"),
        (
            replace(EXPECTS, opens=datetime(2024, 6, 2, 20, 6, tzinfo=ZONE)),
            "stamp.window",
        ),
    ],
)
def test_what_is_not_expected(expects: Expectations, check: str, tmp_path: Path) -> None:
    assert checks(look(file(tmp_path, NAME, d.cut_zip()), expects)) == [check]


@pytest.mark.parametrize(
    "expects",
    [
        _marked("20240602_2005"),
        replace(EXPECTS, now=datetime(2024, 6, 2, 19, 55, tzinfo=ZONE)),
        replace(EXPECTS, elections=("DIP",)),
        replace(EXPECTS, elections=()),
        replace(EXPECTS, state=""),
        replace(EXPECTS, opens=None),
    ],
)
def test_what_is_expected_well_enough(expects: Expectations, tmp_path: Path) -> None:
    assert look(file(tmp_path, NAME, d.cut_zip()), expects).findings == ()


def test_a_missing_election_is_no_fault_of_the_delivery(tmp_path: Path) -> None:
    found = look(file(tmp_path, NAME, d.cut_zip()))
    assert found.verdict is Verdict.GOOD


def test_a_test_cut_warns_in_a_simulacro(tmp_path: Path) -> None:
    expects = replace(EXPECTS, phase="simulacro", elections=())
    found = look(file(tmp_path, "20240602_2005_PREP.json", d.site_json(test=True)), expects)
    assert checks(found) == ["phase.test"]


def test_an_unreadable_results_file_stops(tmp_path: Path) -> None:
    csv = d.results_csv().replace(b"CLAVE_CASILLA,CLAVE_ACTA", b"X,Y")
    csv = csv[: csv.index(b"X,Y")]
    found = look(file(tmp_path, NAME, d.zipped({"QRO_DIP_LOC_2024.csv": csv})))
    assert found.verdict is Verdict.STOPPED


@pytest.mark.parametrize(
    ("content", "check"),
    [
        (d.results_csv("AYUN").decode().encode("utf-16"), "results.utf16"),
        (bytes(5000), "results.binary"),
        (b"<html>502 Bad Gateway</html>", "results.unrecognised"),
        (b"", "results.unrecognised"),
    ],
)
def test_a_second_election_that_holds_no_results_is_not_passed_over(
    content: bytes, check: str, tmp_path: Path
) -> None:
    files = {**d.cut_files(), "QRO_AYUN_2024.csv": content}
    found = look(file(tmp_path, "20240602_2005_PREP_QRO.zip", d.zipped(files)))
    assert [(f.check, f.where.partition("!/")[2]) for f in found.findings] == [
        (check, "QRO_AYUN_2024.csv")
    ]
    assert found.verdict is Verdict.STOPPED


def test_a_copy_for_spreadsheets_beside_the_results_stops_nothing(tmp_path: Path) -> None:
    copy = d.results_csv().decode().encode("utf-16")
    tree = d.put(
        tmp_path / "20240602_2005_PREP_QRO",
        {NAME: d.cut_zip(), "excel/QRO_DIP_LOC_2024.csv": copy},
    )
    assert look(tree).verdict is Verdict.GOOD


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        look(tmp_path / "nada.zip")


def test_no_room_for_nested_archives_is_no_fault_of_the_delivery(tmp_path: Path) -> None:
    path = file(tmp_path, "20240602_2005_PREP_QRO.zip", d.zipped({NAME: d.cut_zip()}))
    with pytest.raises(NoScratch):
        examine(path, expectations=EXPECTS, limits=Limits(), scratch=tmp_path / "no such folder")


def test_a_disk_of_ours_that_fails_is_no_fault_of_the_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path, NAME, d.cut_zip())

    def fails(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", fails)
    with pytest.raises(OSError, match="Input/output error"):
        look(path)


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE])
def test_a_folder_that_we_cannot_open_is_no_fault_of_the_delivery(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = d.put(tmp_path / "20240602_2005_PREP_QRO", {NAME: d.cut_zip(), "img/a.jpg": b"jpg"})
    opens = os.open

    def fails(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "img":
            raise OSError(code, os.strerror(code))
        return opens(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", fails)
    with pytest.raises(OSError, match=os.strerror(code)):
        look(tree)


def test_a_name_of_another_state_is_told(tmp_path: Path) -> None:
    path = nights.archive(tmp_path, "DIP_LOC", "20240602_2005", actas=5)
    wrong = path.rename(tmp_path / path.name.replace("QRO", "GTO"))
    examination = examine(wrong, expectations=Expectations(state="QRO"), limits=Limits())
    assert "state.differ" in {f.check for f in examination.findings}
    assert examination.verdict == "odd"
