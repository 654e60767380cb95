"""More hostile deliveries, built by code: what a file says, where it breaks off, whose it is."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.corpus.shapes import CSV, JSON, NAME, STAMP, Case, file
from tests.cuts import deliveries as d
from tests.cuts import test_hostile as built

_NOISE = random.Random(5).randbytes(1_000_000).hex().encode()
"""One line of two megabytes."""


def _deep(levels: int) -> bytes:
    data = d.cut_zip()
    for n in range(levels):
        data = d.zipped({f"{STAMP}_PREP_{n}.zip": data})
    return data


def _with_csv(data: bytes, check: str = "results.unrecognised") -> Case:
    return file(NAME, lambda: d.zipped({**d.cut_files(), CSV: data}), check)


def _json(data: bytes, check: str = "site.unreadable") -> Case:
    return file(JSON, lambda: data, check)


def _zip(files: Callable[[], Mapping[str, bytes]], *checks: str, name: str = NAME) -> Case:
    return file(name, lambda: d.zipped(files()), *checks)


def _cut_off() -> dict[str, Case]:
    """A zip that ends where one of its structures begins or in the midst of it."""
    data = d.cut_zip()
    (table,) = struct.unpack_from("<L", data, len(data) - 6)
    ends = {
        "in the first header": 15,
        "after the first header": 30 + len(CSV),
        "in the first bytes": 30 + len(CSV) + 20,
        "at the second header": data.index(b"PK\x03\x04", 4),
        "before the table": table,
        "in the table": table + 23,
        "before the table's second row": data.index(b"PK\x01\x02", table + 4),
        "before the end record": len(data) - 22,
        "in the end record": len(data) - 11,
    }
    return {
        f"zip: cut off {place}": file(NAME, data[:at].__bytes__, "archive.truncated")
        for place, at in ends.items()
    }


def _two(first: str, second: str) -> dict[str, bytes]:
    """Two results in one archive that is named after the first."""
    return {**d.cut_files(first), **d.cut_files(second)}


def _of_another() -> dict[str, Case]:
    """Whole, and not what this station waits for."""
    older, future = "20240602_1905", "20990602_2005"
    ayun = f"{STAMP}_PREP_AYUN_QRO.zip"
    return {
        "another state": _zip(lambda: d.cut_files(state="COAH"), "state.wrong"),
        "another state beside ours": _zip(
            lambda: {**d.cut_files(), **d.cut_files(state="COAH")}, "state.wrong"
        ),
        "another election": _zip(
            lambda: d.cut_files("GOB"), "election.wrong", name=f"{STAMP}_PREP_GOB_QRO.zip"
        ),
        "the whole country's totals": file(JSON, d.site_json, "election.wrong"),
        "an older stamp": _zip(
            lambda: d.cut_files(stamp=older), "stamp.older", name=f"{older}_PREP_DIP_LOC_QRO.zip"
        ),
        "a stamp of the future": _zip(
            lambda: d.cut_files(stamp=future), "stamp.future", name=f"{future}_PREP_DIP_LOC_QRO.zip"
        ),
        "mixed: two elections under one name": _zip(
            lambda: _two("DIP_LOC", "AYUN"), "election.disagree", "election.wrong"
        ),
        "mixed: the other one under our name": _zip(
            lambda: {CSV: d.results_csv("AYUN")}, "election.disagree", "election.wrong"
        ),
        "mixed: each under the other's name": _zip(
            lambda: {NAME: d.cut_zip("AYUN"), ayun: d.cut_zip("DIP_LOC")},
            "election.disagree",
            "election.wrong",
            name=f"{STAMP}_PREP.zip",
        ),
        "mixed: one twice, with other figures": _zip(
            lambda: {NAME: d.cut_zip(), f"otra/{NAME}": d.zipped({CSV: d.results_csv(votes=11)})},
            "election.twice",
            name=f"{STAMP}_PREP.zip",
        ),
    }


def _names() -> dict[str, Case]:
    """What the delivery itself is called."""
    no_utf8 = os.fsdecode(b"20240602_2005_PREP_Quer\xe9taro.zip")
    return {
        "name: no UTF-8": file(no_utf8, d.cut_zip, "archive.name"),
        "name: an escape": file(f"{STAMP}_PREP\x1b[2J.zip", d.cut_zip, "archive.name"),
        "name: right to left": file(f"{STAMP}_PREP\u202epiz.zip", d.cut_zip, "archive.name"),
        "name: a line's end": file(f"{STAMP}_PREP\n.zip", d.cut_zip, "archive.name"),
        "name: a backslash": file(f"{STAMP}_PREP\\..\\x.zip", d.cut_zip, "archive.path"),
        "name inside: 256 bytes": file(
            NAME, lambda: d.with_entry("ñ" * 126 + ".jpg"), "archive.name"
        ),
        "name inside: cp1252 that says UTF-8": file(
            NAME, lambda: d.raw_named(b"Quer\xe9taro.csv"), "archive.name"
        ),
        "name inside: a UTF-8 too long for its sign": file(
            NAME, lambda: d.raw_named(b"\xc0\xae\xc0\xae/x"), "archive.name"
        ),
        "name inside: half a surrogate": file(
            NAME, lambda: d.raw_named(b"\xed\xa0\x80.csv"), "archive.name"
        ),
    }


def _malformed() -> dict[str, Case]:
    csv, said = d.results_csv(), d.site_json()
    lines = csv.split(b"\n")
    columns = "results.no_columns"
    return {
        "csv: empty": _with_csv(b""),
        "csv: only its title": _with_csv(lines[0]),
        "csv: cut off in its header": _with_csv(b"\n".join(lines[:3])[:-20], columns),
        "csv: without its actas' columns": _with_csv(b"\n".join(lines[:4]), columns),
        "csv: NULs": _with_csv(b"\0" * 5000, "results.binary"),
        "csv: NULs behind its head": _with_csv(csv + b"\0" * 5000, "results.binary"),
        "csv: cut off in a row": _with_csv(csv[:-30], "results.cut_off"),
        "csv: a row of two megabytes": _with_csv(csv + _NOISE, "results.long_line"),
        "csv: UTF-16": _with_csv(csv.decode().encode("utf-16"), "results.utf16"),
        "csv: UTF-16 without its mark": _with_csv(
            csv.decode().encode("utf-16-le"), "results.binary"
        ),
        "csv: UTF-16 beside a site's JSON": _zip(
            lambda: {CSV: csv.decode().encode("utf-16"), JSON: said}, "results.utf16"
        ),
        "csv: a workbook": _with_csv(d.zipped({"xl/workbook.xml": b"<x/>"}), "results.binary"),
        "csv: a web page": _with_csv(b"<html><body>502 Bad Gateway</body></html>\n"),
        "csv: one line of a megabyte": _with_csv(b"x" * 1_000_000),
        "json: cut off": _json(said[: len(said) // 2]),
        "json: empty": _json(b"", "delivery.empty"),
        "json: a number beyond all": _json(said.replace(b":10,", b":1e400,")),
        "json: twice": _json(said + said),
        "json: nested": _json(b"[" * 100_000 + b"]" * 100_000),
        "json: huge number": _json(b'{"totalActas":' + b"9" * 100_000 + b"}"),
        "json: NaN": _json(b'{"totalActas":NaN}'),
        "json: a list": _json(b"[]"),
        "json: no UTF-8": _json(b'{"horaCorte":"\xff\xfe"}'),
        "list: another hash": _zip(
            lambda: {**d.cut_files(), "SHA256SUMS": b"0" * 64 + b"  LEEME.txt\n"},
            "manifest.mismatch",
        ),
        "list: a file that did not come": _zip(
            lambda: {**d.cut_files(), "SHA256SUMS": b"0" * 64 + b"  falta.csv\n"},
            "manifest.missing",
        ),
    }


def _of_archives() -> dict[str, Case]:
    """Those that the reader alone is held to, at a station with its real bounds lowered."""
    more = {"other election than named": ("election.wrong",)}
    there = {}
    for kind, made in built.HOSTILE.items():
        if kind != "zip: nesting":  # three deep: a station's bound is not lowered so far
            name, data, check = made()
            there[kind] = file(name, data.__bytes__, check, *more.get(kind, ()))
    return there


def _of_trees() -> dict[str, Case]:
    def spoilt(spoil: Callable[[Path], None]) -> Callable[[Path], Path]:
        def write(folder: Path) -> Path:
            tree = d.put(folder / f"{STAMP}_PREP_QRO", {NAME: d.cut_zip()})
            spoil(tree)
            return tree

        return write

    return {
        f"tree: {kind}": Case(spoilt(spoil), frozenset({check}))
        for kind, (spoil, check) in built.TREES.items()
    }


LOWERED: dict[str, Case] = {**_of_archives(), **_of_trees()}
"""Against bounds that are low enough for small bombs."""

HOSTILE: dict[str, Case] = {
    "zip: fifty deep": file(NAME, lambda: _deep(50), "archive.nesting"),
    **_cut_off(),
    **_of_another(),
    **_names(),
    **_malformed(),
}
"""Against the bounds that a station has."""
