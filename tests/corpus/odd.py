"""Odd deliveries that are published all the same, each with its warnings and no other ones."""

from __future__ import annotations

import gzip
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.corpus.lies import wide
from tests.corpus.shapes import CSV, JSON, NAME, STAMP, TAR, Case, file
from tests.cuts import deliveries as d

CANDIDATES = "QRO_DIP_LOC_CANDIDATURAS_2024.csv"
OLDER = "20240602_1905"


def _zip(files: Mapping[str, bytes], *warnings: str, name: str = NAME) -> Case:
    return file(name, lambda: d.zipped({**d.cut_files(), **files}), *warnings)


def _csv(data: bytes, *warnings: str) -> Case:
    return _zip({CSV: data}, *warnings)


def _replaced(was: bytes, now: bytes, *warnings: str) -> Case:
    """The results with one thing in them said otherwise, wherever it stands."""
    csv = d.results_csv()
    assert was in csv
    return _csv(csv.replace(was, now), *warnings)


def _state_json() -> bytes:
    return d.site_json(level="ENTIDAD")


def _json(was: bytes, now: bytes, *warnings: str) -> Case:
    """A site's JSON alone, with one thing in it said otherwise."""
    said = _state_json()
    assert was in said
    return file(JSON, lambda: said.replace(was, now), *warnings)


def _halves(data: bytes) -> tuple[bytes, bytes]:
    return data[:700], data[700:]


