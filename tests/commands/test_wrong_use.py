"""Commands used wrongly: what is told, and that nothing is decided."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands.night import FIRST, SECOND
from tests.stations import PROGRAM, Sandbox, sandbox


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["publish", "nonsense"], 2),
        (["publish", "../../etc"], 2),
        (["publish", "20300101_0000"], 1),
        (["rollback", "--to", SECOND], 1),
        (["receive", "/does/not/exist"], 2),
        (["verify", "/does/not/exist"], 2),
        (["demo", "--headless", "--from", "/does/not/exist"], 2),
        (["drill", "corrupt-zip", "--headless", "--from", "/does/not/exist"], 2),
        (["journal", "--head", "1:ab"], 2),
        (["journal", "--verify", "--head", "1:ab"], 2),
        (["journal", "--verify", "--head", f"1:{'0' * 64}"], 1),
        (["accept-from", "yesterday"], 2),
        (["nonsense"], 2),
        (["status", "--nonsense"], 2),
        (["apache-config", "--standalone", "/tmp/x", "--listen", "nonsense"], 2),
    ],
)
def test_wrong_on_purpose(box: Sandbox, arguments: list[str], code: int) -> None:
    ran = box.run(*arguments)
    assert ran.code == code, ran
    assert "Traceback" not in ran.err
    assert ran.err.strip()
    assert box.station.live().cut == SECOND


@pytest.mark.parametrize(("lang", "public"), [("en", "the public still sees"), ("es", SECOND)])
def test_an_error_has_three_parts_in_both_languages(box: Sandbox, lang: str, public: str) -> None:
    ran = box.run("publish", "20300101_0000", lang=lang)
    assert ran.out == ""
    assert ran.err.count(" — ") == 2
    assert public in ran.err


def test_hostile_names_cannot_steer_the_terminal(box: Sandbox, tmp_path: Path) -> None:
    hostile = tmp_path / "\x1b[2J20240602_2015_PREP_\u202eDIP.zip"
    hostile.write_bytes(b"PK\x03\x04nothing")
    for ran in (
        box.run("verify", hostile),
        box.run("verify", hostile, "--json"),
        box.run("receive", hostile),
        box.run("journal"),
        box.run("status"),
    ):
        assert "\x1b" not in ran.out + ran.err
        assert "\u202e" not in ran.out + ran.err


@pytest.mark.parametrize("command", ["verify", "receive"])
def test_an_empty_path_is_no_folder(box: Sandbox, command: str) -> None:
    """As when a script's variable is empty: never the folder that we are in."""
    ran = box.run(command, "")
    assert (ran.code, ran.out) == (2, "")
    assert "the path is empty" in ran.err


@pytest.mark.parametrize("above", [0, 1, 2])
def test_a_folder_that_holds_the_station_is_no_delivery(box: Sandbox, above: int) -> None:
    """It would be copied into itself."""
    before = box.station.state().position
    folder = [box.station.staging, box.station.root, *box.station.root.parents][above]
    ran = box.run("receive", folder)
    assert ran.code == 1
    assert "this station's own folder lies in it" in ran.err
    assert box.station.state().position == before
    assert list(box.station.staging.iterdir()) == []


@pytest.mark.parametrize(("lang", "words"), [("en", "wrong usage"), ("es", "uso incorrecto")])
@pytest.mark.parametrize("command", ["nonsense", "station"])
def test_a_wrong_command_is_told_in_one_line_of_the_chosen_language(
    box: Sandbox, command: str, lang: str, words: str
) -> None:
    ran = box.run(command, lang=lang)
    assert ran.code == 2
    assert words in ran.err
    assert "\\x0a" not in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("written", [["--bad"], ["--lang=en", "--config"]])
def test_a_wrong_option_beside_lang_is_told_in_that_language(
    box: Sandbox, written: list[str]
) -> None:
    ran = box.run(*written)
    assert ran.code == 2
    assert "wrong usage" in ran.err


