"""Examining a delivery: what it holds and what is wrong with it, without changing anything.

Every shape that institutes use is the same to the reader: a tree of places (folders, archives,
archives in archives) in which results CSVs and site JSON lie. :func:`examine` walks it once,
reading every byte of every archive, and :mod:`prep_console.cuts.parts` draws the conclusions.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from io import BufferedReader
from pathlib import Path
from tempfile import SpooledTemporaryFile

from prep_console.cuts import candidates, manifests, results
from prep_console.cuts.archived_images import NAMES_HELD, ArchivedImages, hashed_again
from prep_console.cuts.archives import (
    Kind,
    NoScratch,
    is_archive_name,
    kind_of,
    read_archive,
    taken_out,
)
from prep_console.cuts.checks import finding
from prep_console.cuts.evidence import Alien, Evidence, FoundJson, FoundResults, Place
from prep_console.cuts.folders import OURS, READ_ONLY, LooseFile, opened, walk
from prep_console.cuts.images import Image, is_image, reconcile
from prep_console.cuts.members import CHUNK, Budget, Member, Unsafe, chunks_of, stream_of
from prep_console.cuts.model import DeliveredFile, Examination, Expectations, Finding, Limits
from prep_console.cuts.names import FileName, read_name
from prep_console.cuts.parts import conclude
from prep_console.cuts.site_json import LARGEST, looks_like_site_json, read_site_json

_HEAD = 1 << 16
_SAME = 20
"""Findings of one check that are told in full; a tree of links has as many as it has files."""


def examine(
    path: Path,
    *,
    name: str | None = None,
    expectations: Expectations,
    limits: Limits,
    scratch: Path | None = None,
    known: Mapping[str, tuple[int, str]] | None = None,
) -> Examination:
    """Read a delivery whole and say what it holds.

    ``name`` is what the institute called it, when that is not the path's own name. ``known``
    maps delivered paths to the size and SHA-256 that were computed while they were staged.
    Nested archives pass through files without a name in ``scratch``. Whatever a delivery holds
    ends up in the findings; OSError is raised when ``path`` itself cannot be read, or when this
    machine lacks the room or the descriptors to do so, or its disk fails.
    """
    name = name or path.absolute().name
    room = None if scratch is None else str(scratch)
    with SpooledTemporaryFile(NAMES_HELD, dir=room) as names:
        reader = _Reader(name, limits, scratch, known or {}, ArchivedImages(names))
        if path.is_dir():
            reader.read_tree(path)
        else:
            reader.read_file(path)
        elections, parts, judged = conclude(reader.evidence, read_name(name), expectations)
        counted, odd_images = reconcile(
            {r.code: reader.evidence.acta_hashes.get(r.path, {}) for r in elections},
            reader.images(path),
        )
    return Examination(
        stamp=max((part.stamp for part in parts), default=None),
        files=tuple(reader.evidence.files),
        elections=elections,
        parts=parts,
        findings=_told(reader.evidence.findings + reader.budget.warnings + judged + odd_images),
        images=counted,
    )


def _told(findings: list[Finding]) -> tuple[Finding, ...]:
    """The findings, each once, and of one check no more than a person can read."""
    seen: Counter[str] = Counter()
    told: list[Finding] = []
    for found in findings:
        if found not in told[-_SAME:] and seen[found.check] < _SAME:
            seen[found.check] += 1
            told.append(found)
    return tuple(told)


class _Reader:
    """Walks one delivery and gathers the evidence."""

    def __init__(
        self,
        name: str,
        limits: Limits,
        scratch: Path | None,
        known: Mapping[str, tuple[int, str]],
        images: ArchivedImages,
    ) -> None:
        self._name = name
        self._limits = limits
        self._scratch = scratch
        self._known = known
        self.budget = Budget(limits)
        self.evidence = Evidence(archived_images=images)

    # -- what lies on disk -------------------------------------------------------------------

    def read_file(self, path: Path) -> None:
        """A delivery that is one file."""
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(fd)
            file = LooseFile(self._name, status.st_size, lambda: os.dup(fd))
            if not stat.S_ISREG(status.st_mode):
                self._note(finding("archive.device", self._name))
                return
            if status.st_size == 0:
                self._note(finding("delivery.empty", self._name))
                return
            self._take(file, alone=True)
        finally:
            os.close(fd)

    def read_tree(self, path: Path) -> None:
        """A delivery that is a folder tree."""
        try:
            for file in walk(path, self._limits, self.evidence.findings):
                self._take(file, alone=False)
        except Unsafe as stop:
            self._note(stop.finding)
        if not self.evidence.files and not self.evidence.findings:
            self._note(finding("delivery.empty"))
        self._compare_loose(path)

    def _take(self, file: LooseFile, *, alone: bool) -> None:
        """One delivered file: what it is, its hash, and that it did not change meanwhile."""
        known = self._known.get(file.path)
        if known is not None and not alone and not _is_told(file.path):
            self.evidence.files.append(DeliveredFile(file.path, *known))
            return
        try:
            with opened(file) as fd:
                staged = known is not None
                before = _shape(fd, staged=staged)
                sha256 = self._read_and_hash(file, fd, known, alone)
                if _shape(fd, staged=staged) != before or (known and known[0] != file.size):
                    self._note(finding("delivery.changed", file.path))
        except OSError as error:
            if isinstance(error, NoScratch) or error.errno in OURS:
                raise
            reason = error.strerror or str(error)
            self._note(finding("delivery.unreadable", file.path, reason=reason))
            return
        self.evidence.files.append(DeliveredFile(file.path, file.size, sha256))

    def _read_and_hash(
        self, file: LooseFile, fd: int, known: tuple[int, str] | None, alone: bool
    ) -> str:
        """Read the file while a second thread hashes it; large files spend both cores."""
        kind = (
            kind_of(file.path, os.pread(fd, 512, 0))
            if alone or is_archive_name(file.path)
            else None
        )
        with ThreadPoolExecutor(1, "hash-delivery") as pool:
            digest: Future[str] | None = None
            if known is None and file.size > CHUNK:
                digest = pool.submit(_sha256, fd)
            sha256 = known[1] if known else "" if digest else _sha256(fd)
            if kind is not None:
                self._read_loose_archive(file, fd, kind)
            else:
                self._read_loose(file, fd, alone)
            return digest.result() if digest else sha256

    def _read_loose_archive(self, file: LooseFile, fd: int, kind: Kind) -> None:
        name = self._name if file.path == self._name else file.path
        place = Place(file.path, read_name(name), True, self._around(file.path), file.path)
        self._read_archive(fd, kind, place, depth=1)

    def _read_loose(self, file: LooseFile, fd: int, alone: bool) -> None:
        if not _is_told(file.path):
            if alone:
                self._note(finding("delivery.type", file.path))
            return
        around = self._around(file.path)
        folder = file.path.rpartition("/")[0]
        place = Place(folder, around[0][1] if around else FileName(), False, around, "")
        self._look(stream_of(chunks_of(fd)), file.path, file.path, place, file.size)

    def _around(self, path: str) -> tuple[tuple[str, FileName], ...]:
        """The folders around a delivered file and the delivery itself, innermost first."""
        if path == self._name:
            return ()
        names: list[tuple[str, FileName]] = []
        folder = path.rpartition("/")[0]
        while folder:
            names.append((folder, read_name(folder)))
            folder = folder.rpartition("/")[0]
        return (*names, ("", read_name(self._name)))

    # -- the actas' images -------------------------------------------------------------------

    def images(self, path: Path) -> Iterator[Image]:
        """Every delivered image; SHA-256 is known by now."""
        for file in self.evidence.files:
            if is_image(file.path):
                yield Image(file.path, partial(_image_hash, path, file))

        def again(file: str, algorithm: str) -> Sequence[bytes]:
            lies = path / file if path.is_dir() else path
            return hashed_again(lies, file, algorithm, self._limits, self._scratch)

        yield from self.evidence.archived_images.each(again)

    # -- what lies in archives ---------------------------------------------------------------

    def _read_archive(self, fd: int, kind: Kind, place: Place, depth: int) -> None:
        self.evidence.places.append(place)
        try:
            if depth > self._limits.max_nesting + 1:
                raise Unsafe("archive.nesting", place.where, limit=self._limits.max_nesting)
            read_archive(
                fd,
                kind,
                place.where,
                self.budget,
                _is_visited,
                lambda member: self._visit(member, place, depth),
            )
            self._compare_archived(fd, kind, place.where)
        except Unsafe as stop:
            self._note(stop.finding)

    def _visit(self, member: Member, place: Place, depth: int) -> None:
        if is_image(member.path):
            self.evidence.archived_images.add(place.file, place.where, member)
            return
        if not is_archive_name(member.path):
            self._look(member.open(), member.path, member.where, place, None)
            return
        inner = Place(
            member.where,
            read_name(member.path),
            True,
            ((place.where, place.name), *place.outer),
            place.file,
        )
        with taken_out(member, self._scratch) as nested:
            self.evidence.archives[member.where] = nested.sha256
            kind = kind_of(member.path, nested.head)
            if kind is not None:
                self._read_archive(nested.fd, kind, inner, depth + 1)

    # -- what delivered lists of hashes say --------------------------------------------------

    def _compare_loose(self, tree: Path) -> None:
        """SHA-256 is known of every file; another hash costs a second reading of what is listed."""
        delivered = {file.path: file.sha256 for file in self.evidence.files}

        def digest(path: str, algorithm: str) -> str | None:
            sha256 = delivered.get(path)
            if sha256 is None or algorithm == "sha256":
                return sha256
            return _loose_hash(tree / path, algorithm)

        for hashes in self.evidence.hash_lists.get("", ()):
            self.evidence.findings.extend(manifests.compare(hashes, digest))

    def _compare_archived(self, fd: int, kind: Kind, where: str) -> None:
        """Read an archive a second time for the files that a list in it names."""
        lists = self.evidence.hash_lists.get(where, [])
        wanted: dict[str, set[str]] = {}
        for hashes in lists:
            for entry in hashes.listed:
                for path in manifests.candidates(hashes, entry):
                    wanted.setdefault(path, set()).add(entry.algorithm)
        if not lists:
            return
        made: dict[str, dict[str, str]] = {}

        def keep(member: Member) -> None:
            made[member.path] = manifests.digest_of(member.chunks(), wanted[member.path])

        read_archive(fd, kind, where, Budget(self._limits), wanted.__contains__, keep)
        for hashes in lists:
            found = manifests.compare(
                hashes, lambda path, algorithm: made.get(path, {}).get(algorithm), f"{where}!/"
            )
            self.evidence.findings.extend(found)

    # -- what results look like --------------------------------------------------------------

    def _look(
        self, stream: BufferedReader, path: str, where: str, place: Place, size: int | None
    ) -> None:
        """Recognise a results CSV, a candidates' CSV or a site JSON; other files are just files."""
        if manifests.is_hash_list(path):
            listed = manifests.read_hash_list(stream, path, where)
            inside = place.where if place.is_archive else ""
            self.evidence.hash_lists.setdefault(inside, []).append(listed)
            return
        name = read_name(path)
        head = stream.peek(_HEAD)
        if path.lower().endswith(".json"):
            if looks_like_site_json(head) and (size or 0) <= LARGEST:
                cut = read_site_json(stream.read(LARGEST))
                if cut is not None:
                    self.evidence.site.append(FoundJson(where, cut, name, place))
                    return
            if name.product == "PREP" and name.stamp is not None:
                self.evidence.aliens.append(Alien(where, name, "site.unreadable"))
        elif name.candidates:
            if not place.is_archive:
                self.evidence.candidates.append(path)
            self.evidence.findings.extend(candidates.read_candidates(stream, where))
        elif results.looks_like_results(head):
            self._read_results(stream, where, name, place)
        elif path.lower().endswith(".csv"):
            self.evidence.aliens.append(Alien(where, name, results.what_else(head)))

    def _read_results(
        self, stream: BufferedReader, where: str, name: FileName, place: Place
    ) -> None:
        try:
            hashes: dict[str, str] = {}
            read, found = results.read_results(stream, where, hashes=hashes)
        except results.Unreadable as error:
            self._note(finding(error.check, where, reason=str(error)))
            return
        self.evidence.findings.extend(found)
        self.evidence.acta_hashes[where] = hashes
        self.evidence.results.append(FoundResults(read, name, place))

    def _note(self, found: Finding) -> None:
        self.evidence.findings.append(found)