def _short_end(files: Mapping[str, bytes]) -> bytes:
    data = d.tarred(files, packed=False)
    return data.rstrip(b"\0").ljust(512 * -(-len(data.rstrip(b"\0")) // 512), b"\0") + bytes(512)


def _without_header() -> bytes:
    lines = d.results_csv().split(b"\n")
    return b"\n".join([*lines[:2], *lines[4:]])


def _placeholder() -> bytes:
    return d.cut_files()[CANDIDATES].replace(b"ANA LOPEZ RUIZ", b"NOMBRE APELLIDO APELLIDO")


def _hundred_thousand() -> bytes:
    data = d.many_empty_entries(100_000)
    at = data.rindex(b"PK\6\6")
    table_size, offset = struct.unpack_from("<2Q", data, at + 40)
    cut = d.cut_zip()
    end = cut.rindex(b"PK\5\6")
    rows, _, table = struct.unpack_from("<H2L", cut, end + 10)
    moved = bytearray(cut[table:end])
    place = 0
    for _ in range(rows):
        (was,) = struct.unpack_from("<L", moved, place + 42)
        struct.pack_into("<L", moved, place + 42, was + offset)
        place += 46 + sum(struct.unpack_from("<3H", moved, place + 28))
    both = data[offset : offset + table_size] + bytes(moved)
    front = data[:offset] + cut[:table]
    n = 100_000 + rows
    record = (b"PK\6\6", 44, 45, 45, 0, 0, n, n, len(both), len(front))
    return (
        front
        + both
        + struct.pack("<4sQ2H2L4Q", *record)
        + struct.pack("<4sLQL", b"PK\6\7", 0, len(front) + len(both), 1)
        + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    )


def _tree(files: Mapping[str, bytes], *warnings: str) -> Case:
    def write(folder: Path) -> Path:
        return d.put(folder / f"{STAMP}_PREP_QRO", {NAME: d.cut_zip(), **files})

    return Case(write, frozenset(warnings))


_VOTES = (
    "results.vote",
    "arithmetic.row_sum",
    "arithmetic.votes_with_special",
    "arithmetic.votes_without_special",
)
_LONG = f"{STAMP}_PREP_DIP_LOC_QRO_".ljust(251, "x") + ".zip"
_ROW = d.results_csv().split(b"\n")[6]


def _commented() -> bytes:
    data = d.cut_zip()
    return d.patched(data, len(data) - 2, "<H", 7) + b"IEEQ 24"


ODD: dict[str, Case] = {
    # archives
    "zip: bytes in front": file(
        NAME, lambda: b"MZ" + bytes(3000) + d.cut_zip(), "archive.trailing"
    ),
    "zip: bytes behind": file(NAME, lambda: d.cut_zip() + b"fin" * 9, "archive.trailing"),
    "zip: a comment": file(NAME, _commented),
    "zip: a version that nobody knows": file(
        NAME, lambda: d.patched(d.cut_zip(), d.central(d.cut_zip(), CSV) + 6, "<H", 999)
    ),
    "zip64, honest": file(NAME, wide),
    "zip64, bytes in front": file(NAME, lambda: bytes(99) + wide(), "archive.trailing"),
    "zip: stored": file(NAME, lambda: d.zipped(d.cut_files(), method=zipfile.ZIP_STORED)),
    "zip: an inner folder": file(
        NAME, lambda: d.zipped({f"{STAMP}_PREP/{n}": b for n, b in d.cut_files().items()})
    ),
    "zip: 100,000 entries": file(NAME, _hundred_thousand),
    "zip: a name of 255 bytes inside": _zip({f"{'ñ' * 125}x.jpg": b""}),
    "a name of 255 bytes": file(_LONG, d.cut_zip),
    "tar": file(TAR, lambda: d.tarred(d.cut_files(), packed=False)),
    "tar: one block of zeros": file(TAR, lambda: _short_end(d.cut_files())),
    "tar: bytes behind": file(
        TAR, lambda: d.tarred(d.cut_files(), packed=False) + b"fin", "archive.trailing"
    ),
    "tar.gz: in two streams": file(
        f"{TAR}.gz",
        lambda: b"".join(map(gzip.compress, _halves(d.tarred(d.cut_files(), packed=False)))),
    ),
    "tar.gz: bytes behind": file(
        f"{TAR}.gz", lambda: d.tarred(d.cut_files()) + b"fin", "archive.trailing"
    ),
    "three deep": file(
        f"{STAMP}_PREP.zip", lambda: d.zipped({"a.zip": d.zipped({NAME: d.cut_zip()})})
    ),
    # names
    "a hidden name, in a tree": _tree({".htaccess": b"Deny from all"}, "name.reserved"),
    "names that differ in case, in a tree": _tree({"a.txt": b"", "A.txt": b""}, "name.collision"),
    # several
    "an older cut beside the newest": file(
        f"{STAMP}_PREP.zip",
        lambda: d.zipped(
            {NAME: d.cut_zip(), f"{OLDER}_PREP_DIP_LOC_QRO.zip": d.cut_zip(stamp=OLDER)}
        ),
    ),
    "two results of one election": _zip(
        {f"copia/{CSV}": d.results_csv(rows=3)}, "election.several"
    ),
    # times
    "three minutes later inside": _csv(d.results_csv(stamp="20240602_2008"), "stamp.differ"),
    "no time inside": _replaced(b"02/06/2024 20:05 (UTC-6)", b"", "results.no_time"),
    "a time that makes no sense": _replaced(
        b"02/06/2024 20:05", b"32/06/2024 20:05", "results.time"
    ),
    # figures
    "figures that do not add up": _replaced(
        b"\n4,4,0,4,100.0000,4,",
        b"\n4,4,1,4,100.0000,4,",
        "arithmetic.registered",
        "arithmetic.rows",
    ),
    "more than all": _replaced(
        b"0,4,100.0000,4", b"0,4,100.6500,4", "arithmetic.percentage", "arithmetic.over_100"
    ),
    "a figure that is none": _replaced(b"\n4,4,0,4", b"\n4,cuatro,0,4", "results.header_value"),
    "no figures at all": _csv(_without_header(), "results.no_figures"),
    "a row twice": _csv(
        d.results_csv() + _ROW + b"\n",
        "results.duplicate",
        "arithmetic.rows",
        "arithmetic.counted",
        "arithmetic.votes_with_special",
        "arithmetic.votes_without_special",
    ),
    "a row too short": _csv(
        d.results_csv() + b"'220009B0100,1\n", "results.row", "arithmetic.rows"
    ),
    "a vote in words": _replaced(
        b",1,10,10,0,0,20,",
        b",1,diez,10,0,0,20,",
        "results.vote",
        "arithmetic.row_sum",
        "arithmetic.votes_with_special",
        "arithmetic.votes_without_special",
    ),
    # written otherwise
    "CR alone": _csv(d.results_csv().replace(b"\n", b"\r")),
    "CRLF and a mark of the order of bytes": _csv(
        b"\xef\xbb\xbf" + d.results_csv().replace(b"\n", b"\r\n")
    ),
    "pipes": _csv(b"sep=|\n" + d.results_csv().replace(b",", b"|")),
    "cp1252": _replaced(b"QUERETARO", "QUERÉTARO".encode("cp1252")),
    "a hash in other letters": _replaced(b",1,-\n", b",1,no hay\n", "results.hash_form"),
    "the site's JSON alone": file(JSON, _state_json),
    "the site's JSON: more than all": _json(
        b'"actasCapturadas":{"total":4}',
        b'"actasCapturadas":{"total":11}',
        "arithmetic.exceeds_expected",
    ),
    "the site's JSON: more than 100 %": _json(
        b'"totalActas"',
        b'"porcentajeParticipacionCiudadana":"100.65","totalActas"',
        "arithmetic.over_100",
    ),
    "the site's JSON: more actas than atoms": _json(
        b'"totalActas":10', b'"totalActas":' + b"9" * 40, "site.value"
    ),
    "the site's JSON: less than nothing": _json(
        b'"totalActas":10', b'"totalActas":-10', "site.value"
    ),
    "the site's JSON: a word": _json(b'"totalActas":10', b'"totalActas":"diez"', "site.value"),
    "the site's JSON: no figure yet": _json(b'"totalActas":10', b'"totalActas":"-"'),
    # files beside the results
    "the end of a text file as DOS marks it": _csv(d.results_csv() + b"\x1a"),
    "a spreadsheet's copy of the results": _zip(
        {f"excel/{CSV}": d.results_csv().decode().encode("utf-16")}
    ),
    "an election that nobody waits for, unreadable": _zip({"QRO_GUB_2024.csv": b"\0" * 99}),
    "a table beside the results": _zip({"catalogo.csv": b"ID,NOMBRE\n1,QUERETARO\n"}),
    # beside the results
    "placeholder candidates": _zip({CANDIDATES: _placeholder()}, "candidates.placeholder"),
    "a list of hashes that says nothing": _zip({"SHA256SUMS": b"hola\n"}, "manifest.malformed"),
    "an image of no acta": _zip(
        {
            CSV: d.results_csv().replace(b",1,-\n", b",1," + b"a" * 64 + b"\n"),
            "actas/x.jpg": b"\xff\xd8",
        },
        "images.orphan",
    ),
}
