"""More hostile deliveries, built by code: what a file says, where it breaks off, whose it is."""

from __future__ import annotations

import struct

from tests.cuts import deliveries as d

STAMP = "20240602_2005"
NAME = f"{STAMP}_PREP_DIP_LOC_QRO.zip"
CSV = "QRO_DIP_LOC_2024.csv"
JSON = f"{STAMP}_PREP.json"
Delivery = tuple[str, bytes]


def _deep(levels: int) -> bytes:
    data = d.cut_zip()
    for n in range(levels):
        data = d.zipped({f"{STAMP}_PREP_{n}.zip": data})
    return data


def _with_csv(data: bytes) -> Delivery:
    return NAME, d.zipped({**d.cut_files(), CSV: data})


def _cut_off() -> dict[str, Delivery]:
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
    return {f"zip: cut off {place}": (NAME, data[:at]) for place, at in ends.items()}


def _of_another() -> dict[str, Delivery]:
    """Whole, and not what this station waits for."""
    return {
        "another state": (NAME, d.zipped(d.cut_files(state="COAH"))),
        "another election": (f"{STAMP}_PREP_GOB_QRO.zip", d.cut_zip("GOB")),
        "an older stamp": (
            "20240602_1905_PREP_DIP_LOC_QRO.zip",
            d.cut_zip(stamp="20240602_1905"),
        ),
        "a stamp of the future": (
            "20990602_2005_PREP_DIP_LOC_QRO.zip",
            d.cut_zip(stamp="20990602_2005"),
        ),
    }


def _malformed() -> dict[str, Delivery]:
    csv, said = d.results_csv(), d.site_json()
    lines = csv.split(b"\n")
    return {
        "csv: empty": _with_csv(b""),
        "csv: only its title": _with_csv(lines[0]),
        "csv: cut off in its header": _with_csv(b"\n".join(lines[:3])[:-20]),
        "csv: without its actas' columns": _with_csv(b"\n".join(lines[:4])),
        "csv: NULs": _with_csv(b"\0" * 5000),
        "csv: UTF-16": _with_csv(csv.decode().encode("utf-16")),
        "csv: a web page": _with_csv(b"<html><body>502 Bad Gateway</body></html>\n"),
        "csv: one line of a megabyte": _with_csv(b"x" * 1_000_000),
        "json: cut off": (JSON, said[: len(said) // 2]),
        "json: empty": (JSON, b""),
        "json: nested": (JSON, b"[" * 100_000 + b"]" * 100_000),
        "json: huge number": (JSON, b'{"totalActas":' + b"9" * 100_000 + b"}"),
        "json: NaN": (JSON, b'{"totalActas":NaN}'),
        "json: a list": (JSON, b"[]"),
        "json: no UTF-8": (JSON, b'{"horaCorte":"\xff\xfe"}'),
    }


HOSTILE: dict[str, Delivery] = {
    "zip: fifty deep": (NAME, _deep(50)),
    **_cut_off(),
    **_of_another(),
    **_malformed(),
}
