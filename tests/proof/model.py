"""The rules of DESIGN.md once more, in plain Python: what a station must be after each step.

Written from the text (the Modes table; "Deliveries, parts, cuts"; recovery) and not from the
program, and sharing nothing with it: where the two differ, one of them is wrong. A state is a
value, an act is a chain of steps. A step is what happens at one blow, under one lock; between two
steps another process may act, or this one may die. So what two at once may come to is every
interleaving of their steps, and what a crash may leave is every state along the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

Mode = Literal["auto", "hold", "frozen"]

ELECTIONS = ("AYUN", "DIP_LOC")
HALF_CADENCE = timedelta(minutes=2.5)
DONE, REFUSED, FAILED = 0, 1, 3
KEPT = 5
"""Cuts that retention keeps: few, so that it has work to do."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One election's product; ``version`` stands for its bytes."""

    election: str
    stamp: str
    version: str

    def __str__(self) -> str:
        return f"{self.election} {self.stamp} {self.version}"

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Cut:
    stamp: str
    revision: int
    parts: tuple[Part, ...]
    carried: frozenset[str]
    """Elections that are carried from the cut before."""
    corrected: bool
    epoch: int
    """How many times ``accept-from`` came before it: what came after one counts as newer."""
    withdrawn: bool = False
    published: bool = False
    pruned: bool = False

    @property
    def id(self) -> str:
        return self.stamp if self.revision == 1 else f"{self.stamp}.{self.revision}"

    @property
    def rank(self) -> tuple[int, str, int]:
        return self.epoch, self.stamp, self.revision

    @property
    def by_itself(self) -> bool:
        """Whether it may go live, or be gone back to, without a person naming it; see also
        :meth:`Night.came_again`."""
        waits = self.corrected and not self.published
        return not (self.withdrawn or self.pruned or waits)

    @property
    def own(self) -> set[Part]:
        """What was delivered for it."""
        return {part for part in self.parts if part.election not in self.carried}


@dataclass(frozen=True, slots=True)
class Waiting:
    parts: tuple[Part, ...]
    corrected: bool


@dataclass(frozen=True, slots=True)
class Night:
    """A station: everything that the rules speak of."""

    mode: Mode = "auto"
    live: str | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    epoch: int = 0
    accepted_from: str = ""
    """The stamp that the last ``accept-from`` named."""
    cuts: Mapping[str, Cut] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()
    refused: int = 0

    @property
    def stored(self) -> list[Cut]:
        """Oldest first."""
        return sorted((c for c in self.cuts.values() if not c.pruned), key=lambda c: c.rank)

    @property
    def newest(self) -> Cut | None:
        return self.stored[-1] if self.stored else None

    @property
    def newest_by_itself(self) -> Cut | None:
        return next((c for c in reversed(self.stored) if self._by_itself(c)), None)

    def came_again(self, cut: Cut) -> bool:
        """A withdrawn cut comes back only by publish, not under another number either: all that
        was delivered for this one is in a cut that was decided about, and the last of those is
        withdrawn."""
        decided = [
            other.withdrawn
            for other in self.cuts.values()
            if (other.withdrawn or other.published)
            and other.epoch == cut.epoch
            and cut.own <= other.own
        ]
        return not cut.published and decided[-1:] == [True]

    def _by_itself(self, cut: Cut) -> bool:
        return cut.by_itself and not self.came_again(cut)

    @property
    def previous(self) -> Cut | None:
        """Where a rollback goes: the newest earlier cut that is not withdrawn."""
        if self.live is None:
            return None
        here = self.cuts[self.live].rank
        return next(
            (c for c in reversed(self.stored) if self._by_itself(c) and c.rank < here), None
        )

    def change(self, *cuts: str, how: Callable[[Cut], Cut]) -> Night:
        return replace(self, cuts={**self.cuts, **{cut: how(self.cuts[cut]) for cut in cuts}})

    def switched(self, to: str | None, mode: Mode) -> Night:
        """``to`` is public from now on, by somebody's word or by the rules."""
        after = replace(self, live=to, mode=mode)
        return (
            after
            if to is None
            else after.change(to, how=lambda c: replace(c, published=True, withdrawn=False))
        )


