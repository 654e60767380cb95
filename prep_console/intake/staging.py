"""Staging: a private copy of what came, hashed while it is copied.

What the institute's uid owns is copied, never linked or renamed: its open descriptors outlive a
rename. Files that the newest cut holds with the same bytes become links to our own sealed copy.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from prep_console import durable
from prep_console.cuts.archives import extract, is_archive_name
from prep_console.cuts.checks import finding
from prep_console.cuts.folders import kind_fault
from prep_console.cuts.model import Examination, Finding, Limits
from prep_console.decoding import decode
from prep_console.intake.push.tree import GONE, TEMPORARY, WORKING, looked
from prep_console.publication import store
from prep_console.publication.lock import process_start
from prep_console.publication.station import Station

FILES = "files"
RECORD = "delivery.json"
_CHUNK = 1 << 20
_LARGE = 4 << 20
"""Bytes that the disk may begin with while they are examined."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PLAIN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""Never blocks on a pipe that took the file's place."""
_count = itertools.count(1)


class Staged(msgspec.Struct, frozen=True):
    """A delivery in our own folder."""

    folder: Path
    """``staging/<delivery>``; the bytes lie under ``files/``."""
    content: Path
    """What to examine: the one file, or the folder of a tree."""
    known: Mapping[str, tuple[int, str]]
    """Relative path to (size, sha256)."""
    linked: frozenset[str]
    """Paths that are links to files of the newest cut."""
    tampered: tuple[str, ...]
    """Paths whose file in the newest cut no longer has its manifest's bytes; these here have."""
    findings: tuple[Finding, ...]
    """What staging itself refused: links, devices, too many bytes, still being written."""
    shape: str = ""
    """Of a tree, as it lay there when copying began (:class:`~.push.tree.Look`)."""


class Unpacked(msgspec.Struct, frozen=True):
    """A file out of a delivered archive that is itself the web site."""

    source: str
    """Relative to the delivery's staging folder."""
    path: str
    """Where it is served."""
    size: int
    sha256: str


class Delivery(msgspec.Struct, frozen=True):
    """A staged and examined delivery, as ``delivery.json`` keeps it while it waits."""

    id: str
    name: str
    source: str
    received_at: datetime
    verified_at: datetime
    examination: Examination
    tree: bool
    linked: frozenset[str] = msgspec.field(default_factory=frozenset)
    unpacked: tuple[Unpacked, ...] = ()


def new_folder(station: Station, prefix: str) -> Path:
    """A folder of our own under staging/, named after this process so that leftovers show."""
    pid = os.getpid()
    folder = station.staging / f"{prefix}-{pid}-{process_start(pid)}-{next(_count)}"
    folder.mkdir(mode=0o700)
    return folder


def linked_copy(station: Station, delivery: str) -> Path:
    """The same staged files under another name, so that a move of them has no moment without."""
    folder = new_folder(station, "q")
    shutil.copytree(
        station.staging / delivery, folder, copy_function=os.link, symlinks=True, dirs_exist_ok=True
    )
    return folder


def clear_leftovers(station: Station) -> None:
    """Delete what processes that are gone left under staging/, save the deliveries that wait.

    What waits is read last: whoever is gone by then has recorded it, so it is never taken away.
    """
    left = [entry for entry in os.scandir(station.staging) if not _in_work(entry.name)]
    if not left:
        return
    waiting = {w.delivery for w in station.state().waiting}
    for entry in left:
        if entry.name not in waiting:
            store.discard(Path(entry.path))


def _in_work(name: str) -> bool:
    """Whether the process that a folder under staging/ is named after still runs."""
    parts = name.split("-")
    if len(parts) != 4 or not parts[1].isdecimal():
        return False
    return str(process_start(int(parts[1]))) == parts[2]


