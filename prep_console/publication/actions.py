"""The decisions: publish, rollback, hold, release, freeze, thaw, suspend, accept-from.

Each one settles what an earlier one left open, asks the mode table (plans.py) under the action
lock, makes its intent durable, switches, and records the outcome. Afterwards it asks the site
itself whether the public sees it.
"""

from __future__ import annotations

import subprocess
import syslog
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Literal, Required, TypedDict, Unpack

import msgspec

from prep_console import record
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.journal.actor import Actor, program
from prep_console.journal.state import State
from prep_console.problems import Failed, Problem, Refused
from prep_console.publication import decided, estado, plans, rules, seen, store
from prep_console.publication.plans import Note, Plan, Switch
from prep_console.publication.pointer import Live
from prep_console.publication.settle import refresh_estado, settle
from prep_console.publication.station import Ledger, Station
from prep_console.snapshot import Mode
from prep_console.values import replace
from prep_console.wording import N_, Sentence, sentence

SEEN_WITHIN_S = 2.0
"""How long an action waits to see itself over HTTP before it says "not yet seen"."""


class Expected(msgspec.Struct, frozen=True):
    """What the person saw when they decided."""

    mode: Mode
    live: str | None
    seq: int = 0
    """The journal's last line that they saw; 0: not known. It only tells who came between."""
    counts: Literal["mode and cut", "cut", "cut not newer"] = "mode and cut"
    """What must still be so. ``cut``: they were told the live cut alone. ``cut not newer``: they
    were asked nothing, and mean the live cut, also one that came a moment ago."""

    def holds(self, mode: Mode, live: str | None) -> bool:
        """Whether the station still is as they saw it."""
        if live == self.live:
            return mode == self.mode or self.counts != "mode and cut"
        if self.counts != "cut not newer" or live is None or self.live is None:
            return False
        return CutId.of(live) > CutId.of(self.live)


class Order(TypedDict, total=False):
    """Who gives an order, and how; the same for every action."""

    actor: Required[Actor]
    reason: str
    take_over: bool
    """Kill a holder of the lock that is stuck."""
    expected: Expected | None
    """Refuse when the station is no longer as the person saw it."""
    looked: store.LookedOver | None
    """The target, as :func:`look_ahead` found it while the person decided."""


class Outcome(msgspec.Struct, frozen=True):
    """What an action did. ``seen`` is None when there was nothing to look for."""

    action: str
    changed: bool
    from_cut: str | None
    to_cut: str | None
    mode: Mode
    told: Sentence
    seen: bool | None = None
    seen_after_s: float | None = None
    seq: int = 0
    """The journal's last line when it was done; 0: not known."""


def publish(station: Station, cut: CutId, **order: Unpack[Order]) -> Outcome:
    """Make ``cut`` the live one. The newest keeps the mode; any other puts publishing on hold."""
    return _act(station, "publish", partial(plans.publish, cut=cut), **order)


def rollback(station: Station, *, to: CutId | None = None, **order: Unpack[Order]) -> Outcome:
    """Bring back an earlier cut; what is left behind is withdrawn and publishing is on hold."""
    return _act(station, "rollback", partial(plans.rollback, to=to), **order)


def hold(station: Station, **order: Unpack[Order]) -> Outcome:
    """New cuts are stored and wait, until a person releases them."""
    return _act(station, "hold", plans.hold, **order)


def release(station: Station, **order: Unpack[Order]) -> Outcome:
    """Back to automatic: the newest cut that is not withdrawn goes live."""
    by_rule = partial(plans.publish_by_rule, settings=station.settings, now=datetime.now(UTC))
    return _act(station, "release", plans.release, then=by_rule, **order)


def freeze(station: Station, cut: CutId | None = None, **order: Unpack[Order]) -> Outcome:
    """The cut (default: the live one) stays up for good, whatever arrives."""
    plan = partial(plans.freeze, cut=cut, reason=order.get("reason", ""))
    return _act(station, "freeze", plan, **order)


def thaw(station: Station, **order: Unpack[Order]) -> Outcome:
    """From frozen to hold; nothing that the public sees changes."""
    return _act(station, "thaw", plans.thaw, **order)


def suspend(station: Station, **order: Unpack[Order]) -> Outcome:
    """Nothing live: visitors get 503 with a plain notice; publishing is on hold."""
    return _act(station, "suspend", plans.suspend, **order)


def accept_from(station: Station, stamp: Stamp, **order: Unpack[Order]) -> Outcome:
    """Set the marks back, so that cuts from ``stamp`` on are accepted again."""
    return _act(station, "accept-from", partial(plans.accept_from, stamp=stamp), **order)


