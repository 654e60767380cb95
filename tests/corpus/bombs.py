"""What unpacks to far more than it is: against the bounds that a station really has."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

from tests.corpus.quine import quine
from tests.corpus.shapes import CSV, NAME, STAMP, TAR, Case, file
from tests.cuts import deliveries as d

_MIB = 1 << 20
_HEADER = struct.Struct("<4s5H3L2H")
_ROW = struct.Struct("<4s6H3L5H2L")


def _zeros(mib: int) -> bytes:
    """A raw deflate stream of so many MiB of zeros: one flushed block, again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(_MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * mib + packer.flush()


def _put(entries: list[tuple[bytes, int, bytes, int]], before: bytes = b"") -> bytes:
    """A zip of (name, CRC, deflate stream, size), every entry's bytes its own."""
    front, table = bytearray(before), bytearray()
    for name, crc, packed, size in entries:
        table += _row(name, crc, len(packed), size, len(front))
        front += _header(name, crc, len(packed), size) + packed
    return bytes(front) + _closed(table, len(entries), len(front))


def _header(name: bytes, crc: int, packed: int, size: int, method: int = 8) -> bytes:
    head = (b"PK\3\4", 20, 0, method, 0, 0x58C2, crc, packed, size, len(name), 0)
    return _HEADER.pack(*head) + name


def _row(name: bytes, crc: int, packed: int, size: int, offset: int, method: int = 8) -> bytes:
    row = (
        b"PK\1\2",
        20,
        20,
        0,
        method,
        0,
        0x58C2,
        crc,
        packed,
        size,
        len(name),
        0,
        0,
        0,
        0,
        0,
        offset,
    )
    return _ROW.pack(*row) + name


def _closed(table: bytes | bytearray, count: int, at: int) -> bytes:
    return bytes(table) + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(table), at, 0)


def flat(mib: int) -> bytes:
    """A thousand to one."""
    return _put([(b"relleno.bin", _crc_of_zeros(mib), _zeros(mib), mib * _MIB)])


def _crc_of_zeros(mib: int) -> int:
    crc, zeros = 0, bytes(_MIB)
    for _ in range(mib):
        crc = zlib.crc32(zeros, crc)
    return crc


def quoted(files: int, mib: int, filler: int) -> bytes:
    """Each file's stream quotes the next one's header and goes on into its bytes.

    Every header, size and checksum is right; only that the files share their bytes is odd.
    ``filler``: bytes in front that keep the ratio small.
    """
    stuffing = b"\5\xa3" * (filler // 2)
    packed = _zeros(mib)
    content = bytes(mib * _MIB)
    names = [f"f{n:04}".encode() for n in range(files)]
    stream = _header(names[-1], zlib.crc32(content), len(packed), len(content)) + packed
    rows = [(names[-1], zlib.crc32(content), len(packed), len(content), len(stream))]
    for name in reversed(names[:-1]):
        quote = stream[: _HEADER.size + len(name)]
        packed_size = len(stream) + 5
        content = quote + content
        block = struct.pack("<BHH", 0, len(quote), len(quote) ^ 0xFFFF)
        crc = zlib.crc32(content)
        stream = _header(name, crc, packed_size, len(content)) + block + stream
        rows.append((name, crc, packed_size, len(content), len(stream)))
    crc, size = zlib.crc32(stuffing), len(stuffing)
    stored = _header(b"leeme.bin", crc, size, size, method=0) + stuffing
    table = _row(b"leeme.bin", crc, size, size, 0, method=0)
    whole = len(stored) + len(stream)
    for name, crc, packed_size, size, back in rows:
        table += _row(name, crc, packed_size, size, whole - back)
    return stored + stream + _closed(table, files + 1, whole)


def _in(data: bytes, levels: int, wide: int = 1) -> bytes:
    for level in range(levels):
        data = d.zipped({f"{STAMP}_PREP_{level}_{n}.zip": data for n in range(wide)})
    return data


def _sparse(folder: Path) -> Path:
    """Nine GiB that take no room."""
    path = folder / NAME
    with path.open("wb") as stream:
        stream.write(d.cut_zip())
        stream.truncate(9 << 30)
    return path


def _claims(size: int) -> bytes:
    data = d.cut_zip()
    return d.patched(data, d.central(data, CSV) + 24, "<L", size)


def _gz(mib: int) -> bytes:
    head = d.tarred({"b": b""}, packed=False)[:512]
    size = f"{mib * _MIB:011o}".encode()
    head = head[:124] + size + head[135:148] + b" " * 8 + head[156:]
    head = head[:148] + f"{sum(head):06o}\0 ".encode() + head[156:]
    return gzip.compress(head) + gzip.compress(bytes(_MIB)) * mib


BOMBS: dict[str, Case] = {
    "flat": file(NAME, lambda: flat(600), "archive.ratio"),
    "flat, and says it is small": file(NAME, lambda: _says_small(600), "archive.damaged"),
    "quoted": file(NAME, lambda: quoted(250, 4, 0), "archive.ratio"),
    "quoted, at a small ratio": file(NAME, lambda: quoted(60, 4, 2 * _MIB), "archive.overlap"),
    "one file under three names": file(NAME, lambda: d.overlapping(3), "archive.overlap"),
    "nested: flat in three": file(NAME, lambda: _in(flat(300), 3), "archive.ratio"),
    "nested: sixteen by sixteen": file(
        NAME, lambda: _in(flat(100), 2, 16), "archive.ratio", "archive.size"
    ),
    "nested: in itself": file(NAME, quine, "archive.nesting"),
    "nested: forty deep": file(NAME, lambda: _in(d.cut_zip(), 40), "archive.nesting"),
    "tar.gz: flat": file(f"{TAR}.gz", lambda: _gz(600), "archive.ratio"),
    "tar.gz in a zip": file(NAME, lambda: d.zipped({f"{TAR}.gz": _gz(600)}), "archive.ratio"),
    "nine GiB that take no room": Case(_sparse, frozenset({"archive.size"})),
    "says four GiB": file(NAME, lambda: _claims(0xFFFFFFFE), "archive.ratio"),
    "199,999 images": file(NAME, lambda: d.many_empty_entries(199_999), "results.missing"),
    "199,999 names of 255 bytes": file(
        NAME, lambda: d.many_empty_entries(199_999, long=255, suffix=b".dat"), "results.missing"
    ),
    "199,999 images with names of 255 bytes": file(
        NAME, lambda: d.many_empty_entries(199_999, long=255), "results.missing"
    ),
    "199,999 names of 255 bytes, mixed": file(
        NAME,
        lambda: d.many_empty_entries(199_999, long=255, mixed=True, suffix=b".dat"),
        "results.missing",
    ),
    "200,001 entries": file(
        f"{STAMP}_PREP_AYUN.zip", lambda: d.many_empty_entries(200_001), "archive.entries"
    ),
    "100,000 entries, twice, in one": file(
        NAME,
        lambda: d.zipped(
            {f"{STAMP}_PREP_{n}.zip": d.many_empty_entries(100_000 + n) for n in range(2)}
        ),
        "archive.entries",
        "results.missing",
    ),
}


def _says_small(mib: int) -> bytes:
    return _put([(b"relleno.bin", 0, _zeros(mib), 1000)])
