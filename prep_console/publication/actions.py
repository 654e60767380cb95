"""The decisions: publish, rollback, hold, release, freeze, thaw, suspend, accept-from.

Each one settles what an earlier one left open, checks the rules under the action lock, makes its
intent durable, switches, and records the outcome. Afterwards it asks the site itself whether the
public sees it. The mode table of the design is this file.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from prep_console.cuts.stamps import CutId, Stamp
from prep_console.journal.actor import Actor, program
from prep_console.journal.state import CutRecord, State
from prep_console.problems import Problem, Refused
from prep_console.publication import estado, rules, seen, store
from prep_console.publication.pointer import Live
from prep_console.publication.settle import refresh_estado, settle
from prep_console.publication.station import Ledger, Station
from prep_console.snapshot import Mode
from prep_console.wording import N_, Sentence, sentence

SEEN_WITHIN_S = 2.0
"""How long an action waits to see itself over HTTP before it says "not yet seen"."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the person saw when they decided."""

    mode: Mode
    live: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action did. ``seen`` is None when there was nothing to look for."""

    action: str
    changed: bool
    from_cut: str | None
    to_cut: str | None
    mode: Mode
    told: Sentence
    seen: bool | None = None
    seen_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an action will do to this state: a switch, a single line, or nothing."""

    told: Sentence
    switch_to: CutRecord | None = None
    switches: bool = False
    mode: Mode | None = None
    withdraws: tuple[str, ...] = ()
    line: Mapping[str, object] | None = None


Planner = Callable[[State], _Plan]


def publish(
    station: Station,
    cut: CutId,
    *,
    actor: Actor,
    reason: str = "",
    take_over: bool = False,
    expected: Expected | None = None,
) -> Outcome:
    """Make ``cut`` the live one. The newest keeps the mode; any other puts publishing on hold."""

    def plan(state: State) -> _Plan:
        _not_frozen(state)
        target = _stored(state, cut)
        if target.id == state.live:
            return _nothing(N_("cut {cut} is live already"), cut=target.id)
        newest = rules.newest(state)
        keeps = newest is not None and newest.id == target.id
        return _Plan(
            sentence(N_("cut {cut} is live"), cut=target.id),
            switch_to=target,
            switches=True,
            mode=state.mode if keeps else "hold",
        )

    return _act(station, "publish", plan, actor, reason, take_over, expected)


def rollback(
    station: Station,
    *,
    to: CutId | None = None,
    actor: Actor,
    reason: str = "",
    take_over: bool = False,
    expected: Expected | None = None,
) -> Outcome:
    """Bring back an earlier cut; what is left behind is withdrawn and publishing is on hold."""

    def plan(state: State) -> _Plan:
        _not_frozen(state)
        target = _rollback_target(state, to)
        return _Plan(
            sentence(N_("back to cut {cut}; publishing is on hold"), cut=target.id),
            switch_to=target,
            switches=True,
            mode="hold",
            withdraws=tuple(c.id for c in rules.left_behind(state, target)),
        )

    return _act(station, "rollback", plan, actor, reason, take_over, expected)


def hold(
    station: Station,
    *,
    actor: Actor,
    reason: str = "",
    take_over: bool = False,
    expected: Expected | None = None,
) -> Outcome:
    """New cuts are stored and wait, until a person releases them."""

    def plan(state: State) -> _Plan:
        _not_frozen(state)
        if state.mode == "hold":
            return _nothing(N_("publishing is on hold already"))
        return _Plan(sentence(N_("publishing is on hold")), line={"reason": reason})

    return _act(station, "hold", plan, actor, reason, take_over, expected)


def release(
    station: Station,
    *,
    actor: Actor,
    reason: str = "",
    take_over: bool = False,
    expected: Expected | None = None,
) -> Outcome:
    """Back to automatic: the newest cut that is not withdrawn goes live."""

    def plan(state: State) -> _Plan:
        _not_frozen(state)
        if state.mode == "auto":
            return _nothing(N_("publishing is automatic already"))
        return _Plan(sentence(N_("publishing is automatic")), line={"reason": reason})

    outcome = _act(station, "release", plan, actor, reason, take_over, expected)
    advanced = advance(station)
    if advanced is None:
        return outcome
    return Outcome(
        "release",
        True,
        outcome.from_cut,
        advanced.to_cut,
        advanced.mode,
        sentence(N_("publishing is automatic; cut {cut} is live"), cut=advanced.to_cut),
        advanced.seen,
        advanced.seen_after_s,
    )


