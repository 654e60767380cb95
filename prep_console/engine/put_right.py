"""What was found wrong with the live cut or its estado page is put right and told."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from prep_console import durable
from prep_console.journal.actor import program
from prep_console.publication import manifest, repair, store
from prep_console.publication.estado_check import make_again
from prep_console.publication.manifest import Manifest
from prep_console.publication.permissions import owned_by_us
from prep_console.publication.rehash import NOTHING_WRONG, Wrong
from prep_console.publication.settle import settle
from prep_console.publication.station import Station

log = logging.getLogger(__name__)

_ACTOR = program("rehash")


@dataclass(frozen=True, slots=True)
class Found:
    """What is wrong, of one cut."""

    cut: str | None
    wrong: Wrong = NOTHING_WRONG
    manifest_wrong: bool = False
    """Not the one that the journal says."""
    manifest: bytes = b""
    """Then the bytes that are right, where they are known."""
    pages: tuple[str, ...] = ()
    """Of the public estado page."""

    def names(self) -> list[str]:
        """Everything, the manifest and the pages first."""
        wrong = self.wrong
        folders = (path or "." for path in wrong.folders)
        return [
            *([store.MANIFEST] if self.manifest_wrong else []),
            *(f"estado/{name}" for name in self.pages),
            *sorted({*wrong.files, *wrong.strange, *folders}),
        ]


class PutRight:
    """Repairs on behalf of the engine. What could not be told yet is told the next time."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._untold: dict[str, list[str]] = {}

    def has_work(self, found: Found) -> bool:
        """Whether anything is wrong, or was and is told as such still."""
        return bool(found.names() or (found.cut and (self._damaged(found.cut) or self._untold)))

    def put_right(self, found: Found) -> bool:
        """Repair and tell; False when the cut is not the live one any more.

        Problem, OSError, ValueError when it cannot be told or the station cannot be read.
        """
        cut = found.cut
        if found.pages:
            self._make_pages()
        if cut is None or self._station.live().cut != cut:
            return False
        lost: list[str] = []
        mended = self._untold.setdefault(cut, [])
        sealed = self._sealed(cut, found, mended, lost)
        looked = {store.MANIFEST, *self._damaged(cut)}
        if sealed is not None:
            self._clear(cut, sealed, found.wrong, mended, lost)
            asked = {*found.wrong.files, *self._damaged(cut)}
            elsewhere = repair.good_copies(self._station)
            done = repair.mend(self._station, cut, sealed, elsewhere, asked)
            repair.record_others(self._station, done, _ACTOR)
            mended += done.repaired
            lost += done.lost
            looked |= asked
        else:
            lost += [path for path in self._damaged(cut) if path != store.MANIFEST]
        names = list(dict.fromkeys(mended))
        repair.record(self._station, cut, looked | set(lost), names, lost, _ACTOR)
        del self._untold[cut]
        return True

    def _damaged(self, cut: str) -> tuple[str, ...]:
        record = self._station.state().cuts.get(cut)
        return record.damaged if record is not None else ()

    def _make_pages(self) -> None:
        with self._station.acting("estado") as ledger:
            settle(ledger)
            names = make_again(ledger)
            cut = ledger.state.live
        if names and cut is not None:
            self._untold.setdefault(cut, []).extend(f"estado/{name}" for name in names)

    def _sealed(
        self, cut: str, found: Found, mended: list[str], lost: list[str]
    ) -> Manifest | None:
        """The cut's manifest, put back when it was altered; None when it cannot be known."""
        record = self._station.state().cuts.get(cut)
        path = self._station.cuts / cut / store.MANIFEST
        right = record.manifest if record is not None else ""
        with suppress(OSError):
            raw = path.read_bytes()
            if hashlib.sha256(raw).hexdigest() == right:
                return manifest.decode(raw)
        if hashlib.sha256(found.manifest).hexdigest() != right:
            lost.append(store.MANIFEST)
            return None
        try:
            durable.replace_file(path, found.manifest, mode=0o444)
            mended.append(store.MANIFEST)
        except OSError as error:
            log.error("the manifest of %s cannot be put back: %s", cut, error)
            lost.append(store.MANIFEST)
        return manifest.decode(found.manifest)

    def _clear(
        self, cut: str, sealed: Manifest, wrong: Wrong, mended: list[str], lost: list[str]
    ) -> None:
        """What does not belong there leaves, and folders are closed again."""
        site = self._station.cuts / cut / store.SITE
        for path in _strange(wrong.strange, sealed):
            try:
                repair.set_aside(self._station, cut, path)
                mended.append(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                log.error("%s in %s cannot be set aside: %s", path, cut, error)
                lost.append(path)
        for path in sorted(wrong.folders):
            try:
                if not owned_by_us((site / path).lstat()):
                    raise PermissionError("it is somebody else's")
                (site / path).chmod(0o555)
                mended.append(path or ".")
            except OSError as error:
                log.error("folder %s in %s cannot be closed: %s", path, cut, error)
                lost.append(path or ".")


def _strange(paths: Iterable[str], sealed: Manifest) -> list[str]:
    """Those that are in no manifest indeed, without what lies inside another one of them."""
    found: list[str] = []
    for path in sorted(paths):
        inside = any(str(above) in found for above in PurePosixPath(path).parents)
        if path not in sealed.files and not inside:
            found.append(path)
    return found
