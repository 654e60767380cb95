"""``resync``: the newest cut of the first source that has one, and every byte of the live cut.

The drop folder is looked at first, for what lies there costs nothing; then each source that is
pulled, in the order of the settings. The live cut is compared before anything is taken: what was
delivered again is a good copy to repair it from.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prep_console.intake.asking import NOTHING, Answer, Found, ask
from prep_console.intake.assembly import assemble
from prep_console.intake.drop import Arrival, DropFolder
from prep_console.intake.pull.lists import take_away
from prep_console.intake.push.sessions import marks_folder, sessions
from prep_console.intake.push.tree import MirroredTree
from prep_console.intake.receipt import Receipt
from prep_console.intake.receive import receive
from prep_console.intake.resync_progress import Shown, Teller, lock_of
from prep_console.intake.sealing import assemble_due
from prep_console.journal.actor import Actor
from prep_console.problems import Failed
from prep_console.publication import lock, store
from prep_console.publication.repair import Repair, compare_and_repair, good_copies
from prep_console.publication.settle import settle_if_open
from prep_console.publication.station import Station
from prep_console.wording import N_, Sentence, by_count, known_text, sentence, visible

_PATIENCE_S = 2.0
_PAUSE_S = 0.2
_FILES, _LARGE = 250, 32 << 20
"""As many files, or bytes, are compared between two times that the wish to stop is heard."""
_ROUNDS = 150
"""With --wait: half a minute for what is still arriving."""


@dataclass(frozen=True, slots=True)
class Resync:
    """What a resync found and did."""

    received: tuple[str, ...]
    """Cuts that were sealed."""
    refused: tuple[str, ...]
    repair: Repair | None
    drop: Answer
    answers: tuple[Answer, ...]
    """Of the sources that were asked."""
    waiting_for: tuple[str, ...]
    """Elections that a cut which is here in part waits for."""
    told: Sentence

    @property
    def ok(self) -> bool:
        """Nothing is damaged, and of the sources that were asked one answered."""
        silent = bool(self.answers) and not any(a.answered for a in self.answers)
        return not (self.repair is not None and self.repair.lost) and (
            bool(self.received) or not silent
        )

    @property
    def todo(self) -> Sentence:
        """For a person, where it is not ``ok``."""
        if self.repair is not None and self.repair.lost:
            return sentence(N_("let the institute send the cut again and run resync; or roll back"))
        return sentence(N_("look at the sources and the network; the institute may know more"))

    def as_json(self) -> dict[str, object]:
        repair = self.repair
        return {
            "schema": 1,
            "received": list(self.received),
            "refused": list(self.refused),
            "waiting_for": list(self.waiting_for),
            "sources": [
                {"source": a.source, "said": a.said, "answered": a.answered, "stamp": a.stamp}
                for a in (self.drop, *self.answers)
            ],
            "compared": None
            if repair is None
            else {
                "cut": repair.cut,
                "files": repair.checked,
                "repaired": list(repair.repaired),
                "lost": list(repair.lost),
            },
        }


def resync(
    station: Station, *, actor: Actor, wait: bool = False, shown: Shown = lambda _: None
) -> Resync:
    """Never twice at once: Refused, naming who does it, while another one runs.

    ``shown`` is told how far it is. Refused when somebody cancels it.
    """
    station.prepare()
    settle_if_open(station)
    with lock.held(lock_of(station), "resync", patience_s=_PATIENCE_S):
        told = Teller(station, shown)
        try:
            with ExitStack() as turns:
                return _run(station, actor, wait, told, turns)
        finally:
            told.end()


def _run(station: Station, actor: Actor, wait: bool, told: Teller, turns: ExitStack) -> Resync:
    before = set(station.state().cuts)
    asking = _Asking(station, told, turns)
    drop = _look_into_drop(station)
    first = station.settings.sources[0].kind == "drop"
    found = NOTHING if first and drop.said == "cut" else asking.next()
    fetched = [found]
    repair, uncompared = None, None
    try:
        repair = _compare(station, actor, told)
        while repair is not None and repair.lost and asking.rest:
            fetched.append(asking.next())  # a later source may have what is damaged here
            repair = _with(repair, _compare(station, actor, told, frozenset(repair.lost)))
    except Failed as failed:
        uncompared = failed
    told.now("taking")
    refused = _take_asked(station, actor, asking, fetched)
    turns.close()  # what came is taken: the engine may ask again
    dropped = _Dropped()
    try:
        dropped = _take_dropped(station, actor, wait, told)
    except Failed:
        if not any(answer.answered for answer in asking.answers):
            raise
    refused += dropped.refused
    if asking.rest and not asking.answers and not dropped.gave:
        told.heed()  # what lay there was no cut: the others are asked after all
        refused += _take_asked(station, actor, asking, [asking.next()])
        turns.close()
    state = station.state()
    received = sorted(set(state.cuts) - before)
    if uncompared is not None and not received:
        raise uncompared
    waits = assemble(state, station.settings, datetime.now(UTC), joins=False).waiting_for
    answers = tuple(asking.answers)
    said = _told(received, refused, repair, drop, answers, waits)
    return Resync(tuple(received), tuple(refused), repair, drop, answers, waits, said)


class _Asking:
    """The sources that are pulled, those that were not asked yet, and what the others said."""

    def __init__(self, station: Station, told: Teller, turns: ExitStack) -> None:
        self._station = station
        self._turns = turns
        self._told = told
        self.rest = [s for s in station.settings.sources if s.kind != "drop"]
        self.answers: list[Answer] = []

    def next(self) -> Found:
        """The newest cut of the first one left that has a cut."""
        if not self.rest:
            return NOTHING
        found = ask(self._station, self.rest, self._told, self._turns)
        self.rest = self.rest[len(found.answers) :]
        self.answers += found.answers
        return found


def _look_into_drop(station: Station) -> Answer:
    """Whether something lies there that can be taken now."""
    label = station.settings.drop.label
    folder = DropFolder(station.settings.drop_folder, 0.0)
    try:
        if station.settings.drop.layout == "tree":
            tree = _mirrored(station)
            stands = _stands(tree, station)
            said = "cut" if stands else "arriving" if tree.holds_files else "nothing"
            return Answer(label, said, answered=True)
        holds = any(folder.ready(arrival) for arrival in _looked(folder, station))
    except Failed as failed:
        return Answer(label, failed.what.in_("en"), answered=False)
    return Answer(label, "cut" if holds else "nothing", answered=True)


def _take_asked(station: Station, actor: Actor, asking: _Asking, fetched: list[Found]) -> list[str]:
    """Take what the sources gave; after one that was refused the next source is asked."""
    refused: list[str] = []
    while fetched:
        bad = _take_fetched(station, actor, fetched.pop(0))
        refused += bad
        if bad and not fetched and asking.rest:
            fetched.append(asking.next())
    return refused


def _take_fetched(station: Station, actor: Actor, found: Found) -> list[str]:
    refused: list[str] = []
    for path in found.paths:
        assert found.source is not None
        receipt = receive(station, path, actor=actor, source=found.source.label)
        if receipt.quarantined is not None:
            refused.append(receipt.quarantined)
        if found.source.layout == "archives" and receipt.result != "parked":
            with suppress(OSError):
                take_away(path)
    return refused


def _compare(
    station: Station, actor: Actor, told: Teller, only: frozenset[str] | None = None
) -> Repair | None:
    """Every byte of the live cut (or of ``only`` these files), some files at a time."""
    live = station.live().cut
    if live is None:
        return None
    told.now("comparing")
    done = Repair(live, 0, (), ())
    elsewhere = good_copies(station)
    try:
        sealed, _ = store.load(station, live)
        sizes = {p: f.size for p, f in sealed.files.items() if only is None or p in only}
        began, read = time.monotonic(), 0
        for paths in _portions(sizes):
            told.heed()
            part = compare_and_repair(station, live, elsewhere, actor, only=frozenset(paths))
            done = Repair(
                live,
                done.checked + part.checked,
                (*done.repaired, *part.repaired),
                (*done.lost, *part.lost),
            )
            read += sum(sizes[path] for path in paths)
            rate = read / max(time.monotonic() - began, 0.001)
            told.moved("comparing", visible(paths[-1])[:200], read, sum(sizes.values()), rate)
    except (OSError, ValueError) as error:
        raise Failed(
            sentence(N_("cut {cut} cannot be compared: {error}"), cut=live, error=str(error)),
            sentence(N_("roll back to a cut that is whole")),
        ) from error
    return done


def _portions(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Files that are compared in one go: many small ones, or one large one."""
    paths: list[str] = []
    total = 0
    for path, size in sizes.items():
        paths.append(path)
        total += size
        if len(paths) == _FILES or total > _LARGE:
            yield paths
            paths, total = [], 0
    if paths:
        yield paths


