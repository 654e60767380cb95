"""Reading the live cut again, slowly and without end: what lies on the disk is what was sealed.

Bytes rot and somebody may write to them. Every byte is read within an hour; names, sizes, dates,
owners and permissions are looked at far more often, and what looks touched is read at once. Finding
is all that happens here: :mod:`prep_console.publication.repair` puts right.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import msgspec

from prep_console.publication.manifest import SealedFile
from prep_console.publication.permissions import file_is_sealed, folder_is_sealed

PASS_S = 3600.0
"""Within which every byte is read again."""
_HASTE = 1.15
"""Somewhat faster, so that a pass ends in time although the machine is busy now and then."""
_PER_FILE = 16 * 1024
"""Bytes that opening a file counts for."""
_CHUNK = 256 * 1024
_URGENT = 8 << 20
"""Bytes of what looks touched that are read in one go, beside the pace."""


class Wrong(msgspec.Struct, frozen=True):
    """What is not as sealed, as paths under ``site/``."""

    files: frozenset[str] = frozenset()
    """Changed, missing, no plain file, or with another owner or other permissions."""
    strange: frozenset[str] = frozenset()
    """There, and neither in the manifest nor a folder that it needs."""
    folders: frozenset[str] = frozenset()
    """Writable or owned by somebody else; '' is ``site/`` itself."""

    def __bool__(self) -> bool:
        return bool(self.files or self.strange or self.folders)


NOTHING_WRONG = Wrong()


class Rereading:
    """One sealed cut that is read again and again. Opens nothing but what it reads."""

    def __init__(
        self, site: Path, files: Mapping[str, SealedFile], known: Collection[str] = ()
    ) -> None:
        """``known``: hashes whose bytes were read a moment ago, in the cut before; read last."""
        self._site = site
        self._files = files
        self._marks: dict[str, tuple[int, ...]] = {}
        self._links: dict[str, int] = {}
        self._urgent: deque[str] = deque()
        self._bad: set[str] = set()
        self._unsealed: set[str] = set()
        self._strange: frozenset[str] = frozenset()
        self._folders: frozenset[str] = frozenset()
        self.bytes = sum(file.size for file in files.values())
        self.checked = 0
        """Files read in this pass."""
        self.files = len(files)
        self.passes = 0
        self._order = sorted(files, key=lambda path: files[path].sha256 in known)
        self._parents = {
            "",
            *(str(above) for path in files for above in PurePosixPath(path).parents),
        }
        self._reading = self._endless()
        self._allowed = 0.0

    @property
    def pace(self) -> float:
        """Bytes per second, each file counting for a little more than it holds."""
        return _HASTE * (self.bytes + self.files * _PER_FILE) / PASS_S

    @property
    def wrong(self) -> Wrong:
        files = frozenset(self._bad | self._unsealed)
        return Wrong(files, self._strange, self._folders)

    def read_on(self, seconds: float) -> None:
        """Read what is due after ``seconds`` more, and what looks touched."""
        urgent = _URGENT
        while self._urgent and urgent > 0:
            urgent -= sum(self._read(self._urgent.popleft()))
        most = max(self.pace * 60.0, _CHUNK)  # after a standstill it does not make up for hours
        self._allowed = min(self._allowed + self.pace * seconds, most)
        passes = self.passes
        while self._allowed > 0 and self.files and self.passes == passes:
            self._allowed -= next(self._reading)

    def look_over(self) -> None:
        """Names, sizes, dates, owners and permissions of everything; ask what was touched."""
        strange: set[str] = set()
        folders: set[str] = set()
        seen: set[str] = set()
        for path, status in _entries(self._site):
            if path in self._parents and stat.S_ISDIR(status.st_mode):
                if not folder_is_sealed(status):
                    folders.add(path)
            elif path in self._files:
                seen.add(path)
                self._judge(path, status)
            else:
                strange.add(path)
        self._strange, self._folders = frozenset(strange), frozenset(folders)
        gone = self._files.keys() - seen
        self._bad |= gone
        self._unsealed -= gone

    def read_again(self, paths: Iterable[str]) -> None:
        """Read these at once: they were put right."""
        self._urgent.extend(path for path in paths if path in self._files)

    def _judge(self, path: str, status: os.stat_result) -> None:
        (self._unsealed.discard if file_is_sealed(status) else self._unsealed.add)(path)
        mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_uid)
        before = self._marks.get(path)
        touched = before is not None and before != (*mark, status.st_ctime_ns)
        if (touched or status.st_size != self._files[path].size) and path not in self._urgent:
            # another cut that shares the file, or gave it back, moves its ctime as well: it waits
            shared = self._links.get(path) != status.st_nlink
            (self._urgent.append if shared else self._urgent.appendleft)(path)
        self._marks[path] = (*mark, status.st_ctime_ns)
        self._links[path] = status.st_nlink

    def _endless(self) -> Iterator[int]:
        while True:
            self.checked = 0
            for path in self._order:
                yield _PER_FILE
                yield from self._read(path)
                self.checked += 1
            self.passes += 1
            yield 0

    def _read(self, path: str) -> Iterator[int]:
        """Read one file in bounded chunks, telling how many bytes each had."""
        file = self._files[path]
        found, size = hashlib.sha256(), 0
        try:
            descriptor = os.open(
                self._site / path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            )
        except OSError:
            self._bad.add(path)
            return
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                while size <= file.size and (chunk := os.read(descriptor, _CHUNK)):
                    size += len(chunk)
                    found.update(chunk)
                    yield len(chunk)
        except OSError:
            size = -1
        finally:
            os.close(descriptor)
        if size == file.size and found.hexdigest() == file.sha256:
            self._bad.discard(path)
        else:
            self._bad.add(path)


def _entries(site: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Everything under ``site``, itself first as '', links not followed. Gone: nothing of it."""
    try:
        yield "", os.lstat(site)
    except OSError:
        return
    folders = [""]
    while folders:
        inside = folders.pop()
        try:
            with os.scandir(site / inside) as entries:
                for entry in entries:
                    path = f"{inside}/{entry.name}" if inside else entry.name
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    yield path, status
                    if stat.S_ISDIR(status.st_mode):
                        folders.append(path)
        except OSError:
            continue
