"""Commands that look and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from prep_console import config
from prep_console.commands.context import (
    Context,
    delivery_argument,
    json_option,
    print_for_reading,
    print_json,
    print_lines,
)
from prep_console.problems import Refused, WrongUsage
from prep_console.wording import N_, sentence

if TYPE_CHECKING:
    from prep_console.config import Settings


@click.command()
@json_option
@click.pass_obj
def status(context: Context, as_json: bool) -> None:
    """State of the station now."""
    from prep_console.engine.view import read_snapshot
    from prep_console.reports.status import status_json, status_lines

    snapshot = read_snapshot(context.settings)
    if as_json:
        print_json(status_json(snapshot))
    else:
        print_for_reading(status_lines(snapshot))


@click.command()
@click.pass_obj
def check(context: Context) -> int:
    """One line and an exit code in the Nagios plugin convention."""
    from prep_console.engine.check import check as look

    line, code = look(lambda: context.settings)
    click.echo(line)
    return code


@click.command()
@json_option
@click.pass_obj
def cuts(context: Context, as_json: bool) -> None:
    """The sealed cuts, newest first."""
    from prep_console.engine.view import read_snapshot
    from prep_console.reports.cuts import cut_lines, cuts_json

    settings = context.settings
    found = read_snapshot(settings).cuts
    if as_json:
        print_json(cuts_json(found, settings.zone))
    else:
        print_lines(cut_lines(found, settings.zone))


@click.command()
@click.option(
    "--hours", type=click.IntRange(1, 24 * 366), default=12, help="How long the shift was (12)."
)
@json_option
@click.pass_obj
def handover(context: Context, hours: int, as_json: bool) -> None:
    """What the next shift must know."""
    from datetime import timedelta

    from prep_console.engine.view import read_snapshot
    from prep_console.journal.reading import read
    from prep_console.reports import handover as shifts

    snapshot = read_snapshot(context.settings)
    since = snapshot.observed_at - timedelta(hours=hours)
    shift = shifts.handover(snapshot, read(context.station.journal), since)
    if as_json:
        print_json(shifts.handover_json(shift))
    else:
        print_for_reading(shifts.handover_lines(shift))


@click.command()
@delivery_argument
@json_option
@click.pass_obj
def verify(context: Context, path: Path, as_json: bool) -> int:
    """Examine a delivery and change nothing."""
    from prep_console.intake.verify import verify as look
    from prep_console.reports.deliveries import examination_json, examination_lines

    settings = _settings_or_none(context)
    examination, zone = look(path, settings)
    if as_json:
        print_json(examination_json(examination, zone))
    else:
        print_lines(examination_lines(examination, zone))
    return 1 if str(examination.verdict) == "stopped" else 0


def _settings_or_none(context: Context) -> Settings | None:
    """``verify`` works on a machine that is no station: without settings it expects nothing."""
    import os

    chosen = context.path or os.environ.get("PREP_CONSOLE_CONFIG")
    return context.settings if chosen or config.DEFAULT_PATH.exists() else None


@click.command()
@click.option("--follow", is_flag=True, help="Go on printing lines as they come.")
@click.option("--verify", "verifying", is_flag=True, help="Check the chain.")
@click.option("--head", metavar="SEQ:HASH", help="With --verify: this line must be there.")
@json_option
@click.pass_obj
def journal(
    context: Context, follow: bool, verifying: bool, head: str | None, as_json: bool
) -> int:
    """The record of what happened and who decided it."""
    from prep_console.journal import reading

    if head is not None and not verifying:
        raise WrongUsage(
            sentence(N_("--head goes with --verify")), sentence(N_("add --verify to the command"))
        )
    path = context.station.journal
    if verifying:
        verdict = reading.verify(path, head, public=context.station.own_head())
        if as_json:
            print_json(verdict.as_json())
            return 0 if verdict.ok else 1
        if not verdict.ok:
            raise Refused(verdict.told, sentence(N_("keep the file as it is and ask why")))
        click.echo(str(verdict.told))
        return 0
    if as_json and not follow:
        print_json({"schema": 1, "lines": reading.documents(path)})
        return 0
    for text in reading.texts(path, context.settings.zone, as_json=as_json, follow=follow):
        click.echo(text)
    return 0
