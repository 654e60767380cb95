"""Names inside a delivery that are safe to write, to serve and to show."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from prep_console.cuts.members import Unsafe

_NAME_BYTES = 255
"""What one name may have on the file systems that could hold it (NAME_MAX)."""
_PATH_BYTES = 1024
_DRIVE = re.compile(r"[A-Za-z]:")
_PLAIN_PART = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9_.+@,=() -]{1,255}"
_PLAIN = re.compile(f"{_PLAIN_PART}(?:/{_PLAIN_PART})*", re.ASCII)
"""The names that nearly all entries have: nothing more need be asked of one that matches."""


def name_fault(path: str) -> str | None:
    """The check that a file's path fails (``archive.path``, ``archive.name``), or None."""
    if len(path) <= _NAME_BYTES and _PLAIN.fullmatch(path):
        return None
    try:
        encoded = path.encode()
    except UnicodeEncodeError:  # lone surrogates: bytes that are no UTF-8
        return "archive.name"
    if any(_controls(character) for character in path):
        return "archive.name"
    if "\\" in path or path.startswith("/") or _DRIVE.match(path):
        return "archive.path"
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "archive.path"
    if len(encoded) > _PATH_BYTES or any(len(part.encode()) > _NAME_BYTES for part in parts):
        return "archive.name"
    return None


def _controls(character: str) -> bool:
    """Whether it steers a terminal or the direction of writing instead of being seen."""
    return unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"}


def folded(path: str) -> str:
    """The same for all spellings that a file system may take for one (case, accents)."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


class NameGuard:
    """The names of one archive: each once, none differing only in case, none file and folder.

    Of each name two hashes are kept and not the name: an archive may hold 200,000 of 255 bytes.
    They are Python's own, keyed anew in each process, so nobody can make two names meet.
    """

    def __init__(self, where: str, seen: Callable[[], Iterable[str]] = tuple) -> None:
        """``seen``: the names so far, read once more to say which one another looks like."""
        self._where = where
        self._seen = seen
        self._files: dict[int, int] = {}
        """Of the folded name to that of the name as it is written."""
        self._folders: dict[int, int] = {}

    def file(self, path: str) -> None:
        """Take note of a file; :class:`Unsafe` when its name cannot be taken."""
        self._sane(path)
        key, written = _hashes(path)
        known = self._files.get(key)
        if known == written:
            raise Unsafe("archive.duplicate", self._at(path))
        if known is not None:
            raise Unsafe("archive.case", self._at(path), other=self._like(path))
        if key in self._folders:
            raise Unsafe("archive.collision", self._at(path))
        self._files[key] = written
        self._folder(path.rpartition("/")[0])

    def folder(self, path: str) -> None:
        """Take note of a folder; the same one may come again."""
        self._sane(path)
        self._folder(path)

    def _folder(self, path: str) -> None:
        while path:
            key, written = _hashes(path)
            known = self._folders.get(key)
            if known == written:
                return
            if known is not None:
                raise Unsafe("archive.case", self._at(path), other=self._like(path))
            if key in self._files:
                raise Unsafe("archive.collision", self._at(path))
            self._folders[key] = written
            path = path.rpartition("/")[0]

    def _like(self, path: str) -> str:
        """The name that came before and differs from ``path`` in its spelling only."""
        key, depth = folded(path), path.count("/") + 1
        for name in self._seen():
            other = "/".join(name.split("/")[:depth])
            if other != path and folded(other) == key:
                return other
        return key

    def _sane(self, path: str) -> None:
        fault = name_fault(path)
        if fault is not None:
            raise Unsafe(fault, self._at(path))

    def _at(self, path: str) -> str:
        return f"{self._where}!/{path}"


def _hashes(path: str) -> tuple[int, int]:
    """Of the folded name and of the name as it is written; one object when they are the same."""
    key = folded(path)
    folded_hash = hash(key)
    return folded_hash, folded_hash if key == path else hash(path)
