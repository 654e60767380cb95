"""Commands that stay: console, engine, demo."""

from __future__ import annotations

from pathlib import Path

import click

from prep_console import config, wording
from prep_console.commands.context import Context
from prep_console.config.checks import LEAST_PAGE_S


@click.command()
@click.option("--wall", is_flag=True, help="Display for a control room: no keys.")
@click.option(
    "--pages",
    type=click.FloatRange(LEAST_PAGE_S, 3600),
    metavar="SECONDS",
    help="The wall turns through its pages; each stays so long.",
)
@click.option("--read-only", is_flag=True, help="Look, do not act.")
@click.pass_obj
def console(context: Context, wall: bool, pages: float | None, read_only: bool) -> int:
    """The operations console."""
    if pages is not None and not wall:
        raise click.UsageError("--pages is for --wall")
    settings = context.settings
    context.station.refuse_newer()
    from prep_console.console.app import run

    return run(
        settings,
        wall=wall,
        pages_s=pages,
        read_only=read_only,
        language=wording.language(),
        config=context.path,
    )


@click.command()
@click.pass_obj
def engine(context: Context) -> int:
    """The loop that receives, watches and publishes, without a screen."""
    settings = context.settings
    from prep_console.engine.loop import run

    return run(settings, config.chosen(context.path))


@click.command()
@click.option("--speed", type=float, help="Simulated seconds per second.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="A real final cut.")
@click.option("--folder", type=click.Path(path_type=Path), help="Keep the station here.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the web server on loopback.")
@click.option("--cuts", "count", type=int, help="Stop after so many cuts.")
@click.option("--headless", is_flag=True, help="No screen: the guided tour, checked.")
@click.option("--lose-mains", type=float, metavar="SECONDS", help="The mains go after so long.")
@click.option("--generator-fails", is_flag=True, help="And the generator does not start.")
@click.pass_obj
def demo(
    context: Context,
    speed: float | None,
    source: Path | None,
    folder: Path | None,
    port: int | None,
    count: int | None,
    headless: bool,
    lose_mains: float | None,
    generator_fails: bool,
) -> int:
    """A whole station in a scratch folder, on loopback, labelled SIMULACRO."""
    from prep_console.drill import demo as night

    return night.run(
        speed=speed,
        source=source,
        folder=folder,
        language=wording.language(),
        screen=not headless,
        cuts=count,
        port=port,
        lose_mains=lose_mains,
        generator_fails=generator_fails,
    )
