"""Archives that say of themselves what is not so, and archives that break off."""

from __future__ import annotations

import gzip
import struct
import zipfile
from collections.abc import Callable

from tests.corpus.shapes import CSV, NAME, STAMP, TAR, Case, file
from tests.cuts import deliveries as d

_WIDE = struct.Struct("<4sQ2H2L4Q")
_ROW_EXTRA = 30
_BIG = 0xFFFFFFFF


def wide(
    *,
    disk: int = 0,
    here: int | None = None,
    count: int | None = None,
    size: int = 0,
    offset: int = 0,
    locator: int = 0,
    data: bytes = b"",
) -> bytes:
    """A good archive with a zip64 end; the numbers are added to what would be true.

    ``here`` and ``count`` are said as they are.
    """
    data = data or d.cut_zip()
    end = data.rindex(b"PK\5\6")
    rows, table_size, at = struct.unpack_from("<H2L", data, end + 10)
    said = (rows if here is None else here, rows if count is None else count)
    record = _WIDE.pack(b"PK\6\6", 44, 45, 45, disk, disk, *said, table_size + size, at + offset)
    place = struct.pack("<4sLQL", b"PK\6\7", 0, end + locator, 1)
    last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, _BIG, _BIG, 0)
    return data[:end] + record + place + last


def wide_row(
    extra: bytes, *, size: bool = False, packed: bool = False, offset: bool = False
) -> bytes:
    """A good archive whose first row refers to its zip64 extra field, which is ``extra``."""
    data = d.cut_zip()
    at, end = d.central(data, CSV), data.rindex(b"PK\5\6")
    row = bytearray(data[at : at + 46 + len(CSV)])
    for field, is_wide in ((24, size), (20, packed), (42, offset)):
        if is_wide:
            struct.pack_into("<L", row, field, _BIG)
    struct.pack_into("<H", row, _ROW_EXTRA, len(extra))
    table = bytes(row) + extra + data[at + len(row) : end]
    rest = bytearray(data[end:])
    struct.pack_into("<L", rest, 12, len(table))
    return data[:at] + table + bytes(rest)


def _extra(*values: int, length: int | None = None) -> bytes:
    said = 8 * len(values) if length is None else length
    return struct.pack(f"<2H{len(values)}Q", 1, said, *values)


def _end(at: int, form: str, value: int) -> bytes:
    """A good archive with one number of its end record replaced."""
    data = d.cut_zip()
    return d.patched(data, data.rindex(b"PK\5\6") + at, form, value)


def _lie(data: Callable[[], bytes], *checks: str) -> Case:
    return file(NAME, data, *checks)


def _two_ends() -> bytes:
    """Readers differ in which of the two end records they heed when both say a number."""
    data = wide()
    end = data.rindex(b"PK\5\6")
    return d.patched(d.patched(data, end + 8, "<H", 0), end + 10, "<H", 0)


def _two_names() -> bytes:
    """Its table says that the name is UTF-8, the header in front of the bytes that it is not."""
    data = d.zipped({**d.cut_files(), "acción.txt": b"x"})
    return d.patched(data, d.local(data, "acción.txt") + 6, "<H", 0)


LIES: dict[str, Case] = {
    "zip64: one entry more": _lie(lambda: wide(here=4, count=4), "archive.damaged"),
    "zip64: one entry fewer": _lie(lambda: wide(here=2, count=2), "archive.damaged"),
    "zip64: no entries": _lie(lambda: wide(here=0, count=0), "archive.damaged"),
    "zip64: 2^63 entries": _lie(lambda: wide(here=1 << 63, count=1 << 63), "archive.entries"),
    "zip64: other count on this disk": _lie(lambda: wide(here=1), "archive.damaged"),
    "zip64: on the second disk": _lie(lambda: wide(disk=1), "archive.damaged"),
    "zip64: a longer table": _lie(lambda: wide(size=8), "archive.damaged"),
    "zip64: a shorter table": _lie(lambda: wide(size=-8), "archive.damaged"),
    "zip64: a table of 2^62 bytes": _lie(lambda: wide(size=1 << 62), "archive.entries"),
    "zip64: a table that begins later": _lie(lambda: wide(offset=10), "archive.damaged"),
    "zip64: a table that begins earlier": _lie(lambda: wide(offset=-10), "archive.damaged"),
    "zip64: a table at 2^63": _lie(lambda: wide(offset=1 << 63), "archive.damaged"),
    "zip64: the narrow end says another number": _lie(_two_ends, "archive.damaged"),
    "zip64: its end is said to lie elsewhere": _lie(lambda: wide(locator=-300), "archive.damaged"),
    "zip64: a size of 2^60": _lie(lambda: wide_row(_extra(1 << 60), size=True), "archive.size"),
    "zip64: a size of 2^64 - 1": _lie(
        lambda: wide_row(_extra((1 << 64) - 1), size=True), "archive.size"
    ),
    "zip64: 2^62 packed bytes": _lie(
        lambda: wide_row(_extra(1 << 62), packed=True), "archive.overlap"
    ),
    "zip64: at 2^62": _lie(lambda: wide_row(_extra(1 << 62), offset=True), "archive.truncated"),
    "zip64: at 2^64 - 1": _lie(
        lambda: wide_row(_extra((1 << 64) - 1), offset=True), "archive.truncated"
    ),
    "zip64: an extra field without its values": _lie(
        lambda: wide_row(b"", size=True), "archive.ratio"
    ),
    "zip64: an extra field that is too short": _lie(
        lambda: wide_row(_extra(length=24), size=True, packed=True), "archive.damaged"
    ),
    "zip64: an extra field that breaks off": _lie(
        lambda: wide_row(_extra(5, length=0xFFF8), size=True), "archive.damaged"
    ),
    "zip: 65,000 entries": _lie(
        lambda: d.patched(_end(8, "<H", 65_000), len(d.cut_zip()) - 12, "<H", 65_000),
        "archive.damaged",
    ),
    "zip: a table of 4 GiB": _lie(lambda: _end(12, "<L", _BIG - 1), "archive.entries"),
    "zip: a table at 4 GiB": _lie(lambda: _end(16, "<L", _BIG - 1), "archive.damaged"),
    "zip: a name in two encodings": _lie(_two_names, "archive.header"),
    "zip: a comment that goes on": _lie(lambda: _end(20, "<H", 500), "archive.truncated"),
    "zip: the table points at itself": _lie(
        lambda: d.patched(
            d.cut_zip(), d.central(d.cut_zip(), CSV) + 42, "<L", d.central(d.cut_zip(), CSV)
        ),
        "archive.overlap",
    ),
}


