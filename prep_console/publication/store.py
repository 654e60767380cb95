"""The store: sealed cuts, each a folder that never changes again.

``cuts/<id>/site/`` holds the delivered bytes, read-only; ``cut.json`` is its manifest. A cut is
built under ``staging/``, flushed, and committed by one rename that cannot overwrite. Equal bytes
are kept once: a new cut hard-links our own earlier file after reading it again, never an inode
that another uid could still write through an open descriptor.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from prep_console import durable
from prep_console.cuts.stamps import CutId
from prep_console.problems import Failed
from prep_console.publication import manifest as manifests
from prep_console.publication.manifest import Manifest
from prep_console.publication.station import Station
from prep_console.wording import N_, sentence

MANIFEST = "cut.json"
SITE = "site"
_CHUNK = 1 << 20
LOOK_HOLDS_S = 60.0
"""A person who takes longer to decide waits for another look."""


def folders(station: Station) -> int | None:
    """How many folders the store holds, without reading their names; None where the file system
    does not count them in the links of the folder above."""
    try:
        links = station.cuts.stat().st_nlink
    except OSError:
        return None
    return links - 2 if links > 1 else None


def cuts_besides(station: Station, known: Collection[str]) -> list[CutId]:
    """Ids of the folders in the store that are not ``known``, oldest first."""
    found: list[CutId] = []
    with suppress(FileNotFoundError):
        for name in {entry.name for entry in os.scandir(station.cuts)}.difference(known):
            with suppress(ValueError):
                found.append(CutId.of(name))
    return sorted(found)


def load(station: Station, cut: str) -> tuple[Manifest, str]:
    """Manifest of a cut and the SHA-256 of its file. OSError, ValueError when unreadable."""
    raw = (station.cuts / str(CutId.of(cut)) / MANIFEST).read_bytes()
    return manifests.decode(raw), hashlib.sha256(raw).hexdigest()


def manifest_of(station: Station, cut: str) -> tuple[Manifest, str]:
    """Like :func:`load`, for what a person asked for. Failed says why not, and what to do."""
    try:
        return load(station, cut)
    except (OSError, ValueError) as error:
        raise Failed(
            sentence(
                N_("the manifest of cut {cut} cannot be read: {error}"), cut=cut, error=str(error)
            ),
            sentence(N_("verify the station's disk; journal --verify and resync tell more")),
        ) from error


def is_whole(
    station: Station,
    cut: str,
    digest_of_manifest: str | None = None,
    looked: LookedOver | None = None,
) -> bool:
    """Whether manifest and every file of the cut are there with their sizes (bytes not read).

    The manifest must be the one of ``digest_of_manifest``, where the journal says it. A rollback
    waits for this: 6,000 files take 12 ms, unless the same was ``looked`` over while a person
    decided and nothing has moved since.
    """
    if looked is not None and (looked.cut, looked.manifest) == (cut, digest_of_manifest):
        return looked.stands(station) or _look(station, cut, digest_of_manifest)
    return _look(station, cut, digest_of_manifest)


class LookedOver(msgspec.Struct, frozen=True):
    """A cut that was whole a moment ago, and how to see at once that it still is.

    No file can come, go or be replaced without a trace in its folder. What leaves none is a
    sealed file whose bytes are changed in place, by root or the station's own account, within
    these seconds; that is found as anything of the kind is, when the live cut is read again.
    """

    cut: str
    manifest: str
    """SHA-256 of cut.json."""
    at: float
    """Monotonic."""
    marks: Mapping[str, tuple[int, ...]]
    """Of cut.json and every folder, by path under the cut."""

    def stands(self, station: Station) -> bool:
        if time.monotonic() - self.at > LOOK_HOLDS_S:
            return False
        folder = f"{station.cuts}/{self.cut}"
        try:
            return all(_mark(f"{folder}/{path}") == mark for path, mark in self.marks.items())
        except OSError:
            return False


def look_over(station: Station, cut: str, digest_of_manifest: str) -> LookedOver | None:
    """Look at every file while there is time for it; None when the cut is not whole.

    The folders are looked at before the files: what moves in between is seen as moved.
    """
    at = time.monotonic()
    folder = f"{station.cuts}/{cut}"
    try:
        marks = {MANIFEST: _mark(f"{folder}/{MANIFEST}"), SITE: _mark(f"{folder}/{SITE}")}
        for inside, names, _ in os.walk(f"{folder}/{SITE}"):
            for name in names:
                path = f"{inside}/{name}"
                marks[path.removeprefix(f"{folder}/")] = _mark(path)
    except OSError:
        return None
    if not _look(station, cut, digest_of_manifest):
        return None
    return LookedOver(cut, digest_of_manifest, at, marks)


def _mark(path: str) -> tuple[int, ...]:
    """Differs after anything was done to the file, or to the names in the folder."""
    status = os.lstat(path)
    return (status.st_dev, status.st_ino, status.st_mode, status.st_mtime_ns, status.st_ctime_ns)


def _look(station: Station, cut: str, digest_of_manifest: str | None) -> bool:
    folder = station.cuts / cut
    try:
        raw = (folder / MANIFEST).read_bytes()
        if digest_of_manifest not in {None, hashlib.sha256(raw).hexdigest()}:
            return False
        sizes = manifests.sizes(raw)
        site = os.open(folder / SITE, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return False
    try:
        return all(_has_size(site, path, size) for path, size in sizes.items())
    except OSError:
        return False
    finally:
        os.close(site)


def _has_size(site: int, path: str, size: int) -> bool:
    status = os.stat(path, dir_fd=site, follow_symlinks=False)
    return status.st_size == size and stat.S_ISREG(status.st_mode)


def damaged(
    station: Station, cut: str, sealed: Manifest, only: Collection[str] | None = None
) -> list[str]:
    """Paths whose bytes are not those of the manifest: missing, changed, or not a plain file."""
    site = station.cuts / cut / SITE
    return [
        path
        for path, file in sealed.files.items()
        if (only is None or path in only) and digest(site / path) != file.sha256
    ]


def verified(station: Station, cut: CutId) -> tuple[Manifest, str] | None:
    """The manifest, when every byte of the cut agrees with it."""
    try:
        sealed, digest_of_manifest = load(station, str(cut))
    except (OSError, ValueError):
        return None
    if sealed.id != str(cut) or damaged(station, str(cut), sealed):
        return None
    return sealed, digest_of_manifest


def digest(path: Path | str) -> str | None:
    """SHA-256 of a plain file, None when there is none that can be read."""
    try:
        descriptor = _opened(path)
    except OSError:
        return None
    sha256 = hashlib.sha256()
    try:
        while chunk := os.read(descriptor, _CHUNK):
            sha256.update(chunk)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return sha256.hexdigest()


def _opened(path: Path | str) -> int:
    """A descriptor of a plain file; OSError for anything else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    return descriptor


