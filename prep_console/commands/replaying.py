"""The past of a station on the same screens, or one moment of it for a script."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from prep_console import wording
from prep_console.commands.context import Context, json_option, print_json
from prep_console.problems import WrongUsage
from prep_console.wording import N_, sentence


@click.command()
@click.option("--from", "begins", metavar="TIME", help="Where it begins: 02:35, 2024-06-03T02:35.")
@click.option("--to", "ends", metavar="TIME", help="Where it ends; the end of the record.")
@click.option("--speed", type=float, default=1.0, help="Replayed seconds per second, 1 to 600.")
@click.option("--wall", is_flag=True, help="On the display of a control room.")
@click.option("--at", "moment", metavar="TIME", help="Stand at this moment, paused.")
@click.option("--folder", type=click.Path(path_type=Path), help="A copy of a station's folder.")
@json_option
@click.pass_obj
def replay(
    context: Context,
    begins: str | None,
    ends: str | None,
    speed: float,
    wall: bool,
    moment: str | None,
    folder: Path | None,
    as_json: bool,
) -> int:
    """A stretch of the station's past, to look at and not to act in."""
    from prep_console.console.player import FASTEST, SLOWEST
    from prep_console.engine.past import Past
    from prep_console.engine.past_times import moment_named
    from prep_console.reports.status import status_json

    settings = context.settings
    if folder is not None:
        there = msgspec.structs.replace(settings.station, root=str(folder.absolute()))
        settings = msgspec.structs.replace(settings, station=there)
    if as_json and moment is None:
        raise WrongUsage(
            sentence(N_("--json goes with --at")),
            sentence(N_("name the moment: --at 2024-06-03T02:35")),
        )
    if not SLOWEST <= speed <= FASTEST:  # NaN is neither
        raise WrongUsage(
            sentence(N_("--speed {speed} is not between 1 and 600"), speed=f"{speed:g}"),
            sentence(N_("name another; + and - change it while it plays")),
        )
    past, zone = Past(settings), settings.zone
    # an hour without a date is the last one: the end is settled first, the beginning before it
    end = moment_named(ends, zone, past.begins, past.ends) if ends else past.ends
    start = past.begins if moment else min(past.last_begins, end)
    if begins:
        start = moment_named(begins, zone, past.begins, past.ends, until=end)
    if start > end:
        raise WrongUsage(
            sentence(N_("--from lies after --to")),
            sentence(N_("name an earlier beginning or a later end")),
        )
    at = moment_named(moment, zone, start, end) if moment else None
    if as_json and at is not None:
        print_json(status_json(past.at(at)))
        return 0
    from prep_console.console.replay_app import run

    return run(
        settings,
        past,
        start,
        end,
        at=at,
        speed=speed,
        playing=at is None,
        wall=wall,
        language=wording.language(),
    )
