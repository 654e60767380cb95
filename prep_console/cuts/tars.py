"""Reading a tar as it streams past, plain or gzipped, without trusting it."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import IO, Final, cast

from prep_console.cuts.entry_names import NameGuard
from prep_console.cuts.members import CHUNK, Budget, Member, Unsafe, Visit, Wanted

_HEADER_BYTES: Final = 1 << 20
"""The most that a header may make us hold: real long names and attributes take some KiB."""
_BLOCK: Final = tarfile.BLOCKSIZE
_BROKEN: Final = (tarfile.TarError, ValueError, LookupError, ArithmeticError, RecursionError)
"""What tarfile lets through when headers hold nonsense."""


class _StrictTarInfo(tarfile.TarInfo):
    """Every header that cannot be read ends in an error; tarfile takes most for the end."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> _StrictTarInfo:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.HeaderError as error:
            kind = type(error).__name__  # tarfile keeps these classes to itself
            if kind == "EOFHeaderError":  # the block of zeros that ends a tar
                raise
            if kind in {"EmptyHeaderError", "TruncatedHeaderError"}:
                raise EOFError(str(error)) from error
            raise tarfile.ReadError(str(error)) from error


class _Source:
    """A stream that only goes forward, with the three calls that tarfile makes on a file."""

    def __init__(self, chunks: Iterator[bytes], where: str) -> None:
        self._chunks = chunks
        self._where = where
        self._rest = memoryview(b"")
        self._position = 0

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        if position < self._position:
            raise tarfile.ReadError("a header points backwards")
        for _ in self.take(position - self._position):
            pass

    def read(self, n: int) -> bytes:
        """For headers: bounded, whatever they say of their own length."""
        if not 0 <= n <= _HEADER_BYTES:
            raise tarfile.ReadError("a header is too long")
        return b"".join(self._upto(n))

    def take(self, n: int) -> Iterator[bytes]:
        """Exactly ``n`` bytes, in chunks; :class:`Unsafe` when there are fewer."""
        end = self._position + n
        yield from self._upto(n)
        if self._position != end:
            raise Unsafe("archive.truncated", self._where)

    def _upto(self, n: int) -> Iterator[bytes]:
        while n > 0:
            if not self._rest:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return
                self._rest = memoryview(chunk)
            piece = self._rest[: min(n, CHUNK)]
            self._rest = self._rest[len(piece) :]
            self._position += len(piece)
            n -= len(piece)
            yield bytes(piece)

    def stray(self) -> int:
        """Bytes other than zero in all that is left."""
        rest = self._upto(1 << 62)
        return sum(len(chunk) - chunk.count(0) for chunk in rest)


def read_tar(
    chunks: Iterator[bytes], where: str, budget: Budget, wanted: Wanted, visit: Visit
) -> None:
    """Read a whole tar; visit the members that are wanted. :class:`Unsafe` at the first stop."""
    source = _Source(chunks, where)
    guard = NameGuard(where)
    try:
        archive = tarfile.TarFile(fileobj=cast(IO[bytes], source), tarinfo=_StrictTarInfo)
        info = archive.next()
    except EOFError as error:
        raise Unsafe("archive.truncated", where) from error
    except _BROKEN as error:
        raise Unsafe("archive.damaged", where, reason="a header is broken") from error
    while info is not None:
        budget.spend_entries(1, where)
        _read_member(source, info, guard, where, wanted, visit)
        vars(archive)["members"].clear()  # else tarfile keeps every member it has seen
        try:
            source.seek(info.offset_data + -(-info.size // _BLOCK) * _BLOCK)
            info = archive.next()
        except EOFError as error:
            raise Unsafe("archive.truncated", where) from error
        except _BROKEN as error:
            raise Unsafe("archive.damaged", where, reason="a header is broken") from error
    budget.warn_trailing(source.stray(), where)


def _read_member(
    source: _Source,
    info: tarfile.TarInfo,
    guard: NameGuard,
    where: str,
    wanted: Wanted,
    visit: Visit,
) -> None:
    name = info.name.removeprefix("./")
    inside = f"{where}!/{name}"
    if info.issym() or info.islnk():
        raise Unsafe("archive.link", inside)
    if info.issparse():
        raise Unsafe("archive.method", inside, method="sparse")
    if info.isdir():
        if name not in {"", "."}:
            guard.folder(name.removesuffix("/"))
        return
    if not info.isreg():
        raise Unsafe("archive.device", inside)
    if info.size < 0:
        raise Unsafe("archive.damaged", inside, reason="a file has a negative size")
    guard.file(name)
    content = source.take(info.size)
    if wanted(name):
        visit(Member(name, inside, lambda: content))
    for _ in content:
        pass