def stage(
    station: Station,
    source: Path,
    limits: Limits,
    newest: str | None,
    *,
    base: Path | None = None,
) -> Staged:
    """Copy ``source`` (a file or a folder) to staging. OSError when it cannot be read or written.

    ``newest`` is the cut whose equal files are linked instead of copied. ``base`` is a folder
    above ``source`` in which others write: from there on no link is followed, not even one that
    takes a folder's place while we look.
    """
    folder = new_folder(station, "d")
    files = folder / FILES
    files.mkdir(mode=0o700)
    copier = _Copier(station, files, limits, newest)
    shape = ""
    try:
        if source.is_dir() and not source.is_symlink():
            shape = _take_tree(source, copier, coming=base is not None)
            content = files
        else:
            content = files / source.name
            parent = open_folder(source.parent, base)
            try:
                copier.take(parent, source.name, source.name)
            finally:
                os.close(parent)
    except BaseException:
        store.discard(folder)
        raise
    return Staged(
        folder,
        content,
        copier.known,
        frozenset(copier.linked),
        tuple(copier.tampered),
        tuple(copier.findings),
        shape,
    )


def _take_tree(source: Path, copier: _Copier, *, coming: bool) -> str:
    """Every file beneath ``source`` in order; the shape of the tree before.

    Then all of it is looked at again: what moved, came or went meanwhile may be of two cuts.
    ``coming``: others write there; what has rsync's temporary names is no part of it, and what is
    gone when its turn comes has moved.
    """
    before = looked(source).shape
    try:
        _copy_tree(source, copier, coming=coming)
    except OSError as error:
        if not coming or error.errno not in GONE:
            raise
        copier.findings.append(finding("delivery.changed", source.name))
        return before
    moved = next((p for p, shape in copier.shapes.items() if _shape_of(source / p) != shape), None)
    if moved is not None or looked(source).shape != before:
        copier.findings.append(finding("delivery.changed", moved or source.name))
    return before


def _copy_tree(source: Path, copier: _Copier, *, coming: bool) -> None:
    """Each file is opened through its folder's descriptor. OSError when one cannot be read."""

    def unread(error: OSError) -> None:
        raise error

    for here, folders, names, descriptor in os.fwalk(source, onerror=unread):
        inside = os.path.relpath(here, source)
        prefix = "" if inside == "." else f"{inside}/"
        if coming:
            folders[:] = [name for name in folders if name not in WORKING]
        folders.sort()
        for name in sorted([*folders, *names]):
            if coming and TEMPORARY.fullmatch(name) and name not in folders:
                continue
            if name in folders and not stat.S_ISLNK(_mode(name, descriptor)):
                (copier.target / prefix / name).mkdir(mode=0o755)
            else:
                copier.take(descriptor, name, prefix + name)


Shape = tuple[int, int, int, int]
"""Inode, size, mtime and ctime in nanoseconds."""


def _shape(status: os.stat_result) -> Shape:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _shape_of(path: Path) -> Shape | None:
    try:
        return _shape(path.lstat())
    except OSError:
        return None


def _mode(name: str, folder: int) -> int:
    return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode


def open_folder(folder: Path, base: Path | None) -> int:
    """A descriptor of ``folder``, reached from ``base`` without following a link."""
    if base is None or not folder.is_relative_to(base):
        return os.open(folder, _FOLDER)
    descriptor = os.open(base, _FOLDER)
    for part in folder.relative_to(base).parts:
        try:
            inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def unpack(staged: Staged, limits: Limits) -> tuple[Unpacked, ...]:
    """The content of every delivered archive, for institutes that deliver the site as one.

    A single folder around everything is taken off: the site's own first page lies inside it.
    Unsafe when an archive is; OSError when the disk says no.
    """
    found: list[Unpacked] = []
    archives = [path for path in sorted(staged.known) if is_archive_name(path)]
    for number, path in enumerate(archives, 1):
        inside = f"unpacked/{number}"
        target = staged.folder / inside
        target.mkdir(mode=0o700, parents=True)
        written = extract(staged.folder / FILES / path, target, limits, name=path)
        tops = {file.path.partition("/")[0] for file in written}
        around = f"{tops.pop()}/" if len(tops) == 1 else ""
        if not all(file.path.startswith(around) for file in written):
            around = ""
        for file in written:
            (target / file.path).chmod(0o444)
            found.append(
                Unpacked(
                    f"{inside}/{file.path}",
                    file.path.removeprefix(around),
                    file.size,
                    file.sha256,
                )
            )
    return tuple(found)


