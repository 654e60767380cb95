"""``--help`` in the reader's language: the texts stand in English beside their commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import click

from prep_console import wording
from prep_console.problems import Problem
from prep_console.wording import N_, Language, known_text, say

_OWN = {
    "Options": N_("Options"),
    "Commands": N_("Commands"),
    "Show this message and exit.": N_("Show this message and exit."),
}
"""What click says by itself."""


class _Formatter(click.HelpFormatter):
    """Click's own headings in the reader's language."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, say(N_("Usage: ")) if prefix is None else prefix)

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        with super().section(known_text(_OWN.get(name, name))):
            yield


class _Context(click.Context):
    """Of every command, so that each tells its help in one language."""

    formatter_class = _Formatter
    language: Callable[[], Language | None]

    def get_help(self) -> str:
        _choose(self)
        with _told(self):
            return super().get_help()


def in_the_readers_language(cli: click.Group, language: Callable[[], Language | None]) -> None:
    """Every help of ``cli``; ``language`` is what the command line asks for, wherever it stands."""
    for command in _commands(cli):
        command.context_class = type("Context", (_Context,), {"language": staticmethod(language)})


def texts(cli: click.Group) -> Iterator[str]:
    """Every sentence of every help, once."""
    said = (text for command in _commands(cli) for text in _texts(command))
    yield from dict.fromkeys(said)


def _commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _commands(inner)


def _texts(command: click.Command) -> Iterator[str]:
    if command.help:
        yield command.help
    for option in command.params:
        if isinstance(option, click.Option) and option.help:
            yield option.help


def _choose(context: _Context) -> None:
    """What --lang says, else the station's own language where its settings can be read."""
    asked = context.language()
    if asked is not None:
        wording.use(asked)
        return
    with suppress(Problem, OSError):
        _ = context.find_root().obj.settings


@contextmanager
def _told(context: click.Context) -> Iterator[None]:
    """The texts of one command, and what a list of commands shows of the others, translated."""
    command = context.command
    shown = [command]
    if isinstance(command, click.Group):
        shown += command.commands.values()
    kept = [(one, one.help, one.options_metavar) for one in shown]
    options = [p for p in command.get_params(context) if isinstance(p, click.Option)]
    kept_options = [(option, option.help) for option in options]
    inner = command.subcommand_metavar if isinstance(command, click.Group) else ""
    try:
        if isinstance(command, click.Group):
            command.subcommand_metavar = say(N_("COMMAND [ARGS]..."))
        for one, text, _ in kept:
            one.help = one.short_help = known_text(text or "") or None  # whole: it is wrapped
            one.options_metavar = say(N_("[OPTIONS]"))
        for option, text in kept_options:
            option.help = known_text(_OWN.get(text or "", text or "")) or None
        yield
    finally:
        if isinstance(command, click.Group):
            command.subcommand_metavar = inner
        for one, text, metavar in kept:
            one.help, one.short_help, one.options_metavar = text, None, metavar
        for option, text in kept_options:
            option.help = text