# What is done to a station. An act is a value, so that a failing run can be read and repeated.


@dataclass(frozen=True, slots=True)
class Decide:
    """An action of a person; ``cut`` where it names one, ``stamp`` for ``accept-from``."""

    action: str
    cut: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Deliver:
    """A delivery is received. ``fault``: what is wrong with it."""

    parts: tuple[Part, ...]
    now: bool = False
    fault: Literal["", "test", "torn", "future"] = ""
    by: Literal["receive", "resync"] = "receive"
    images: bool = False
    """Other ones lie beside the parts than ever before."""


@dataclass(frozen=True, slots=True)
class Override:
    """``publish --override`` of what was refused as a test."""

    parts: tuple[Part, ...]
    reason: str = "it is no test"


@dataclass(frozen=True, slots=True)
class Repair:
    """A resync of a live cut of which one file was changed on disk, a good copy at hand."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine's look: what has become due."""


@dataclass(frozen=True, slots=True)
class Prune:
    pass


@dataclass(frozen=True, slots=True)
class Afresh:
    """``station new``."""


Act = Decide | Deliver | Override | Repair | Engine | Prune | Afresh
Step = Callable[[Night], "Went"]


@dataclass(frozen=True, slots=True)
class Went:
    """The state after a step, and what comes next."""

    night: Night
    then: Step | None = None
    code: int = DONE
    """How the command ends, when nothing comes next."""
    halfway: tuple[Night, ...] = ()
    """What a crash inside the step may leave, beside before and after."""


def first_step(act: Act) -> Step:
    match act:
        case Decide("release"):
            return _release
        case Decide():
            return lambda night: _decide(night, act)
        case Deliver(by="resync"):
            return _one_by_one(act)
        case Deliver():
            return lambda night: _deliver(night, act, then=lambda now: _prune(now, DONE))
        case Override():
            return lambda night: _override(night, act)
        case Repair():  # done by a resync
            return _assembles
        case Engine():
            return _engine_looks
        case Prune():
            return lambda night: _prune(night, DONE)
        case Afresh():
            return _afresh


def ends(act: Act, night: Night) -> tuple[int, Night]:
    """Exit code and state after an act that nothing disturbs."""
    step: Step | None = first_step(act)
    went = Went(night)
    while step is not None:
        went = step(went.night)
        step = went.then
    return went.code, went.night


def crashes(act: Act, night: Night) -> Iterator[Night]:
    """Every state that it may leave when it dies on the way."""
    yield night
    step: Step | None = first_step(act)
    while step is not None:
        went = step(night)
        yield from went.halfway
        yield went.night
        night, step = went.night, went.then


def both(one: Act, other: Act, night: Night) -> Iterator[tuple[int, int, Night]]:
    """How two that act at once may end: both exit codes and the state, in every order of steps."""
    yield from _orders(first_step(one), first_step(other), night, (DONE, DONE))
    yield from _overtaken(one, other, night)
    yield from ((late, mine, after) for mine, late, after in _overtaken(other, one, night))


def _overtaken(first: Act, late: Act, night: Night) -> Iterator[tuple[int, int, Night]]:
    """A rollback that names no cut is from the one that its person saw: where another act put an
    older one, or none, in its place meanwhile, it goes back no further and says who was first."""
    match late:
        case Decide("rollback", None) if night.live is not None:
            seen = night.cuts[night.live]
        case _:
            return
    code, after = ends(first, night)
    now = after.cuts.get(after.live or "")
    if now is None or (now.stamp, now.revision) < (seen.stamp, seen.revision):
        yield code, REFUSED, after


