"""The mode table: what each decision does in auto, hold and frozen. Pure, over a state.

A plan is a switch of what is public, a single line in the journal, or nothing; Refused says why
the rules do not allow it. Nothing here touches a disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from prep_console.config import Settings
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.journal.records import CutRecord
from prep_console.journal.state import State
from prep_console.problems import Refused
from prep_console.publication import rules
from prep_console.snapshot import Mode
from prep_console.wording import N_, Sentence, sentence


class Switch(msgspec.Struct, frozen=True):
    """The pointer moves to ``target`` (None: nothing live), and the mode becomes ``mode``."""

    told: Sentence
    target: CutRecord | None
    mode: Mode
    withdraws: tuple[str, ...] = ()


class Note(msgspec.Struct, frozen=True):
    """One line in the journal says it all; ``data`` goes in beside the reason."""

    told: Sentence
    data: Mapping[str, object]


class Nothing(msgspec.Struct, frozen=True):
    """It is so already."""

    told: Sentence


Plan = Switch | Note | Nothing


def publish(state: State, cut: CutId) -> Plan:
    """The newest cut keeps the mode; any other puts publishing on hold."""
    refuse_if_frozen(state)
    target = _stored(state, cut)
    if target.id == state.live:
        return Nothing(sentence(N_("cut {cut} is live already"), cut=target.id))
    newest = rules.newest(state)
    keeps = newest is not None and newest.id == target.id
    if keeps and state.mode == "auto":
        return Switch(sentence(N_("cut {cut} is live"), cut=target.id), target, "auto")
    told = sentence(N_("cut {cut} is live; publishing is on hold"), cut=target.id)
    return Switch(told, target, "hold")


def publish_by_rule(state: State, settings: Settings, now: datetime) -> Plan:
    """What goes live by itself now."""
    cut = rules.automatic(state, settings, now)
    if cut is None:
        return Nothing(sentence(N_("nothing to publish")))
    return Switch(sentence(N_("cut {cut} is live"), cut=cut.id), cut, "auto")


def rollback(state: State, to: CutId | None) -> Plan:
    """Back to an earlier cut; what is left behind is withdrawn, publishing is on hold."""
    refuse_if_frozen(state)
    target = _rollback_target(state, to)
    return Switch(
        sentence(N_("back to cut {cut}; publishing is on hold"), cut=target.id),
        target,
        "hold",
        tuple(cut.id for cut in rules.left_behind(state, target)),
    )


def hold(state: State) -> Plan:
    """New cuts are stored and wait."""
    refuse_if_frozen(state)
    if state.mode == "hold":
        return Nothing(sentence(N_("publishing is on hold already")))
    return Note(sentence(N_("publishing is on hold")), {})


def release(state: State) -> Plan:
    """Automatic again; that the newest cut then goes live is the rules' doing."""
    refuse_if_frozen(state)
    if state.mode == "auto":
        return Nothing(sentence(N_("publishing is automatic already")))
    return Note(sentence(N_("publishing is automatic")), {})


def freeze(state: State, cut: CutId | None, reason: str) -> Plan:
    """The cut (None: the live one) stays up for good. Replacing a frozen one needs a reason."""
    target = _stored(state, cut) if cut is not None else state.cuts.get(state.live or "")
    if target is None:
        raise Refused(
            sentence(N_("no cut is live that could be frozen")),
            sentence(N_("name the final cut: freeze ID")),
        )
    if target.withdrawn and target.id != state.live:
        raise _withdrawn(target)
    if state.mode == "frozen":
        if target.id == state.live:
            return Nothing(sentence(N_("cut {cut} is frozen already"), cut=target.id))
        if not reason.strip():
            raise Refused(
                sentence(N_("another cut is frozen; replacing it needs a reason")),
                sentence(N_("repeat the command with --reason")),
            )
    told = sentence(N_("cut {cut} is frozen as the final one"), cut=target.id)
    if target.id == state.live:
        return Note(told, {"cut": target.id})
    return Switch(told, target, "frozen")


def thaw(state: State) -> Plan:
    """From frozen to hold; nothing that the public sees changes."""
    if state.mode != "frozen":
        return Nothing(sentence(N_("nothing is frozen")))
    return Note(sentence(N_("no longer frozen; publishing is on hold")), {})


def suspend(state: State) -> Plan:
    """Nothing live; publishing is on hold."""
    refuse_if_frozen(state)
    if state.live is None and state.mode == "hold":
        return Nothing(sentence(N_("nothing is live already")))
    return Switch(sentence(N_("nothing is live; publishing is on hold")), None, "hold")


def accept_from(state: State, stamp: Stamp) -> Plan:
    """The marks go back, so that cuts from ``stamp`` on are accepted again."""
    if not any(mark > str(stamp) for mark in state.marks.values()):
        return Nothing(sentence(N_("cuts from {stamp} on are accepted already"), stamp=str(stamp)))
    told = sentence(N_("cuts from {stamp} on are accepted again"), stamp=str(stamp))
    return Note(told, {"stamp": str(stamp), "marks": dict(state.marks)})


def _stored(state: State, cut: CutId) -> CutRecord:
    record = state.cuts.get(str(cut))
    if record is None or record.pruned:
        raise Refused(
            sentence(N_("there is no cut {cut} here"), cut=str(cut)),
            sentence(N_("prep-console cuts lists those that are kept")),
        )
    if record.damaged:
        raise Refused(
            sentence(N_("cut {cut} is damaged and no good copy is here"), cut=record.id),
            sentence(N_("resync looks for one again; or choose another cut")),
        )
    return record


def _rollback_target(state: State, to: CutId | None) -> CutRecord:
    if state.live is None:
        raise Refused(
            sentence(N_("nothing is live, there is nothing to go back from")),
            sentence(N_("use publish ID")),
        )
    if to is None:
        found = rules.rollback_target(state)
        if found is None:
            raise Refused(
                sentence(N_("there is no earlier cut to go back to")),
                sentence(N_("hold stops new cuts; suspend takes the live one down")),
            )
        return found
    target = _stored(state, to)
    if target.withdrawn:
        raise _withdrawn(target)
    if rules.rank(target) >= rules.rank(state.cuts[state.live]):
        raise Refused(
            sentence(N_("cut {cut} is not earlier than the live one"), cut=target.id),
            sentence(N_("use publish ID")),
        )
    return target


def _withdrawn(cut: CutRecord) -> Refused:
    return Refused(
        sentence(N_("cut {cut} was withdrawn"), cut=cut.id),
        sentence(N_("only publish ID brings back a withdrawn cut")),
    )


def refuse_if_frozen(state: State) -> None:
    """What a frozen station does not do."""
    if state.mode == "frozen":
        raise Refused(
            sentence(N_("not done: cut {cut} is frozen as the final one"), cut=state.live or "-"),
            sentence(N_("thaw first, if this is really wanted")),
        )
