"""Repair: damaged bytes of a sealed cut are replaced, only by bytes of the manifest's hash."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prep_console import durable
from prep_console.cuts.stamps import CutId
from prep_console.journal.actor import Actor
from prep_console.publication import rules, store
from prep_console.publication.settle import settle
from prep_console.publication.station import Station


@dataclass(frozen=True, slots=True)
class Repair:
    """What comparing every byte of a cut found."""

    cut: str
    checked: int
    """Files read."""
    repaired: tuple[str, ...]
    lost: tuple[str, ...]
    """Damaged, and no good copy is here."""


def compare_and_repair(
    station: Station,
    cut: str,
    elsewhere: Sequence[Path],
    actor: Actor,
    *,
    only: Collection[str] | None = None,
) -> Repair:
    """Read every byte of ``cut`` against its manifest and replace what differs.

    Good copies are looked for in the other cuts and among the plain files of the folders
    ``elsewhere``. ``only`` these paths are read. OSError, ValueError when the manifest itself
    cannot be read.
    """
    sealed, _ = store.load(station, cut)
    repaired: list[str] = []
    lost: list[str] = []
    for path in store.damaged(station, cut, sealed, only):
        good = _good_copy(station, cut, path, sealed.files[path].sha256, elsewhere)
        if good is None:
            lost.append(path)
        else:
            _replace(station, cut, path, good)
            repaired.append(path)
    known = station.state().cuts.get(cut)
    if repaired or lost or (known is not None and known.damaged and only is None):
        with station.acting("repair") as ledger:
            settle(ledger)
            ledger.append([("repaired", {"cut": cut, "repaired": repaired, "lost": lost})], actor)
    return Repair(cut, len(sealed.files), tuple(repaired), tuple(lost))


def _good_copy(
    station: Station, cut: str, path: str, sha256: str, elsewhere: Sequence[Path]
) -> Path | None:
    for candidate in _candidates(station, cut, path, sha256, elsewhere):
        if store.digest(candidate) == sha256:
            return candidate
    return None


def _candidates(
    station: Station, cut: str, path: str, sha256: str, elsewhere: Sequence[Path]
) -> Iterator[Path]:
    for other in reversed(rules.stored(station.state())):
        if other.id == cut:
            continue
        for name, (_, known) in store.known_files(station, other.id).items():
            if known == sha256:
                yield station.cuts / other.id / store.SITE / name
    name = Path(path).name
    for folder in elsewhere:
        for here, _, names in os.walk(folder):
            found = Path(here, name)
            if name in names and found.is_file() and not found.is_symlink():
                yield found


def _replace(station: Station, cut: str, path: str, good: Path) -> None:
    """A new inode in the place of the damaged one, in one rename that no visitor notices."""
    target = station.cuts / str(CutId.of(cut)) / store.SITE / path
    folder = target.parent
    mode = folder.stat().st_mode
    temporary = folder / f".repair.{os.getpid()}"
    folder.chmod(0o755)
    try:
        shutil.copyfile(good, temporary, follow_symlinks=False)
        temporary.chmod(0o444)
        moment = max(time.time_ns(), _newest_mtime_ns(station) + 1_000)
        os.utime(temporary, ns=(moment, moment))
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.rename(target)
        durable.sync_folder(folder)
    finally:
        temporary.unlink(missing_ok=True)
        folder.chmod(mode)


def _newest_mtime_ns(station: Station) -> int:
    return max((cut.mtime_us for cut in station.state().cuts.values()), default=0) * 1000
