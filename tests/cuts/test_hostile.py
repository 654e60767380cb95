"""Hostile and broken deliveries: each is stopped by the check that is meant for it, and nothing
is written anywhere."""

from __future__ import annotations

import gzip
import os
import socket
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from prep_console.cuts.delivery import examine
from prep_console.cuts.model import Examination, Expectations, Limits, Severity, Verdict
from tests.cuts import deliveries as d

NAME = "20240602_2005_PREP_DIP_LOC_QRO.zip"
TAR = "20240602_2005_PREP_DIP_LOC_QRO.tar.gz"
CSV = "QRO_DIP_LOC_2024.csv"
SMALL = Limits(max_total_bytes=3_000_000, max_entries=50, max_ratio=100, max_nesting=2)

Hostile = tuple[str, bytes, str]


def _flag(bit: int) -> bytes:
    data = d.cut_zip()
    for at in (d.local(data, CSV) + 6, d.central(data, CSV) + 8):
        data = d.patched(data, at, "<H", struct.unpack_from("<H", data, at)[0] | bit)
    return data


def _nested(depth: int) -> bytes:
    data = d.cut_zip()
    for n in range(depth):
        data = d.zipped({f"20240602_2005_PREP_{n}.zip": data})
    return data


def _broken_bytes() -> bytes:
    data = bytearray(d.zipped(d.cut_files(), method=zipfile.ZIP_STORED))
    data[d.local(bytes(data), CSV) + 30 + len(CSV) + 60] ^= 0xFF
    return bytes(data)


def _lying_size(size: int) -> bytes:
    data = d.cut_zip()
    data = d.patched(data, d.central(data, CSV) + 24, "<L", size)
    return d.patched(data, d.local(data, CSV) + 22, "<L", size)


def _renamed_in_front() -> bytes:
    data = d.cut_zip()
    at = d.local(data, CSV) + 30
    return data[:at] + CSV.replace("QRO", "ZZZ").encode() + data[at + len(CSV) :]


def _huge_pax() -> bytes:
    info = d.member("x", tarfile.XHDTYPE)
    info.size = (1 << 33) - 1
    header = info.tobuf(tarfile.USTAR_FORMAT)
    return gzip.compress(header + b"\0" * 4096)


def _many_pax() -> bytes:
    info = d.member("x", tarfile.XHDTYPE)
    info.size = 11
    block = info.tobuf(tarfile.USTAR_FORMAT) + b"11 path=ab\n".ljust(512, b"\0")
    return gzip.compress(block * 5000 + os.urandom(400_000))


def _sparse() -> bytes:
    info = d.member("sparse.bin", tarfile.GNUTYPE_SPARSE)
    return d.tarred(d.cut_files(), odd=[info])