@pytest.mark.parametrize("wrong", [["rollbak"], ["--bad", "rollback"], ["rollback", "--bad"]])
def test_a_wrong_command_names_what_the_public_of_its_own_station_sees(
    box: Sandbox, tmp_path: Path, wrong: list[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = sandbox(elsewhere)  # the settings that are taken when none are named
    ran = subprocess.run(
        [PROGRAM, "--config", box.file, *wrong],
        env={"PREP_CONSOLE_CONFIG": str(other.file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, len(ran.stderr.split(" — "))) == (2, 3)
    assert f"el público sigue viendo el corte {SECOND}" in ran.stderr


@pytest.mark.parametrize(
    "wrong", [["publish", "foo"], ["journal", "--head", "1:ab"], ["rollbak"], ["hold", "--bad"]]
)
def test_an_error_is_wholly_in_the_language_of_the_settings(
    tmp_path: Path, wrong: list[str]
) -> None:
    english = sandbox(tmp_path, {"station": {"language": "en"}})
    english.station.prepare()
    ran = subprocess.run(
        [PROGRAM, "--config", english.file, *wrong], capture_output=True, text=True, check=False
    )
    told = english.run(*wrong, lang="en")
    assert (ran.returncode, ran.stderr) == (told.code, told.err)
    assert len(told.err.split(" — ")) == 3


@pytest.mark.parametrize("command", [[], ["console", "--wall"]])
def test_a_screen_without_a_terminal_is_told_in_three_parts(
    box: Sandbox, command: list[str]
) -> None:
    ran = box.run(*command, lang="es")
    assert ran.code == 2
    assert ran.err.startswith("prep-console: ")
    assert "necesita una terminal" in ran.err
    assert len(ran.err.split(" — ")) == 3


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["minutes"], "falta --out"),
        (["diff", FIRST], "falta B"),
        (["handover", "--hours", "nan"], "--hours espera un número de 1 a 8784"),
        (["handover", "--hours", "0"], "--hours espera un número de 1 a 8784"),
        (["shelve", "x", "--minutes", "x"], "--minutes espera un número"),
        (["minutes", "--out", "x", "--from", "x"], "x no es una hora"),
        (["demo", "--port", "99999"], "--port espera un número de 1 a 65535"),
        (["replay", "--from"], "--from necesita un valor"),
        (["hold", "--yes=1"], "--yes no lleva valor"),
        (["hold", "--reazon", "x"], "no existe la opción --reazon; quizá --reason"),
        (["reples"], "no existe el comando reples; quizá "),
        (["nonsense"], "no existe el comando nonsense"),
        (["handover", "one", "two"], "sobran palabras: one two"),
        (["--lang", "fr", "status"], "--lang es uno de: es, en"),
    ],
)
def test_the_library_s_complaints_are_told_in_our_words(
    box: Sandbox, command: list[str], words: str
) -> None:
    ran = box.run(*command, lang="es")
    assert ran.code == 2
    assert words in ran.err


@pytest.mark.parametrize("encoding", ["latin-1", "cp437", "ascii", "utf-8"])
def test_a_terminal_without_our_signs_fails_nothing(box: Sandbox, encoding: str) -> None:
    """As with LANG=es_MX.ISO-8859-1: what was done is done, whatever can be shown of it."""
    for command, code in (["status"], 0), (["hold"], 0), (["publish", "20990101_0000"], 1):
        ran = subprocess.run(
            [PROGRAM, "--config", box.file, "--lang", "es", *command],
            env={**os.environ, "PYTHONIOENCODING": encoding},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        told = (ran.stdout + ran.stderr).decode("utf-8" if encoding == "ascii" else encoding)
        assert ran.returncode == code, told
        assert "\\u" not in told
        if command == ["status"]:
            assert ("✖" if encoding in {"ascii", "utf-8"} else "X El motor") in told


@pytest.mark.parametrize(
    "command",
    [["rollback", "--to", ""], ["freeze", ""], ["publish", ""], ["accept-from", ""],
     ["accept-from", f"{FIRST}.2"], ["prove", "", "--out", "x"]],
)  # fmt: skip
def test_an_empty_or_odd_id_decides_nothing(box: Sandbox, command: list[str]) -> None:
    """As when a script's variable is empty: never the cut that no name would have meant."""
    before = box.station.state().position
    ran = box.run(*command)
    assert (ran.code, ran.out) == (2, "")
    assert box.station.state().position == before


@pytest.mark.parametrize("width", [80, 40])
def test_an_error_on_a_terminal_is_in_whole_words(box: Sandbox, width: int) -> None:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    wrong = ["rollback", "--to", "20990101_0000", "--reason", "x"]
    command = [str(PROGRAM), "--config", str(box.file), "--lang", "es", *wrong]
    plain = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    ran = subprocess.run(command, stderr=theirs, env=plain, check=False, timeout=60)
    os.close(theirs)
    said = b""
    with suppress(OSError):  # the end of a terminal whose other side was closed
        while part := os.read(ours, 65536):
            said += part
    os.close(ours)
    assert ran.returncode == 1
    rows = said.decode().split("\r\n")
    assert max(map(len, rows)) <= width
    whole = subprocess.run(command, capture_output=True, text=True, check=False)
    assert len(whole.stderr) > width
    assert whole.stderr.count("\n") == 1
    assert " ".join(said.decode().split()) == " ".join(whole.stderr.split())