def _orders(
    one: Step | None, other: Step | None, night: Night, codes: tuple[int, int]
) -> Iterator[tuple[int, int, Night]]:
    if one is None and other is None:
        yield *codes, night
    if one is not None:
        went = one(night)
        yield from _orders(went.then, other, went.night, (went.code, codes[1]))
    if other is not None:
        went = other(night)
        yield from _orders(one, went.then, went.night, (codes[0], went.code))


# The Modes table.

_FROZEN_REFUSES = {"publish", "rollback", "hold", "release", "suspend"}


def _no(night: Night) -> Went:
    return Went(night, code=REFUSED)


def _decide(night: Night, act: Decide) -> Went:
    if night.mode == "frozen" and act.action in _FROZEN_REFUSES:
        return _no(night)
    match act.action:
        case "publish":
            return _publish(night, act.cut)
        case "rollback":
            return _rollback(night, act.cut)
        case "hold":
            return Went(replace(night, mode="hold"))
        case "freeze":
            return _freeze(night, act)
        case "thaw":
            return Went(replace(night, mode="hold") if night.mode == "frozen" else night)
        case "suspend":
            return Went(night.switched(None, "hold"))
        case "accept-from":
            return _accept_from(night, act.cut or "")
    raise AssertionError(act)


def _known(night: Night, cut: str | None) -> Cut | None:
    found = night.cuts.get(cut or "")
    return None if found is None or found.pruned else found


def _publish(night: Night, cut: str | None) -> Went:
    """The newest: live, and the mode stays; another: live, then hold."""
    target = _known(night, cut)
    if target is None:
        return _no(night)
    if target.id == night.live:
        return Went(night)
    return Went(night.switched(target.id, night.mode if target == night.newest else "hold"))


def _rollback(night: Night, to: str | None) -> Went:
    """What is left behind becomes withdrawn; a rollback holds, even one that is cut short."""
    if night.live is None:
        return _no(night)
    here = night.cuts[night.live].rank
    target = _known(night, to) if to is not None else night.previous
    if target is None or target.withdrawn or target.rank >= here:
        return _no(night)
    behind = [c.id for c in night.stored if target.rank < c.rank <= here]
    after = night.change(*behind, how=lambda c: replace(c, withdrawn=True))
    return Went(after.switched(target.id, "hold"), halfway=(replace(night, mode="hold"),))


def _freeze(night: Night, act: Decide) -> Went:
    """Live for good; another one in its place needs a reason. A withdrawn cut does not return."""
    target = _known(night, act.cut if act.cut is not None else night.live)
    if target is None or target.withdrawn:
        return _no(night)
    if night.mode == "frozen" and target.id != night.live and not act.reason:
        return _no(night)
    return Went(night.switched(target.id, "frozen"))


def _accept_from(night: Night, stamp: str) -> Went:
    if all(mark <= stamp for mark in night.marks.values()):
        return Went(night)
    marks = {election: min(mark, stamp) for election, mark in night.marks.items()}
    return Went(replace(night, marks=marks, epoch=night.epoch + 1, accepted_from=stamp))


def _release(night: Night) -> Went:
    """Automatic, and the newest cut not withdrawn goes live."""
    if night.mode == "frozen":
        return _no(night)
    freed = replace(night, mode="auto")
    return Went(_advanced(freed), halfway=(freed,))


def _advanced(night: Night) -> Night:
    """In auto a new good cut goes live."""
    newest = night.newest_by_itself
    if night.mode != "auto" or newest is None:
        return night
    if night.live is not None and newest.rank <= night.cuts[night.live].rank:
        return night
    return night.switched(newest.id, "auto")


def _prune(night: Night, code: int) -> Went:
    """The oldest go; never what is live (and so the final one), previous, or waits to go live:
    while frozen, for months maybe, the newest of those."""
    live = night.cuts.get(night.live or "")
    kept = {c.id for c in (live, night.previous) if c is not None}
    waits = [c.id for c in night.stored if not c.withdrawn and (not live or c.rank > live.rank)]
    kept |= set(waits[-1:] if night.mode == "frozen" else waits)
    count, gone = len(night.stored), []
    for cut in night.stored:
        if count > KEPT and cut.id not in kept:
            gone.append(cut.id)
            count -= 1
    return Went(night.change(*gone, how=lambda c: replace(c, pruned=True)), code=code)


