"""A night of cuts out of final results, delivered in the shapes that institutes use.

A :class:`Night` comes from the synthetic election or from a real final cut (``--from FILE``);
:func:`write_cut` puts what stood at a stamp into a folder, by a temporary name and a rename.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from prep_console.cuts.elections import canonical
from prep_console.cuts.stamps import Stamp
from prep_console.drill import synthetic
from prep_console.drill.final import Final, UnreadableFinalError, cut_at, read_final
from prep_console.drill.site_files import lone_json, site_files
from prep_console.wording import N_, sentence

Shape = Literal["archives", "zip_of_zips", "tar_gz", "tree", "json"]

_RESULTS = re.compile(r"([A-Z]{2,5})_([A-Z_]+?)_(\d{4})\.csv", re.IGNORECASE)
_CANDIDATES = re.compile(r"_CANDIDATURAS?_", re.IGNORECASE)
_INVENTED = (
    "SIMULACRO. Datos ficticios: partidos, candidaturas y votos fueron inventados para ensayar.\r\n"
)
_DERIVED = (
    "SIMULACRO. Corte DERIVADO del archivo final {name}:\r\n"
    "son las actas verificadas hasta la hora del corte, con el encabezado vuelto a calcular.\r\n"
    "El instituto nunca entregó este corte.\r\n"
)


@dataclass(frozen=True, slots=True)
class Contest:
    """One election of a night: its final file and what lies beside it in each archive."""

    code: str
    state: str
    final: Final
    beside: Mapping[str, bytes]
    """Name to bytes: candidates, LEEME."""

    def archive(
        self, stamp: Stamp, *, as_of: Stamp | None = None, extra: Mapping[str, bytes] | None = None
    ) -> bytes:
        """The election's zip for a stamp; ``as_of`` holds figures of another moment back."""
        results = cut_at(self.final, (as_of or stamp).wall, named=stamp.wall)
        return zipped({**self.beside, self.final.name: results, **(extra or {})}, stamp)

    def archive_name(self, stamp: Stamp) -> str:
        """``20240602_2005_PREP_DIP_LOC_QRO.zip``."""
        return f"{stamp}_PREP_{self.code}_{self.state}.zip"


