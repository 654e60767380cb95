"""What lies inside the archives of a sealed cut, opened again to compare it with another one.

For what was examined before it was sealed: nothing here guards against hostile archives.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from prep_console.cuts.archives import is_archive_name
from prep_console.cuts.images import is_image

_SPOOLED_BYTES = 16 * 1024 * 1024
_CHUNK = 1024 * 1024

Print = tuple[int, int]
"""Size and CRC-32: what a zip's table says of each file, so that none need be unpacked."""


@contextmanager
def opened(folder: Path, where: str) -> Iterator[BinaryIO]:
    """The file at ``where`` (``a.zip!/b.zip!/X.csv``) of a sealed cut's folder.

    Raises OSError, KeyError when an archive has no such member, ValueError when one is damaged.
    """
    outer, *inner = where.split("!/")
    with _damage_told(), (folder / outer).open("rb") as file, _inside(file, inner) as stream:
        yield stream


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        raise ValueError(f"the archive is damaged: {error}") from error


@contextmanager
def _inside(archive: BinaryIO, names: list[str]) -> Iterator[BinaryIO]:
    if not names:
        yield archive
        return
    with _member(archive, names[0]) as member:
        if len(names) == 1:
            yield member
            return
        # An archive is read back and forth: from a file, since a packed stream starts over.
        with tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES) as spool:
            shutil.copyfileobj(member, spool)
            spool.seek(0)
            with _inside(cast(BinaryIO, spool), names[1:]) as stream:
                yield stream


@contextmanager
def _member(archive: BinaryIO, name: str) -> Iterator[BinaryIO]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped, zipped.open(name) as member:
            yield cast(BinaryIO, member)
        return
    archive.seek(0)
    with tarfile.open(fileobj=archive) as packed:
        extracted = packed.extractfile(name)
        if extracted is None:
            raise KeyError(name)
        with extracted:
            yield cast(BinaryIO, extracted)


def images(folder: Path, path: str) -> dict[str, Print]:
    """The images in one archive of a sealed cut's folder, by where they lie.

    A zip costs its table; a tar, and an archive inside another one, costs its bytes. OSError,
    ValueError, KeyError when it is no longer what was sealed.
    """
    found: dict[str, Print] = {}
    with _damage_told(), (folder / path).open("rb") as file:
        _images(file, path, found)
    return found


def _images(archive: BinaryIO, where: str, found: dict[str, Print]) -> None:
    if zipfile.is_zipfile(archive):
        _of_zip(archive, where, found)
    else:
        archive.seek(0)
        _of_tar(archive, where, found)


def _of_zip(archive: BinaryIO, where: str, found: dict[str, Print]) -> None:
    with zipfile.ZipFile(archive) as zipped:
        for entry in zipped.infolist():
            inner = f"{where}!/{entry.filename}"
            if is_image(entry.filename):
                found[inner] = entry.file_size, entry.CRC
            elif is_archive_name(entry.filename):
                with zipped.open(entry) as member:
                    _of_nested(cast(BinaryIO, member), inner, found)


def _of_tar(archive: BinaryIO, where: str, found: dict[str, Print]) -> None:
    with tarfile.open(fileobj=archive) as packed:
        for entry in packed:
            inner = f"{where}!/{entry.name.removeprefix('./')}"
            member = packed.extractfile(entry)
            if member is None:
                continue
            with member:
                if is_image(entry.name):
                    found[inner] = entry.size, _crc(cast(BinaryIO, member))
                elif is_archive_name(entry.name):
                    _of_nested(cast(BinaryIO, member), inner, found)


def _of_nested(member: BinaryIO, where: str, found: dict[str, Print]) -> None:
    with tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES) as spool:
        shutil.copyfileobj(member, spool, _CHUNK)
        spool.seek(0)
        _images(cast(BinaryIO, spool), where, found)


def _crc(stream: BinaryIO) -> int:
    crc = 0
    while chunk := stream.read(_CHUNK):
        crc = zlib.crc32(chunk, crc)
    return crc
