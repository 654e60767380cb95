"""Walking a delivered folder tree without ever following a link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from prep_console.cuts.checks import finding
from prep_console.cuts.entry_names import folded, name_fault
from prep_console.cuts.members import Unsafe
from prep_console.cuts.model import Finding, Limits

_DEEPEST = 40
"""Folders in folders: each holds a descriptor while it is walked."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Never through a link, and never waiting for a pipe's other end."""
OURS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})
"""Errors that say something about this machine and nothing about the delivery."""


class LooseFile(msgspec.Struct, frozen=True):
    """A regular file of the tree, to be opened while the walk stands at it."""

    path: str
    """Relative to the tree, with ``/``."""
    size: int
    open_fd: Callable[[], int]
    """A new descriptor; the caller closes it. OSError when it cannot be read."""


@contextmanager
def opened(file: LooseFile) -> Iterator[int]:
    """The file's descriptor, closed afterwards."""
    fd = file.open_fd()
    try:
        yield fd
    finally:
        os.close(fd)


def kind_fault(mode: int) -> str | None:
    """The check that an entry of this ``st_mode`` fails: only files and folders may come."""
    if stat.S_ISLNK(mode):
        return "archive.link"
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "archive.device"


def walk(root: Path, limits: Limits, findings: list[Finding]) -> Iterator[LooseFile]:
    """Every regular file, in the order of the names; whatever else lies there is a finding.

    Raises :class:`Unsafe` when there are more files or bytes than the limits allow, OSError when
    the root itself cannot be read or the error is one of ours.
    """
    total = 0
    files = _Walk(findings).folder(os.open(root, _FOLDER & ~os.O_NOFOLLOW), "", 0)
    for entries, file in enumerate(files, 1):
        total += file.size
        if entries > limits.max_entries:
            raise Unsafe("archive.entries", "", limit=limits.max_entries)
        if total > limits.max_total_bytes:
            raise Unsafe("archive.size", "", limit=limits.max_total_bytes)
        yield file


class _Walk:
    def __init__(self, findings: list[Finding]) -> None:
        self._findings = findings

    def folder(self, fd: int, prefix: str, depth: int) -> Iterator[LooseFile]:
        """Yields from one open folder, which it closes."""
        try:
            if depth > _DEEPEST:
                self._note("archive.nesting", prefix, limit=_DEEPEST)
                return
            with os.scandir(fd) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
            self._compare([prefix + entry.name for entry in entries])
            for entry in entries:
                yield from self._entry(fd, entry, prefix + entry.name, depth)
        finally:
            os.close(fd)

    def _entry(
        self, fd: int, entry: os.DirEntry[str], path: str, depth: int
    ) -> Iterator[LooseFile]:
        fault = name_fault(entry.name)
        if fault is not None:
            self._note(fault, path)
            return
        if entry.name.startswith("."):
            self._findings.append(finding("name.reserved", path))
        try:
            status = entry.stat(follow_symlinks=False)
            if (odd := kind_fault(status.st_mode)) is not None:
                self._note(odd, path)
            elif stat.S_ISDIR(status.st_mode):
                inner = os.open(entry.name, _FOLDER, dir_fd=fd)
                yield from self.folder(inner, f"{path}/", depth + 1)
            else:
                yield LooseFile(
                    path, status.st_size, lambda: os.open(entry.name, READ_ONLY, dir_fd=fd)
                )
        except OSError as error:
            if error.errno in OURS:
                raise
            self._note("delivery.unreadable", path, reason=error.strerror or str(error))

    def _compare(self, paths: list[str]) -> None:
        """Warn of names in one folder that a visitor on another system could not tell apart."""
        seen: dict[str, str] = {}
        for path in paths:
            other = seen.setdefault(folded(path), path)
            if other != path:
                self._findings.append(finding("name.collision", path, other=other))

    def _note(self, check: str, where: str, **values: int | str) -> None:
        self._findings.append(finding(check, where, **values))
