"""A zip that holds itself, and so has no innermost archive.

A deflate stream can print what stands in it (a stored block, ``L``) and repeat what it printed
(a match, ``R``); Russ Cox, "Zip Files All The Way Down" (2010), shows how such a stream prints the
file around it. Its checksum must be that of a file in which it stands itself: the checksum is
linear over bits, so that is a system of 32 equations.
"""

from __future__ import annotations

import struct
import zlib

_NAME = b"_PREP.zip"
"""Nine bytes: with a header of 30 what stands in front can be repeated in five."""
_UNIT = 5
"""Bytes of one L, and of one R."""
_LENGTHS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83)
_LENGTH_BITS = (0,) * 8 + (1,) * 4 + (2,) * 4 + (3,) * 4 + (4, 4)
_DISTANCES = (1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129)
_DISTANCE_BITS = (0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5)


def quine() -> bytes:
    """An archive whose one member is that archive, byte for byte, with the right checksum."""
    flat = _zip(0)
    at_zero = zlib.crc32(flat)
    # crc(file with checksum c) = at_zero ^ (sum of what each bit of c adds): find c equal to it
    rows = [(zlib.crc32(_zip(1 << bit)) ^ at_zero ^ (1 << bit), 1 << bit) for bit in range(32)]
    found, left = 0, at_zero
    for bit in reversed(range(32)):
        pivot = next((row for row in rows if row[0] >> bit & 1), None)
        if pivot is None:
            continue
        rows = [
            (row[0] ^ pivot[0], row[1] ^ pivot[1]) if row[0] >> bit & 1 else row
            for row in rows
            if row is not pivot
        ]
        if left >> bit & 1:
            left, found = left ^ pivot[0], found ^ pivot[1]
    return _zip(found)


def _zip(crc: int) -> bytes:
    packed = size = 0
    while True:  # the sizes stand in it too; they do not change its length
        head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0x58C2, crc, packed, size, 9, 0)
        row = (b"PK\1\2", 20, 20, 0, 8, 0, 0x58C2, crc, packed, size, 9, 0, 0, 0, 0, 0, 0)
        table = struct.pack("<4s6H3L5H2L", *row) + _NAME
        where = len(head) + len(_NAME) + packed
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(table), where, 0)
        stream = _stream(head + _NAME, table + end)
        whole = head + _NAME + stream + table + end
        if (packed, size) == (len(stream), len(whole)):
            return whole
        packed, size = len(stream), len(whole)


def _stream(front: bytes, back: bytes) -> bytes:
    """Prints ``front``, itself and ``back``."""
    last = b"\1\0\0\xff\xff"  # the final, empty block
    tail = last + back
    four, none, one = _stored(4 * _UNIT), _stored(0), _stored(_UNIT)
    again = _repeat(4 * _UNIT, _UNIT)
    first, copy = _stored(len(front) + _UNIT), _repeat(len(front) + _UNIT, _UNIT)
    close = _repeat(len(tail) + 6, 6)
    ending = _stored(len(tail) + 6)
    return b"".join(
        (
            first + front + first,
            copy,
            one + copy,
            one + one,
            four + copy + one + one + four,
            again,
            four + again + four + again + four,
            again,
            four + again + none + none + ending,
            again,
            none + none + ending + close + tail,
            close,
            last,
        )
    )


def _stored(n: int) -> bytes:
    return struct.pack("<BHH", 0, n, n ^ 0xFFFF)


def _repeat(n: int, width: int) -> bytes:
    """The last ``n`` printed bytes once more, in ``width`` bytes and the zeros of the next one."""
    for first in range(3, n):
        if n - first < 3 or max(first, n - first) > 98:
            continue
        bits = "010" + _match(first, n) + _match(n - first, n) + "0" * 7
        if (width == _UNIT and 38 <= len(bits) <= 45) or len(bits) == 8 * width:
            whole = bits.ljust(8 * (width + 1), "0")[: 8 * width]
            return int(whole[::-1], 2).to_bytes(width, "little")
    raise AssertionError(f"{n} bytes cannot be repeated in {width}")


def _match(length: int, distance: int) -> str:
    """In the order of the stream: codes from their top bit, the extra bits from their lowest."""
    code = max(i for i, least in enumerate(_LENGTHS) if least <= length)
    far = max(i for i, least in enumerate(_DISTANCES) if least <= distance)
    return (
        f"{code + 1:07b}"
        + _extra(length - _LENGTHS[code], _LENGTH_BITS[code])
        + f"{far:05b}"
        + _extra(distance - _DISTANCES[far], _DISTANCE_BITS[far])
    )


def _extra(value: int, bits: int) -> str:
    return f"{value:0{bits}b}"[::-1] if bits else ""
