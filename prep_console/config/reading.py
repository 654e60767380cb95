"""The settings file: one typed model, every default with its reason, unknown keys are errors.

Read with msgspec, not pydantic: importing pydantic and building the model takes 100 ms, which
alone is most of what ``rollback`` may take as a whole command (15 x ``python -c pass``, 127 ms
on the same machine); msgspec takes 26.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any, get_args

import msgspec

from prep_console.config.checks import check, wrong
from prep_console.config.model import Settings
from prep_console.cuts.elections import canonical
from prep_console.problems import Failed, WrongUsage
from prep_console.wording import N_, Sentence, sentence

DEFAULT_PATH = Path("/etc/prep-console/config.toml")


def load(path: Path | None = None) -> Settings:
    """The settings in force: ``path``, else $PREP_CONSOLE_CONFIG, else /etc.

    WrongUsage names the key that is wrong and the nearest right one.
    """
    file = chosen(path)
    return parse(_read(file), str(file))


def chosen(path: Path | None = None) -> Path:
    """The settings' file: ``path``, else $PREP_CONSOLE_CONFIG, else /etc."""
    return path or Path(os.environ.get("PREP_CONSOLE_CONFIG") or DEFAULT_PATH)


def parse(text: str, where: str) -> Settings:
    """Settings from TOML text; ``where`` names it in messages."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise wrong(where, str(error)) from error
    except RecursionError as error:
        raise wrong(where, sentence(N_("nested without end"))) from error
    if "\0" in repr(document) or "\\x00" in repr(document):
        raise wrong(where, sentence(N_("a value holds a NUL character")))
    try:
        settings = msgspec.convert(document, Settings)
    except msgspec.ValidationError as error:
        raise wrong(where, _explained(str(error))) from error
    check(settings, where)
    return _canonical(settings, where)


def _canonical(settings: Settings, where: str) -> Settings:
    """The elections by the codes that the rest of the program uses: GOB is GUB everywhere."""
    election = settings.election
    codes = [canonical(code) for code in election.elections]
    for written, code in zip(election.elections, codes, strict=True):
        if not code:
            raise wrong(
                where,
                sentence(
                    N_("election.elections: {value} is no election that is known"),
                    value=repr(written),
                ),
            )
    if len(set(codes)) < len(codes):
        raise wrong(where, sentence(N_("election.elections names one election twice")))
    if codes == election.elections:
        return settings
    changed = msgspec.structs.replace(election, elections=codes)
    return msgspec.structs.replace(settings, election=changed)


def version_of(path: Path) -> tuple[int, ...] | None:
    """Another one after whatever was done to the file; None while it cannot be looked at."""
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino, there.st_mtime_ns, there.st_ctime_ns, there.st_size


def _read(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise wrong(str(path), sentence(N_("it is no plain file")))
        if stat.S_IMODE(status.st_mode) & 0o022:
            raise WrongUsage(
                sentence(N_("the settings file {path} can be written by others"), path=str(path)),
                sentence(N_("it can name commands to run: chmod go-w {path}"), path=str(path)),
            )
        _refuse_open_folder(path)
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise WrongUsage(
            sentence(N_("there is no settings file {path}"), path=str(path)),
            sentence(N_("write one: prep-console config --example, then --config FILE")),
        ) from error
    except UnicodeDecodeError as error:
        raise wrong(str(path), str(error)) from error
    except OSError as error:
        raise Failed(
            sentence(
                N_("the settings file {path} cannot be read: {error}"),
                path=str(path),
                error=error.strerror or str(error),
            ),
            sentence(N_("check its owner and permissions")),
        ) from error


def _refuse_open_folder(path: Path) -> None:
    """Where everybody may rename (no sticky bit), everybody may put another file in its place."""
    for folder in {path.parent, path.resolve().parent}:
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise WrongUsage(
                sentence(N_("the settings file {path} can be replaced by others"), path=str(path)),
                sentence(N_("it can name commands to run: chmod o-w {folder}"), folder=str(folder)),
            )


def _explained(message: str) -> Sentence | str:
    """msgspec's message, with the nearest right name for an unknown key."""
    import difflib  # for a mistake alone: every command would wait for it

    match = re.fullmatch(
        r"Object contains unknown field `(?P<key>.*?)`(?: - at `\$\.?(?P<at>.*)`)?", message
    )
    if match is None:
        return message.replace("$.", "")
    table = re.sub(r"\[.*?\]", "", match["at"] or "")
    model: Any = Settings
    for name in filter(None, table.split(".")):
        model = _table(model, name)
    names = [field.name for field in msgspec.structs.fields(model)]
    near = difflib.get_close_matches(match["key"], names, n=1, cutoff=0.4)
    key = f"{table}.{match['key']}" if table else match["key"]
    if near:
        return sentence(N_("unknown key {key}; did you mean {near}?"), key=key, near=near[0])
    return sentence(N_("unknown key {key}; known: {names}"), key=key, names=", ".join(names))


def _table(model: Any, name: str) -> Any:
    """The model of the table ``name`` inside ``model``, which may be one of a list of them."""
    for field in msgspec.structs.fields(model):
        if field.name == name:
            for found in (field.type, *get_args(field.type)):
                if isinstance(found, type) and issubclass(found, msgspec.Struct):
                    return found
    return model


def example() -> str:
    """A settings file that names every setting."""
    return Path(__file__).with_name("example.toml").read_text(encoding="utf-8")