def freeze(
    station: Station,
    cut: CutId | None = None,
    *,
    actor: Actor,
    reason: str = "",
    take_over: bool = False,
    expected: Expected | None = None,
) -> Outcome:
    """The cut (default: the live one) stays up for good, whatever arrives."""

    def plan(state: State) -> _Plan:
        target = _stored(state, cut) if cut is not None else state.cuts.get(state.live or "")
        if target is None:
            raise Refused(
                sentence(N_("no cut is live that could be frozen")),
                sentence(N_("name the final cut: freeze ID")),
            )
        told = sentence(N_("cut {cut} is frozen as the final one"), cut=target.id)
        if state.mode == "frozen":
            if target.id == state.live:
                return _nothing(N_("cut {cut} is frozen already"), cut=target.id)
            if not reason.strip():
                raise Refused(
                    sentence(N_("another cut is frozen; replacing it needs a reason")),
                    sentence(N_("repeat the command with --reason")),
                )
        if target.id == state.live:
            return _Plan(told, line={"reason": reason, "cut": target.id})
        return _Plan(told, switch_to=target, switches=True, mode="frozen")

    return _act(station, "freeze", plan, actor, reason, take_over, expected)


def thaw(
    station: Station,
    *,
    actor: Actor,
    reason: str = "",
    take_over: bool = False,
    expected: Expected | None = None,
) -> Outcome:
    """From frozen to hold; nothing that the public sees changes."""

    def plan(state: State) -> _Plan:
        if state.mode != "frozen":
            return _nothing(N_("nothing is frozen"))
        return _Plan(
            sentence(N_("no longer frozen; publishing is on hold")), line={"reason": reason}
        )

    return _act(station, "thaw", plan, actor, reason, take_over, expected)


def suspend(
    station: Station,
    *,
    actor: Actor,
    reason: str = "",
    take_over: bool = False,
    expected: Expected | None = None,
) -> Outcome:
    """Nothing live: visitors get 503 with a plain notice; publishing is on hold."""

    def plan(state: State) -> _Plan:
        _not_frozen(state)
        if state.live is None and state.mode == "hold":
            return _nothing(N_("nothing is live already"))
        return _Plan(
            sentence(N_("nothing is live; publishing is on hold")), switches=True, mode="hold"
        )

    return _act(station, "suspend", plan, actor, reason, take_over, expected)


def accept_from(
    station: Station,
    stamp: Stamp,
    *,
    actor: Actor,
    reason: str = "",
    take_over: bool = False,
    expected: Expected | None = None,
) -> Outcome:
    """Set the marks back, so that cuts from ``stamp`` on are accepted again."""

    def plan(state: State) -> _Plan:
        if not any(mark > str(stamp) for mark in state.marks.values()):
            return _nothing(N_("cuts from {stamp} on are accepted already"), stamp=str(stamp))
        return _Plan(
            sentence(N_("cuts from {stamp} on are accepted again"), stamp=str(stamp)),
            line={"reason": reason, "stamp": str(stamp), "marks": dict(state.marks)},
        )

    return _act(station, "accept-from", plan, actor, reason, take_over, expected)


def due(station: Station) -> bool:
    """Whether the rules would publish something now."""
    return rules.automatic(station.state(), station.settings, datetime.now(UTC)) is not None


def advance(station: Station, *, actor: Actor | None = None) -> Outcome | None:
    """Publish what the rules publish by themselves now; None when there is nothing to do."""
    if not due(station):
        return None

    def plan(state: State) -> _Plan:
        cut = rules.automatic(state, station.settings, datetime.now(UTC))
        if cut is None:  # another process did it, or a person decided meanwhile
            return _nothing(N_("nothing to publish"))
        return _Plan(
            sentence(N_("cut {cut} is live"), cut=cut.id),
            switch_to=cut,
            switches=True,
            mode="auto",
        )

    outcome = _act(
        station, "publish", plan, actor or program("prep-console"), "", False, None, person=False
    )
    return outcome if outcome.changed else None


def _act(
    station: Station,
    action: str,
    planner: Planner,
    actor: Actor,
    reason: str,
    take_over: bool,
    expected: Expected | None,
    person: bool = True,
) -> Outcome:
    station.prepare()
    with station.acting(action, take_over=take_over) as ledger:
        state = settle(ledger)
        refresh_estado(ledger)
        if expected is not None and expected != Expected(state.mode, state.live):
            raise Refused(
                sentence(N_("the station changed while you were deciding; nothing was done")),
                sentence(N_("look at the screen and decide again")),
            )
        plan = planner(state)
        started = time.monotonic()
        if plan.switches:
            _switch(ledger, action, plan, actor, reason, person)
        elif plan.line is not None:
            ledger.append([(action, plan.line)], actor)
            refresh_estado(ledger)
        after = ledger.state
    outcome = Outcome(
        action,
        plan.switches or plan.line is not None,
        state.live,
        after.live,
        after.mode,
        plan.told,
    )
    if plan.switches:
        station.reserve()
        return _confirmed(station, outcome, started)
    return outcome


