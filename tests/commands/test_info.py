"""``info`` and where each setting comes from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prep_console import __version__, config
from prep_console.config.origins import differing, origins
from tests.stations import PROGRAM, Sandbox, sandbox

TOML = '''# settings
[station]
root = "/srv/x"   # [not] a = table
name = """two
lines"""

[election]
elections = [
  "DIP_LOC",
  # and
  "AYUN",
]
cadence_minutes = 5

[[intake.source]]
kind = "drop"

[[intake.source]]
kind = "https"
url = "https://x/y.zip"
[power]
device = [{ name = "a", nut = "a@b" }]
'''


def test_each_key_has_the_line_on_which_its_entry_begins() -> None:
    found = {one.key: one for one in origins(config.parse(TOML, "x"), TOML)}
    lines = {key: one.line for key, one in found.items() if one.line is not None}
    assert lines == {
        "station.root": 3,
        "station.name": 4,
        "election.elections": 8,
        "election.cadence_minutes": 13,
        "intake.source[0].kind": 16,
        "intake.source[1].kind": 19,
        "intake.source[1].url": 20,
        "power.device[0].name": 22,
        "power.device[0].nut": 22,
    }
    assert found["station.language"].value == "es"
    assert found["election.elections"].value == ["DIP_LOC", "AYUN"]


def test_every_key_of_the_example_is_found_on_its_own_line() -> None:
    text = config.example()
    rows = text.splitlines()
    written = [one for one in origins(config.parse(text, "x"), text) if one.line is not None]
    assert len(written) > 50
    for one in written:
        assert one.line is not None
        assert rows[one.line - 1].split("=")[0].strip().split(".")[-1] in one.key


def test_settings_that_differ_are_named_but_for_those_that_are_taken_anew() -> None:
    before = config.parse(TOML, "x")
    live = "[console]\nwall_pages = 9\n[contacts]\na = '1'\n"
    assert differing(before, config.parse(TOML + live, "x")) == ()
    one_less = TOML.replace('[[intake.source]]\nkind = "drop"\n', "").replace("= 5", "= 6")
    assert differing(before, config.parse(one_less, "x"))[:2] == (
        "election.cadence_minutes",
        "intake.source[0].kind",
    )
    assert "intake.source[1].url" in differing(before, config.parse(one_less, "x"))


def test_info_tells_versions_folders_and_settings(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    said = box.run("info", "--json")
    assert said.code == 0, said.err
    told = said.json
    assert (told["schema"], told["version"]) == (1, __version__)
    assert told["python"] == ".".join(map(str, sys.version_info[:3]))
    assert told["settings_file"] == str(box.file)
    assert told["folders"]["cuts"] == {"path": str(box.settings.root / "cuts"), "exists": False}
    rows = box.file.read_text().splitlines()
    (root,) = (one for one in told["settings"] if one["key"] == "station.root")
    assert str(box.settings.root) in rows[root["line"] - 1]
    (zone,) = (one for one in told["settings"] if one["key"] == "station.timezone")
    assert zone == {"key": "station.timezone", "value": "America/Mexico_City", "line": None}


@pytest.mark.parametrize(
    ("lang", "texts"),
    [
        ("en", ("settings file", "default", "not there")),
        ("es", ("archivo de ajustes", "omisión", "no existe")),
    ],
)
def test_info_in_words(tmp_path: Path, lang: str, texts: tuple[str, ...]) -> None:
    said = sandbox(tmp_path, {"station": {"name": "a\x1b[2Jb"}}).run("info", lang=lang)
    assert said.code == 0
    for text in texts:
        assert text in said.out
    assert "\x1b" not in said.out


def test_wrong_settings_are_told_with_exit_code_2(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[station]\nroot = "/x"\nnmae = "y"\n')
    done = subprocess.run(
        [PROGRAM, "--config", file, "info"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "name" in done.stderr
    assert done.stdout == ""


def test_it_looks_and_changes_nothing(tmp_path: Path) -> None:
    box: Sandbox = sandbox(tmp_path)
    assert json.loads(box.run("info", "--json").out)["settings"]
    assert not box.settings.root.exists() or list(box.settings.root.iterdir()) == []
