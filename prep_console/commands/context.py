"""What every command stands on: the options before it, and how it prints."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prep_console import config, wording
from prep_console.problems import WrongUsage
from prep_console.wording import N_, sentence

if TYPE_CHECKING:
    from prep_console.config import Settings
    from prep_console.cuts.stamps import CutId, Stamp
    from prep_console.publication.station import Station


class Context:
    """What the options before the command chose."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self.lang: str | None = None
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        if self._settings is None:
            self._settings = config.load(self.path)
            if self.lang is None:
                wording.use(self._settings.station.language)
        return self._settings

    @property
    def station(self) -> Station:
        from prep_console.publication.station import Station

        return Station(self.settings)


def print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def print_for_reading(lines: Iterable[str], *, err: bool = False) -> None:
    """Sentences: whole words, and what goes on is indented below its beginning, on a terminal.

    Into a file or another program each stays one line. ``err``: to standard error.
    """
    import os
    import shutil
    import sys

    stream = sys.stderr if err else sys.stdout
    if stream.isatty():
        width = shutil.get_terminal_size().columns
        if "COLUMNS" not in os.environ:  # the stream's own terminal: the other one may be a file
            with suppress(OSError):
                width = os.get_terminal_size(stream.fileno()).columns or width
        lines = [part for line in lines for part in folded(line, width)]
    for line in lines:
        click.echo(line, err=err)  # which knows of streams that hold no sign of ours


def folded(line: str, width: int) -> list[str]:
    """``line`` over as many lines of ``width`` as it takes; a longer word is broken."""
    import textwrap

    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(
        line, max(20, width), subsequent_indent=indent, break_on_hyphens=False
    ) or [""]


def print_json(document: dict[str, Any]) -> None:
    from prep_console.reports.document import as_text

    click.echo(as_text(document))


def cut_id(text: str) -> CutId:
    from prep_console.cuts.stamps import CutId

    try:
        return CutId.of(text)
    except ValueError as error:
        raise WrongUsage(
            sentence(N_("{text} is no cut id"), text=text or "''"),
            sentence(N_("an id looks like 20240602_2005; prep-console cuts lists them")),
        ) from error


def stamp_of(text: str) -> Stamp:
    from prep_console.cuts.stamps import Stamp

    try:
        return Stamp.of(text)
    except ValueError as error:
        raise WrongUsage(
            sentence(N_("{text} is no cut's date and time"), text=text or "''"),
            sentence(N_("write it as 20240602_2005; status --json has the marks as high_water")),
        ) from error


class _DeliveryPath(click.Path):
    """A path that says something: a script's empty variable must not mean the folder we are in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            raise WrongUsage(
                sentence(N_("the path is empty")),
                sentence(N_("name the delivered file or folder")),
            )
        return super().convert(value, param, ctx)


delivery_argument = click.argument("path", type=_DeliveryPath(path_type=Path))

json_option = click.option("--json", "as_json", is_flag=True, help="Stable JSON, in English.")