def _image_hash(tree: Path, file: DeliveredFile, algorithm: str) -> str:
    if algorithm == "sha256":
        return file.sha256
    return _loose_hash(tree / file.path, algorithm)


def _loose_hash(path: Path, algorithm: str) -> str:
    fd = os.open(path, READ_ONLY)
    try:
        return manifests.digest_of(chunks_of(fd), (algorithm,))[algorithm]
    finally:
        os.close(fd)


def _is_visited(path: str) -> bool:
    """Whether a member of an archive is looked into, or its hashes are wanted."""
    return _is_told(path) or is_image(path)


def _is_told(path: str) -> bool:
    """Whether a file is looked into; all the others are only hashed or verified."""
    return (
        path.lower().endswith((".csv", ".txt", ".json"))
        or is_archive_name(path)
        or manifests.is_hash_list(path)
    )


def _shape(fd: int, *, staged: bool) -> tuple[int, ...]:
    """What writing changes. A staged file is ours and may be one of a sealed cut: whoever links it
    at this moment, or gives an old cut back, moves its ctime as well."""
    status = os.fstat(fd)
    written = status.st_size, status.st_mtime_ns
    return written if staged else (*written, status.st_ctime_ns)


def _sha256(fd: int) -> str:
    digest = hashlib.sha256()
    for chunk in chunks_of(fd):
        digest.update(chunk)
    return digest.hexdigest()
