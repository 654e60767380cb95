"""``manual``: what to do, page by page, also where nothing else works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from prep_console import wording
from prep_console.commands.context import Context
from prep_console.problems import Problem, WrongUsage
from prep_console.wording import N_, say, sentence

if TYPE_CHECKING:
    from prep_console.manual.layout import Laid


@click.command()
@click.argument("page", required=False)
@click.pass_obj
def manual(context: Context, page: str | None) -> None:
    """What to do at night: the pages, or PAGE (a name, a number or an alarm's id)."""
    import shutil

    from prep_console.manual import layout
    from prep_console.manual.shelf import PAGES, page_about, page_named

    contacts: Mapping[str, str] = {}
    with suppress(Problem):  # the manual is read above all where the settings are wrong
        contacts = context.settings.contacts
    language = wording.language()
    if page is None:
        for one in PAGES:
            name = click.style(f"{one.names[language]:<14}", bold=True)
            click.echo(f" {one.key}  {name} {layout.title(one.text(language))}")
        if contacts:
            click.echo("")
            click.echo(say(N_("Whom to call")))
        _print(layout.contacts(contacts, shutil.get_terminal_size().columns))
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
    width = shutil.get_terminal_size().columns
    _print(layout.laid_out(text, width) + layout.contacts(contacts, width))


def _print(lines: Iterable[Laid]) -> None:
    for line in lines:
        click.echo("".join(click.style(p.text, bold=p.kind != "") for p in line))
