"""Which cut: pure answers over a state. Order, what is newest, where a rollback goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from heapq import heappop, heappush
from itertools import accumulate, takewhile

import msgspec

from prep_console.config import Settings
from prep_console.cuts.stamps import CutId
from prep_console.journal.records import CutRecord, PartRecord
from prep_console.journal.state import State, of_state
from prep_console.snapshot import CutState
from prep_console.wording import N_, Sentence, sentence


def rank(cut: CutRecord) -> tuple[int, tuple[datetime, int]]:
    """Sorts cuts oldest first. After ``accept-from`` a cut outranks all that came before it."""
    return cut.epoch, _order(cut.id)


@lru_cache(maxsize=4096)
def _order(cut: str) -> tuple[datetime, int]:
    """A whole night is compared at every new line: plain values, each made once."""
    identity = CutId.of(cut)
    return identity.stamp.wall, identity.revision


@of_state
def stored(state: State) -> tuple[CutRecord, ...]:
    """The cuts whose bytes are kept, oldest first."""
    return tuple(sorted((c for c in state.cuts.values() if not c.pruned), key=rank))


def newest_first(state: State) -> Iterator[CutRecord]:
    """Every cut, the newest first; the next ones are looked at only when they are asked for.

    Cuts are in the order of sealing, which is nearly that of their rank: an epoch never goes
    back, and in one epoch the stamp in the id tells the rank, but for revisions. So a cut is the
    newest of all that are left as soon as no earlier sealed stamp reaches its own in that epoch.
    """
    ids = list(state.cuts)
    highest = list(accumulate(ids, max))  # as texts: enough for the stamp, which has one width
    seen: list[tuple[_Newest, CutRecord]] = []
    for place in range(len(ids) - 1, -1, -1):
        cut = state.cuts[ids[place]]
        heappush(seen, (_Newest(rank(cut)), cut))
        rest = (cut.epoch, highest[place - 1][:_STAMP]) if place else (-1, "")
        while seen and (seen[0][1].epoch, seen[0][1].id[:_STAMP]) > rest:
            yield heappop(seen)[1]


_STAMP = len("20240602_2005")


class _Newest(msgspec.Struct, frozen=True):
    """Sorts the highest rank first."""

    rank: tuple[int, tuple[datetime, int]]

    def __lt__(self, other: _Newest) -> bool:
        return self.rank > other.rank


def newest(state: State) -> CutRecord | None:
    """The newest stored cut, withdrawn or not."""
    return next((c for c in newest_first(state) if not c.pruned), None)


def newest_eligible(state: State) -> CutRecord | None:
    """What goes live by itself: not withdrawn, and nothing that waits for a person."""
    return next((c for c in newest_first(state) if _may_go_live(state, c)), None)


@of_state
def rollback_target(state: State) -> CutRecord | None:
    """The newest cut earlier than the live one that a rollback may bring back."""
    live = state.cuts.get(state.live or "")
    if live is None:
        return None
    before = rank(live)
    earlier = (c for c in newest_first(state) if rank(c) < before)
    return next((c for c in earlier if _may_go_live(state, c)), None)


def _may_go_live(state: State, cut: CutRecord) -> bool:
    """Without a person's word: its bytes are here, nobody withdrew it, it corrects nothing."""
    refused = cut.pruned or cut.withdrawn or cut.waits_for_person or cut.damaged
    return not (refused or came_again(state, cut))


def came_again(state: State, cut: CutRecord) -> bool:
    """Whether it is what a person withdrew, under another number: images that lag make such one.

    All that was delivered for it stands in an earlier decided cut, and the last of those is
    withdrawn. A cut that holds a part has no earlier stamp: only those from there on are read.
    """
    came = _delivered(cut)
    if cut.published_at is not None or not came:
        return False
    first = min(stamp for _, stamp, _ in came)
    decided = [
        other
        for other in (state.cuts[known] for known in state.cuts if known >= first)
        if (other.withdrawn or other.published_at is not None)
        and other.epoch == cut.epoch
        and came <= _delivered(other)
    ]
    return bool(decided) and decided[-1].withdrawn


def _delivered(cut: CutRecord) -> set[tuple[str, str, str]]:
    return {(p.election, p.stamp, p.sha256) for p in cut.parts if not p.carried}


def left_behind(state: State, target: CutRecord) -> list[CutRecord]:
    """Cuts that a rollback to ``target`` withdraws: the live one and all between."""
    first, last = rank(target), rank(state.cuts[state.live or ""])
    later = takewhile(lambda cut: rank(cut) > first, newest_first(state))
    return [cut for cut in later if not cut.pruned and rank(cut) <= last][::-1]


@of_state
def waiting(state: State) -> tuple[CutRecord, ...]:
    """Sealed cuts newer than the live one that a release could publish, oldest first."""
    live = state.cuts.get(state.live or "")
    after = rank(live) if live is not None else None
    newer = (c for c in stored(state) if after is None or rank(c) > after)
    return tuple(c for c in newer if not c.withdrawn)