def _afresh(night: Night) -> Went:
    if night.mode == "frozen":
        return _no(night)
    down = night.switched(None, "hold") if night.live is not None else night
    return Went(Night(), halfway=(down,))


# Deliveries.


def _one_by_one(act: Deliver) -> Step:
    """Each archive in the drop folder is a delivery of its own."""
    step: Step = _assembles
    for part in reversed(act.parts):
        step = partial(_deliver, act=replace(act, parts=(part,)), then=step)
    return step


def _deliver(night: Night, act: Deliver, then: Step) -> Went:
    def after_refusal(now: Night) -> Went:  # a resync did what it was asked to
        return then(now) if act.by == "resync" else _prune(now, REFUSED)

    if act.fault == "future":  # parked: our own clock is not known to be right
        return Went(night, after_refusal)
    refused = replace(night, refused=night.refused + 1)
    if act.fault or _is_older(night, act.parts):
        return Went(refused, after_refusal)
    accepted = _accepted(night, act.parts, again=act.images)

    def sealed(now: Night) -> Went:
        """Each cut that can be put together, then what may go live by itself."""
        more = _assembled(now, at_once=act.now)
        if more is not None:
            return Went(more, sealed)
        return Went(_advanced(now), then)

    if accepted is None:
        return sealed(night)
    at_once = _assembled(accepted, at_once=act.now)
    without = tuple(_sealed_before(night, accepted, at_once=act.now))
    return Went(accepted if at_once is None else at_once, sealed, halfway=(accepted, *without))


def _override(night: Night, act: Override) -> Went:
    """Sealed, then published as this person's decision; nothing of it while frozen."""
    if night.mode == "frozen" or _is_older(night, act.parts):
        return _no(night)
    accepted = _accepted(night, act.parts)
    if accepted is None:  # an earlier try was cut short, or it is public already
        wanted = set(act.parts)
        whole = [c for c in night.stored if wanted <= c.own]
        return _decide(night, Decide("publish", whole[-1].id)) if whole else Went(night)

    def published(now: Night) -> Went:
        more = _assembled(now, at_once=False)
        if more is not None:
            return Went(more, published)
        mine = [c for c in now.stored if set(act.parts) & set(c.parts)]
        if not mine:
            return Went(now)
        return _decide(now, Decide("publish", mine[-1].id))

    at_once = _assembled(accepted, at_once=False)
    without = tuple(_sealed_before(night, accepted, at_once=False))
    made = accepted if at_once is None else at_once
    return Went(made, published, halfway=(accepted, *without))


def _engine_looks(night: Night) -> Went:
    more = _assembled(night, at_once=False)
    return Went(_advanced(night)) if more is None else Went(more, _engine_looks)


def _assembles(night: Night) -> Went:
    """What a resync ends with: cuts that a crash kept from being sealed."""
    more = _assembled(night, at_once=False)
    return Went(night) if more is None else Went(more, _engine_looks)


def _is_older(night: Night, parts: tuple[Part, ...]) -> bool:
    return any(part.stamp < night.marks.get(part.election, "") for part in parts)


def _had(night: Night) -> set[Part]:
    """Parts that were accepted."""
    return {*_in_cuts(night), *(p for w in night.waiting for p in w.parts)}


def _in_cuts(night: Night) -> set[Part]:
    """What a person had accepted anew counts from then on, unless it is live."""
    return {
        part
        for cut in night.cuts.values()
        for part in cut.parts
        if cut.epoch == night.epoch or cut.id == night.live or part.stamp < night.accepted_from
    }


def _is_in_a_cut(night: Night, parts: tuple[Part, ...]) -> bool:
    return bool(_in_cuts(night) & set(parts)) or any(set(parts) <= c.own for c in night.stored)


