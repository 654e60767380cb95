"""Settings with which no command begins."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.commands.night import SECOND
from tests.stations import PROGRAM, Sandbox, sandbox


def test_errors_of_settings_name_the_key_and_the_nearest(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    box.file.write_text(f'{box.file.read_text()}\n[sitte]\nurl = ""\n')
    ran = box.run("status")
    assert ran.code == 2
    assert "sitte" in ran.err
    assert "site" in ran.err


def test_elections_are_known_by_any_of_their_codes(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"election": {"elections": ["DIP", "AYUNTAMIENTOS"]}})
    assert box.settings.election.elections == ["DIP_LOC", "AYUN"]
    box.file.write_text(box.file.read_text().replace("AYUNTAMIENTOS", "SHERIFF"))
    ran = box.run("status")
    assert ran.code == 2
    assert "SHERIFF" in ran.err


def test_settings_that_others_can_write_are_refused(box: Sandbox) -> None:
    box.file.chmod(0o666)
    ran = box.run("rollback", "--reason", "x")
    assert ran.code == 2
    box.file.chmod(0o644)
    assert box.station.live().cut == SECOND


def test_settings_in_a_folder_where_everybody_may_rename_are_refused(box: Sandbox) -> None:
    folder = box.file.parent
    try:
        folder.chmod(0o777)
        ran = box.run("hold")
        assert ran.code == 2
        assert f"chmod o-w {folder}" in ran.err
        folder.chmod(0o1777)  # the sticky bit: only the owner may rename
        assert box.run("hold").code == 0
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("election", "cadence_minutes", 10**18),
        ("intake", "carry_after_seconds", -1),
        ("publication", "ballast_bytes", 10**15),
        ("publication", "estado_prefix", "/../x/"),
        ("station", "timezone", "Mars/Olympus"),
    ],
)
def test_settings_that_would_fail_later_are_named_at_once(
    tmp_path: Path, table: str, key: str, value: object
) -> None:
    box = sandbox(tmp_path)
    text = box.file.read_text()
    if f"[{table}]" not in text:
        text += f"[{table}]\n"
    box.file.write_text(text.replace(f"[{table}]", f"[{table}]\n{key} = {json.dumps(value)}"))
    ran = box.run("status")
    assert ran.code == 2
    assert key in ran.err


def test_a_drop_folder_in_the_way_of_the_station_is_refused(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    for path in ("public", "cuts/x", "../x", "/"):
        place = path if path == "/" else f"{box.settings.root}/{path}"
        box.file.write_text(
            f'[station]\nroot = "{box.settings.root}"\n'
            f'[[intake.source]]\nkind = "drop"\npath = "{place}"\n'
        )
        assert box.run("status").code == 2, place


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('nme = "a"', {"en": "did you mean name?", "es": "¿quiso decir name?"}),
        ('timezone = "Mars/X"', {"en": "is unknown: 'Mars/X'", "es": "no se conoce: 'Mars/X'"}),
    ],
)
@pytest.mark.parametrize("lang", ["en", "es"])
def test_wrong_settings_are_told_in_one_language(
    tmp_path: Path, settings: str, words: dict[str, str], lang: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[station]\nroot = "{tmp_path}/root"\n{settings}\n')
    file.chmod(0o644)
    ran = subprocess.run(
        [PROGRAM, "--config", file, "--lang", lang, "status"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert words[lang] in ran.stderr
