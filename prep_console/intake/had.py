"""What of a delivery is new here: its parts held against all that was accepted before."""

from __future__ import annotations

from collections.abc import Sequence

from prep_console.cuts.model import Examination, Part
from prep_console.intake.staging import Delivery
from prep_console.journal.state import PartRecord, State, Waiting
from prep_console.publication import rules


def entry_of(delivery: Delivery, new: Sequence[Part], state: State) -> Waiting:
    """The delivery as the journal keeps it until its cut is sealed."""
    return Waiting(
        delivery.id,
        tuple(PartRecord(p.election, str(p.stamp), p.sha256) for p in new),
        delivery.received_at,
        delivery.verified_at,
        corrected=all(str(p.stamp) <= state.marks.get(p.election, "") for p in new)
        and any(_other_bytes(p, state) for p in new),
    )


def _known(state: State, part: Part) -> list[tuple[str, str | None]]:
    """(sha256, cut) of every time that this election and stamp was accepted before."""
    stamp = str(part.stamp)
    found: list[tuple[str, str | None]] = []
    for cut in state.cuts.values():
        for p in cut.parts:
            if (p.election, p.stamp) == (part.election, stamp):
                found.append((p.sha256, cut.id))
    for entry in state.waiting:
        for p in entry.parts:
            if (p.election, p.stamp) == (part.election, stamp):
                found.append((p.sha256, None))
    return found


def _other_bytes(part: Part, state: State) -> bool:
    return any(sha256 != part.sha256 for sha256, _ in _known(state, part))


def new_parts(examination: Examination, state: State) -> tuple[list[Part], str | None]:
    """The parts that were not accepted before, and a cut that holds the others."""
    new: list[Part] = []
    had_in: str | None = None
    for part in examination.parts:
        same = [cut for sha256, cut in _known(state, part) if sha256 == part.sha256]
        if same:
            had_in = next((c for c in same if c is not None), had_in)
        else:
            new.append(part)
    return new, had_in


def cut_with(state: State, entry: Waiting) -> str | None:
    """The newest cut that holds a part of this delivery."""
    shas = {p.sha256 for p in entry.parts}
    for cut in reversed(rules.stored(state)):
        if any(p.sha256 in shas for p in cut.parts):
            return cut.id
    return None