def _tar_ends() -> dict[str, int]:
    """Where the structures of a plain tar begin and end: of a long name, two files, the end."""
    size = len(d.results_csv())
    blocks = 512 * -(-size // 512)
    first = 3 * 512  # a pax header, its data, and the first file's own header
    return {
        "in the long name's header": 200,
        "after the long name's header": 512,
        "in the long name": 512 + 30,
        "before the first header": 1024,
        "in the first header": 1024 + 300,
        "after the first header": first,
        "in the first file": first + 700,
        "after the first file's bytes": first + size,
        "before the second header": first + blocks,
        "in the second header": first + blocks + 100,
        "after the second header": first + blocks + 512,
        "in the second file": first + blocks + 512 + 5,
        "before the end": first + blocks + 1024,
        "in the end": first + blocks + 1024 + 100,
    }


def _tar() -> bytes:
    long = f"{'d' * 120}/{CSV}"
    return d.tarred({long: d.results_csv(), "LEEME.txt": b"Instructivo\n"}, packed=False)


def _cut_off(
    data: Callable[[], bytes], at: int, packed: Callable[[bytes], bytes] = bytes
) -> Callable[[], bytes]:
    return lambda: packed(data()[:at])


def _gz_ends() -> dict[str, int]:
    whole = len(d.tarred(d.cut_files()))
    return {
        "in the magic": 1,
        "in the gzip header": 6,
        "after the gzip header": 10,
        "in the first bytes": 40,
        "before the checksum": whole - 8,
        "in the checksum": whole - 6,
        "in the length": whole - 1,
    }


def _stored() -> bytes:
    """A zip of zips as they are: their end records stand in the file as plainly as its own."""
    return d.zipped(
        {
            f"{STAMP}_PREP_DIP_LOC_QRO.zip": d.cut_zip(),
            f"{STAMP}_PREP_AYUN_QRO.zip": d.cut_zip("AYUN"),
        },
        method=zipfile.ZIP_STORED,
    )


def _stored_ends() -> dict[str, int]:
    whole, first, second = _stored(), d.cut_zip(), d.cut_zip("AYUN")
    behind_first = whole.index(first) + len(first)
    behind_second = whole.index(second) + len(second)
    return {
        "in the first": behind_first - 30,
        "behind the first": behind_first,
        "in the header of the second": behind_first + 20,
        "in the second": behind_first + 400,
        "behind the second": behind_second,
        "in the table": behind_second + 60,
        "before the end record": len(whole) - 22,
        "in the end record": len(whole) - 4,
    }


BROKEN_OFF: dict[str, Case] = {
    **{
        f"zip of zips: {place}": file(
            f"{STAMP}_PREP_QRO.zip", _cut_off(_stored, at), "archive.truncated"
        )
        for place, at in _stored_ends().items()
    },
    "two zips, one behind the other": file(
        NAME, lambda: d.cut_zip() + d.cut_zip(), "archive.truncated"
    ),
    "zip: a second end record behind": file(
        NAME, lambda: d.cut_zip() + b"PK\5\6" + b"\1" * 40, "archive.truncated"
    ),
    "zip: a second, broken end record behind": file(
        NAME, lambda: d.cut_zip() + b"PK\5\6" + b"\1\0" * 8 + bytes(2), "archive.damaged"
    ),
    **{
        f"tar: {place}": file(TAR, _cut_off(_tar, at), "archive.truncated")
        for place, at in _tar_ends().items()
    },
    **{
        f"tar.gz of a tar: {place}": file(
            f"{TAR}.gz", _cut_off(_tar, at, gzip.compress), "archive.truncated"
        )
        for place, at in _tar_ends().items()
    },
    **{
        f"tar.gz: {place}": file(
            f"{TAR}.gz", _cut_off(lambda: d.tarred(d.cut_files()), at), "archive.truncated"
        )
        for place, at in _gz_ends().items()
    },
    "tar in a zip": file(
        f"{STAMP}_PREP.zip", lambda: d.zipped({TAR: _tar()[:2000]}), "archive.truncated"
    ),
}
