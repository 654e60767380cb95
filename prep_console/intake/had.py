"""What of a delivery is new here: its parts held against all that was accepted before, and the
files of a tree against those of the cut that has its parts."""

from __future__ import annotations

from collections.abc import Sequence

from prep_console.cuts.model import Examination, Part
from prep_console.intake.staging import Delivery
from prep_console.journal.records import PartRecord, Waiting
from prep_console.journal.state import State
from prep_console.publication import rules, store
from prep_console.publication.station import Station


def entry_of(delivery: Delivery, new: Sequence[Part], state: State) -> Waiting:
    """The delivery as the journal keeps it until its cut is sealed."""
    return Waiting(
        delivery.id,
        tuple(PartRecord(p.election, str(p.stamp), p.sha256) for p in new),
        delivery.received_at,
        delivery.verified_at,
        corrected=_corrects(new, state),
    )


def _corrects(new: Sequence[Part], state: State) -> bool:
    """Whether it brings other bytes under a stamp that was accepted, and no newer cut.

    A late part beside the changed one makes no difference: what a sealed cut shows would change.
    """
    marks = [state.marks.get(p.election, "") for p in new]
    if all(str(p.stamp) <= mark for p, mark in zip(new, marks, strict=True)):
        return any(_other_bytes(p, state) for p in new)
    newest = max(str(p.stamp) for p in new)
    return newest <= max(marks) and any(
        rules.was_sealed_otherwise(state, p.election, str(p.stamp), p.sha256) for p in new
    )


def _known(state: State, part: Part) -> list[tuple[str, str | None]]:
    """(sha256, cut) of every time that this election and stamp was accepted before.

    What a person had accepted anew (``accept-from``) counts from then on; what is live is had.
    """
    stamp = str(part.stamp)
    found: list[tuple[str, str | None]] = []
    for cut in state.cuts.values():
        if cut.epoch < state.epoch and stamp >= state.accepted_from and cut.id != state.live:
            continue
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
    """The parts that were not accepted before, and the newest cut that holds the others."""
    new: list[Part] = []
    had_in: str | None = None
    for part in examination.parts:
        same = [cut for sha256, cut in _known(state, part) if sha256 == part.sha256]
        if same:
            had_in = next((c for c in reversed(same) if c is not None), had_in)
        else:
            new.append(part)
    if not new:  # rather the cut that is this delivery than a correction that shares a part of it
        had_in = cut_of_all(state, examination.parts) or had_in
    return new, had_in


def has_other_files(station: Station, cut: str, delivery: Delivery) -> bool:
    """Whether a tree whose parts ``cut`` has holds other files around them: images that lag.

    A file that is gone counts when all of the cut came from that tree. False when the cut's
    manifest cannot be read: nothing can be said then.
    """
    if not delivery.tree:
        return False
    try:
        sealed, _ = store.load(station, cut)
    except (OSError, ValueError):
        return False
    files = delivery.examination.files
    there = {path: file.sha256 for path, file in sealed.files.items()}
    if any(there.get(file.path) != file.sha256 for file in files):
        return True
    alone = all(p.delivery == delivery.name and not p.carried for p in sealed.parts)
    return alone and not delivery.unpacked and len(there) > len(files)


def cut_with(state: State, entry: Waiting) -> str | None:
    """The newest cut that holds a part of this delivery."""
    shas = {p.sha256 for p in entry.parts}
    for cut in reversed(rules.stored(state)):
        if any(p.sha256 in shas for p in cut.parts):
            return cut.id
    return None


def waiting_with(state: State, parts: Sequence[Part]) -> tuple[str, ...]:
    """The waiting deliveries that hold one of these parts."""
    wanted = {(p.election, str(p.stamp), p.sha256) for p in parts}
    return tuple(
        entry.delivery
        for entry in state.waiting
        if any((p.election, p.stamp, p.sha256) in wanted for p in entry.parts)
    )


def cut_of_all(state: State, parts: Sequence[Part]) -> str | None:
    """The newest cut that was put together from all of these parts, none of them carried over."""
    wanted = {(p.election, p.sha256) for p in parts}
    for cut in reversed(rules.stored(state)):
        if wanted <= {(p.election, p.sha256) for p in cut.parts if not p.carried}:
            return cut.id
    return None
