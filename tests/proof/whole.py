"""Is this station whole? Looked at from outside, with nothing of the store's own checks.

What must hold at every moment, however the last command ended: the pointer can be read and is of
one piece, the cut that it names is there byte for byte as its manifest says and holds nothing
else, the estado pages beside it are whole and name the same cut, nothing that is not whole lies
in the store, everything that was accepted and waits is there, and the journal's chain holds and
says what is public, or what was about to be.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prep_console.journal import journal, reading
from prep_console.journal.state import State
from tests.proof.stations import Place

NOTHING = "-"


def faults(at: Place, *, damaged: str = "") -> list[str]:
    """Everything that is not as it must be; empty for a station that is whole.

    ``damaged``: what was not whole before, in these words, is left out.
    """
    found: list[str] = []
    try:
        state = at.station.state()
    except (OSError, ValueError) as error:
        return [f"the state cannot be read: {error!r}"]
    found += _of_pointer(at.root)
    pruned = _pruned(at, state)
    for folder in _cut_folders(at.root):
        found += [f"cut {folder.name}: {f}" for f in _of_cut(folder, folder.name in pruned)]
    found += _of_waiting(at.root, state)
    found += _of_record(at.root, state)
    found += _of_archives(at.root)
    verdict = reading.verify(at.station.journal)
    if not verdict.ok:
        found.append(f"journal: {verdict.told.in_('en')}")
    return [fault for fault in found if not damaged or damaged not in fault]


def _pruned(at: Place, state: State) -> set[str]:
    """Cuts whose bytes were given back; of a night that is being put away only its lines tell."""
    pruned = {cut.id for cut in state.cuts.values() if cut.pruned}
    for line in journal.read(at.station.journal).lines if state.archiving else ():
        data: Mapping[str, Any] = line.data
        pruned |= set(data["cuts"] if line.kind == "pruned" else ())
    return pruned


def live(root: Path) -> tuple[str, int]:
    """Cut and estado number that the public gets now; ``-`` and 0 before the first switch."""
    path = root / "public" / "live.map"
    if not path.exists():
        return NOTHING, 0
    said = _map(path)
    return said["cut"], int(said["estado"])


def _map(path: Path) -> Mapping[str, str]:
    lines = path.read_text("ascii").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def _of_pointer(root: Path) -> Iterator[str]:
    path = root / "public" / "live.map"
    if not path.exists():
        return
    try:
        said = _map(path)
        cut, number = said["cut"], int(said["estado"])
    except (ValueError, KeyError) as error:
        yield f"live.map is not of one piece: {path.read_bytes()!r} ({error!r})"
        return
    if said != {"cut": cut, "estado": str(number), "pair": f"{number}/{cut}"}:
        yield f"live.map contradicts itself: {said}"
    if cut != NOTHING:
        folder = root / "cuts" / cut
        if not (folder / "site").is_dir():
            yield f"live.map names {cut}, which is not in the store"
        else:
            yield from (f"the live cut {cut}: {f}" for f in _of_cut(folder, pruned=False))
    if number:
        yield from _of_estado(root / "public" / "estado", number, cut)


def _of_estado(folder: Path, number: int, cut: str) -> Iterator[str]:
    try:
        said = json.loads((folder / f"{number}.json").read_bytes())
        page = (folder / f"{number}.html").read_text("utf-8")
    except (OSError, ValueError) as error:
        yield f"the estado pages {number} cannot be read: {error!r}"
        return
    if (said["cut"] or NOTHING) != cut:
        yield f"estado {number} says {said['cut']} while {cut} is live"
    times = re.findall(r'<time datetime="([^"]*)"', page)
    if not page.endswith("</html>\n") or set(times) != {said["stamp"]} - {None}:
        yield f"estado {number}.html is not the page of {said['stamp']}"


def _cut_folders(root: Path) -> list[Path]:
    return sorted((root / "cuts").iterdir()) if (root / "cuts").is_dir() else []


def _of_cut(folder: Path, pruned: bool) -> Iterator[str]:
    try:
        manifest = json.loads((folder / "cut.json").read_bytes())
    except (OSError, ValueError) as error:
        yield f"its manifest cannot be read: {error!r}"
        return
    if manifest["id"] != folder.name:
        yield f"its manifest is of {manifest['id']}"
    if {p.name for p in folder.iterdir()} - {"cut.json", "site"}:
        yield f"it holds leftovers: {sorted(p.name for p in folder.iterdir())}"
    if pruned:
        return
    there = {str(p.relative_to(folder / "site")) for p in files(folder / "site")}
    if there != set(manifest["files"]):
        yield f"files differ from the manifest: {sorted(there ^ set(manifest['files']))}"
    for name in sorted(there & set(manifest["files"])):
        yield from _of_file(folder / "site" / name, name, manifest["files"][name])


def files(site: Path) -> list[Path]:
    """Everything in it that is no folder."""
    return [p for p in site.rglob("*") if not p.is_dir() or p.is_symlink()]


def _of_file(path: Path, name: str, said: Mapping[str, Any]) -> Iterator[str]:
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode) or mode & 0o222:
        yield f"{name} is no read-only file: {stat.filemode(mode)}"
        return
    content = path.read_bytes()
    if (len(content), hashlib.sha256(content).hexdigest()) != (said["size"], said["sha256"]):
        yield f"{name} is not what the manifest says"


def _of_waiting(root: Path, state: State) -> Iterator[str]:
    for entry in state.waiting:
        folder = root / "staging" / entry.delivery
        try:
            record = json.loads((folder / "delivery.json").read_bytes())
        except (OSError, ValueError) as error:
            yield f"{entry.delivery} was accepted and waits, and is gone: {error!r}"
            continue
        for file in record["examination"]["files"]:
            path = folder / "files" / file["path"]
            if not path.is_file() or (
                hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]
            ):
                yield f"{entry.delivery}: {file['path']} is not what was accepted"


def _of_record(root: Path, state: State) -> Iterator[str]:
    """The pointer is where the record says, or where an intent that is open wants it."""
    try:
        cut, _ = live(root)
    except (ValueError, KeyError):
        return  # told already
    explained = {state.live, state.intent.target if state.intent else state.live}
    if (None if cut == NOTHING else cut) not in explained:
        yield f"journal: it says that {state.live} is live while {cut} is, and no intent is open"


def _of_archives(root: Path) -> Iterator[str]:
    """The record leaves last: a new one would take over cuts that were left here."""
    for archive in root.glob("archive/*"):
        there = {path.name for path in archive.iterdir()}
        if "journal" in there and not there >= {"cuts", "quarantine", "staging"}:
            yield f"archive {archive.name} has the journal and only {sorted(there)}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a station is, without what differs from one run to the next (times, ids)."""

    live: str
    withdrawn: frozenset[str]
    mode: str
    cuts: Mapping[str, str]
    """Id to a digest of its files' names and bytes."""
    pruned: frozenset[str]
    marks: Mapping[str, str]
    waiting: frozenset[tuple[str, str]]
    """Election and stamp of the parts that wait."""
    refused: int
    final: bool
    """Whether the estado page says that the cut is final."""


