"""Deliveries for tests: small synthetic nights, written in the shapes that institutes use.

Everything is deterministic. The night of a stamp opens at 20:00: a stamp from 18:00 on belongs
to that evening (so 18:52 is a zero cut), an earlier one to the evening before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

from prep_console.cuts.stamps import Stamp
from prep_console.drill.nights import Night, Shape, cut_files, put, synthetic_night, zipped
from prep_console.drill.synthetic import PLAIN, Dress

ELECTIONS = ("DIP_LOC", "AYUN")
SEED = 20240602


@cache
def _night(opens: datetime, actas: int, seed: int, dress: Dress) -> Night:
    return synthetic_night(opens, actas=actas, seed=seed, dress=dress)


def night(
    stamp: str = "20240602_2005", *, actas: int = 30, seed: int = SEED, dress: Dress = PLAIN
) -> Night:
    """The synthetic night that a stamp lies in, kept for the next call."""
    evening = Stamp.of(stamp).wall - timedelta(hours=18)
    return _night(evening.replace(hour=20, minute=0), actas, seed, dress)


def stamps(first: str = "20240602_2005", count: int = 3, *, minutes: int = 5) -> list[str]:
    """``count`` stamps, ``minutes`` apart."""
    start = Stamp.of(first).wall
    return [str(Stamp(start + timedelta(minutes=minutes * n))) for n in range(count)]


def archive(
    folder: Path,
    election: str = "DIP_LOC",
    stamp: str = "20240602_2005",
    *,
    actas: int = 30,
    seed: int = SEED,
    dress: Dress = PLAIN,
    as_of: str | None = None,
    extra: Mapping[str, bytes] | None = None,
    name: str | None = None,
) -> Path:
    """One election's zip. ``as_of``: the figures of another stamp (a system that stands still).

    ``extra`` adds entries, ``name`` replaces the file's name, another ``seed`` gives other bytes
    under the same stamp (a corrected part).
    """
    at = Stamp.of(stamp)
    contest = next(
        c for c in night(stamp, actas=actas, seed=seed, dress=dress).contests if c.code == election
    )
    data = contest.archive(at, as_of=Stamp.of(as_of) if as_of else None, extra=extra)
    return put(folder / (name or contest.archive_name(at)), data)


def two_archives(
    folder: Path,
    stamp: str = "20240602_2005",
    *,
    actas: int = 30,
    seed: int = SEED,
    dress: Dress = PLAIN,
    elections: Sequence[str] = ELECTIONS,
    straddle_minutes: int = 0,
    as_of: str | None = None,
) -> dict[str, Path]:
    """The normal cut: one zip per election, in the order delivered; election to its path.

    ``straddle_minutes``: how much later the second archive's stamp is.
    """
    written = {}
    for at, election in enumerate(elections):
        own = str(Stamp(Stamp.of(stamp).wall + timedelta(minutes=straddle_minutes * bool(at))))
        written[election] = archive(
            folder, election, own, actas=actas, seed=seed, dress=dress, as_of=as_of
        )
    return written


def _one(folder: Path, shape: Shape, stamp: str, actas: int, seed: int) -> Path:
    files = cut_files(night(stamp, actas=actas, seed=seed), Stamp.of(stamp), shape=shape)
    ((name, data),) = files.items()
    return put(folder / name, data)


def zip_of_zips(
    folder: Path, stamp: str = "20240602_2005", *, actas: int = 30, seed: int = SEED
) -> Path:
    """Both elections' zips inside one."""
    return _one(folder, "zip_of_zips", stamp, actas, seed)


def tar_gz(
    folder: Path, stamp: str = "20240602_2005", *, actas: int = 30, seed: int = SEED
) -> Path:
    """The site tree in a tar.gz."""
    return _one(folder, "tar_gz", stamp, actas, seed)


def lone_json(
    folder: Path, stamp: str = "20240602_2005", *, actas: int = 30, seed: int = SEED
) -> Path:
    """The totals of one cut, ``20240602_2005_PREP.json``."""
    return _one(folder, "json", stamp, actas, seed)


def tree(folder: Path, stamp: str = "20240602_2005", *, actas: int = 30, seed: int = SEED) -> Path:
    """A folder with the institute's small site, JSON, images and both archives; the folder."""
    for name, data in cut_files(
        night(stamp, actas=actas, seed=seed), Stamp.of(stamp), shape="tree"
    ).items():
        put(folder / name, data)
    return folder


def padded(
    folder: Path,
    stamp: str = "20240602_2005",
    *,
    size: int,
    actas: int = 30,
    seed: int = SEED,
    elections: Sequence[str] = ELECTIONS,
    entry: int = 1_000_000,
) -> dict[str, Path]:
    """:func:`two_archives` whose first archive is at least ``size`` bytes, by image entries.

    The padding differs from stamp to stamp and does not compress. ``entry`` is the size of each
    image in bytes.
    """
    random = Random(f"{stamp} {seed}")
    extra = {
        f"imagenes/relleno_{at:05d}.jpg": random.randbytes(min(entry, size - at * entry))
        for at in range(-(-size // entry))
    }
    first = archive(folder, elections[0], stamp, actas=actas, seed=seed, extra=extra)
    rest = two_archives(folder, stamp, actas=actas, seed=seed, elections=elections[1:])
    return {elections[0]: first, **rest}


def rewritten(archive: Path, files: Mapping[str, bytes]) -> Path:
    """Replace an archive by one with exactly these entries (for deliveries that are wrong)."""
    return put(archive, zipped(files, Stamp.of(archive.name[:13])))
