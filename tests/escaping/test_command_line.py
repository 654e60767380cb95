"""Every command of the real program, with hostile names, reasons, people and deliveries."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from prep_console.cli import cli
from tests.escaping.foreign import FOREIGN, MARK, steering
from tests.nights import archive, two_archives
from tests.stations import PROGRAM, Sandbox, sandbox

_HOSTILE = FOREIGN.replace("/", "")
"""As it can stand in the name of a file."""
_PEOPLE = {"LOGNAME": FOREIGN, "USER": FOREIGN, "SUDO_USER": FOREIGN, "SSH_CONNECTION": FOREIGN}
_FIRST, _SECOND = "20240602_2005", "20240602_2010"


def said(box: Sandbox, arguments: Sequence[str | Path], lang: str = "es") -> tuple[int, str]:
    """Exit code and all that the program wrote, as bytes would reach a terminal."""
    done = subprocess.run(
        [PROGRAM, "--config", box.file, "--lang", lang, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **_PEOPLE},
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "surrogateescape")


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """Two good cuts, three hostile deliveries in quarantine, hostile decisions in the journal."""
    folder = tmp_path_factory.mktemp("foreign")
    box = sandbox(folder, {"station": {"root": str(folder / "root"), "name": "Difusor"}})
    for stamp in (_FIRST, _SECOND):
        for path in two_archives(folder, stamp).values():
            assert said(box, ["receive", path])[0] == 0
    for bad in hostile_deliveries(folder):
        assert said(box, ["receive", bad])[0] == 1
    for action in ("rollback", "release", "hold", "release"):
        assert said(box, [action, "--yes", "--reason", FOREIGN])[0] == 0
    return box


def hostile_deliveries(folder: Path) -> list[Path]:
    """Hostile in the name of an entry, in the name of the archive, and in both."""
    entry = {f"imagenes/{_HOSTILE}.jpg": b"x"}
    name = f"20240602_2015_PREP_AYUN_{_HOSTILE}.zip"
    return [
        archive(folder, "DIP_LOC", "20240602_2015", extra=entry),
        archive(folder, "AYUN", "20240602_2015", name=name),
        archive(folder, "AYUN", "20240602_2015", extra=entry, name=f"{_HOSTILE}.zip"),
    ]


LOOKING: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("check",),
    ("cuts",),
    ("info",),
    ("manual",),
    ("manual", "regresar"),
    ("journal",),
    ("journal", "--verify"),
    ("alarms",),
    ("handover",),
    ("diff", _FIRST, _SECOND),
    ("prune", "--dry-run"),
    ("config",),
    ("resync",),
    ("apache-config",),
    ("systemd-unit",),
    ("tmux-config", "--viewer", "muro"),
)
WRONG: tuple[tuple[str, ...], ...] = (
    (FOREIGN,),
    ("publish", FOREIGN, "--yes"),
    ("publish", FOREIGN, "--override", "--reason", FOREIGN, "--yes"),
    ("rollback", "--to", FOREIGN, "--yes"),
    ("freeze", FOREIGN, "--yes"),
    ("accept-from", FOREIGN),
    ("diff", FOREIGN, _FIRST),
    ("prove", FOREIGN, "--out", FOREIGN),
    ("minutes", "--out", f"/nowhere/{FOREIGN}"),
    ("minutes", "--out", "x", "--from", FOREIGN),
    ("acknowledge", FOREIGN),
    ("shelve", FOREIGN, "--minutes", "5", "--reason", FOREIGN),
    ("unshelve", FOREIGN),
    ("receive", FOREIGN),
    ("verify", FOREIGN),
    ("journal", "--verify", "--head", FOREIGN),
    ("ssh-config", FOREIGN),
    ("tmux-config", "--viewer", FOREIGN),
    ("demo", "--from", FOREIGN),
    ("drill", FOREIGN),
    ("manual", FOREIGN),
    ("replay", "--from", FOREIGN),
    ("replay", "--folder", f"/nowhere/{FOREIGN}", "--at", "02:35", "--json"),
)


@pytest.mark.parametrize("lang", ["es", "en"])
@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_what_a_command_tells_steers_no_terminal(
    station: Sandbox, command: tuple[str, ...], lang: str
) -> None:
    _, text = said(station, command, lang)
    assert text
    assert steering(text) == [], text


@pytest.mark.parametrize("command", WRONG, ids=lambda command: command[0][:12].strip("\x1b["))
def test_a_hostile_argument_is_refused_in_letters(
    station: Sandbox, command: tuple[str, ...]
) -> None:
    code, text = said(station, command)
    assert code in {1, 2, 3}
    assert steering(text) == [], text


@pytest.mark.parametrize("command", ["status", "cuts", "journal", "alarms", "handover", "resync"])
def test_json_is_plain_json(station: Sandbox, command: str) -> None:
    _, text = said(station, [command, "--json"])
    json.loads(text)
    assert steering(text) == [], text


def test_the_deliveries_are_told_in_letters(station: Sandbox, tmp_path: Path) -> None:
    for path in hostile_deliveries(tmp_path):
        for command in (("verify", path), ("verify", path, "--json")):
            code, text = said(station, command)
            assert (code, steering(text)) == (1, []), text
    _, record = said(station, ["journal"])
    assert record.count(MARK) >= 4, "names and reasons stand in the record, as letters"


def test_a_hostile_settings_file_is_told_in_letters(station: Sandbox, tmp_path: Path) -> None:
    for name, text in (
        (f"{_HOSTILE}.toml", "[station]\nroot = 3\n"),
        ("key.toml", f"[station]\nroot = '/x'\n{json.dumps(FOREIGN)} = 1\n"),
        ("value.toml", f"[station]\nroot = '/x'\nphase = {json.dumps(FOREIGN)}\n"),
        ("broken.toml", FOREIGN),
    ):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        file.chmod(0o644)
        code, told = said(Sandbox(file, station.settings), ["status"])
        assert (code, steering(told)) == (2, []), told


def test_no_command_is_left_out() -> None:
    tried = {command[0] for command in (*LOOKING, *WRONG)}
    tried |= {"rollback", "release", "hold"}  # with a hostile reason and person, above
    plain = {"thaw", "suspend", "station", "engine", "console"}
    """Their words are those of the ones above: a reason, a person, a cut."""
    assert set(cli.commands) - tried - plain == set()