def keep(folder: Path, delivery: Delivery) -> None:
    """Write ``delivery.json``, so that the delivery can wait for its cut."""
    durable.write_file(folder / RECORD, msgspec.json.encode(delivery), mode=0o600)


def kept(station: Station, delivery: str) -> Delivery:
    """Read a waiting delivery again. OSError, ValueError when it is not there."""
    raw = (station.staging / delivery / RECORD).read_bytes()
    return decode(raw, Delivery)


def is_whole(station: Station, delivery: Delivery) -> bool:
    """Whether every file of a waiting delivery is there with its size. OSError when one is not."""
    files = station.staging / delivery.id / FILES
    return all((files / f.path).lstat().st_size == f.size for f in delivery.examination.files)


_MOST_TOLD = 20
"""Findings of one check."""


class _Copier:
    """Takes one file after another into ``target``, counting what they come to."""

    def __init__(self, station: Station, target: Path, limits: Limits, newest: str | None) -> None:
        self.target = target
        self.known: dict[str, tuple[int, str]] = {}
        self.linked: set[str] = set()
        self.tampered: list[str] = []
        self.findings: list[Finding] = []
        self.shapes: dict[str, Shape] = {}
        """As each file was while it was copied."""
        self._station = station
        self._limits = limits
        self._newest = newest
        self._sealed = store.known_files(station, newest)
        self._bytes = 0
        self._entries = 0

    def take(self, folder: int, name: str, path: str) -> None:
        """Copy one file, or link it when the newest cut holds the same bytes under the same path.

        A bound that is passed is a finding, and nothing more is copied. What is no plain file is
        a finding too.
        """
        limits = self._limits
        self._entries += 1
        if self._entries > limits.max_entries:
            self._once(finding("archive.entries", limit=limits.max_entries))
            return
        mode = _mode(name, folder)
        odd = "delivery.changed" if stat.S_ISDIR(mode) else kind_fault(mode)
        if odd is not None:
            self._once(finding(odd, path))
            return
        descriptor = os.open(name, _PLAIN, dir_fd=folder)
        try:
            before = os.fstat(descriptor)
            if self._bytes + before.st_size > limits.max_total_bytes:
                self._once(finding("archive.size", limit=limits.max_total_bytes))
                return
            size, sha256 = self._copied(descriptor, before.st_size, path)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if _shape(before) != _shape(after) or size != before.st_size:
            self.findings.append(finding("delivery.changed", path))
        self.known[path] = (size, sha256)
        self.shapes[path] = _shape(before)
        self._bytes += size

    def _once(self, found: Finding) -> None:
        """Of one check no more than are told: a tree may hold links by the hundred thousand."""
        same = [one for one in self.findings if one.check == found.check]
        if len(same) < _MOST_TOLD and found not in same:
            self.findings.append(found)

    def _copied(self, descriptor: int, size: int, path: str) -> tuple[int, str]:
        sealed = self._sealed.get(path)
        if sealed is not None and sealed[0] == size and self._newest is not None:
            own = store.sealed_path(self._station, self._newest, path)
            sha256, same = store.compared(descriptor, own, size)
            if same and sha256 == sealed[1]:
                os.link(own, f"{self.target}/{path}", follow_symlinks=False)
                self.linked.add(path)
                return size, sha256
            os.lseek(descriptor, 0, os.SEEK_SET)
        size, sha256 = _copy(descriptor, self.target / path, size + 1)
        if (size, sha256) == sealed:
            self.tampered.append(path)
        return size, sha256


def _copy(source: int, target: Path, most: int) -> tuple[int, str]:
    """Bytes and SHA-256 of what was copied, up to ``most``; the copy is read-only."""
    sha256 = hashlib.sha256()
    size = 0
    descriptor = os.open(
        target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o444
    )
    try:
        os.fchmod(descriptor, 0o444)
        while size < most and (chunk := os.read(source, _CHUNK)):
            sha256.update(chunk)
            durable.write_all(descriptor, chunk)
            size += len(chunk)
        if size >= _LARGE:
            durable.start_flush(descriptor)
    finally:
        os.close(descriptor)
    return size, sha256.hexdigest()
