"""Raw deflate and gzip, through ISA-L where it is there: about twice as fast as zlib.

Both release the GIL while they work, so two threads verify an archive on two cores. ISA-L puts
up with a few incomplete codes that zlib refuses; sizes and checksums are compared all the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, Protocol, cast

from prep_console.cuts.members import CHUNK, Budget, Unsafe


class _Inflater(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


def zlib_inflater(window: int) -> _Inflater:
    return zlib.decompressobj(window)


InflateError: tuple[type[Exception], ...] = (zlib.error,)
new_inflater = zlib_inflater
crc32 = zlib.crc32

try:
    from isal import isal_zlib
except ImportError:  # other processors: zlib does the same, slower
    pass
else:

    def isal_inflater(window: int) -> _Inflater:
        return isal_zlib.decompressobj(window)

    InflateError = (zlib.error, cast(type[Exception], isal_zlib.error))
    new_inflater = isal_inflater
    crc32 = isal_zlib.crc32

_RAW: Final = -15
_GZIP: Final = 31


def inflate(packed: Iterator[bytes], where: str) -> Iterator[bytes]:
    """One raw deflate stream; :class:`Unsafe` when it is broken, short or followed by bytes."""
    inflater = new_inflater(_RAW)
    try:
        for data in packed:
            rest = data
            while rest and not inflater.eof:
                out = inflater.decompress(rest, CHUNK)
                rest = inflater.unconsumed_tail
                if out:
                    yield out
            if inflater.eof and (rest or inflater.unused_data):
                raise Unsafe("archive.damaged", where, reason="bytes after the end of a file")
        while not inflater.eof:  # output may still wait inside after the last input
            out = inflater.decompress(inflater.unconsumed_tail, CHUNK)
            if not out and not inflater.eof:
                raise Unsafe("archive.damaged", where, reason="a file ends too early")
            yield out
    except InflateError as error:
        raise Unsafe("archive.damaged", where, reason="unreadable compressed bytes") from error


def gunzip(packed: Iterator[bytes], where: str, budget: Budget) -> Iterator[bytes]:
    """One or more gzip streams in a row; what follows them and is no gzip is a warning."""
    inflater = new_inflater(_GZIP)
    rest = b""
    trailing = 0
    try:
        for data in packed:
            rest = rest + data if rest else data
            while rest:
                if inflater.eof:
                    if len(rest) < 2 and b"\x1f\x8b".startswith(rest):
                        break  # perhaps the next stream's first byte
                    if trailing or not rest.startswith(b"\x1f\x8b"):
                        trailing += len(rest)
                        rest = b""
                        break
                    inflater = new_inflater(_GZIP)
                out = inflater.decompress(rest, CHUNK)
                rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
                if out:
                    yield out
        while not inflater.eof:
            out = inflater.decompress(inflater.unconsumed_tail, CHUNK)
            if not out and not inflater.eof:
                raise Unsafe("archive.truncated", where)
            yield out
    except InflateError as error:
        raise Unsafe("archive.damaged", where, reason="unreadable compressed bytes") from error
    budget.warn_trailing(trailing + len(rest), where)
