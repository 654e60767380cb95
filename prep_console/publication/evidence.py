"""What a station can show about one sealed cut: its manifest, its files, what the journal says.

Nothing here is remembered or trusted: the journal is read and verified from its first line, and
every byte of the cut is read again.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec

from prep_console.cuts.stamps import CutId
from prep_console.journal import chain
from prep_console.journal.chain import Break, Line
from prep_console.journal.fold import fold
from prep_console.journal.journal import Position
from prep_console.journal.records import CutRecord
from prep_console.journal.state import State
from prep_console.problems import Failed, Refused
from prep_console.publication import estado, manifest, store
from prep_console.publication.manifest import Manifest
from prep_console.publication.station import Station
from prep_console.wording import N_, sentence

_CHUNK = 1 << 20
_MODES = {"hold", "release", "freeze", "thaw"}
"""Lines that speak of whatever is live."""


class Evidence(msgspec.Struct, frozen=True):
    """Everything but the files themselves. The journal is as it was at one moment."""

    record: CutRecord
    sealed: Manifest
    manifest: bytes
    """``cut.json`` as it lies there; its hash is the one that the journal has."""
    journal: bytes
    """Its whole lines, all of them."""
    lines: tuple[Line, ...]
    """Those that concern the cut, oldest first."""
    extract: bytes
    """The same, as they stand in the file."""
    position: Position
    breaks: tuple[Break, ...]
    live: bool
    revisions: tuple[CutRecord, ...]
    """Other cuts of the same date and hour."""
    pages: Mapping[int, bytes]
    """Estado pages that are still kept and whose head is in the journal: number to JSON."""
    cut_off: tuple[int, str] | None
    """The head that the public page shows when the journal lacks that line."""


class Files(msgspec.Struct, frozen=True):
    """What reading every file of the cut again found."""

    sha256: Mapping[str, str]
    """Of each file that is there, as it is now."""
    changed: tuple[str, ...]
    """Changed, missing or not readable."""
    strange: tuple[str, ...]
    """There, and not in the manifest."""


def gather(station: Station, cut: CutId | None) -> Evidence:
    """Evidence about ``cut`` (None: the live one), on ``station`` or in a night put away there.

    Refused when there is no such cut here or its manifest is not the one that was sealed: then
    there is nothing that files could be compared with. Failed when the journal cannot be read.
    """
    live = station.live().cut
    name = str(cut) if cut is not None else live
    if name is None:
        raise Refused(
            sentence(N_("nothing is live that could be proved")),
            sentence(N_("name a cut; prep-console cuts lists those that are here")),
        )
    journal = _whole_lines(station)
    raws = journal.split(b"\n")[:-1]
    followed = chain.follow(raws)
    position = Position(len(journal), len(raws), followed.seq, followed.hash)
    state = fold(_of_the_night(followed.lines), position, None, followed.breaks)
    record = _recorded(state, name)
    sealed, raw = _sealed(station, record)
    lines = tuple(_concerning(followed.lines, record, sealed))
    as_written = {line_hash(raw).encode(): raw for raw in raws}
    pages, cut_off = _pages(station, name, followed.lines)
    return Evidence(
        record=record,
        sealed=sealed,
        manifest=raw,
        journal=journal,
        lines=lines,
        extract=b"".join(as_written[line.hash.encode()] + b"\n" for line in lines),
        position=position,
        breaks=_breaks(station, followed.breaks),
        live=name == live,
        revisions=tuple(
            other
            for other in state.cuts.values()
            if other.id != name and CutId.of(other.id).stamp == CutId.of(name).stamp
        ),
        pages=pages,
        cut_off=cut_off,
    )


def _of_the_night(lines: Sequence[Line]) -> Sequence[Line]:
    """All but the line that puts a night away: from it on the station is empty."""
    return lines[:-1] if lines and lines[-1].kind == "archived" else lines


def line_hash(raw: bytes) -> str:
    """The hash that a line gives itself: only its own can come last, keys being sorted."""
    return raw.rpartition(b',"hash":"')[2][:64].decode("ascii", "replace")


def _whole_lines(station: Station) -> bytes:
    try:
        data = station.journal.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise Failed(
            sentence(
                N_("the journal cannot be read: {error}"),
                error=f"{error.strerror}: {error.filename or station.journal}",
            ),
            sentence(N_("check its owner and permissions")),
        ) from error
    return data[: data.rfind(b"\n") + 1]


def _breaks(station: Station, found: tuple[Break, ...]) -> tuple[Break, ...]:
    """Also the one that only the state kept beside the journal knows: its end was cut off."""
    more = station.whole_state().breaks
    return (*found, *(b for b in more if b.line not in {known.line for known in found}))


def _recorded(state: State, name: str) -> CutRecord:
    record = state.cuts.get(name)
    if record is None:
        raise Refused(
            sentence(N_("there is no sealed cut {cut}"), cut=name),
            sentence(N_("prep-console cuts lists those that are here")),
        )
    if record.pruned:
        raise Refused(
            sentence(N_("the files of cut {cut} were removed by the clean-up"), cut=name),
            sentence(N_("the journal still tells its story: prep-console journal")),
        )
    return record


def _sealed(station: Station, record: CutRecord) -> tuple[Manifest, bytes]:
    try:
        raw = (station.cuts / record.id / store.MANIFEST).read_bytes()
        if sha256(raw).hexdigest() != record.manifest:
            raise ValueError("its hash is not the one in the journal")
        return manifest.decode(raw), raw
    except (OSError, ValueError) as error:
        raise Refused(
            sentence(
                N_("the manifest of cut {cut} is not the one that was sealed: {error}"),
                cut=record.id,
                error=str(error)[:200],
            ),
            sentence(N_("keep the folder as it is and ask why; nothing was written")),
        ) from error


def _concerning(lines: Sequence[Line], record: CutRecord, sealed: Manifest) -> Iterator[Line]:
    """Lines about the cut, about its parts' arrival, and about publishing while it was live."""
    parts = {(part.election, part.sha256) for part in sealed.parts}
    stamp = CutId.of(record.id).stamp
    intents: dict[object, Line] = {}
    live: object = None
    for line in lines:
        data = line.data
        if line.kind == "intent":
            intents[line.seq] = line
        decided = intents.get(data.get("intent")) if line.kind in {"done", "abandoned"} else None
        concerns = (
            _names(data, record.id)
            or (line.kind == "accepted" and not parts.isdisjoint(_parts(data)))
            or (line.kind == "sealed" and _is_of(data.get("cut"), stamp))
            or (line.kind in _MODES and live == record.id)
            or (decided is not None and _names(decided.data, record.id))
        )
        if line.kind == "done" and decided is not None:
            live = decided.data.get("to")
        elif line.kind == "found":
            live = data.get("live")
        if concerns:
            yield line