def _switch(
    ledger: Ledger, action: str, plan: _Plan, actor: Actor, reason: str, person: bool
) -> None:
    station, before = ledger.station, ledger.state
    target = plan.switch_to.id if plan.switch_to else None
    if target is not None and not store.is_whole(station, target):
        raise Refused(
            sentence(N_("cut {cut} is not whole on disk"), cut=target),
            sentence(N_("choose another cut; resync may repair this one")),
        )
    number = station.live().estado + 1
    intent = {
        "action": action,
        "estado": number,
        "from": before.live,
        "to": target,
        "mode": plan.mode,
        "reason": reason,
        "withdraws": list(plan.withdraws),
        "person": person,
    }
    (line,) = ledger.append([("intent", intent)], actor)
    said = estado.describe(station.settings, _foreseen(ledger.state, action, plan, reason), target)
    ledger.write_estado(number, said)
    ledger.write_pointer(Live(target, number))
    ledger.append([("done", {"intent": line.seq})], actor)


def _foreseen(state: State, action: str, plan: _Plan, reason: str) -> State:
    """The state as ``done`` will leave it, as far as the estado pages speak of it."""
    return replace(
        state,
        live=plan.switch_to.id if plan.switch_to else None,
        mode=plan.mode or state.mode,
        restored=reason if action == "rollback" else None,
    )


def _confirmed(station: Station, outcome: Outcome, started: float) -> Outcome:
    """Tell the outside, then look as a visitor does."""
    _tell(station, outcome)
    if not station.settings.site.url:
        return outcome
    was_seen, after_s = seen.confirm(
        station.settings, outcome.to_cut, timeout_s=SEEN_WITHIN_S, since=started
    )
    if was_seen and outcome.to_cut is not None:
        record_served(station, outcome.to_cut, after_s)
    return replace(outcome, seen=was_seen, seen_after_s=after_s if was_seen else None)


def record_served(station: Station, cut: str, latency_s: float) -> None:
    """The fourth clock of a cut: it was seen over HTTP. Not recording it never fails an action."""
    try:
        with station.acting("served") as ledger:
            state = ledger.state
            record = state.cuts.get(cut)
            if state.live == cut and record is not None and record.served_at is None:
                ledger.append(
                    [("served", {"cut": cut, "after_s": round(latency_s, 4)})],
                    program("site"),
                )
    except Problem:
        return


def _tell(station: Station, outcome: Outcome) -> None:
    """Journal head to syslog, and the settings' hook beside: neither may stand in the way."""
    import syslog

    position = station.state().position
    syslog.openlog("prep-console")
    syslog.syslog(
        syslog.LOG_NOTICE,
        f"{outcome.action}: {outcome.from_cut or '-'} -> {outcome.to_cut or '-'} "
        f"mode {outcome.mode} journal {position.seq}:{position.hash}",
    )
    command = station.settings.publication.after_switch
    if not command:
        return
    try:
        subprocess.Popen(
            [*command, outcome.to_cut or "-"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        syslog.syslog(syslog.LOG_ERR, f"after_switch could not be started: {error}")


def _stored(state: State, cut: CutId) -> CutRecord:
    record = state.cuts.get(str(cut))
    if record is None or record.pruned:
        raise Refused(
            sentence(N_("there is no cut {cut} here"), cut=str(cut)),
            sentence(N_("prep-console cuts lists those that are kept")),
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
        raise Refused(
            sentence(N_("cut {cut} was withdrawn"), cut=target.id),
            sentence(N_("only publish ID brings back a withdrawn cut")),
        )
    if rules.rank(target) >= rules.rank(state.cuts[state.live]):
        raise Refused(
            sentence(N_("cut {cut} is not earlier than the live one"), cut=target.id),
            sentence(N_("use publish ID")),
        )
    return target


def _not_frozen(state: State) -> None:
    if state.mode == "frozen":
        raise Refused(
            sentence(N_("cut {cut} is frozen as the final one"), cut=state.live or "-"),
            sentence(N_("thaw first, if this is really wanted")),
        )


def _nothing(msgid: str, **values: str) -> _Plan:
    return _Plan(sentence(msgid, **values))
