"""The rehearsal: a night with faults on a station of its own, timed and scored."""

from __future__ import annotations

from pathlib import Path

import click

from prep_console import wording
from prep_console.commands.context import Context, print_lines
from prep_console.problems import WrongUsage
from prep_console.wording import N_, sentence


@click.command()
@click.argument("scenario", required=False)
@click.option("--list", "listed", is_flag=True, help="The scenarios that are shipped.")
@click.option("--speed", type=float, help="Simulated seconds per second, 1 to 120.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="A real final cut.")
@click.option("--report", type=click.Path(path_type=Path), help="Keep the report in this folder.")
@click.option("--folder", type=click.Path(path_type=Path), help="Keep the station here.")
@click.option("--operator", default="", help="Who rehearses, for the report.")
@click.option("--headless", is_flag=True, help="No screen: act from another terminal.")
@click.pass_obj
def drill(
    context: Context,
    scenario: str | None,
    listed: bool,
    speed: float | None,
    source: Path | None,
    report: Path | None,
    folder: Path | None,
    operator: str,
    headless: bool,
) -> int:
    """Rehearse SCENARIO (a name, or a TOML file) on a sandbox; never on a real station."""
    from prep_console.drill import rehearse

    if listed:
        print_lines(rehearse.listing())
        return 0
    if scenario is None:
        raise WrongUsage(
            sentence(N_("which scenario?")),
            sentence(N_("prep-console drill --list shows them; or name a file that ends in .toml")),
        )
    return rehearse.run(
        scenario,
        speed=speed,
        source=source,
        report=report,
        folder=folder,
        operator=operator,
        language=wording.language(),
        screen=not headless,
    )
