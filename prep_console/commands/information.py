"""``info``: what is installed here, which settings are in force, and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from prep_console import __version__
from prep_console.commands.context import Context, json_option, print_json, print_lines
from prep_console.wording import N_, say, say_n, visible

if TYPE_CHECKING:
    from pathlib import Path

    from prep_console.config import Settings
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
    engine = _engine(settings, path)
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
                "engine": {
                    "alive": engine.alive,
                    "settings_file": engine.file,
                    "up_to_date": engine.up_to_date,
                    "not_in_force": list(engine.not_in_force),
                },
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
        say(N_("engine")): _told(engine, path),
    }
    wide = max(map(len, rows))
    print_lines(f"{name:<{wide}}  {value}" for name, value in rows.items())
    print_lines(["", say(N_("Folders:"))])
    print_lines(_folder(name, folder) for name, folder in folders.items())
    print_lines(["", say(N_("Settings, each with its line of the file:"))])
    print_lines(_setting(one, one.key in engine.not_in_force) for one in found)


@dataclass(frozen=True, slots=True)
class _Engine:
    """What the running engine says of its settings."""

    alive: bool | None
    """None: not known, where the store is of a newer program."""
    file: str | None = None
    """The file that it read; None: it does not say."""
    up_to_date: bool | None = None
    """None: it has not looked at the file since that was changed."""
    not_in_force: tuple[str, ...] = ()
    """Keys that it runs with another value of."""


def _engine(settings: Settings, path: Path) -> _Engine:
    from prep_console.engine.view import read_snapshot
    from prep_console.journal.store_version import NewerStore

    try:
        snapshot = read_snapshot(settings)
    except NewerStore:  # the versions are what is asked for then, and they can be told
        return _Engine(None)
    seen = snapshot.readings.get("engine.settings")
    alive = snapshot.engine.alive
    if not alive or seen is None or seen.value is None:
        return _Engine(alive)
    file = str(seen.detail.get("file", ""))
    status = path.stat()
    changed_at = max(status.st_mtime, status.st_ctime)
    if not _same_file(file, path) or seen.observed_at.timestamp() <= changed_at:
        return _Engine(alive, file)
    keys = str(seen.detail.get("changed") or "")
    return _Engine(alive, file, seen.value == "in force", tuple(keys.split(", ")) if keys else ())


def _same_file(engine: str, path: Path) -> bool:
    try:
        return path.samefile(engine)
    except OSError:
        return False


def _told(engine: _Engine, path: Path) -> str:
    if engine.alive is None:
        return say(N_("not known"))
    if not engine.alive:
        return say(N_("none is running"))
    if engine.file is None:
        return say(N_("running; it does not say with which settings"))
    if not _same_file(engine.file, path):
        return say(N_("running with another settings file: {file}"), file=visible(engine.file))
    if engine.up_to_date is None:
        return say(N_("has not looked at the file since it was changed; ask again in 20 seconds"))
    if engine.up_to_date:
        return say(N_("running with this file as it is"))
    return say_n(
        "running; {n} setting was changed since its start: systemctl restart prep-console",
        "running; {n} settings were changed since its start: systemctl restart prep-console",
        len(engine.not_in_force),
    )


def _folder(name: str, folder: Path) -> str:
    missing = "" if folder.is_dir() else say(N_("  (not there)"))
    return f"  {name:<10}  {visible(str(folder))}{missing}"


def _setting(origin: Origin, outdated: bool) -> str:
    where = say(N_("default"))
    if origin.line is not None:
        where = say(N_("line {n}"), n=origin.line)
    other = say(N_("  ▲ not in force: the engine runs with another value")) if outdated else ""
    return f"  {where:<16}  {visible(origin.key)} = {_written(origin.value)}{other}"


def _written(value: Any) -> str:
    from json import dumps

    return visible(dumps(value, ensure_ascii=False))