def _tar_broken_header() -> bytes:
    data = bytearray(d.tarred(d.cut_files(), packed=False))
    second = 512 + 512 * -(-len(d.results_csv()) // 512)
    data[second : second + 100] = b"\xff" * 100
    return gzip.compress(bytes(data))


def _bomb() -> bytes:
    return d.with_entry("relleno.bin", b"\0" * 2_500_000)


def _links(kind: bytes, target: str) -> bytes:
    return d.tarred(d.cut_files(), odd=[d.member("enlace", kind, target)])


def _many(n: int) -> bytes:
    return d.zipped({**d.cut_files(), **{f"img/{i}.jpg": b"x" for i in range(n)}})


HOSTILE: dict[str, Callable[[], Hostile]] = {
    # names that lead out
    "zip: parent": lambda: (NAME, d.with_entry("../fuera.txt"), "archive.path"),
    "zip: parent inside": lambda: (NAME, d.with_entry("a/../../fuera.txt"), "archive.path"),
    "zip: absolute": lambda: (NAME, d.with_entry("/etc/fuera"), "archive.path"),
    "zip: backslash": lambda: (NAME, d.with_entry("..\\fuera.txt"), "archive.path"),
    "zip: drive": lambda: (NAME, d.with_entry("C:/fuera.txt"), "archive.path"),
    "zip: dot": lambda: (NAME, d.with_entry("a/./b.txt"), "archive.path"),
    "zip: double slash": lambda: (NAME, d.with_entry("a//b.txt"), "archive.path"),
    "zip: empty name": lambda: (NAME, d.with_entry(""), "archive.path"),
    "zip: folder out": lambda: (NAME, d.with_entry("../", b""), "archive.path"),
    "tar: parent": lambda: (TAR, d.tarred({**d.cut_files(), "../x": b""}), "archive.path"),
    "tar: absolute": lambda: (TAR, d.tarred({**d.cut_files(), "/etc/x": b""}), "archive.path"),
    # names that steer
    "zip: newline": lambda: (NAME, d.with_entry("a\nb.txt"), "archive.name"),
    "zip: escape": lambda: (NAME, d.with_entry("a\x1b[2Jb.txt"), "archive.name"),
    "zip: NUL": lambda: (NAME, d.raw_named(b"seguro.txt\0.exe", utf8=False), "archive.name"),
    "zip: right to left": lambda: (NAME, d.with_entry("a\u202egpj.txt"), "archive.name"),
    "zip: no UTF-8": lambda: (NAME, d.raw_named(b"\xff\xfe\xfa\xfb.txt"), "archive.name"),
    "zip: too long": lambda: (NAME, d.with_entry("n" * 256), "archive.name"),
    "zip: path too long": lambda: (NAME, d.with_entry("d/" * 600 + "x"), "archive.name"),
    "tar: control": lambda: (TAR, d.tarred({**d.cut_files(), "a\x07": b""}), "archive.name"),
    "tar: too long": lambda: (TAR, d.tarred({**d.cut_files(), "ñ" * 128: b""}), "archive.name"),
    # names that clash
    "zip: twice": lambda: (NAME, d.with_entry(CSV), "archive.duplicate"),
    "zip: case": lambda: (NAME, d.with_entry(CSV.lower()), "archive.case"),
    "zip: accents": lambda: (
        NAME,
        d.zipped({**d.cut_files(), "Le\u00f3n.txt": b"", "Leo\u0301n.txt": b""}),
        "archive.case",
    ),
    "zip: folder case": lambda: (
        NAME,
        d.zipped({**d.cut_files(), "Fotos/a": b"", "fotos/b": b""}),
        "archive.case",
    ),
    "zip: file and folder": lambda: (NAME, d.with_entry(f"{CSV}/x"), "archive.collision"),
    "zip: folder and file": lambda: (
        NAME,
        d.zipped({"a/b": b"", **d.cut_files(), "a": b""}),
        "archive.collision",
    ),
    "tar: twice": lambda: (TAR, d.tarred({CSV: b"", f"./{CSV}": b""}), "archive.duplicate"),
    # things that are no files
    "zip: symlink": lambda: (
        NAME,
        d.with_entry("l", b"/etc/passwd", mode=stat.S_IFLNK | 0o777),
        "archive.link",
    ),
    "zip: fifo": lambda: (NAME, d.with_entry("f", b"", mode=stat.S_IFIFO), "archive.device"),
    "zip: device": lambda: (NAME, d.with_entry("c", b"", mode=stat.S_IFCHR), "archive.device"),
    "tar: symlink": lambda: (TAR, _links(tarfile.SYMTYPE, "/etc/passwd"), "archive.link"),
    "tar: hard link": lambda: (TAR, _links(tarfile.LNKTYPE, CSV), "archive.link"),
    "tar: fifo": lambda: (TAR, _links(tarfile.FIFOTYPE, ""), "archive.device"),
    "tar: device": lambda: (TAR, _links(tarfile.CHRTYPE, ""), "archive.device"),
    "tar: unknown kind": lambda: (TAR, _links(b"Z", ""), "archive.device"),
    "tar: sparse": lambda: (TAR, _sparse(), "archive.method"),
    # bombs
    "zip: bytes": lambda: (NAME, d.with_entry("b", os.urandom(3_100_000)), "archive.size"),
    "zip: entries": lambda: (NAME, _many(60), "archive.entries"),
    "zip: ratio": lambda: (NAME, _bomb(), "archive.ratio"),
    "zip: overlap": lambda: (NAME, d.overlapping(), "archive.overlap"),
    "zip: nesting": lambda: (NAME, _nested(3), "archive.nesting"),
    "zip: shorter than it says": lambda: (NAME, _lying_size(2_000), "archive.damaged"),
    "zip: longer than it says": lambda: (NAME, _lying_size(100), "archive.damaged"),
    "tar: ratio": lambda: (TAR, d.tarred({"b": b"\0" * 2_500_000}), "archive.ratio"),
    "tar: bytes": lambda: (TAR, d.tarred({"b": os.urandom(3_100_000)}), "archive.size"),
    "tar: entries": lambda: (TAR, d.tarred({f"{n}": b"" for n in range(60)}), "archive.entries"),
    "tar: huge header": lambda: (TAR, _huge_pax(), "archive.damaged"),
    "tar: headers without end": lambda: (TAR, _many_pax(), "archive.damaged"),
    # not whole, not readable
    "zip: encrypted": lambda: (NAME, _flag(0x0001), "archive.encrypted"),
    "zip: strongly encrypted": lambda: (NAME, _flag(0x0041), "archive.encrypted"),
    "zip: method": lambda: (NAME, d.zipped(d.cut_files(), method=14), "archive.method"),
    "zip: half": lambda: (NAME, d.cut_zip()[:700], "archive.truncated"),
    "zip: without its last byte": lambda: (NAME, d.cut_zip()[:-1], "archive.truncated"),
    "zip: one byte changed": lambda: (NAME, _broken_bytes(), "archive.checksum"),
    "zip: other name in front": lambda: (NAME, _renamed_in_front(), "archive.header"),
    "zip: empty file": lambda: (NAME, b"", "delivery.empty"),
    "zip: no zip": lambda: (NAME, b"<html>404</html>" * 9, "archive.truncated"),
    "tar.gz: half": lambda: (TAR, d.tarred(d.cut_files())[:500], "archive.truncated"),
    "tar.gz: checksum": lambda: (
        TAR,
        d.tarred(d.cut_files())[:-8] + b"\0" * 8,
        "archive.damaged",
    ),
    "tar.gz: broken header": lambda: (TAR, _tar_broken_header(), "archive.damaged"),
    "tar: half": lambda: (
        "20240602_2005_PREP.tar",
        d.tarred(d.cut_files(), packed=False)[:2048],
        "archive.truncated",
    ),
    "tar: no end": lambda: (
        "20240602_2005_PREP.tar",
        d.tarred({"LEEME.txt": b""}, packed=False)[:512],
        "archive.truncated",
    ),
    "gz: no tar": lambda: (TAR, gzip.compress(b"hola\n" * 300), "archive.damaged"),
    "other file": lambda: ("20240602_2005_PREP.exe", b"MZ" + b"\0" * 99, "delivery.type"),
    "other archive": lambda: ("20240602_2005_PREP.7z", b"7z\xbc\xaf\x27\x1c", "delivery.type"),
    # inside an archive
    "nested: parent": lambda: (
        "20240602_2005_PREP.zip",
        d.zipped({NAME: d.with_entry("../fuera")}),
        "archive.path",
    ),
    "nested: half": lambda: (
        "20240602_2005_PREP.zip",
        d.zipped({NAME: d.cut_zip()[:600]}),
        "archive.truncated",
    ),
    "nested: no archive": lambda: (
        "20240602_2005_PREP.zip",
        d.zipped({NAME: b"no es un zip"}),
        "archive.truncated",
    ),
    "nested: bytes add up": lambda: (
        "20240602_2005_PREP.tar",
        d.tarred(
            {f"{n}_{NAME}": d.with_entry("b", os.urandom(900_000)) for n in range(2)},
            packed=False,
        ),
        "archive.size",
    ),
    # not this cut
    "no results": lambda: (NAME, d.zipped({"LEEME.txt": b"hola"}), "results.missing"),
    "empty zip": lambda: (NAME, d.zipped({}), "results.missing"),
    "computos by name": lambda: (
        "20240602_2005_COMPUTOS_DIP_LOC_QRO.zip",
        d.cut_zip(),
        "product.computos",
    ),
    "computos by title": lambda: (
        NAME,
        d.zipped({CSV: d.results_csv(title="CÓMPUTOS DISTRITALES DIPUTACIONES LOCALES")}),
        "product.computos",
    ),
    "test by name": lambda: (
        "20240602_2005_PREP_SIMULACRO_DIP_LOC_QRO.zip",
        d.cut_zip(),
        "product.test",
    ),
    "test by title": lambda: (
        NAME,
        d.zipped({CSV: d.results_csv(title="SIMULACRO 2 DIPUTACIONES LOCALES")}),
        "product.test",
    ),
    "test by JSON": lambda: (
        "20240602_2005_PREP.json",
        d.site_json(test=True, level="ENTIDAD"),
        "product.test",
    ),
    "stamps far apart": lambda: (
        NAME,
        d.cut_zip(stamp="20240602_1905"),
        "stamp.disagree",
    ),
    "no stamp": lambda: ("DIP_LOC.json", b'{"horaCorte":"x","fechaCorte":"y"}', "stamp.missing"),
    "other election than named": lambda: (NAME, d.cut_zip("AYUN"), "election.disagree"),
    "unknown election": lambda: (
        "20240602_2005_PREP_QRO.zip",
        d.zipped({"datos.csv": d.results_csv(title="CONSULTA")}),
        "election.unknown",
    ),
}


def _stops(examination: Examination) -> set[str]:
    return {f.check for f in examination.findings if f.severity is Severity.STOP}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_delivery_is_stopped_and_nothing_is_written(kind: str, tmp_path: Path) -> None:
    name, data, check = HOSTILE[kind]()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    path = tmp_path / name
    path.write_bytes(data)
    before = d.everything_under(tmp_path)

    examination = examine(path, expectations=Expectations(), limits=SMALL, scratch=scratch)

    assert _stops(examination) == {check}
    assert examination.verdict is Verdict.STOPPED
    after = d.everything_under(tmp_path)
    after[str(scratch)] = before[str(scratch)]  # a nameless file may have passed through it
    assert after == before


def _link_out(folder: Path) -> None:
    (folder / "enlace").symlink_to("/etc/passwd")


def _link_to_folder(folder: Path) -> None:
    (folder / "fotos").symlink_to("/etc", target_is_directory=True)


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "tubo.csv")


