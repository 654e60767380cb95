"""Commands that decide what the public sees."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import click

from prep_console.commands.context import (
    Context,
    cut_id,
    json_option,
    print_json,
    print_lines,
    stamp_of,
)
from prep_console.problems import Refused
from prep_console.values import replace
from prep_console.wording import N_, say, sentence, visible

if TYPE_CHECKING:
    from prep_console.cuts.stamps import CutId
    from prep_console.publication.actions import Expected, Outcome
    from prep_console.publication.station import Station


_YES = {"y", "yes", "s", "si", "sí"}
"""In either language: hands know one of them."""


def _decision(command: Any) -> Any:
    """The options that every action has."""
    for option in (
        click.option("--reason", default="", help="Why, for the journal."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--take-over", is_flag=True, help="Stop a stuck holder of the lock."),
        json_option,
    ):
        command = option(command)
    return click.pass_obj(command)


def _act(
    context: Context, name: str, options: dict[str, Any], *arguments: Any, **named: Any
) -> None:
    """Ask where a person sits at a terminal, act, and say what was done."""
    from prep_console.journal.actor import current_actor
    from prep_console.publication import actions
    from prep_console.reports.decisions import outcome_json, outcome_line

    station = context.station
    if not options["yes"] and sys.stdin.isatty() and sys.stdout.isatty():
        named["expected"] = _seen(station, "cut")
        target = arguments[0] if name in {"publish", "freeze"} else named.get("to")
        if name in {"publish", "rollback"}:
            named["looked"] = actions.look_ahead(station, target)
        words = (str(word) for word in (name, *arguments) if word is not None)
        _ask(station, " ".join(words), _afterwards(station, name, target))
    elif name == "rollback" and named["to"] is None:  # two at once mean the same cut, not two back
        named["expected"] = _seen(station, "cut not newer")
    outcome: Outcome = getattr(actions, name.replace("-", "_"))(
        station,
        *arguments,
        actor=current_actor(),
        reason=options["reason"],
        take_over=options["take_over"],
        **named,
    )
    if options["as_json"]:
        print_json(outcome_json(outcome))
    else:
        click.echo(outcome_line(outcome))


def _seen(station: Station, counts: Literal["cut", "cut not newer"]) -> Expected:
    """What is public now, by the pointer: an action that was cut short is not settled yet."""
    from prep_console.publication.actions import Expected

    state = station.state()
    return Expected(state.mode, station.live().cut, state.position.seq, counts)


def _let_through(context: Context, identity: str, options: dict[str, Any]) -> None:
    """Take a delivery out of quarantine and publish it, as this person's decision."""
    from prep_console.intake.override import override
    from prep_console.journal.actor import current_actor
    from prep_console.reports.deliveries import receipt_json, receipt_lines

    station, zone = context.station, context.settings.zone
    if options["reason"] and not options["yes"] and sys.stdin.isatty() and sys.stdout.isatty():
        then = say(N_("afterwards: the cut of that delivery, if the rules allow it"))
        _ask(station, f"publish --override {identity}", then)
    receipt = override(
        station,
        identity,
        actor=current_actor(),
        reason=options["reason"],
        take_over=options["take_over"],
    )
    if options["as_json"]:
        print_json(receipt_json(receipt, zone, station.live().cut))
    else:
        print_lines(receipt_lines(receipt, zone))


def _afterwards(station: Station, name: str, chosen: CutId | None) -> str:
    """What the public will see, as the rules stand at this moment."""
    from prep_console.publication import rules

    state, live = station.state(), station.live().cut
    target = live if chosen is None else str(chosen)
    if name in {"suspend", "station new"}:
        target = None
    elif name == "rollback" and chosen is None:
        previous = rules.rollback_target(state)
        target = previous.id if previous else live
    elif name == "release" and state.mode == "hold":
        now = datetime.now(UTC)
        newest = rules.automatic(replace(state, mode="auto"), station.settings, now)
        target = newest.id if newest else live
    if target == live:
        return say(N_("afterwards: the same"))
    if target is None:
        return say(N_("afterwards: nothing; visitors get a plain notice (503)"))
    return say(N_("afterwards: cut {cut}"), cut=target)


