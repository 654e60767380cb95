"""Who decided what meanwhile, for somebody who came a moment too late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from prep_console.journal import journal
from prep_console.journal.actor import Actor
from prep_console.journal.chain import Line

_LOOKED_AT = 100
"""Lines from the end. A decision that is further back is not what came between."""
_SINGLE = {"hold", "release", "freeze", "thaw", "accept-from", "found", "station"}
"""Kinds that change mode or live cut by themselves; a switch has an intent and its outcome."""


class Decided(msgspec.Struct, frozen=True):
    """In the words of the record: ``record.words(kind, data)``."""

    actor: Actor
    at: datetime
    kind: str
    data: Mapping[str, object]


def after(path: Path, seq: int) -> Decided | None:
    """The first change of mode or live cut behind line ``seq``; the last one where ``seq`` is 0.

    None when there is none among the last lines.
    """
    lines = journal.tail(path, _LOOKED_AT)
    found = (_change(line, lines[n + 1 :]) for n, line in enumerate(lines) if line.seq > seq)
    changes = [change for change in found if change is not None]
    return changes[-1 if seq else 0] if changes else None


def _change(line: Line, before: Sequence[Line]) -> Decided | None:
    if line.kind in _SINGLE:
        return _said(line)
    return _switched(line, before) if line.kind == "done" else None


def _said(line: Line) -> Decided:
    return Decided(line.actor, line.time, line.kind, line.data)


def _switched(done: Line, before: Sequence[Line]) -> Decided | None:
    intent = next((line for line in before if line.seq == done.data.get("intent")), None)
    return Decided(intent.actor, done.time, "switched", intent.data) if intent else None
