"""Repair: damaged bytes of a sealed cut are replaced, only by bytes of the manifest's hash.

A file is put together and flushed under ``staging/`` and then renamed into place: no visitor gets
a mixture, and nothing unfinished ever lies in what Apache serves.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from prep_console import durable
from prep_console.cuts.stamps import CutId
from prep_console.journal.actor import Actor
from prep_console.publication import rules, store
from prep_console.publication.good_copy import candidates, copied
from prep_console.publication.lock import process_start
from prep_console.publication.manifest import Manifest, SealedFile
from prep_console.publication.permissions import file_is_sealed, owned_by_us
from prep_console.publication.settle import settle
from prep_console.publication.station import Station

log = logging.getLogger(__name__)


class Repair(msgspec.Struct, frozen=True):
    """What comparing every byte of a cut found."""

    cut: str
    checked: int
    """Files read."""
    repaired: tuple[str, ...]
    lost: tuple[str, ...]
    """Damaged still: no good copy is here, or it cannot be written."""
    others: tuple[Repair, ...] = ()
    """Of other cuts: what shared a damaged file, one inode, with this one."""


def good_copies(station: Station) -> list[Path]:
    """Folders where what the institute sent may still lie."""
    return [station.settings.drop_folder, station.root / "fetched"]


def compare_and_repair(
    station: Station,
    cut: str,
    elsewhere: Sequence[Path],
    actor: Actor,
    *,
    only: Collection[str] | None = None,
) -> Repair:
    """Read every byte of ``cut`` against its manifest, replace what differs and record it.

    Where good copies are looked for: :mod:`prep_console.publication.good_copy`. ``only`` these
    paths are read. A file that cannot be written counts as lost, with the reason in the log.
    OSError, ValueError when the manifest itself cannot be read.
    """
    sealed, _ = store.load(station, cut)
    found = mend(station, cut, sealed, elsewhere, only)
    record_others(station, found, actor)
    looked = [path for path in sealed.files if only is None or path in only]
    record(station, cut, looked, found.repaired, found.lost, actor)
    return found


def mend(
    station: Station,
    cut: str,
    sealed: Manifest,
    elsewhere: Sequence[Path],
    only: Collection[str] | None = None,
) -> Repair:
    """The same without a line in the journal.

    A file that other cuts share is damaged there too: a rollback would serve it. They get the
    same good copy, before this cut does: who is killed in between finds them by it again.
    """
    site = station.cuts / str(CutId.of(cut)) / store.SITE
    looked = [path for path in sealed.files if only is None or path in only]
    damaged = set(store.damaged(station, cut, sealed, looked))
    shared = _shared(station, cut, sealed, damaged)
    repaired: dict[str, list[str]] = {}
    lost: dict[str, list[str]] = {}
    for path in looked:
        if path not in damaged and _is_sealed(site / path):
            continue
        places = [*shared.get(path, ()), (cut, path)]
        mended = _mended(station, places, sealed.files[path], elsewhere, path in damaged)
        for place in places:
            (repaired if place in mended else lost).setdefault(place[0], []).append(place[1])

    def found(of: str, others: tuple[Repair, ...] = ()) -> Repair:
        right, wrong = tuple(repaired.get(of, ())), tuple(lost.get(of, ()))
        return Repair(of, len(looked if of == cut else (*right, *wrong)), right, wrong, others)

    return found(cut, tuple(map(found, sorted({*repaired, *lost} - {cut}))))


def record_others(station: Station, found: Repair, actor: Actor) -> None:
    """Tell the journal what became of the files that other cuts shared."""
    for other in found.others:
        record(
            station, other.cut, (*other.repaired, *other.lost), other.repaired, other.lost, actor
        )


def record(
    station: Station,
    cut: str,
    looked: Collection[str],
    repaired: Sequence[str],
    lost: Sequence[str],
    actor: Actor,
) -> None:
    """Tell the journal what changed; what is lost since earlier is not told again."""
    known = station.state().cuts.get(cut)
    if known is not None and known.pruned:  # meanwhile: there is nothing left to put right
        return
    before = known.damaged if known is not None else ()
    still = [*lost, *(path for path in before if path not in looked)]
    if repaired or set(still) != set(before):
        with station.acting("repair") as ledger:
            settle(ledger)
            said = {"cut": cut, "repaired": list(repaired), "lost": still}
            ledger.append([("repaired", said)], actor)


def _is_sealed(path: Path) -> bool:
    try:
        return file_is_sealed(path.lstat())
    except OSError:
        return False


_Place = tuple[str, str]
"""A cut and a path in it."""


def _shared(
    station: Station, cut: str, sealed: Manifest, damaged: Collection[str]
) -> dict[str, list[_Place]]:
    """Where else the very inodes of these files stand for the same sealed bytes."""
    here: dict[tuple[str, int], str] = {}
    for path in damaged:
        with suppress(OSError):
            status = (station.cuts / cut / store.SITE / path).lstat()
            if status.st_nlink > 1:
                here[sealed.files[path].sha256, status.st_ino] = path
    found: dict[str, list[_Place]] = {}
    hashes = {sha256 for sha256, _ in here}
    for other in rules.stored(station.state()) if here else ():
        if other.id == cut:
            continue
        for name, (_, sha256) in store.known_files(station, other.id).items():
            if sha256 in hashes:
                with suppress(OSError):
                    inode = (station.cuts / other.id / store.SITE / name).lstat().st_ino
                    if (sha256, inode) in here:
                        found.setdefault(here[sha256, inode], []).append((other.id, name))
    return found


def _mended(
    station: Station,
    places: Sequence[_Place],
    file: SealedFile,
    elsewhere: Sequence[Path],
    damaged: bool,
) -> set[_Place]:
    """In which of the places the file is as sealed afterwards; the last one was compared."""
    cut, path = places[-1]
    done: set[_Place] = set()
    target = station.cuts / cut / store.SITE / path
    private = f"repair-{os.getpid()}-{process_start(os.getpid())}-"
    try:
        if not damaged and owned_by_us(target.lstat()):
            target.chmod(0o444)
            return {*places}
        with tempfile.TemporaryDirectory(prefix=private, dir=station.staging) as folder:
            copy = Path(folder, "file")
            for candidate in candidates(station, cut, path, file, elsewhere):
                if not copied(candidate, copy, file):
                    continue
                moment = max(time.time_ns(), _newest_mtime_ns(station) + 1_000)
                os.utime(copy, ns=(moment, moment))
                done.update(place for place in places if _linked(station, place, copy))
                break
    except OSError as error:
        log.error("%s of cut %s cannot be put right: %s", path, cut, error)
    return done


def _linked(station: Station, place: _Place, copy: Path) -> bool:
    """Whether the good copy stands in this place now; another one does not wait for it."""
    link = copy.with_name("link")
    try:
        link.unlink(missing_ok=True)
        link.hardlink_to(copy)
        _put(station, *place, link)
    except OSError as error:
        log.error("%s of cut %s cannot be put right: %s", place[1], place[0], error)
        return False
    return True


def _put(station: Station, cut: str, path: str, copy: Path) -> None:
    """A new inode in the place of the damaged one, in one rename that no visitor notices."""
    site = station.cuts / cut / store.SITE
    target = site / path
    folder = site
    for name in Path(path).parts[:-1]:
        above, folder = folder, folder / name
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            set_aside(station, cut, folder.relative_to(site).as_posix())
        if not folder.is_dir():
            with _Opened(above):
                folder.mkdir(mode=0o555)
    if target.is_dir() and not target.is_symlink():
        set_aside(station, cut, path)
    with _Opened(target.parent):
        copy.rename(target)
        durable.sync_folder(target.parent)


class _Opened:
    """A sealed folder that can be changed for the block; sealed again whatever happens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        self._folder.chmod(0o755)

    def __exit__(self, *_: object) -> None:
        with suppress(FileNotFoundError):
            self._folder.chmod(0o555)


def set_aside(station: Station, cut: str, path: str) -> Path:
    """Move what does not belong in a cut to the quarantine, for whoever must explain it."""
    lies = station.cuts / str(CutId.of(cut)) / store.SITE / path
    kept = Path(tempfile.mkdtemp(prefix=f"added-{cut}-", dir=station.quarantine))
    with _Opened(lies.parent):
        status = lies.lstat()
        if stat.S_ISDIR(status.st_mode):
            lies.chmod(0o755)  # a folder that moves is written to: its ".." changes
        lies.rename(kept / lies.name)
        durable.sync_folder(lies.parent)
    return kept


def _newest_mtime_ns(station: Station) -> int:
    return max((cut.mtime_us for cut in station.state().cuts.values()), default=0) * 1000
