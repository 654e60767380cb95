"""Stations to measure on: a real Apache before a store filled through the real intake."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prep_console.cuts.stamps import CutId
from prep_console.intake.receive import receive
from prep_console.journal.actor import program
from prep_console.publication import actions
from tests import nights
from tests.apache.server import Apache
from tests.stations import Sandbox, sandbox

MEGABYTE = 1_000_000
LARGE = 250 * MEGABYTE
IMAGE = 40_000
"""Bytes of one scanned acta in the large cuts: 6,000 of them are 240 MB."""
QUERETARO = 2_700
"""Actas of the synthetic election that is as large as Querétaro's."""
FULL_NIGHT = 288
ACTOR = program("bench")


def full_night() -> list[str]:
    """Stamps of a day and a night that lie in one synthetic night, from its first zero cut on."""
    return nights.stamps("20240602_1800", FULL_NIGHT)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder on a real disk, passable for Apache, deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="prep-bench-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for inside in folder.rglob("*"):
            if inside.is_dir() and not inside.is_symlink():
                inside.chmod(0o755)
        shutil.rmtree(folder)


def warm_memory(folder: Path, size: int) -> None:
    """Use ``size`` bytes of the page cache and give them back.

    In a virtual machine a page that nobody has used yet is first got from the host: 250 MB of them
    took 0.48 s to write instead of 0.05 s, whoever wrote them. A station has been up for days. The
    host may take free pages back within seconds, so it is done right before what is measured.
    """
    path = folder / "warm"
    with path.open("wb") as file:
        for _ in range(size // MEGABYTE):
            file.write(bytes(MEGABYTE))
    path.unlink()


@dataclass(frozen=True, slots=True)
class Served:
    """A station with an Apache in front of it, and the settings that name it as the site."""

    box: Sandbox
    port: int


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Served]:
    """An empty station behind its own Apache."""
    folder.mkdir()
    bare = sandbox(folder)
    bare.station.prepare()
    with Apache(bare.settings, folder / "apache") as apache:
        named = sandbox(
            folder,
            {
                "site": {"url": apache.url + "/"},
                "publication": {"keep_bytes": 0, "keep_cuts": 10_000},
            },
        )
        yield Served(named, apache.port)


def take(box: Sandbox, delivery: Path) -> None:
    """Receive a delivery in this process; it must become a cut."""
    receipt = receive(box.station, delivery, actor=ACTOR)
    assert receipt.result == "sealed", receipt


def fill(box: Sandbox, folder: Path, stamps: Sequence[str], *, size: int = 0) -> None:
    """One cut of two archives per stamp, at least ``size`` bytes each."""
    for stamp in stamps:
        delivery = folder / f"delivery-{stamp}"
        delivery.mkdir()
        if size:
            nights.padded(delivery, stamp, size=size, entry=IMAGE)
        else:
            nights.two_archives(delivery, stamp)
        take(box, delivery)
        shutil.rmtree(delivery)


def tree(folder: Path, stamp: str, *, images: int, changed: int = 0) -> Path:
    """The institute's site with ``images`` of 40 kB, the first ``changed`` of them of this stamp's
    own bytes."""
    import random

    nights.tree(folder, stamp)
    for number in range(images):
        own = stamp if number < changed else ""
        content = random.Random(f"{number} {own}").randbytes(IMAGE)
        path = folder / "actas" / f"{number // 200:03d}" / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def newest_live(box: Sandbox, cut: str) -> None:
    """Publish the newest cut again after a rollback."""
    actions.publish(box.station, CutId.of(cut), actor=ACTOR)