@of_state
def undecided(state: State) -> tuple[CutRecord, ...]:
    """Cuts that need a person's word, oldest first: nothing that is public has overtaken them."""
    if not any(cut.waits_for_person or cut.withdrawn for cut in state.cuts.values()):
        return ()  # nearly always: so this is asked before anything is sorted
    waits = [cut for cut in waiting(state) if cut.waits_for_person or came_again(state, cut)]
    found = passed_over(state)
    if found is not None and found[0] not in waits:
        waits.insert(0, found[0])
    return tuple(waits)


def passed_over(state: State) -> tuple[CutRecord, CutRecord] | None:
    """A cut that waits for a person, and the newest revision that late parts alone made after it.

    That revision was put together without what nobody has decided about: its number is higher and
    it overtakes nothing. None when it holds everything, or when a newer cut came.
    """
    if not any(cut.waits_for_person for cut in state.cuts.values()):
        return None
    late: CutRecord | None = None
    for cut in newest_first(state):
        if cut.pruned:
            continue
        if late is None:
            if cut.why != "completed" or cut.withdrawn:
                return None
            late = cut
        elif (cut.epoch, _order(cut.id)[0]) != (late.epoch, _order(late.id)[0]):
            return None
        elif cut.waits_for_person:
            return None if cut.withdrawn or not lacking(late, cut) else (cut, late)
        elif cut.why != "completed":
            return None
    return None


def lacking(late: CutRecord, waits: CutRecord) -> list[PartRecord]:
    """What came with ``waits`` and ``late`` holds otherwise: other bytes, or an older hour's."""
    there = {part.election: part for part in late.parts}
    return [
        part
        for part in waits.parts
        if not part.carried
        and (
            part.election not in there
            or part.stamp > there[part.election].stamp
            or (
                part.stamp == there[part.election].stamp
                and part.sha256 != there[part.election].sha256
            )
        )
    ]


def was_sealed_otherwise(state: State, election: str, stamp: str, sha256: str) -> bool:
    """Whether a cut was sealed with other bytes of this election under this stamp."""
    return any(
        (part.election, part.stamp) == (election, stamp) and part.sha256 != sha256
        for cut in state.cuts.values()
        for part in cut.parts
    )


def embargoed(settings: Settings, now: datetime) -> bool:
    """Before the opening on the day itself nothing goes live unless a person publishes it."""
    opens = settings.election.opens
    return settings.station.phase == "jornada" and opens is not None and now < opens


def automatic(state: State, settings: Settings, now: datetime) -> CutRecord | None:
    """The cut that the rules publish now, or None: nothing newer, or a person decided otherwise."""
    if state.mode != "auto" or embargoed(settings, now):
        return None
    cut = newest_eligible(state)
    live = state.cuts.get(state.live or "")
    if cut is None or (live is not None and rank(cut) <= rank(live)):
        return None
    return cut


@of_state
def cut_states(state: State) -> Mapping[str, CutState]:
    """The word for each stored cut in a list, by its id."""
    target = rollback_target(state)
    previous = target.id if target is not None else None
    return {cut.id: _cut_state(state, cut, previous) for cut in stored(state)}


def _cut_state(state: State, cut: CutRecord, previous: str | None) -> CutState:
    if cut.id == state.live:
        return "final" if state.mode == "frozen" else "live"
    if cut.withdrawn:
        return "withdrawn"
    return "previous" if cut.id == previous else "kept"


def why_waiting(
    state: State, settings: Settings, now: datetime, cut: str | None
) -> Sentence | None:
    """Why a stored cut that is newer than the live one is not public; None when it is not so."""
    record = state.cuts.get(cut or "")
    if record is None or all(record.id != waits.id for waits in waiting(state)):
        return None
    if state.mode == "frozen":
        return sentence(N_("it waits: cut {cut} is frozen as the final one"), cut=state.live or "-")
    if record.waits_for_person and record.questioned:
        return sentence(N_("it waits: its figures are zero; only a person publishes such a cut"))
    if record.waits_for_person:
        return sentence(N_("it waits: a correction goes live only when a person publishes it"))
    if came_again(state, record):
        return sentence(N_("it waits: it is a withdrawn cut again; only a person publishes it"))
    if state.mode == "hold":
        return sentence(N_("it waits: publishing is on hold until a person releases it"))
    opens = settings.election.opens
    if opens is not None and embargoed(settings, now):
        hour = f"{opens.astimezone(settings.zone):%Y-%m-%d %H:%M}"
        return sentence(N_("it waits: nothing goes live before {hour}"), hour=hour)
    return None


def protected(state: State) -> set[str]:
    """Cuts that retention never touches: live (and so a frozen one), previous, waiting.

    While frozen only the newest of those that wait: deliveries may go on for months.
    """
    kept = {c.id for c in waiting(state)[-1 if state.mode == "frozen" else 0 :]}
    if state.live is not None:
        kept.add(state.live)
    target = rollback_target(state)
    if target is not None:
        kept.add(target.id)
    if state.intent is not None and state.intent.target is not None:
        kept.add(state.intent.target)
    return kept
