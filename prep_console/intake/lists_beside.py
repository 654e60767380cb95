"""The lists of hashes that lie beside a delivered archive, as ``X.zip.sha256`` beside ``X.zip``."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path

from prep_console.cuts.manifests import beside, sidecars
from prep_console.cuts.model import Examination
from prep_console.values import replace
from prep_console.wording import visible


def lists_beside(path: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Which there are, each by name, inode, time and size: another answer is to be read anew."""
    found = []
    for listing in sidecars(path):
        with suppress(OSError):  # it went meanwhile
            status = listing.lstat()
            found.append((listing.name, status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)


def with_lists_beside(examination: Examination, path: Path, content: Path) -> Examination:
    """Held against the lists of hashes that lie beside a delivered archive, if there are any.

    ``content``: the bytes that were examined.
    """
    if len(examination.files) != 1 or not content.is_file():
        return examination
    (file,) = examination.files

    @cache
    def digest(algorithm: str) -> str:
        if algorithm == "sha256":
            return file.sha256
        with content.open("rb") as stream:
            return hashlib.file_digest(stream, algorithm).hexdigest()

    found = [replace(f, where=visible(f.where)) for f in beside(path, digest)]
    return replace(examination, findings=(*examination.findings, *found))
