"""Receive to live as a whole command, against the plain tools that move and hash the same bytes."""

from __future__ import annotations

import csv
import io
import shutil
import statistics
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from prep_console.publication import actions
from tests import nights
from tests.bench.figure import NO_BOUND, Figure, median_ratio, run, seconds, spread
from tests.bench.grounds import (
    ACTOR,
    IMAGE,
    LARGE,
    QUERETARO,
    Served,
    scratch,
    served,
    take,
    tree,
    warm_memory,
)
from tests.stations import PROGRAM

_TIMES = 7
_FILES = 6_000
_CHANGED = 50


def rows() -> list[Figure]:
    """The receive rows."""
    return [
        *_archives("250 MB in two archives, images and all", LARGE, 5),
        *_archives("two archives of a small state, no images", 0, 2 * _TIMES),
        *_tree(),
    ]


# --- two archives ---------------------------------------------------------------------------


def _archives(name: str, size: int, times: int) -> Iterator[Figure]:
    allowed: list[float] = []
    flushed: list[float] = []
    took: list[float] = []
    with scratch() as folder, served(folder / "station") as ground:
        stamps = nights.stamps(count=times + 1)
        _deliver(folder / "first", stamps[0], size)
        take(ground.box, folder / "first")
        for stamp in stamps[1:]:
            delivery = folder / stamp
            _deliver(delivery, stamp, size)
            _settle(folder)
            warm_memory(folder, 2 * size)
            bare_s, flush_s = _allowed(delivery, folder / "copy")
            allowed.append(bare_s)
            flushed.append(bare_s + 1.3 * flush_s)
            _settle(folder)
            warm_memory(folder, 2 * size)
            took.append(_received(ground, delivery))
            assert ground.box.station.live().cut == stamp
            shutil.rmtree(delivery)
    yield Figure(
        f"receive -> live, {name}",
        median_ratio(list(zip(took, allowed, strict=True))),
        1.0,
        "x allowed",
        f"{spread(took)} s; allowed 0.3 s + 1.3 x (sha256sum + cp) + 2 x csv.reader: "
        f"{statistics.median(allowed):.3g} s",
    )
    yield Figure(
        f"receive -> live, {name}: cp flushed as we are",
        median_ratio(list(zip(took, flushed, strict=True))),
        NO_BOUND,
        "x allowed",
        f"with cp's bytes on the disk too: {statistics.median(flushed):.3g} s",
    )


def _deliver(folder: Path, stamp: str, size: int) -> None:
    folder.mkdir()
    if size:
        nights.padded(folder, stamp, size=size, actas=QUERETARO, entry=IMAGE)
    else:
        nights.two_archives(folder, stamp, actas=QUERETARO)


def _settle(folder: Path) -> None:
    """What was written before is not flushed at the cost of what is measured next."""
    subprocess.run(["sync", "-f", folder], check=True)


def _received(ground: Served, delivery: Path) -> float:
    return run(PROGRAM, "--config", ground.box.file, "receive", delivery)


def _allowed(delivery: Path, copy: Path) -> tuple[float, float]:
    """The design's bound for this delivery, and what cp leaves unflushed takes, in seconds."""
    files = sorted(delivery.iterdir())
    tables = [table for file in files for table in _results(file)]

    def read() -> None:
        for table in tables:
            for _ in csv.reader(io.StringIO(table), delimiter="|"):
                pass

    moved = run("sha256sum", *files) + run("cp", "-r", delivery, copy)
    flush = run("sync", "-f", copy)
    shutil.rmtree(copy)
    return 0.3 + 1.3 * moved + 2 * seconds(read), flush


def _results(archive: Path) -> Sequence[str]:
    with zipfile.ZipFile(archive) as opened:
        return [
            opened.read(name).decode("utf-8", "replace")
            for name in opened.namelist()
            if name.endswith(".csv") and "CANDIDATURA" not in name
        ]


# --- a tree of many files -------------------------------------------------------------------


def _tree() -> list[Figure]:
    """One tree that a mirror keeps up to date, each time with the same few new files.

    Staged, checked and sealed in a process that is warm, as the engine's worker is; and once as a
    whole command that also puts it live.
    """
    stamps = nights.stamps(count=2 * _TIMES + 1)
    warm: list[float] = []
    whole: list[float] = []
    theirs: list[float] = []
    with scratch() as folder, served(folder / "station") as ground:
        site = tree(folder / "site", stamps[0], images=_FILES)
        take(ground.box, site)
        mirror = folder / "mirror-0"
        run("rsync", "-a", f"{site}/", mirror)
        for number, stamp in enumerate(stamps[1:], 1):
            tree(site, stamp, images=_CHANGED, changed=_CHANGED)
            _forget_old_archives(site, stamp)
            _settle(folder)
            newer = folder / f"mirror-{number}"
            theirs.append(
                run("rsync", "-ac", f"--link-dest={mirror}", f"{site}/", newer)
                + run("sync", "-f", newer)
            )
            mirror = newer
            if number % 2:
                actions.hold(ground.box.station, actor=ACTOR)
                warm.append(seconds(lambda: take(ground.box, site)))
                actions.release(ground.box.station, actor=ACTOR)
            else:
                whole.append(_received(ground, site))
            live = ground.box.station.live().cut
            assert live == stamp, live
            _same_inodes(ground, stamps[number - 1], stamp)
    name = f"cut of {_FILES:,} files (240 MB), {_CHANGED} new"
    unit = "x rsync -ac --link-dest + sync"
    pairs = list(zip(warm, theirs[0::2], strict=True))
    commands = list(zip(whole, theirs[1::2], strict=True))
    return [
        Figure(
            f"{name}: staged, checked, sealed",
            median_ratio(pairs),
            2.0,
            unit,
            f"{spread(warm)} s : {spread(theirs)} s, in a warm process",
        ),
        Figure(
            f"{name}: the same as a whole command, live",
            median_ratio(commands),
            NO_BOUND,
            unit,
            f"{spread(whole)} s, start-up and the site's answer included",
        ),
    ]


def _forget_old_archives(site: Path, stamp: str) -> None:
    """A mirror holds the newest archives only; older ones would be other stamps' parts."""
    for old in site.rglob("*_PREP*"):
        if old.is_file() and stamp not in old.name:
            old.unlink()


def _same_inodes(ground: Served, before: str, after: str) -> None:
    """The unchanged files are shared, or the figure would be of something else."""
    last = f"actas/{(_FILES - 1) // 200:03d}/{_FILES - 1:05d}.jpg"
    first, second = (ground.box.station.cuts / cut / "site" / last for cut in (before, after))
    assert first.stat().st_ino == second.stat().st_ino
