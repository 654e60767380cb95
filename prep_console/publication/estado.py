"""The estado pages: date and time of the public cut, for portals to embed.

They say what stays true when nobody is there to correct it: which cut, its hour, when it was
published, and whether it is final, restored or a rehearsal. Never "up to date".
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from prep_console import durable
from prep_console.config import Settings
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.journal.state import State
from prep_console.wording import N_, say_in

_SPARES = 8
"""Pairs of files with blocks taken: switches that a completely full disk still allows."""
_SPARE_BYTES = 16 * 1024
_KEPT = 8
"""Earlier pages that stay for answers that are still being sent."""


def describe(settings: Settings, state: State, cut: str | None) -> dict[str, Any]:
    """What the estado says while ``cut`` is live under ``state``; without the journal's head."""
    record = state.cuts.get(cut) if cut else None
    zone = settings.zone
    said: dict[str, Any] = {
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
        "restored": cut is not None and state.live == cut and state.restored is not None,
        "final": cut is not None and state.mode == "frozen",
    }
    return said


def write(public: Path, seq: int, said: Mapping[str, Any], head: tuple[int, str]) -> None:
    """Put the pages of ``seq`` in place, flushed; they are public when the pointer names them.

    ``head`` is number and hash of the journal's last line: whoever keeps a copy of a page can
    later tell whether the journal's end was cut off (``journal --verify --head``).
    """
    for name, content in _pages(seq, said, head).items():
        _put(public / "estado", name, content)


def _pages(seq: int, said: Mapping[str, Any], head: tuple[int, str]) -> dict[str, bytes]:
    document = {**said, "journal": {"seq": head[0], "hash": head[1]}}
    return {
        f"{seq}.json": json.dumps(document, ensure_ascii=False, indent=1).encode(),
        f"{seq}.html": _page(document).encode(),
    }


def altered(public: Path, seq: int, said: Mapping[str, Any]) -> tuple[str, ...]:
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
    """What the pages of ``seq`` say, without the journal's head; None when there are none."""
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
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
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
    spare = next(
        (s for n in range(_SPARES) if (s := folder / f".spare.{n}.{suffix}").exists()), None
    )
    if spare is None or len(content) > _SPARE_BYTES:
        durable.replace_file(folder / name, content)
        return
    descriptor = os.open(spare, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        durable.write_all(descriptor, content)
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    spare.rename(folder / name)  # becomes durable with the pointer: the later name in one journal


def _page(said: Mapping[str, Any]) -> str:
    """A whole page without script or outside resource, readable on a phone and in a frame."""
    spanish = "\n".join(_lines(said, "es"))
    english = "\n".join(_lines(said, "en"))
    return (
        '<!DOCTYPE html>\n<html lang="es"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>PREP · {html.escape(str(said['station']))}</title>"
        "<style>body{font:1.1rem/1.5 system-ui,sans-serif;margin:1.5rem;text-align:center}"
        "h1{font-size:1.2rem;margin:0}time{display:block;font-size:2.6rem;font-weight:700}"
        "strong{display:block}section+section{margin-top:1rem;font-size:.85rem}</style></head>"
        f'<body><section>{spanish}</section><section lang="en">{english}</section>'
        "</body></html>\n"
    )


def _lines(said: Mapping[str, Any], language: Any) -> list[str]:
    def text(msgid: str, **values: str) -> str:
        return html.escape(say_in(language, msgid, **values))

    rehearsal = N_("REHEARSAL - these are not results")
    as_of = N_("Preliminary results as of")
    lines = [f"<h1>{html.escape(str(said['title'] or said['station']))}</h1>"]
    if said["phase"] == "simulacro":
        lines.append(f"<strong>{text(rehearsal)}</strong>")
    if said["cut"] is None:
        nothing = text(N_("No cut is published at this moment."))
        return [*lines, f"<p>{nothing}</p>"]
    moment = datetime.fromisoformat(said["stamp"])
    lines.append(f"<p>{text(as_of)}</p>")
    lines.append(f'<time datetime="{said["stamp"]}">{moment:%d/%m/%Y %H:%M}</time>')
    for part in said["parts"]:
        if part["carried"]:
            hour = f"{datetime.fromisoformat(part['stamp']):%H:%M}"
            since = text(N_("{election}: as of {hour}"), election=part["election"], hour=hour)
            lines.append(f"<p>{since}</p>")
    if said["final"]:
        final = text(N_("Final cut."))
        lines.append(f"<p>{final}</p>")
    if said["restored"]:
        restored = text(N_("An earlier cut was restored."))
        lines.append(f"<p>{restored}</p>")
    return lines
