"""``--help`` of every command, in both languages."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from prep_console import wording
from prep_console.cli import cli
from prep_console.commands import helping
from tests.stations import PROGRAM, sandbox


def _paths(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in command.commands.items() if isinstance(command, click.Group) else ():
        yield from _paths(inner, (*path, name))


def _command(path: Sequence[str]) -> click.Command:
    found: click.Command = cli
    for name in path:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    return found


def _help(*arguments: str) -> str:
    said = subprocess.run(
        [PROGRAM, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stderr == ""
    return said.stdout


@pytest.mark.parametrize("path", list(_paths(cli)), ids=" ".join)
def test_it_is_whole_in_either_language_and_fits_80_columns(path: tuple[str, ...]) -> None:
    spanish, english = (_help("--lang", language, *path, "--help") for language in ("es", "en"))
    for text in (spanish, english):
        assert max(map(len, text.splitlines())) <= 80
        assert "..." not in text.replace("[ARGS]...", "").replace("[ARGUMENTOS]...", "")
    command = _command(path)
    shown = {command, *(command.commands.values() if isinstance(command, click.Group) else ())}
    options = [p for p in command.params if isinstance(p, click.Option) and p.help]
    sentences = [*(one.help or "" for one in shown), *(str(option.help) for option in options)]
    for sentence in sentences:
        assert sentence in " ".join(english.split())
        assert " ".join(sentence.split()) not in " ".join(spanish.split()), "no Spanish"


def test_without_lang_it_is_the_language_of_the_settings(tmp_path: Path) -> None:
    english = sandbox(tmp_path, {"station": {"language": "en"}})
    assert _help("--config", str(english.file), "rollback", "-h").startswith("Usage: ")
    assert _help("--config", str(tmp_path / "none.toml"), "rollback", "-h").startswith("Uso: ")


def test_every_sentence_of_it_has_its_spanish() -> None:
    for text in helping.texts(cli):
        assert wording.say_in("es", text.replace("{", "{{").replace("}", "}}")) != text