def _names(value: object, cut: str) -> bool:
    """Whether the cut's id stands in it; a part's stamp looks the same and is not meant."""
    if isinstance(value, Mapping):
        return any(_names(inner, cut) for key, inner in value.items() if key != "stamp")
    if isinstance(value, list | tuple):
        return any(_names(inner, cut) for inner in value)
    return value == cut


def _parts(data: Mapping[str, object]) -> Iterator[tuple[object, object]]:
    parts = data.get("parts")
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, Mapping):
            yield part.get("election"), part.get("sha256")


def _is_of(cut: object, stamp: object) -> bool:
    with suppress(ValueError):
        return CutId.of(str(cut)).stamp == stamp
    return False


def _pages(
    station: Station, cut: str, lines: Sequence[Line]
) -> tuple[dict[int, bytes], tuple[int, str] | None]:
    """Pages that name the cut, and the public one: a later head shows more of the journal."""
    heads = {(line.seq, line.hash) for line in lines}
    public = station.live().estado
    kept: dict[int, bytes] = {}
    for number in sorted(_numbers(station.public / "estado")):
        said = estado.said_by(station.public, number)
        if said is None or (said.get("cut") != cut and number != public):
            continue
        if estado.head_of(station.public, number) in heads:
            with suppress(OSError):
                kept[number] = (station.public / "estado" / f"{number}.json").read_bytes()
    head = station.own_head() if station.root == station.settings.root else None
    return kept, head if head is not None and head not in heads else None


def _numbers(folder: Path) -> Iterator[int]:
    for path in folder.glob("*.json"):
        if path.stem.isdecimal():
            yield int(path.stem)


def read_files(station: Station, sealed: Manifest, copy: Path | None) -> Files:
    """Read every file of the cut again; with ``copy`` also write it into that folder.

    OSError when the copy cannot be written; a file that cannot be read is a finding.
    """
    site = station.cuts / sealed.id / store.SITE
    now: dict[str, str] = {}
    for path in sealed.files:
        digest = _read(site / path, copy / path if copy is not None else None)
        if digest is not None:
            now[path] = digest
    return Files(
        now,
        tuple(path for path, file in sealed.files.items() if now.get(path) != file.sha256),
        tuple(sorted(path for path in _lying_in(site) if path not in sealed.files)),
    )


def _read(source: Path, target: Path | None) -> str | None:
    """SHA-256 of a plain file, copied on the way; None, and no copy, when it cannot be read."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        if target is None:
            return _digest(file, None)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as written:
            digest = _digest(file, written)
        if digest is None:
            target.unlink()
        else:
            target.chmod(0o444)
        return digest


def _digest(file: BinaryIO, copy: BinaryIO | None) -> str | None:
    found = sha256()
    while True:
        try:
            chunk = file.read(_CHUNK)
        except OSError:
            return None
        if not chunk:
            return found.hexdigest()
        found.update(chunk)
        if copy is not None:
            copy.write(chunk)


def _lying_in(site: Path) -> Iterator[str]:
    """Every name under ``site`` that is no folder, links to folders included."""
    for folder, inner, names in os.walk(site):
        links = [name for name in inner if Path(folder, name).is_symlink()]
        for name in [*names, *links]:
            yield Path(folder, name).relative_to(site).as_posix()
