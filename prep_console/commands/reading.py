"""``manual``: what to do, page by page, also where nothing else works."""

from __future__ import annotations

from contextlib import suppress

import click

from prep_console import wording
from prep_console.commands.context import Context
from prep_console.problems import Problem, WrongUsage
from prep_console.wording import N_, say, sentence


@click.command()
@click.argument("page", required=False)
@click.pass_obj
def manual(context: Context, page: str | None) -> None:
    """What to do at night: the pages, or PAGE (a name, a number or an alarm's id)."""
    import shutil

    from prep_console.manual import layout
    from prep_console.manual.shelf import PAGES, page_about, page_named

    with suppress(Problem):  # the manual is read above all where the settings are wrong
        _ = context.settings
    language = wording.language()
    if page is None:
        for one in PAGES:
            name = click.style(f"{one.names[language]:<14}", bold=True)
            click.echo(f" {one.key}  {name} {layout.title(one.text(language))}")
        click.echo("")
        click.echo(say(N_("prep-console manual PAGE opens one; so does ? on the console.")))
        return
    found = page_named(page) or page_about(page.partition(":")[0])
    if found is None:
        raise WrongUsage(
            sentence(N_("the manual has no page {page}"), page=page),
            sentence(N_("prep-console manual lists them")),
        )
    text = found.text(language)
    click.echo(click.style(layout.title(text).upper(), bold=True))
    for line in layout.laid_out(text, shutil.get_terminal_size().columns):
        click.echo("".join(click.style(p.text, bold=p.kind != "") for p in line))