def _with(before: Repair, again: Repair | None) -> Repair:
    """What is known after the lost ones were compared again."""
    if again is None or again.cut != before.cut:
        return before
    return Repair(before.cut, before.checked, (*before.repaired, *again.repaired), again.lost)


@dataclass(slots=True)
class _Dropped:
    """What taking from the drop folder came to."""

    refused: list[str] = field(default_factory=list)
    gave: bool = False
    """A cut came of it, or the live one lay there again."""

    def note(self, receipt: Receipt, live: str | None) -> None:
        if receipt.quarantined is not None:
            self.refused.append(receipt.quarantined)
        self.gave |= receipt.result == "sealed"
        self.gave |= receipt.result == "had" and receipt.cut is not None and receipt.cut == live


def _take_dropped(station: Station, actor: Actor, wait: bool, told: Teller) -> _Dropped:
    if station.settings.drop.layout == "tree":
        return _take_tree(station, actor, wait, told)
    folder = DropFolder(station.settings.drop_folder, 0.0)
    dropped = _Dropped()
    for _ in range(_ROUNDS if wait else 1):
        arrivals = _looked(folder, station)
        for arrival in arrivals:
            if not folder.ready(arrival):
                continue
            receipt = receive(station, arrival.path, actor=actor, source="resync", dropped=True)
            folder.note(arrival, receipt)
            dropped.note(receipt, station.live().cut)
        if not any(not folder.ready(a) for a in arrivals):
            break
        if wait:
            told.heed()
            select.select([], [], [], _PAUSE_S)
    dropped.gave |= bool(assemble_due(station, actor=actor))
    folder.settled(station.state())
    return dropped