def _accepted(night: Night, parts: tuple[Part, ...], *, again: bool = False) -> Night | None:
    """The delivery waits and the marks rise; None when it was had already. ``again``: parts that
    are in a cut make another one, with the images that came after them."""
    had = _had(night)
    new = tuple(p for p in parts if p not in had)
    if again and not new and _is_in_a_cut(night, parts):
        new = parts
    if not new:
        return None
    marks = dict(night.marks)
    for part in new:
        marks[part.election] = max(part.stamp, marks.get(part.election, ""))
    entry = Waiting(new, _corrects(night, new, had))
    return replace(night, marks=marks, waiting=(*night.waiting, entry))


def _corrects(night: Night, new: tuple[Part, ...], had: set[Part]) -> bool:
    """Other bytes under a stamp that was accepted, and no newer cut; a late part may be beside."""
    marks = [night.marks.get(p.election, "") for p in new]
    if all(part.stamp <= mark for part, mark in zip(new, marks, strict=True)):
        return any(
            (p.election, p.stamp) == (h.election, h.stamp) and p != h for p in new for h in had
        )
    sealed = {(p.election, p.stamp): p for c in night.cuts.values() for p in c.parts}
    return max(p.stamp for p in new) <= max(marks) and any(
        sealed.get((p.election, p.stamp), p) != p for p in new
    )


def _wall(stamp: str) -> datetime:
    return datetime.fromisoformat(f"{stamp[:8]}T{stamp[9:]}")


def _near(stamp: str, newest: str) -> bool:
    return _wall(newest) - _wall(stamp) <= HALF_CADENCE


def _group(night: Night) -> list[list[Waiting]]:
    """Deliveries that wait, oldest first; those of one time and of different elections together."""
    groups: list[list[Waiting]] = []
    fresh = [w for w in night.waiting if not w.corrected]
    for entry in sorted(fresh, key=lambda w: max(p.stamp for p in w.parts)):
        last = groups[-1] if groups else []
        there = {p.election for w in last for p in w.parts}
        mine = {p.election for p in entry.parts}
        first = max(p.stamp for p in last[0].parts) if last else ""
        if last and not there & mine and _near(first, max(p.stamp for p in entry.parts)):
            last.append(entry)
        else:
            groups.append([entry])
    return groups


def _pieces(night: Night, group: list[Waiting]) -> tuple[dict[str, Part], frozenset[str], set[str]]:
    """A part of each election, which of them are carried, and which are not of this time yet."""
    delivered = {p.election: p for w in group for p in w.parts}
    before = night.newest_by_itself
    parts = {**{p.election: p for p in (before.parts if before else ())}, **delivered}
    newest = max(p.stamp for p in parts.values())
    late = {e for e in ELECTIONS if e not in parts or not _near(parts[e].stamp, newest)}
    had_carried = before.carried if before else frozenset()
    carried = {
        e
        for e, part in parts.items()
        if e not in delivered and (e in had_carried or not _near(part.stamp, newest))
    }
    return parts, frozenset(carried), late


def lacking(night: Night) -> set[str] | None:
    """Elections that the oldest cut waits for; None when something can be sealed right now."""
    if _assembled(night, at_once=False) is not None:
        return None
    groups = _group(night)
    return _pieces(night, groups[0])[2] if groups else set()


def _assembled(night: Night, *, at_once: bool) -> Night | None:
    """With the next cut that can be put together now; None when there is none.

    (No step of the proof lasts so long that waiting ends by itself.)
    """
    passed = _passed_over(night)
    if passed is not None:
        return passed
    groups = _group(night)
    if groups:
        parts, carried, late = _pieces(night, groups[0])
        absent = {e for e in late if e not in parts}
        newer_is_whole = any(not _pieces(night, g)[2] for g in groups[1:])
        if late and not at_once:
            if absent and newer_is_whole:  # it can become no cut any more
                return _without(night, groups[0])
            if absent or not newer_is_whole:
                return None
        stamp = max(p.stamp for p in parts.values())
        return _sealed(night, stamp, parts, carried, corrected=False, used=groups[0])
    for entry in night.waiting:
        revised = _revised(night, entry)
        if revised is not None:
            return revised
    return None