def _ask(station: Station, action: str, then: str) -> None:
    """Refused unless the person at the terminal says yes; both sides of it are shown first."""
    from prep_console.reports.status import public_now

    click.echo(public_now(station.live().cut))
    click.echo(then)
    question = say(N_("Do it: {action}? [y/N]"), action=visible(action))
    try:
        answer = click.prompt(question, default="", show_default=False, prompt_suffix=" ")
    except click.Abort:  # Ctrl-C, or the end of what is typed
        click.echo()
        answer = ""
    if answer.strip().lower() not in _YES:
        raise Refused(
            sentence(N_("it was not confirmed, and nothing was done")),
            sentence(N_("answer y to do it, or add --yes")),
        )


@click.command()
@click.argument("cut")
@click.option("--override", is_flag=True, help="CUT is a refused delivery's id in quarantine.")
@_decision
def publish(context: Context, cut: str, override: bool, **options: Any) -> None:
    """Make CUT the live one; with --override and a reason, one that a check had stopped."""
    if override:
        _let_through(context, cut, options)
        return
    _act(context, "publish", options, cut_id(cut))


@click.command()
@click.option("--to", metavar="CUT", help="Which earlier cut; default: the previous one.")
@_decision
def rollback(context: Context, to: str | None, **options: Any) -> None:
    """Bring back an earlier cut and put publishing on hold; the public reads the reason."""
    _act(context, "rollback", options, to=None if to is None else cut_id(to))


@click.command()
@_decision
def hold(context: Context, **options: Any) -> None:
    """New cuts are stored and wait."""
    _act(context, "hold", options)


@click.command()
@_decision
def release(context: Context, **options: Any) -> None:
    """Back to automatic publishing."""
    _act(context, "release", options)


@click.command()
@click.argument("cut", required=False)
@_decision
def freeze(context: Context, cut: str | None, **options: Any) -> None:
    """The live cut, or CUT, stays up for good."""
    _act(context, "freeze", options, None if cut is None else cut_id(cut))


@click.command()
@_decision
def thaw(context: Context, **options: Any) -> None:
    """From frozen to hold."""
    _act(context, "thaw", options)


@click.command()
@_decision
def suspend(context: Context, **options: Any) -> None:
    """Nothing live: visitors get a plain notice."""
    _act(context, "suspend", options)


@click.command("accept-from")
@click.argument("stamp")
@_decision
def accept_from(context: Context, stamp: str, **options: Any) -> None:
    """Accept cuts from STAMP (20240602_2005) on again."""
    _act(context, "accept-from", options, stamp_of(stamp))


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@click.pass_obj
def prune(context: Context, dry_run: bool, as_json: bool) -> None:
    """Delete the bytes of old cuts by the retention settings; manifests stay."""
    from prep_console.publication.retention import prune as run

    pruned = run(context.station, dry_run=dry_run)
    if as_json:
        print_json({"schema": 1, "dry_run": dry_run, "pruned": pruned})
        return
    for cut in pruned:
        click.echo(cut)
    if not pruned:
        click.echo(say(N_("nothing to prune")))


@click.group()
def station() -> None:
    """The station itself."""


@station.command("new")
@_decision
def station_new(context: Context, **options: Any) -> None:
    """Archive store and journal and begin afresh (between a rehearsal and the day)."""
    from prep_console.journal.actor import current_actor
    from prep_console.publication.afresh import begin_afresh

    if not options["yes"] and sys.stdin.isatty() and sys.stdout.isatty():
        then = _afterwards(context.station, "station new", None)
        _ask(context.station, "station new", then)
    archived = begin_afresh(
        context.station,
        actor=current_actor(),
        reason=options["reason"],
        take_over=options["take_over"],
    )
    if options["as_json"]:
        print_json({"schema": 1, "archive": str(archived)})
    else:
        click.echo(say(N_("archived in {path}; the station is empty"), path=str(archived)))
