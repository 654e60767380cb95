"""One station, and deliveries of one election or both for it."""

from __future__ import annotations

from pathlib import Path

from prep_console.intake.receipt import Receipt
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.publication import store
from prep_console.publication.manifest import Manifest
from tests import nights
from tests.stations import sandbox

PERSON = Actor(1000, "ana")


class Desk:
    """One station and a folder to make deliveries in."""

    def __init__(self, folder: Path, **intake: object) -> None:
        tables = {"intake": intake} if intake else None
        self.station = sandbox(folder, tables).station
        self._folder = folder
        self._count = 0

    def bring(
        self,
        election: str,
        stamp: str,
        *,
        now: bool = False,
        seed: int = 1,
        as_of: str | None = None,
    ) -> Receipt:
        self._count += 1
        folder = self._folder / f"d{self._count}"
        folder.mkdir()
        path = nights.archive(folder, election, stamp, actas=5, seed=seed, as_of=as_of)
        return receive(self.station, path, actor=PERSON, at_once=now)

    def other(self, stamp: str) -> Path:
        """A new folder that a delivery may lie in."""
        self._count += 1
        folder = self._folder / f"d{self._count}" / f"{stamp}_PREP_QRO"
        folder.mkdir(parents=True)
        return folder

    def bring_both(self, stamp: str, *, ayun: int = 1) -> Receipt:
        """Both elections in one delivery; ``ayun`` is the seed of its content."""
        folder = self.other(stamp)
        nights.archive(folder, "DIP_LOC", stamp, actas=5, seed=1)
        nights.archive(folder, "AYUN", stamp, actas=5, seed=ayun)
        return receive(self.station, folder, actor=PERSON)

    def manifest(self, cut: str) -> Manifest:
        return store.load(self.station, cut)[0]

    @property
    def live(self) -> str | None:
        return self.station.live().cut


def parts(manifest: Manifest) -> dict[str, tuple[str, bool]]:
    return {p.election: (p.stamp, p.carried) for p in manifest.parts}


def checks(manifest: Manifest) -> set[str]:
    return {f.check for f in manifest.findings}