@dataclass(frozen=True, slots=True)
class Night:
    """All elections of one day."""

    contests: tuple[Contest, ...]
    source: str
    """Name of the file the night is derived from; '' for the synthetic one."""

    @property
    def state(self) -> str:
        return self.contests[0].state

    @property
    def elections(self) -> tuple[str, ...]:
        return tuple(contest.code for contest in self.contests)

    @property
    def opens(self) -> datetime:
        """The last five-minute step before the first acta was in (wall time)."""
        first = min(
            (row.verified for c in self.contests for row in c.final.rows if row.verified),
            default=self.closes,
        )
        return first.replace(minute=first.minute // 5 * 5, second=0)

    @property
    def closes(self) -> datetime:
        """Wall time of the final cut."""
        return max(contest.final.stamp for contest in self.contests)


def synthetic_night(
    opens: datetime,
    *,
    actas: int = synthetic.ACTAS_LIKE_QUERETARO,
    seed: int = 20240602,
    dress: Mapping[str, synthetic.Dress] | synthetic.Dress = synthetic.PLAIN,
) -> Night:
    """The Querétaro-like election with publication from ``opens`` (wall time)."""
    contests = []
    for election in synthetic.elections(opens, actas=actas, seed=seed, dress=dress):
        stem = f"QRO_{election.code}"
        beside = {
            "LEEME.txt": _INVENTED.encode("cp1252"),
            f"{stem}_CANDIDATURA_{opens.year}.csv": election.candidates,
        }
        contests.append(Contest(election.code, "QRO", election.final, beside))
    return Night(tuple(contests), "")


def night_from(path: Path) -> Night:
    """The night behind a real final cut: a results CSV, a folder or (nested) zip that holds some.

    Raises UnreadableFinalError when no results file with verification times is in it, OSError
    when it cannot be read.
    """
    files = dict(_files(path))
    candidates = {name: data for name, data in files.items() if _CANDIDATES.search(name)}
    contests = []
    for name, data in sorted(files.items()):
        match = _RESULTS.fullmatch(name)
        if match is None or name in candidates:
            continue
        state, code, _ = match.groups()
        prefix = f"{state}_{code.split('_')[0]}_CANDIDATURA".upper()
        beside = {n: d for n, d in candidates.items() if n.upper().startswith(prefix)}
        derived = _DERIVED.format(name=path.name).encode("cp1252", "replace")
        beside["LEEME_DERIVADO.txt"] = derived
        known = canonical(code) or code.upper()
        contests.append(Contest(known, state.upper(), read_final(name, data), beside))
    if not contests:
        raise UnreadableFinalError(
            sentence(N_("no results file (STATE_ELECTION_YEAR.csv) in {name}"), name=path.name)
        )
    if not any(row.verified for contest in contests for row in contest.final.rows):
        raise UnreadableFinalError(
            sentence(N_("no acta in {name} says when it was verified"), name=path.name)
        )
    return Night(tuple(contests), path.name)


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """CSV files under a path by their base name, archives opened."""
    if path.is_dir():
        for inside in sorted(path.rglob("*")):
            if inside.is_file() and inside.suffix.lower() in {".csv", ".zip"}:
                yield from _files(inside)
    elif path.suffix.lower() == ".csv":
        yield path.name, path.read_bytes()
    else:
        yield from _zip_files(path.read_bytes(), path.name)


def _zip_files(data: bytes, name: str, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                base = entry.filename.rsplit("/", 1)[-1]
                if base.lower().endswith(".csv"):
                    yield base, archive.read(entry)
                elif base.lower().endswith(".zip") and depth < 2:
                    yield from _zip_files(archive.read(entry), base, depth + 1)
    except zipfile.BadZipFile as error:
        raise UnreadableFinalError(
            sentence(N_("{name} is neither a CSV nor a zip"), name=name)
        ) from error


def zipped(files: Mapping[str, bytes], stamp: Stamp, *, stored: Iterable[str] = ()) -> bytes:
    """A zip whose bytes depend on nothing but its arguments."""
    buffer = io.BytesIO()
    keep = set(stored)
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, stamp.wall.timetuple()[:6])
            entry.external_attr = 0o644 << 16
            packed = name not in keep and not name.endswith((".zip", ".png", ".jpg"))
            entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            archive.writestr(entry, data)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes], stamp: Stamp) -> bytes:
    """A tar.gz of the files."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mtime = int((stamp.wall - datetime.fromisoformat("1970-01-01")).total_seconds())
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def cut_files(
    night: Night, stamp: Stamp, *, shape: Shape = "archives", straddle: bool = False
) -> dict[str, bytes]:
    """What the institute delivers for one stamp: relative name to bytes.

    ``straddle``: the second archive bears the next minute, as when a package is made near :59.
    """
    stamps = [
        Stamp(stamp.wall + timedelta(minutes=1)) if straddle and at else stamp
        for at, _ in enumerate(night.contests)
    ]
    if shape == "json":
        return {f"{stamp}_PREP.json": lone_json(night.contests[0].final, stamp)}
    archives = {
        contest.archive_name(own): contest.archive(own)
        for contest, own in zip(night.contests, stamps, strict=True)
    }
    if shape == "archives":
        return archives
    if shape == "zip_of_zips":
        return {f"{stamp}_PREP_{night.state}.zip": zipped(archives, stamp)}
    tree = site_files([c.final for c in night.contests], archives, stamp)
    if shape == "tree":
        return tree
    return {f"{stamp}_PREP_{night.state}.tar.gz": tarred(tree, stamp)}


def write_cut(
    folder: Path, night: Night, stamp: Stamp, *, shape: Shape = "archives", straddle: bool = False
) -> list[Path]:
    """Deliver one cut into ``folder``, each file whole under its name or not there at all."""
    written = []
    for name, data in cut_files(night, stamp, shape=shape, straddle=straddle).items():
        written.append(put(folder / name, data))
    return written


def put(path: Path, data: bytes) -> Path:
    """Write a file the way rsync does: ``.name.part``, then a rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    return part.replace(path)
