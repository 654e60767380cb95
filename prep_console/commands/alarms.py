"""Commands about alarms: list them, say that one was seen, put one aside for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prep_console.commands.context import Context, json_option, print_for_reading, print_json
from prep_console.wording import N_, say

if TYPE_CHECKING:
    from prep_console.snapshot import AlarmView


@click.command()
@json_option
@click.pass_obj
def alarms(context: Context, as_json: bool) -> None:
    """What is wrong now: why, what it means, what to do."""
    from prep_console.engine.view import read_snapshot
    from prep_console.reports.alarms import alarm_lines, alarms_json

    snapshot = read_snapshot(context.settings)
    if as_json:
        print_json(alarms_json(snapshot))
    else:
        print_for_reading(alarm_lines(snapshot))


def _shown(context: Context, key: str) -> AlarmView:
    """The alarm as a look at the station shows it now."""
    from prep_console.alarms.records import named
    from prep_console.engine.view import read_snapshot

    return named(read_snapshot(context.settings).alarms, key)


def _words(alarm: AlarmView) -> str:
    from prep_console.alarms.table import sentence_of

    return str(sentence_of(alarm)).rstrip(".")


@click.command()
@click.argument("key")
@click.option("--reason", default="", help="What is being done about it, for the journal.")
@click.pass_obj
def acknowledge(context: Context, key: str, reason: str) -> None:
    """Say that you have seen the alarm KEY; it stays listed."""
    from prep_console.alarms import records
    from prep_console.journal.actor import current_actor

    alarm = _shown(context, key)
    records.acknowledge(context.station, alarm, actor=current_actor(), reason=reason)
    click.echo(say(N_("{alarm}: noted that you have seen it"), alarm=_words(alarm)))


@click.command()
@click.argument("key")
@click.option("--minutes", type=int, required=True, help="For how long, 30 at most.")
@click.option("--reason", default="", help="Why, for the journal.")
@click.pass_obj
def shelve(context: Context, key: str, minutes: int, reason: str) -> None:
    """Keep the alarm KEY quiet for a while; it stays listed and comes back by itself."""
    from prep_console.alarms import records
    from prep_console.journal.actor import current_actor

    alarm = _shown(context, key)
    until = records.shelve(
        context.station, alarm, minutes=minutes, reason=reason, actor=current_actor()
    )
    hour = f"{until.astimezone(context.settings.zone):%H:%M:%S}"
    click.echo(say(N_("{alarm}: quiet until {time}"), alarm=_words(alarm), time=hour))


@click.command()
@click.argument("key")
@click.pass_obj
def unshelve(context: Context, key: str) -> None:
    """Bring the shelved alarm KEY back before its time."""
    from prep_console.alarms import records
    from prep_console.journal.actor import current_actor

    alarm = _shown(context, key)
    records.unshelve(context.station, alarm, actor=current_actor())
    click.echo(say(N_("{alarm}: no longer shelved"), alarm=_words(alarm)))
