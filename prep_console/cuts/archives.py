"""Archives of every kind that institutes send, read as they lie: nothing is unpacked to disk.

:func:`read_archive` verifies every byte of an archive and shows the wanted members to a visitor;
an archive inside one is read the same way from a file without a name (:func:`taken_out`);
:func:`extract` writes a verified archive's members beneath a private folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile

import msgspec

from prep_console import durable
from prep_console.cuts.inflate import gunzip
from prep_console.cuts.members import Budget, Member, Unsafe, Visit, Wanted, chunks_of
from prep_console.cuts.model import DeliveredFile, Limits
from prep_console.cuts.tars import read_tar
from prep_console.cuts.zips import read_zip

SUFFIXES = (".zip", ".tar.gz", ".tgz", ".tar")
"""Names of the archives that are looked into."""


class Kind(StrEnum):
    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"


def kind_of(name: str, head: bytes) -> Kind | None:
    """What an archive is by its first bytes, and by its name where these say nothing."""
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08")):
        return Kind.ZIP
    if head.startswith(b"\x1f\x8b"):
        return Kind.GZIP
    if head[257:262] == b"ustar":
        return Kind.TAR
    if not is_archive_name(name):
        return None
    lower = name.lower()
    return Kind.ZIP if lower.endswith(".zip") else Kind.TAR if lower.endswith(".tar") else Kind.GZIP


def is_archive_name(name: str) -> bool:
    """Whether a file of this name is looked into as an archive."""
    return name.lower().endswith(SUFFIXES)


def read_archive(
    fd: int, kind: Kind, where: str, budget: Budget, wanted: Wanted, visit: Visit
) -> None:
    """Verify every byte of the archive open as ``fd``; visit the members that are wanted.

    Raises :class:`Unsafe` at the first stop; oddities go to ``budget.warnings``.
    """
    if kind is Kind.ZIP:
        read_zip(fd, where, budget, wanted, visit)
        return
    packed = chunks_of(fd)
    if kind is Kind.GZIP:
        unpacked = gunzip(packed, where, budget)
        read_tar(_counted(unpacked, fd, where, budget), where, budget, wanted, visit)
    else:
        read_tar(_counted(packed, fd, where, budget), where, budget, wanted, visit)


def _counted(chunks: Iterator[bytes], fd: int, where: str, budget: Budget) -> Iterator[bytes]:
    """The chunks as they are, charged to the budget before they go on."""
    packed = os.fstat(fd).st_size
    unpacked = 0
    for chunk in chunks:
        unpacked += len(chunk)
        budget.spend_bytes(len(chunk), where)
        budget.check_ratio(unpacked, packed, where)
        yield chunk


class Nested(msgspec.Struct, frozen=True):
    """An archive taken out of another one, in a file that has no name and goes with us."""

    fd: int
    sha256: str
    head: bytes


class NoScratch(OSError):
    """This machine has no room for a nested archive, which says nothing about the delivery."""


@contextlib.contextmanager
def taken_out(member: Member, scratch: Path | None) -> Iterator[Nested]:
    """A nested archive in an anonymous file in ``scratch`` (default: the system's folder)."""
    with contextlib.ExitStack() as stack:
        digest = hashlib.sha256()
        try:
            file = stack.enter_context(TemporaryFile(dir=scratch, buffering=0))
            for chunk in member.chunks():
                digest.update(chunk)
                durable.write_all(file.fileno(), chunk)
        except OSError as error:
            raise NoScratch(*error.args) from error
        yield Nested(file.fileno(), digest.hexdigest(), os.pread(file.fileno(), 512, 0))


def extract(
    path: Path, into: Path, limits: Limits, *, name: str | None = None
) -> tuple[DeliveredFile, ...]:
    """Write the archive's members beneath ``into``, a folder that only we can write to.

    Every check of :func:`read_archive` holds; :class:`Unsafe` leaves what was written so far to
    the caller, who throws the folder away. Nested archives are written as they are. OSError
    when the disk says no. Nothing is synced here.
    """
    where = name or path.name
    writer = _Writer(into)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            kind = kind_of(where, os.pread(fd, 512, 0))
            if kind is None:
                raise Unsafe("delivery.type", where)
            read_archive(fd, kind, where, Budget(limits), lambda _: True, writer.write)
        finally:
            os.close(fd)
    finally:
        writer.close()
    return tuple(writer.written)


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class _Writer:
    """Creates files beneath one folder through its descriptor: no link can lead it astray."""

    def __init__(self, into: Path) -> None:
        self._root = os.open(into, _FOLDER)
        self._folder = ""
        self._fd = os.dup(self._root)
        self.written: list[DeliveredFile] = []

    def write(self, member: Member) -> None:
        folder, _, name = member.path.rpartition("/")
        if folder != self._folder:
            self._enter(folder)
        digest = hashlib.sha256()
        size = 0
        fd = os.open(name, _NEW_FILE, 0o644, dir_fd=self._fd)
        try:
            for chunk in member.chunks():
                digest.update(chunk)
                durable.write_all(fd, chunk)
                size += len(chunk)
        finally:
            os.close(fd)
        self.written.append(DeliveredFile(member.path, size, digest.hexdigest()))

    def _enter(self, folder: str) -> None:
        fd = os.dup(self._root)
        for part in folder.split("/") if folder else ():
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=fd)
            try:
                deeper = os.open(part, _FOLDER, dir_fd=fd)
            finally:
                os.close(fd)
            fd = deeper
        os.close(self._fd)
        self._fd, self._folder = fd, folder

    def close(self) -> None:
        os.close(self._fd)
        os.close(self._root)
