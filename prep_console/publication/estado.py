"""The estado pages: date and time of the public cut, for portals to embed.

They say what stays true when nobody is there to correct it: which cut, its hour, when it was
published, and whether it is final, restored (and why) or a rehearsal. Never "up to date".
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from prep_console import durable
from prep_console.config import Settings
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.journal.state import State
from prep_console.publication import estado_page
from prep_console.wording import Language

_SPARES = 8
"""Pairs of files with blocks taken: switches that a completely full disk still allows."""
_SPARE_BYTES = 16 * 1024
_KEPT = 8
"""Earlier pages that stay for answers that are still being sent."""


class Said(msgspec.Struct, frozen=True):
    """What the pages say of one switch."""

    document: Mapping[str, Any]
    """estado.json without the journal's head."""
    reason: str | None = None
    """Why an earlier cut was restored, as the person gave it: the page shows it to the public."""
    language: Language = "es"
    """The station's, in which reasons are given."""


def describe(settings: Settings, state: State, cut: str | None) -> Said:
    """What the estado says while ``cut`` is live under ``state``."""
    record = state.cuts.get(cut) if cut else None
    zone = settings.zone
    restored = state.restored if cut is not None and state.live == cut else None
    document = {
        "schema": 1,
        "station": settings.station.name,
        "title": settings.election.title,
        "phase": settings.station.phase,
        "cut": cut,
        "stamp": CutId.of(cut).stamp.at(zone).isoformat() if cut else None,
        "parts": [
            {
                "election": part.election,
                "stamp": Stamp.of(part.stamp).at(zone).isoformat(),
                "carried": part.carried,
            }
            for part in (record.parts if record else ())
        ],
        "restored": restored is not None,
        "final": cut is not None and state.mode == "frozen",
    }
    return Said(document, restored, settings.station.language)


def write(public: Path, seq: int, said: Said, head: tuple[int, str]) -> None:
    """Put the pages of ``seq`` in place, flushed; they are public when the pointer names them.

    ``head`` is number and hash of the journal's last line: whoever keeps a copy of a page can
    later tell whether the journal's end was cut off (``journal --verify --head``).
    """
    for name, content in _pages(seq, said, head).items():
        _put(public / "estado", name, content)


def _pages(seq: int, said: Said, head: tuple[int, str]) -> dict[str, bytes]:
    document = {**said.document, "journal": {"seq": head[0], "hash": head[1]}}
    return {
        f"{seq}.json": json.dumps(document, ensure_ascii=False, indent=1).encode(),
        f"{seq}.html": estado_page.page(document, said.reason, said.language).encode(),
    }


def altered(public: Path, seq: int, said: Said) -> tuple[str, ...]:
    """Names of the pages of ``seq`` that are not, to the byte, what :func:`write` makes.

    The head is the one that the JSON shows: whether the journal knows it is another question.
    """
    pages = _pages(seq, said, head_of(public, seq) or (0, ""))
    return tuple(name for name, made in pages.items() if not _holds(public / "estado" / name, made))


def _holds(path: Path, made: bytes) -> bool:
    try:
        return path.read_bytes() == made
    except OSError:
        return False


def said_by(public: Path, seq: int) -> dict[str, Any] | None:
    """estado.json of ``seq`` without the journal's head; None when there are no pages."""
    try:
        document = json.loads((public / "estado" / f"{seq}.json").read_bytes())
        if not isinstance(document, dict) or not (public / "estado" / f"{seq}.html").exists():
            return None
    except (OSError, ValueError, RecursionError):
        return None
    document.pop("journal", None)
    return document


def head_of(public: Path, seq: int) -> tuple[int, str] | None:
    """The journal's head that the pages of ``seq`` show; None when there is none to read."""
    try:
        said = json.loads((public / "estado" / f"{seq}.json").read_bytes())["journal"]
        return int(said["seq"]), str(said["hash"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def make_ready(public: Path, live: int) -> None:
    """Take the spares' blocks again and clear away pages that no answer needs any more.

    On a full disk the pages that are no longer needed become the spares, so that the blocks of
    one switch serve the next, however many there are. OSError when there are too few of them.
    """
    folder = public / "estado"
    for suffix in ("json", "html"):
        numbered = sorted(int(p.stem) for p in folder.glob(f"*.{suffix}") if p.stem.isdecimal())
        spent = [n for n in numbered if n < live][:-_KEPT]
        for number in range(_SPARES):
            spare = folder / f".spare.{number}.{suffix}"
            there = spare.exists()
            if there and spare.stat().st_size == _SPARE_BYTES:
                continue
            try:
                durable.replace_file(spare, b" " * _SPARE_BYTES, durable=False)
            except OSError:
                if there:  # an earlier page with room for one like it
                    continue
                if not spent:
                    raise
                (folder / f"{spent.pop(0)}.{suffix}").rename(spare)
        for seq in spent:
            (folder / f"{seq}.{suffix}").unlink(missing_ok=True)


def _put(folder: Path, name: str, content: bytes) -> None:
    """A new file made of a spare whose blocks are there, or of new blocks when none is left."""
    suffix = name.rpartition(".")[2]
    taken = folder / f".{name}.new"
    if len(content) > _SPARE_BYTES or not _took_spare(folder, suffix, taken):
        durable.replace_file(folder / name, content)
        return
    descriptor = os.open(taken, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        durable.write_all(descriptor, content)
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    taken.rename(folder / name)  # becomes durable with the pointer: the later name in one journal


def _took_spare(folder: Path, suffix: str, taken: Path) -> bool:
    """Give a spare another name before it is written to; False when there is none.

    Another process may make spares ready at this moment, with no lock: it would put a blank one
    in the place of one that has our page in it.
    """
    for number in range(_SPARES):
        with suppress(FileNotFoundError):
            (folder / f".spare.{number}.{suffix}").rename(taken)
            return True
    return False