def _socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # a socket's path may have 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("s.csv")
    finally:
        os.chdir(here)


def _bad_name(folder: Path) -> None:
    (folder / "a\x1b[2J.txt").write_bytes(b"x")


def _bytes_name(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.txt")).write_bytes(b"x")


def _broken_zip(folder: Path) -> None:
    (folder / "20240602_2005_PREP_AYUN_QRO.zip").write_bytes(d.cut_zip("AYUN")[:-30])


def _many_files(folder: Path) -> None:
    d.put(folder, {f"img/{n}.jpg": b"x" for n in range(60)})


def _large(folder: Path) -> None:
    with (folder / "video.mp4").open("wb") as file:
        file.truncate(4_000_000)


def _deep(folder: Path) -> None:
    folder.joinpath(*["d"] * 60).mkdir(parents=True)


def _empty_cut(folder: Path) -> None:
    (folder / "20240602_2005_PREP_AYUN_QRO.zip").write_bytes(d.zipped({"LEEME.txt": b"x"}))


def _two_versions(folder: Path) -> None:
    other = d.zipped({CSV: d.results_csv(votes=11)})
    d.put(folder, {f"otra/{NAME}": other})


TREES: dict[str, tuple[Callable[[Path], None], str]] = {
    "symlink": (_link_out, "archive.link"),
    "symlinked folder": (_link_to_folder, "archive.link"),
    "pipe": (_pipe, "archive.device"),
    "socket": (_socket, "archive.device"),
    "control characters": (_bad_name, "archive.name"),
    "no UTF-8": (_bytes_name, "archive.name"),
    "broken archive": (_broken_zip, "archive.truncated"),
    "too many files": (_many_files, "archive.entries"),
    "too many bytes": (_large, "archive.size"),
    "too deep": (_deep, "archive.nesting"),
    "a cut without results": (_empty_cut, "results.missing"),
    "two versions of one election": (_two_versions, "election.twice"),
}


@pytest.mark.parametrize("kind", TREES)
def test_a_hostile_tree_is_stopped_and_nothing_is_written(kind: str, tmp_path: Path) -> None:
    spoil, check = TREES[kind]
    tree = d.put(tmp_path / "20240602_2005_PREP_QRO", {NAME: d.cut_zip()})
    spoil(tree)
    before = d.everything_under(tmp_path)

    examination = examine(tree, expectations=Expectations(), limits=SMALL)

    assert _stops(examination) == {check}
    assert d.everything_under(tmp_path) == before


def test_an_empty_folder_is_stopped(tmp_path: Path) -> None:
    examination = examine(tmp_path, expectations=Expectations(), limits=SMALL)
    assert "delivery.empty" in _stops(examination)


def test_a_device_as_the_delivery_is_stopped() -> None:
    examination = examine(Path("/dev/null"), expectations=Expectations(), limits=SMALL)
    assert "archive.device" in _stops(examination)


def test_the_good_ones_that_the_hostile_ones_are_made_of_are_good(tmp_path: Path) -> None:
    for name, data in ((NAME, d.cut_zip()), (TAR, d.tarred(d.cut_files()))):
        path = tmp_path / name
        path.write_bytes(data)
        examination = examine(path, expectations=Expectations(), limits=SMALL)
        assert examination.findings == ()
        assert examination.verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("Fotos/1.jpg", "fotos/2.jpg", ("Fotos", "fotos")),
        ("a/B.jpg", "a/b.jpg", ("a/B.jpg", "a/b.jpg")),
        ("x/cafe\u0301", "x/CAF\xc9", ("x/cafe\u0301", "x/CAF\xc9")),
    ],
)
def test_of_two_names_that_differ_in_spelling_both_are_told(
    first: str, second: str, told: tuple[str, str], tmp_path: Path
) -> None:
    path = tmp_path / NAME
    path.write_bytes(d.zipped({**d.cut_files(), first: b"", second: b""}))
    found = examine(path, expectations=Expectations(), limits=SMALL).findings
    (case,) = (f for f in found if f.check == "archive.case")
    assert (case.values["other"], case.where.partition("!/")[2]) == told
