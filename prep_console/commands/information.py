"""``info``: what is installed here, which settings are in force, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from prep_console import __version__
from prep_console.commands.context import Context, json_option, print_json, print_lines
from prep_console.wording import N_, say, visible

if TYPE_CHECKING:
    from pathlib import Path

    from prep_console.config.origins import Origin


@click.command()
@json_option
@click.pass_obj
def info(context: Context, as_json: bool) -> None:
    """Versions, folders, and every setting in force with where it comes from."""
    import platform

    from prep_console import config
    from prep_console.config.origins import origins
    from prep_console.journal.store_version import VERSION

    settings, station, path = context.settings, context.station, config.chosen(context.path)
    folders = {
        "root": station.root,
        "incoming": settings.drop_folder,
        "staging": station.staging,
        "cuts": station.cuts,
        "quarantine": station.quarantine,
        "public": station.public,
        "journal": station.journal.parent,
        "run": station.run,
    }
    found = origins(settings, path.read_text("utf-8"))
    store = station.found_state().version
    if as_json:
        print_json(
            {
                "schema": 1,
                "version": __version__,
                "python": platform.python_version(),
                "store": store,
                "store_known": VERSION,
                "settings_file": str(path),
                "folders": {
                    name: {"path": str(folder), "exists": folder.is_dir()}
                    for name, folder in folders.items()
                },
                "settings": [
                    {"key": one.key, "value": one.value, "line": one.line} for one in found
                ],
            }
        )
        return
    rows = {
        say(N_("program")): f"prep-console {__version__}",
        "Python": platform.python_version(),
        say(N_("version of the store")): str(store)
        if store <= VERSION
        else say(N_("{found}; this program knows up to {known}"), found=store, known=VERSION),
        say(N_("settings file")): visible(str(path)),
    }
    wide = max(map(len, rows))
    print_lines(f"{name:<{wide}}  {value}" for name, value in rows.items())
    print_lines(["", say(N_("Folders:"))])
    print_lines(_folder(name, folder) for name, folder in folders.items())
    print_lines(["", say(N_("Settings in force, each with its line of the file:"))])
    print_lines(_setting(one) for one in found)


def _folder(name: str, folder: Path) -> str:
    missing = "" if folder.is_dir() else say(N_("  (not there)"))
    return f"  {name:<10}  {visible(str(folder))}{missing}"


def _setting(origin: Origin) -> str:
    where = say(N_("default"))
    if origin.line is not None:
        where = say(N_("line {n}"), n=origin.line)
    return f"  {where:<16}  {visible(origin.key)} = {_written(origin.value)}"


def _written(value: Any) -> str:
    from json import dumps

    return visible(dumps(value, ensure_ascii=False))
