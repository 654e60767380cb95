"""What every kind of archive has in common: members, the bounds on them, and the stop."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from prep_console.cuts.checks import finding
from prep_console.cuts.model import Finding, Limits
from prep_console.wording import Value

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 1 << 20
"""Bytes handed over at a time: large enough that the GIL is free most of the time."""

_RATIO_FLOOR = 1 << 20
"""What unpacks to less than this hurts nobody, whatever its ratio."""


class Unsafe(Exception):
    """A stop met while an archive is read; nothing more of it is looked at."""

    def __init__(self, check: str, where: str, **values: Value) -> None:
        self.finding: Finding = finding(check, where, **values)
        super().__init__(f"{check}: {where}")


class Member(msgspec.Struct, frozen=True):
    """One regular file inside an archive."""

    path: str
    """Its name in the archive, checked to be a plain relative path."""
    where: str
    """``path`` with the archives around it: ``a.zip!/b.zip!/X.csv``."""
    chunks: Callable[[], Iterator[bytes]]
    """The content, once; ends in :class:`Unsafe` if it does not match what the archive says."""

    def open(self) -> io.BufferedReader:
        """The content as a stream."""
        return stream_of(self.chunks())


def stream_of(chunks: Iterator[bytes]) -> io.BufferedReader:
    """Chunks as a stream; ``peek(65536)`` on it shows that much of its head."""
    return io.BufferedReader(ChunkStream(chunks), 1 << 16)


class ChunkStream(io.RawIOBase):
    """Bytes that come in chunks, as a stream that always fills what it is given."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        target = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(target):
            if not self._rest:
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._rest = memoryview(chunk)
            n = min(len(self._rest), len(target) - filled)
            target[filled : filled + n] = self._rest[:n]
            self._rest = self._rest[n:]
            filled += n
        return filled


def chunks_of(fd: int) -> Iterator[bytes]:
    """A file's whole content, whatever place its descriptor stands at."""
    size = os.fstat(fd).st_size
    at = 0
    while at < size and (chunk := os.pread(fd, min(CHUNK, size - at), at)):
        yield chunk
        at += len(chunk)


class Budget(msgspec.Struct):
    """What a whole delivery may still unpack to, counted over all its nested archives."""

    limits: Limits
    bytes: int = 0
    entries: int = 0
    warnings: list[Finding] = msgspec.field(default_factory=list)
    """Oddities of archives that are otherwise sound."""

    def spend_bytes(self, n: int, where: str) -> None:
        self.bytes += n
        if self.bytes > self.limits.max_total_bytes:
            raise Unsafe("archive.size", where, limit=self.limits.max_total_bytes)

    def spend_entries(self, n: int, where: str) -> None:
        self.entries += n
        if self.entries > self.limits.max_entries:
            raise Unsafe("archive.entries", where, limit=self.limits.max_entries)

    def check_ratio(self, unpacked: int, packed: int, where: str) -> None:
        """Stop when ``unpacked`` bytes are too many for an archive of ``packed`` bytes."""
        if unpacked > _RATIO_FLOOR and unpacked > packed * self.limits.max_ratio:
            raise Unsafe("archive.ratio", where, limit=self.limits.max_ratio)

    def warn_trailing(self, n: int, where: str) -> None:
        if n > 0:
            self.warnings.append(finding("archive.trailing", where, n=n))


Wanted = Callable[[str], bool]
"""Whether a member of this path is to be visited; the others are only verified."""

Visit = Callable[[Member], None]
"""Looks at one member; it need not read it to the end."""
