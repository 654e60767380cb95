"""The actas' images that lie in archives: SHA-256 while they stream past, another hash on demand.

Nearly all institutes say SHA-256. MD5 and SHA-1 beside it tripled what a delivery of images costs,
for the few states whose actas say one of them; there the archives are read once more.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from prep_console.cuts import manifests
from prep_console.cuts.archives import (
    Kind,
    NoScratch,
    is_archive_name,
    kind_of,
    read_archive,
    taken_out,
)
from prep_console.cuts.folders import READ_ONLY
from prep_console.cuts.images import Image, is_image
from prep_console.cuts.members import Budget, Member, Unsafe
from prep_console.cuts.model import Limits

_USUAL = "sha256"
NAMES_HELD = 4 << 20
"""Bytes of names that need no disk."""
_LENGTH = 4
"""Bytes of a name's length."""

Again = Callable[[str, str], Sequence[bytes]]
"""Hashes a delivered file's images once more, by an algorithm, in the order of their coming."""


class ArchivedImages:
    """32 bytes for each, and its name in the file ``names``: an archive may hold 200,000, as
    objects a KiB each."""

    def __init__(self, names: IO[bytes]) -> None:
        self._archives: list[tuple[int, str]] = []
        """Each archive, and the number of its first image."""
        self._names = names
        """Each with its length in front: no byte may not be in one."""
        self._count = 0
        self._hashes = {_USUAL: bytearray()}
        """By algorithm; of all images, in the order in which they came."""
        self._counts: dict[str, int] = {}
        """Of each delivered file, archives in it and all, how many lie in it."""

    def add(self, file: str, archive: str, member: Member) -> None:
        """One image, read whole. ``file``: the delivered file around ``archive``."""
        made = _hash(member, _USUAL)  # first: of one that ends in Unsafe nothing is kept
        name = member.path.encode("utf-8", "surrogateescape")
        try:
            self._names.write(len(name).to_bytes(_LENGTH) + name)
        except OSError as error:
            raise NoScratch(*error.args) from error
        if not self._archives or self._archives[-1][1] != archive:
            self._archives.append((self._count, archive))
        self._hashes[_USUAL] += made
        self._count += 1
        self._counts[file] = self._counts.get(file, 0) + 1

    def each(self, again: Again) -> Iterator[Image]:
        """Every image; ``again`` is called where SHA-256 is not what is asked for."""
        archives = deque(self._archives)
        archive = ""
        self._names.seek(0)
        for number in range(self._count):
            if archives and archives[0][0] == number:
                archive = archives.popleft()[1]
            name = self._names.read(int.from_bytes(self._names.read(_LENGTH)))
            path = name.decode("utf-8", "surrogateescape")
            yield Image(f"{archive}!/{path}", partial(self._digest, again, number))

    def _digest(self, again: Again, number: int, algorithm: str) -> str:
        if algorithm not in self._hashes:
            self._hashes[algorithm] = self._made(again, algorithm)
        size = _size(algorithm)
        return self._hashes[algorithm][number * size : (number + 1) * size].hex()

    def _made(self, again: Again, algorithm: str) -> bytearray:
        """What can no longer be read is nobody's image: zeros."""
        size = _size(algorithm)
        made = bytearray()
        for file, count in self._counts.items():
            hashes = b"".join(again(file, algorithm))[: count * size]
            made += hashes.ljust(count * size, b"\0")
        return made


def hashed_again(
    path: Path, name: str, algorithm: str, limits: Limits, scratch: Path | None
) -> Sequence[bytes]:
    """The hash of each image in the archive at ``path``, as :class:`ArchivedImages` counts them.

    ``name``: what it was called when it was read first. OSError when it cannot be read.
    """
    made: list[bytes] = []
    budget = Budget(limits)

    def look(fd: int, kind: Kind | None, where: str) -> None:
        if kind is not None:
            read_archive(fd, kind, where, budget, _is_wanted, visit)

    def visit(member: Member) -> None:
        if is_image(member.path):
            made.append(_hash(member, algorithm))
            return
        with taken_out(member, scratch) as nested:
            look(nested.fd, kind_of(member.path, nested.head), member.where)

    fd = os.open(path, READ_ONLY)
    try:
        look(fd, kind_of(name, os.pread(fd, 512, 0)), name)
    except Unsafe:  # the first reading stopped there as well
        pass
    finally:
        os.close(fd)
    return made


def _is_wanted(path: str) -> bool:
    return is_image(path) or is_archive_name(path)


def _hash(member: Member, algorithm: str) -> bytes:
    return bytes.fromhex(manifests.digest_of(member.chunks(), (algorithm,))[algorithm])


def _size(algorithm: str) -> int:
    return hashlib.new(algorithm, usedforsecurity=False).digest_size