def _sealed_before(night: Night, accepted: Night, *, at_once: bool) -> Iterator[Night]:
    """Older cuts are sealed before the delivery that came is told to be accepted: a crash between
    leaves those, and it may come again."""
    came, more = accepted.waiting[-1], _assembled(accepted, at_once=at_once)
    while more is not None and came in more.waiting:
        yield replace(_without(more, [came]), marks=night.marks)
        more = _assembled(more, at_once=at_once)


def _revised(night: Night, entry: Waiting) -> Night | None:
    """A corrected cut: the newest one that holds the part, with other bytes in its place, and
    with what else came and was late for it."""
    new = {(p.election, p.stamp) for p in entry.parts}
    for cut in reversed(night.stored):
        own = [p for p in cut.parts if p.election not in cut.carried]
        if any((p.election, p.stamp) in new for p in own):
            parts = {p.election: p for p in cut.parts}
            came = [
                p for p in entry.parts if p.stamp >= getattr(parts.get(p.election), "stamp", "")
            ]
            parts |= {p.election: p for p in came}
            carried = cut.carried - {p.election for p in came}
            return _sealed(night, cut.stamp, parts, carried, corrected=True, used=[entry])
    return None


def _passed_over(night: Night) -> Night | None:
    """A late part overtakes no correction that nobody has decided about: one more revision holds
    both, and waits for a person as that correction did."""
    mine = [c for c in night.stored if c.rank[:2] == night.stored[-1].rank[:2]]
    late: list[Cut] = []
    while mine and _only_completes(night, mine[-1]):
        late.append(mine.pop())
    if not mine or not late or late[0].withdrawn or mine[-1].withdrawn:
        return None
    waits, newest = mine[-1], {p.election: p for p in late[0].parts}
    if not waits.corrected or waits.published:
        return None
    own = [p for p in waits.parts if p.election not in waits.carried]
    came = [
        p
        for p in own
        if p.election not in newest
        or (p.stamp >= newest[p.election].stamp and p != newest[p.election])
    ]
    if not came:
        return None
    parts = {**newest, **{p.election: p for p in came}}
    carried = late[0].carried - {p.election for p in came}
    return _sealed(night, waits.stamp, parts, carried, corrected=True, used=[])


def _only_completes(night: Night, cut: Cut) -> bool:
    """A further revision, of the same epoch, in which nobody corrected anything."""
    earlier = [c for c in night.cuts.values() if c.rank[:2] == cut.rank[:2]]
    return not cut.corrected and any(c.revision < cut.revision for c in earlier)


def undecided(night: Night) -> list[str]:
    """What a person is asked about: a correction, or a withdrawn cut that came again; not
    withdrawn itself, and newer than what is public."""
    live = night.cuts.get(night.live or "")
    return [
        c.id
        for c in night.stored
        if (c.corrected or night.came_again(c))
        and not (c.published or c.withdrawn)
        and (live is None or c.rank > live.rank)
    ]


def _sealed(
    night: Night,
    stamp: str,
    parts: Mapping[str, Part],
    carried: frozenset[str],
    *,
    corrected: bool,
    used: list[Waiting],
) -> Night:
    revision = 1 + max((c.revision for c in night.cuts.values() if c.stamp == stamp), default=0)
    ordered = tuple(parts[e] for e in sorted(parts))
    cut = Cut(stamp, revision, ordered, carried, corrected, night.epoch)
    after = _without(night, used)
    return replace(after, cuts={**after.cuts, cut.id: cut})


def _without(night: Night, used: list[Waiting]) -> Night:
    left = list(night.waiting)
    for entry in used:
        left.remove(entry)
    return replace(night, waiting=tuple(left))