def look_ahead(station: Station, cut: CutId | None = None) -> store.LookedOver | None:
    """Look over what an action would make live (default: where a rollback goes).

    For while a person decides: the action then need not look at thousands of files. None when
    there is no such cut or it is not whole; the action itself says so.
    """
    try:
        state = station.state()
        target = state.cuts.get(str(cut)) if cut is not None else rules.rollback_target(state)
        return store.look_over(station, target.id, target.manifest) if target else None
    except (OSError, Problem):
        return None


def due(station: Station) -> bool:
    """Whether the rules would publish something now."""
    return rules.automatic(station.state(), station.settings, datetime.now(UTC)) is not None


def advance(station: Station, *, actor: Actor | None = None) -> Outcome | None:
    """Publish what the rules publish by themselves now; None when there is nothing to do.

    Whether there still is something is asked again under the lock: another process may have
    done it, or a person decided otherwise.
    """
    if not due(station):
        return None
    plan = partial(plans.publish_by_rule, settings=station.settings, now=datetime.now(UTC))
    outcome = _act(station, "publish", plan, person=False, actor=actor or program("prep-console"))
    return outcome if outcome.changed else None


def _act(
    station: Station,
    action: str,
    planned: Callable[[State], Plan],
    *,
    then: Callable[[State], Plan] | None = None,
    person: bool = True,
    **order: Unpack[Order],
) -> Outcome:
    """``then``: what the rules do at once, under the same lock; nobody comes between."""
    station.prepare()
    reason, expected = order.get("reason", ""), order.get("expected")
    with station.acting(action, take_over=order.get("take_over", False), decides=True) as ledger:
        before = settle(ledger)
        refresh_estado(ledger)
        if expected is not None and not expected.holds(before.mode, before.live):
            raise _overtaken(station, expected.seq)
        plan = planned(before)
        started = time.monotonic()
        match plan:
            case Switch():
                _switch(ledger, action, plan, order, person)
            case Note():
                ledger.append([(action, {**plan.data, "reason": reason})], order["actor"])
                refresh_estado(ledger)
        if then is not None:
            plan = _follow(ledger, plan, then(ledger.state))
        after = ledger.state
    changed = not isinstance(plan, plans.Nothing)
    seq = after.position.seq
    outcome = Outcome(action, changed, before.live, after.live, after.mode, plan.told, seq=seq)
    if not isinstance(plan, Switch):
        return outcome
    confirmed = _confirmed(station, outcome, started)
    station.reserve()
    return confirmed


def _follow(ledger: Ledger, done: Plan, follows: Plan) -> Plan:
    """What the rules publish after a decision; the plan that tells of both."""
    if not isinstance(follows, Switch) or follows.target is None:
        return done
    try:
        _switch(ledger, "publish", follows, Order(actor=program("prep-console")), person=False)
    except Refused as refused:  # the decision itself is done, and stays so
        raise Failed(
            sentence(N_("{done}; but {why}"), done=str(done.told), why=str(refused.what)),
            refused.todo,
        ) from refused
    told = sentence(N_("publishing is automatic; cut {cut} is live"), cut=follows.target.id)
    return replace(follows, told=told)


def _overtaken(station: Station, seq: int) -> Refused:
    """Somebody decided while this person was deciding: who it was, and what they did."""
    todo = sentence(N_("look at the screen and decide again"))
    first = decided.after(station.journal, seq)
    if first is None:
        told = sentence(N_("the station changed while you were deciding; nothing was done"))
        return Refused(told, todo)
    told = sentence(
        N_("{who} was first, at {hour}: {what}; nothing of yours was done"),
        who=record.author(first.actor.name),
        hour=f"{first.at.astimezone(station.settings.zone):%H:%M:%S}",
        what=record.words(first.kind, first.data),
    )
    return Refused(told, todo)


def _switch(ledger: Ledger, action: str, plan: Switch, order: Order, person: bool) -> None:
    station, before = ledger.station, ledger.state
    actor, reason = order["actor"], order.get("reason", "")
    target = plan.target.id if plan.target else None
    if plan.target and not store.is_whole(
        station, plan.target.id, plan.target.manifest, order.get("looked")
    ):
        raise Refused(
            sentence(N_("cut {cut} is not whole on disk"), cut=plan.target.id),
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
    foreseen = replace(  # as ``done`` will leave it, as far as the estado pages speak of it
        ledger.state,
        live=target,
        mode=plan.mode,
        restored=reason if action == "rollback" else None,
    )
    ledger.write_estado(number, estado.describe(station.settings, foreseen, target))
    ledger.write_pointer(Live(target, number))
    ledger.append([("done", {"intent": line.seq})], actor)


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