def sealed_path(station: Station, cut: str, path: str) -> str:
    """Where a sealed file lies. A text, because a cut has thousands of files."""
    return f"{station.cuts}/{cut}/{SITE}/{path}"


def compared(delivered: int, own: str, size: int) -> tuple[str, bool]:
    """SHA-256 of the open file ``delivered``, and whether our file ``own`` has the same bytes.

    Bytes that are equal to those that were just hashed need no hash of their own: this proves as
    much of our file as reading and hashing it again, in half the time. ``size`` is what both are
    thought to have. OSError when the delivered one cannot be read.
    """
    sha256 = hashlib.sha256()
    most = min(size + 1, _CHUNK)  # a small file into no more memory than it needs
    try:
        ours = _opened(own)
    except OSError:
        ours = None
    try:
        same = ours is not None
        while chunk := os.read(delivered, most):
            sha256.update(chunk)
            same = same and ours is not None and _read(ours, len(chunk)) == chunk
        same = same and ours is not None and _read(ours, 1) == b""
    finally:
        if ours is not None:
            os.close(ours)
    return sha256.hexdigest(), same


def _read(descriptor: int, most: int) -> bytes | None:
    """None, which equals nothing, when the disk does not give the bytes."""
    try:
        return os.read(descriptor, most)
    except OSError:
        return None


def seal(station: Station, built: Path, sealed: Manifest) -> str:
    """Commit the cut folder ``built`` (``site/`` in place): write its manifest and flush it all.

    Returns the SHA-256 of the manifest. The caller then renames it with :func:`commit`.
    """
    raw = manifests.encode(sealed)
    durable.write_file(built / MANIFEST, raw, mode=0o444)
    site = built / SITE
    for folder, _, _ in os.walk(site):
        Path(folder).chmod(0o555)
    built.chmod(0o755)
    durable.sync_file_system(built)
    return hashlib.sha256(raw).hexdigest()


def commit(station: Station, built: Path, cut: CutId) -> None:
    """The seal: one rename that cannot overwrite. FileExistsError when the id is taken."""
    durable.rename_noreplace(built, station.cuts / str(cut))
    durable.sync_folder(station.cuts)


def line_of(sealed: Manifest, digest_of_manifest: str) -> dict[str, object]:
    """The data of the ``sealed`` line of a cut."""
    return {
        "cut": sealed.id,
        "why": sealed.why,
        "parts": [
            {
                "election": p.election,
                "stamp": p.stamp,
                "sha256": p.sha256,
                "carried": p.carried,
            }
            for p in sealed.parts
        ],
        "missing": list(sealed.missing),
        "manifest": digest_of_manifest,
        "bytes": sealed.bytes,
        "new_bytes": sealed.new_bytes,
        "warnings": len(sealed.findings),
        "checks": sorted({finding.check for finding in sealed.findings}),
        "counted": sealed.counted,
        "expected": sealed.expected,
        "mtime_us": sealed.mtime_us,
        "received_at": sealed.received_at.isoformat(),
        "verified_at": sealed.verified_at.isoformat(),
        "deliveries": list(sealed.extra.get("deliveries", ())),
        **({"new": list(sealed.extra["new"])} if "new" in sealed.extra else {}),
    }


def set_aside(station: Station, cut: CutId) -> None:
    """Move a folder that is no whole cut out of the store; it stays for whoever must explain it."""
    target = station.quarantine / f"cut-{cut}"
    number = 1
    while target.exists():
        number += 1
        target = station.quarantine / f"cut-{cut}-{number}"
    (station.cuts / str(cut)).rename(target)


def link_known(station: Station, cut: str, path: str, sha256: str, target: str) -> bool:
    """Hard-link a sealed file as ``target`` after reading its bytes again; False when tampered.

    The folder of ``target`` is there.
    """
    source = sealed_path(station, cut, path)
    if digest(source) != sha256:
        return False
    os.link(source, target, follow_symlinks=False)
    return True


def discard(folder: Path) -> None:
    """Delete a tree of ours, read-only folders included."""
    for inside, _, _ in os.walk(folder):
        with suppress(OSError):
            Path(inside).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def known_files(station: Station, cut: str | None) -> Mapping[str, tuple[int, str]]:
    """Path to (size, sha256) of the files of a cut; empty when there is none to read."""
    if cut is None:
        return {}
    try:
        sealed, _ = load(station, cut)
    except (OSError, ValueError):
        return {}
    return {path: (file.size, file.sha256) for path, file in sealed.files.items()}
