"""Good copies of a sealed file: where they may be, and copying one without believing it.

A copy may change while it is read (the institute writes the drop folder), so what is hashed is
what was copied, in one go.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from prep_console import durable
from prep_console.publication import rules, store
from prep_console.publication.manifest import SealedFile
from prep_console.publication.station import Station

_CHUNK = 1 << 20
_UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What a source may answer that is gone, damaged or no archive."""

Candidate = Callable[[], IO[bytes]]
"""Opens what may be a good copy; fails with one of the errors above."""


def candidates(
    station: Station, cut: str, path: str, file: SealedFile, elsewhere: Sequence[Path]
) -> Iterator[Candidate]:
    """The nearest first: the file itself, other cuts, archived nights, the folders ``elsewhere``.

    In these also the members of zip archives. The quarantine is none of them.
    """
    yield partial(_plain, station.cuts / cut / store.SITE / path)  # only its owner is wrong
    for other in reversed(rules.stored(station.state())):
        if other.id != cut:
            for name, (_, known) in store.known_files(station, other.id).items():
                if known == file.sha256:
                    yield partial(_plain, station.cuts / other.id / store.SITE / name)
    for kept in sorted(station.root.glob(f"archive/*/cuts/*/{store.SITE}"), reverse=True):
        yield partial(_plain, kept / path)
    name = Path(path).name
    for folder in elsewhere:
        for here, _, names in os.walk(folder):
            if name in names:
                yield partial(_plain, Path(here, name))
            for archive in names:
                if archive.lower().endswith(".zip"):
                    yield from _members(Path(here, archive), name, file.size)


def copied(candidate: Candidate, target: Path, file: SealedFile) -> bool:
    """Whether ``target`` now holds the sealed bytes, read-only and flushed.

    OSError when it cannot be written.
    """
    try:
        source = candidate()
    except _UNREADABLE:
        return False
    found, size = hashlib.sha256(), 0
    with source, target.open("wb", buffering=0) as written:
        while size <= file.size:
            try:
                chunk = source.read(_CHUNK)
            except _UNREADABLE:
                return False
            if not chunk:
                break
            size += len(chunk)
            found.update(chunk)
            durable.write_all(written.fileno(), chunk)
        if size != file.size or found.hexdigest() != file.sha256:
            return False
        os.fchmod(written.fileno(), 0o444)
        os.fsync(written.fileno())
    return True


def _plain(path: Path) -> IO[bytes]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no plain file")
    return os.fdopen(descriptor, "rb", buffering=0)


def _members(archive: Path, name: str, size: int) -> Iterator[Candidate]:
    """Files of that name and size inside a zip archive; none when it cannot be read."""
    with (
        suppress(*_UNREADABLE),
        _plain(archive) as file,
        zipfile.ZipFile(file) as opened,
    ):
        for member in opened.infolist():
            if member.filename.rpartition("/")[2] == name and member.file_size == size:
                yield partial(opened.open, member)
