"""A night of 288 deliveries of 250 MB within 20 GB of disk, counted in the blocks that are taken.

Two ways that institutes deliver. A site as a tree, of which most files stay: every cut of the night
is kept, and what is equal lies on the disk once. Archives, which share nothing with each other: the
default budget lets the oldest cuts go in time, and what is taken never passes the 20 GB, not even
while a delivery lies in the drop folder and in staging. The sample is the same in small.
"""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prep_console.config.model import Publication
from prep_console.cuts.stamps import CutId
from prep_console.intake.receive import receive
from prep_console.journal.actor import program
from prep_console.publication import rules, store
from prep_console.publication.retention import prune_if_needed
from prep_console.publication.station import Station
from tests import nights
from tests.proof import table
from tests.stations import sandbox

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

ACTOR = program("proof")
DISK = 20 * 10**9
"""What the call asks a broadcaster for."""
FIRST = "20240602_1800"
"""The synthetic night of a stamp goes on until 18:00 of the next day."""
IMAGE = 40_000
BLOCK = 4096

CUTS = 288 if table.WHOLE else 8
FILES = 6_250 if table.WHOLE else 250
NEW = 50
"""Images of each cut that no earlier one had."""

ARCHIVE = 250_000_000 if table.WHOLE else 2_500_000
BUDGET = Publication().keep_bytes if table.WHOLE else Publication().keep_bytes // 1000
SPARES = 8 * 2**20
"""Ballast, the journal's blocks taken ahead, ready pointers: as many bytes on a small station."""
BOUND = DISK if table.WHOLE else DISK // 1000 + SPARES
ARCHIVES = BUDGET // ARCHIVE + 12
"""Enough for the budget to be used up, and then some."""


def taken(folder: Path) -> int:
    """Bytes in blocks under ``folder``, each inode once; what goes meanwhile is not counted."""
    seen: dict[int, int] = {}
    for inside, _, names in os.walk(folder):
        for path in (inside, *(f"{inside}/{name}" for name in names)):
            try:
                status = os.lstat(path)
            except OSError:
                continue
            seen[status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


@contextmanager
def watched(folder: Path) -> Iterator[list[int]]:
    """The most that was ever taken, looked at all the time."""
    most = [0]
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.1):
            most[0] = max(most[0], taken(folder))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield most
    finally:
        stop.set()
        looking.join()
        most[0] = max(most[0], taken(folder))


def need(free: int) -> None:
    """Without the room this proves nothing."""
    assert shutil.disk_usage("/var/tmp").free > free, f"needs {free / 1e9:.0f} GB of free disk"


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a real disk: in memory blocks are counted in another way."""
    made = Path("/var/tmp") / f"prep-size-{os.getpid()}"
    made.mkdir()
    try:
        yield made
    finally:
        store.discard(made)


def image(number: int, stamp: str) -> bytes:
    return random.Random(f"{number} {stamp}").randbytes(IMAGE)


def deliver_tree(tree: Path, stamp: str, numbers: range) -> None:
    """The institute writes the next cut over the one before: its site, archives and new images."""
    for old in tree.glob("*.zip"):
        old.unlink()
    nights.tree(tree, stamp)
    for number in numbers:
        path = tree / "actas" / f"{number // 200:03d}" / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image(number, stamp))


def kept(station: Station) -> list[str]:
    return [cut.id for cut in rules.stored(station.state())]


def test_a_night_of_trees_is_kept_whole(folder: Path) -> None:
    need(3 * 10**9 if table.WHOLE else 10**8)
    box = sandbox(folder)
    tree, stamps = folder / "sitio", nights.stamps(FIRST, CUTS)
    for number, stamp in enumerate(stamps):
        first = number * NEW % FILES
        deliver_tree(tree, stamp, range(first, first + NEW) if number else range(FILES))
        receipt = receive(box.station, tree, actor=ACTOR)
        assert receipt.result == "sealed", receipt
        assert prune_if_needed(box.station) == []
    station = box.station
    assert kept(station) == stamps
    used, cut_bytes = taken(box.settings.root), station.state().cuts[stamps[-1]].bytes
    once = FILES * IMAGE + (CUTS - 1) * NEW * IMAGE
    assert cut_bytes > FILES * IMAGE
    assert (
        used < 1.25 * once + CUTS * FILES * 300 + 10 * 2**20
    )  # blocks, folders, manifests, spares
    assert used < DISK
    for stamp in (stamps[0], stamps[CUTS // 2], stamps[-1]):
        assert store.verified(station, CutId.of(stamp)) is not None
    told = f"disk: {CUTS} trees of {cut_bytes / 1e6:.0f} MB take {used / 1e9:.2f} GB"
    table.walked(told, CUTS)


def test_a_night_of_archives_stays_within_its_budget(folder: Path) -> None:
    need(2 * DISK if table.WHOLE else 10**8)
    box = sandbox(folder, {"publication": {"keep_bytes": BUDGET}})
    arriving = box.settings.drop_folder
    box.station.prepare()
    stamps = nights.stamps(FIRST, ARCHIVES)
    with watched(box.settings.root) as most:
        sealed = 0
        for stamp in stamps:
            for path in nights.padded(arriving, stamp, size=ARCHIVE, entry=IMAGE).values():
                receipt = receive(box.station, path, actor=ACTOR)
            assert receipt.result == "sealed", receipt
            sealed += 1
            for path in arriving.iterdir():  # as the engine does once they are sealed
                path.unlink()
            prune_if_needed(box.station)
    station = box.station
    still = kept(station)
    assert still == stamps[-len(still) :]
    assert len(still) > 0.9 * BUDGET / ARCHIVE - 1
    assert len(still) < ARCHIVES
    assert most[0] < BOUND
    assert most[0] > BUDGET * 0.9  # it was full: the bound was tried
    for stamp in (still[0], still[-1]):
        assert store.verified(station, CutId.of(stamp)) is not None
    told = f"disk: {ARCHIVES} archives of {ARCHIVE / 1e6:.1f} MB: most {most[0] / 1e9:.3f} GB"
    table.walked(f"{told}, {len(still)} kept", sealed)