def _take_tree(station: Station, actor: Actor, wait: bool, told: Teller) -> _Dropped:
    """The mirrored tree as it is, unless somebody is writing it."""
    tree, dropped = _mirrored(station), _Dropped()
    for _ in range(_ROUNDS if wait else 1):
        if _stands(tree, station):
            receipt = receive(
                station,
                station.settings.drop_folder,
                actor=actor,
                source="resync",
                dropped=True,
                standing=tree.shape,
            )
            dropped.note(receipt, station.live().cut)
            if not receipt.still_coming:
                break
        elif not tree.holds_files:
            break
        if wait:
            told.heed()
            select.select([], [], [], _PAUSE_S)
    dropped.gave |= bool(assemble_due(station, actor=actor))
    return dropped


def _mirrored(station: Station) -> MirroredTree:
    """The tree by the rules of the engine, but that a person looks once."""
    settings, marks = station.settings, marks_folder(station.root)
    return MirroredTree(
        settings.drop_folder,
        settings.intake.settle_seconds,
        lambda: sessions(marks),
        lambda: False,
        by_dates=True,
    )


def _stands(tree: MirroredTree, station: Station) -> bool:
    try:
        return tree.ready()
    except OSError as error:
        raise _unreadable(station, error) from error


def _looked(folder: DropFolder, station: Station) -> list[Arrival]:
    try:
        return folder.look()
    except OSError as error:
        raise _unreadable(station, error) from error


def _unreadable(station: Station, error: OSError) -> Failed:
    return Failed(
        sentence(
            N_("the drop folder cannot be read: {error}"),
            error=f"{error.strerror}: {error.filename or station.settings.drop_folder}",
        ),
        sentence(N_("check who owns it and its permissions")),
    )


def _told(
    received: list[str],
    refused: list[str],
    repair: Repair | None,
    drop: Answer,
    answers: tuple[Answer, ...],
    waiting_for: tuple[str, ...],
) -> Sentence:
    if repair is not None and repair.lost:
        return Sentence(
            by_count(
                len(repair.lost),
                N_("{n} file of cut {cut} is damaged and no good copy is here: {names}"),
                N_("{n} files of cut {cut} are damaged and no good copy is here: {names}"),
            ),
            {
                "n": len(repair.lost),
                "cut": repair.cut,
                "names": ", ".join(repair.lost[:5]),
            },
        )
    if repair is not None and repair.repaired:
        return Sentence(
            by_count(
                len(repair.repaired),
                N_("{n} file of cut {cut} was damaged and is repaired: {names}"),
                N_("{n} files of cut {cut} were damaged and are repaired: {names}"),
            ),
            {
                "n": len(repair.repaired),
                "cut": repair.cut,
                "names": ", ".join(repair.repaired[:5]),
            },
        )
    if received:
        return sentence(N_("received: {cuts}"), cuts=", ".join(received))
    if refused:
        return sentence(N_("refused, and kept in quarantine: {ids}"), ids=", ".join(refused))
    if answers and not any(answer.answered for answer in answers):
        return sentence(
            N_("no source answered: {reasons}"),
            reasons="; ".join(f"{a.source}: {known_text(visible(a.said))}" for a in answers),
        )
    if drop.said == "arriving":
        return sentence(
            N_("the mirrored tree is still being written; nothing was taken from it (--wait waits)")
        )
    if waiting_for:
        return sentence(
            N_("accepted; the cut waits for {elections}"), elections=", ".join(waiting_for)
        )
    older = [answer for answer in answers if answer.said == "older"]
    if older:
        return sentence(
            N_("{source} has only the older cut {stamp}; nothing was taken"),
            source=older[0].source,
            stamp=older[0].stamp,
        )
    if repair is not None:
        return Sentence(
            by_count(
                repair.checked,
                N_("nothing newer; the one file of cut {cut} is as delivered"),
                N_("nothing newer; all {n} files of cut {cut} are as delivered"),
            ),
            {"n": repair.checked, "cut": repair.cut},
        )
    return sentence(N_("nothing was found, and nothing is live"))