def facts(at: Place) -> Facts:
    """The station as it stands, the pointer's word for what is live."""
    state = at.station.state()
    cut, number = live(at.root)
    page = at.root / "public" / "estado" / f"{number}.json"
    return Facts(
        cut,
        frozenset(c.id for c in state.cuts.values() if c.withdrawn),
        state.mode,
        {c.id: _digest(at.root / "cuts" / c.id) for c in state.cuts.values()},
        frozenset(c.id for c in state.cuts.values() if c.pruned),
        dict(state.marks),
        frozenset((p.election, p.stamp) for w in state.waiting for p in w.parts),
        len(state.refused),
        page.exists() and bool(json.loads(page.read_bytes())["final"]),
    )


def neither(now: Facts, before: Facts, after: Facts) -> list[str]:
    """What is not as it was before, nor as it ought to be after."""
    return [
        f"{name} is {getattr(now, name)}, neither before nor after"
        for name in ("live", "mode", "withdrawn", "cuts", "marks", "waiting", "final")
        if getattr(now, name) not in (getattr(before, name), getattr(after, name))
    ]


def _digest(folder: Path) -> str:
    manifest = json.loads((folder / "cut.json").read_bytes())
    files = sorted((name, file["sha256"]) for name, file in manifest["files"].items())
    parts = [(p["election"], p["stamp"], p["sha256"], p["carried"]) for p in manifest["parts"]]
    said = json.dumps([files, parts, manifest["why"]])
    return hashlib.sha256(said.encode()).hexdigest()
