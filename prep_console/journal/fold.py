"""From the journal's lines to the state of the station: one pure step for each kind of line.

Nothing else remembers: mode, marks, cuts and who decided are what the lines say. Kinds of line
that this version does not know are kept and change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prep_console.cuts.stamps import CutId, Stamp
from prep_console.journal import open_alarms, store_version
from prep_console.journal.chain import Break, Line
from prep_console.journal.journal import Position
from prep_console.journal.late import Late
from prep_console.journal.open_alarms import moment
from prep_console.journal.records import (
    CutRecord,
    Decision,
    Intent,
    Parked,
    PartRecord,
    RefusedRecord,
    Tampered,
    Waiting,
)
from prep_console.journal.state import State
from prep_console.snapshot import Mode
from prep_console.values import replace

_LAST_KEPT = 50


def fold(
    lines: Iterable[Line],
    position: Position,
    start: State | None = None,
    breaks: tuple[Break, ...] = (),
    memory: tuple[int, State] | None = None,
) -> State:
    """The state after ``lines``, which end at ``position``, beginning from ``start``.

    Where a person's word to publish nothing may be lost, publishing is on hold from there on.
    ``memory``: what was known, when no line was lost yet, after so many of these lines; of what
    was decided until then nothing is lost.
    """
    start = start or State()
    state = replace(
        start,
        cuts=start.cuts.copy() if isinstance(start.cuts, Late) else Late(CutRecord, start.cuts),
        marks=dict(start.marks),
        breaks=start.breaks + breaks,
        position=position,
    )
    stops = {lost.after for lost in breaks if lost.stops}
    for at, line in enumerate((*lines, None)):
        if memory is not None and memory[0] == at:
            state = _remembered(state, memory[1])
        if at in stops and state.mode == "auto":
            state = replace(state, mode="hold", decision=None)
        step = _STEPS.get(line.kind) if line is not None else None
        if line is not None and step is not None:
            try:
                state = step(state, line, line.data)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                gone = Break(line.seq, line.seq, f"its data cannot be read: {error!r}")
                state = replace(state, breaks=(*state.breaks, gone))
    return state


def _remembered(state: State, kept: State) -> State:
    for cut, record in state.cuts.items():
        if cut in kept.cuts and record.withdrawn != kept.cuts[cut].withdrawn:
            _change(state, cut, withdrawn=kept.cuts[cut].withdrawn)
    return replace(state, mode=kept.mode, decision=kept.decision, final=kept.final)


def _mark(state: State, parts: Iterable[PartRecord]) -> None:
    marks = state.marks
    assert isinstance(marks, dict)
    for part in parts:
        if not part.carried and part.stamp > marks.get(part.election, ""):
            marks[part.election] = part.stamp


def _change(state: State, cut: str, **changes: Any) -> None:
    cuts = state.cuts
    assert isinstance(cuts, Late)
    if cut in cuts:
        cuts[cut] = replace(cuts[cut], **changes)


def _parts(value: Iterable[Mapping[str, Any]]) -> tuple[PartRecord, ...]:
    return tuple(
        PartRecord(
            str(p["election"]), str(Stamp.of(p["stamp"])), str(p["sha256"]), bool(p.get("carried"))
        )
        for p in value
    )


def _accepted(state: State, line: Line, data: Mapping[str, Any]) -> State:
    entry = Waiting(
        data["delivery"],
        _parts(data["parts"]),
        moment(data["received_at"]),
        line.time,
        bool(data.get("corrected")),
    )
    _mark(state, entry.parts)
    return replace(state, waiting=(*state.waiting, entry))


def _sealed(state: State, line: Line, data: Mapping[str, Any]) -> State:
    record = CutRecord(
        id=str(CutId.of(data["cut"])),
        why=data.get("why", ""),
        parts=_parts(data["parts"]),
        missing=tuple(data.get("missing", ())),
        manifest=data["manifest"],
        bytes=data["bytes"],
        new_bytes=data.get("new_bytes", data["bytes"]),
        warnings=data["warnings"],
        counted=data.get("counted"),
        expected=data.get("expected"),
        mtime_us=data["mtime_us"],
        received_at=moment(data["received_at"]),
        verified_at=moment(data["verified_at"]),
        sealed_at=line.time,
        epoch=state.epoch,
        checks=tuple(str(check) for check in data.get("checks", ())),
    )
    _mark(state, _come_with(state, record, data))
    cuts = state.cuts
    assert isinstance(cuts, Late)
    cuts.pop(record.id, None)  # sealed again after it was set aside: the order is that of sealing
    cuts[record.id] = record
    used = set(data.get("deliveries", ()))
    return replace(state, waiting=tuple(w for w in state.waiting if w.delivery not in used))


def _come_with(state: State, cut: CutRecord, data: Mapping[str, Any]) -> list[PartRecord]:
    """Parts that are accepted only by this line: a crash came before any other said so.

    What a cut takes over raised its mark when it came, and so did what waited; ``accept-from`` may
    have set that back since.
    """
    new = data.get("new")  # not in an older line
    waited = {(p.election, p.stamp, p.sha256) for w in state.waiting for p in w.parts}
    return [
        part
        for part in cut.parts
        if (new is None or part.election in new)
        and (part.election, part.stamp, part.sha256) not in waited
    ]


def _dropped(state: State, line: Line, data: Mapping[str, Any]) -> State:
    gone = set(data["deliveries"])
    lost = sorted(gone) if data.get("why") == "lost" else ()
    return replace(
        state,
        waiting=tuple(w for w in state.waiting if w.delivery not in gone),
        lost=(*state.lost, *lost)[-_LAST_KEPT:],
    )


def _refused(state: State, line: Line, data: Mapping[str, Any]) -> State:
    entry = RefusedRecord(data["id"], data["name"], line.time, tuple(data["findings"]))
    return replace(state, refused=(*state.refused, entry)[-_LAST_KEPT:])


def _parked(state: State, line: Line, data: Mapping[str, Any]) -> State:
    stamp = str(Stamp.of(data["stamp"]))
    return replace(state, parked=Parked(data["name"], stamp, line.time, moment(data["until"])))


def _decided(line: Line, action: str, data: Mapping[str, Any]) -> Decision:
    return Decision(action, line.actor.name, line.time, str(data.get("reason", "")))


def _intent(state: State, line: Line, data: Mapping[str, Any]) -> State:
    intent = Intent(line.seq, data["action"], data["to"], dict(data), line.time, line.actor.name)
    changed = replace(state, intent=intent)
    if intent.action == "rollback":  # holds even when the switch is never reached
        changed = replace(changed, mode="hold", decision=_decided(line, "rollback", data))
    return changed


def _done(state: State, line: Line, data: Mapping[str, Any]) -> State:
    intent = state.intent
    if intent is None or intent.seq != data["intent"]:
        return state
    given = intent.data
    for cut in given.get("withdraws", ()):
        _change(state, cut, withdrawn=True)
    if intent.target is not None:
        _change(state, intent.target, published_at=line.time, served_at=None, withdrawn=False)
    restored = str(given.get("reason", "")) if intent.action == "rollback" else None
    decision = state.decision
    if given.get("person"):
        decision = Decision(intent.action, intent.by, intent.at, str(given.get("reason", "")))
    elif state.mode == "auto":
        decision = None
    mode = given.get("mode", state.mode)
    return replace(
        state,
        intent=None,
        mode=mode,
        final=intent.target if mode == "frozen" else state.final,
        live=intent.target,
        live_since=line.time if intent.target is not None else None,
        restored=restored,
        decision=decision,
    )


def _abandoned(state: State, line: Line, data: Mapping[str, Any]) -> State:
    return replace(state, intent=None)


def _served(state: State, line: Line, data: Mapping[str, Any]) -> State:
    _change(state, data["cut"], served_at=line.time)
    return state


def _mode(mode: Mode) -> Callable[[State, Line, Mapping[str, Any]], State]:
    def step(state: State, line: Line, data: Mapping[str, Any]) -> State:
        decision = None if mode == "auto" else _decided(line, line.kind, data)
        final = state.live if mode == "frozen" else state.final
        return replace(state, mode=mode, decision=decision, final=final)

    return step


def _accept_from(state: State, line: Line, data: Mapping[str, Any]) -> State:
    marks = {election: min(mark, data["stamp"]) for election, mark in state.marks.items()}
    return replace(state, marks=marks, epoch=state.epoch + 1, accepted_from=str(data["stamp"]))


def _found(state: State, line: Line, data: Mapping[str, Any]) -> State:
    """The pointer was not where the journal says: the whole cut that is public stays, on hold."""
    return replace(
        state,
        mode="hold",
        live=data["live"],
        live_since=line.time if data["live"] else None,
        restored=None,
        decision=_decided(line, "found", data),
    )


def _repaired(state: State, line: Line, data: Mapping[str, Any]) -> State:
    _change(state, data["cut"], damaged=tuple(data["lost"]))
    mended = tuple(str(name) for name in data.get("repaired", ()))
    return replace(state, tampered=Tampered(data["cut"], line.time, mended)) if mended else state


def _pruned(state: State, line: Line, data: Mapping[str, Any]) -> State:
    for cut in data["cuts"]:
        _change(state, cut, pruned=True)
    return state


def _archived(state: State, line: Line, data: Mapping[str, Any]) -> State:
    """From here on the station is empty; moving the files is only carrying it out."""
    return State(
        position=state.position,
        version=state.version,
        cuts=Late(CutRecord, {}),
        archiving=data["archive"],
    )


def _format(state: State, line: Line, data: Mapping[str, Any]) -> State:
    return replace(state, version=max(state.version, int(data["version"])))


def _segment(state: State, line: Line, data: Mapping[str, Any]) -> State:
    """It names what is lost; newer ones also from what the station went on."""
    named = data["breaks"]
    lines = {said["line"] for said in named}
    for cut in data.get("withdrawn", ()):
        _change(state, cut, withdrawn=True)
    mode = data.get("mode", state.mode)
    unsaid = mode == "hold" and state.decision is None
    return replace(
        state,
        mode=mode,
        decision=_decided(line, "segment", data) if unsaid else state.decision,
        final=data.get("final", state.final),
        breaks=tuple(b for b in state.breaks if b.line not in lines),
        known_breaks=state.known_breaks + len(named),
        broken_line=state.broken_line or (named[0]["line"] if named else 0),
        broken_at=state.broken_at or line.time,
    )


def _of_alarms(kind: str) -> Callable[[State, Line, Mapping[str, Any]], State]:
    def step(state: State, line: Line, data: Mapping[str, Any]) -> State:
        return replace(state, alarms=open_alarms.STEPS[kind](state.alarms, line, data))

    return step


_STEPS: Mapping[str, Callable[[State, Line, Mapping[str, Any]], State]] = {
    "accepted": _accepted,
    "sealed": _sealed,
    "dropped": _dropped,
    "refused": _refused,
    "parked": _parked,
    "intent": _intent,
    "done": _done,
    "abandoned": _abandoned,
    "served": _served,
    "hold": _mode("hold"),
    "release": _mode("auto"),
    "freeze": _mode("frozen"),
    "thaw": _mode("hold"),
    "accept-from": _accept_from,
    "found": _found,
    "repaired": _repaired,
    "pruned": _pruned,
    "archived": _archived,
    store_version.KIND: _format,
    "segment": _segment,
    **{kind: _of_alarms(kind) for kind in open_alarms.STEPS},
}
