"""The manual keeps its word: what it names is there, every alarm has its page, every page fits."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import click
import pytest
from textual.binding import Binding

from prep_console import manual
from prep_console.alarms.table import TABLE
from prep_console.cli import cli
from prep_console.console import keys
from prep_console.console.alarm_screen import AlarmScreen
from prep_console.console.decision_screen import DecisionScreen
from prep_console.manual import layout
from prep_console.manual.shelf import PAGES, Page, page_about, page_named
from prep_console.wording import Language
from tests.stations import PROGRAM, sandbox
from tests.wording.catalogue import sentences, spanish

FOLDER = Path(manual.__file__).parent / "pages"
LANGUAGES: tuple[Language, ...] = get_args(Language)
WIDTH, LINES = 80, 20
"""What an 80×24 console leaves for a page while a rehearsal's band is shown."""
NEIGHBOURS = {"apachectl": "apachectl", "chronyc": "chronyc", "df": "df", "dmesg": "dmesg"}
"""Programs of the neighbours that can be looked up here; those of systemd are not everywhere."""
NEIGHBOURS_ELSEWHERE = {"systemctl", "journalctl", "kill", "last", "top"}
NOT_OURS = {"UPS", "CDN", "UDP", "HTTP", "PID", "CONT", "KILL"}
SECTIONS: dict[Language, list[str]] = {
    "es": ["Qué se ve", "Qué ve el público", "Qué hacer", "A quién llamar"],
    "en": ["What you see", "What the public sees", "What to do", "Whom to call"],
}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.names["en"])
in_each_language = pytest.mark.parametrize("language", LANGUAGES)


def codes(text: str) -> list[str]:
    """What stands between back-quotes, in order."""
    return re.findall(r"`([^`]+)`", text)


def known_keys(language: Language) -> set[str]:
    """Keys of the main screen, of its dialogs and of the manual, as they are shown."""
    bound = {
        key
        for binding in (*DecisionScreen.BINDINGS, *AlarmScreen.BINDINGS)
        if isinstance(binding, Binding)
        for key in binding.key.split(",")
    }
    confirm = {"es": "s", "en": "y"}[language]
    assert {confirm, "escape"} <= bound
    return {key.shown for key in keys.KEYS} | {page.key for page in PAGES} | {"Esc", confirm}


def test_every_alarm_leads_to_one_page() -> None:
    assert sorted(alarm for page in PAGES for alarm in page.alarms) == sorted(TABLE)
    assert page_about("power.ups") is page_named("Energía") is page_named("POWER")
    assert page_about("an.alarm.of.tomorrow") is None


def test_there_are_the_pages_and_nothing_else() -> None:
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert there == {f"{lang}/{page.names[lang]}.md" for lang in LANGUAGES for page in PAGES}
    assert len({page.key for page in PAGES}) == len(PAGES)
    names = [name for page in PAGES for name in {page.key, *page.names.values()}]
    assert len(names) == len(set(names)), "a name leads to one page"


@in_each_language
@each_page
def test_a_page_is_one_screenful(page: Page, language: Language) -> None:
    text = page.text(language)
    lines = ["".join(p.text for p in line) for line in layout.laid_out(text, WIDTH)]
    assert len(lines) <= LINES, "\n".join(lines)
    assert max(map(len, lines)) < WIDTH
    assert len(layout.title(text)) <= 50
    assert max(map(len, text.splitlines())) <= 90, "readable as a file too"


@in_each_language
@each_page
def test_a_page_says_the_four_things(page: Page, language: Language) -> None:
    text = page.text(language)
    assert re.findall(r"^## (.+)$", text, re.M) == SECTIONS[language]
    assert text.startswith("# ")
    empty = re.findall(r"^## .+\n+(?=## |\Z)", text, re.M)
    assert empty == []


@each_page
def test_the_twins_have_the_same_steps_with_the_same_keys_and_commands(page: Page) -> None:
    spanish_, english = (page.text(language) for language in LANGUAGES)
    count = re.compile(r"^\d+\. ", re.M)
    assert count.findall(spanish_) == count.findall(english)

    def told(text: str) -> list[str]:
        same = [re.sub(r'"[^"]*"|(?<=--out )\S+', "…", code) for code in codes(text)]
        return ["confirm" if code in ("s", "y") else code for code in same]

    assert told(spanish_) == told(english)


@in_each_language
@each_page
def test_every_key_and_command_that_a_page_names_exists(page: Page, language: Language) -> None:
    for code in codes(page.text(language)):
        program, *arguments = shlex.split(code)
        if program == "prep-console":
            name, *rest = arguments
            command = cli.commands[name]
            command.make_context(name, rest)  # UsageError for an option that it has not
        elif code in known_keys(language):
            continue
        elif program in NEIGHBOURS:
            path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
            assert shutil.which(NEIGHBOURS[program], path=path), code
        else:
            assert program in NEIGHBOURS_ELSEWHERE, code


@in_each_language
@each_page
def test_what_a_page_has_written_goes_where_the_station_s_user_may(
    page: Page, language: Language
) -> None:
    """Behind sudo a command is ``prep``, who may not write into the operator's own folders."""
    out = re.findall(r"--out (\S+)`", page.text(language))
    assert [path for path in out if not path.startswith("/tmp/")] == []


def test_a_command_that_is_not_there_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        cli.commands["rollback"].make_context("rollback", ["--because", "x"])


@in_each_language
@each_page
def test_what_a_page_quotes_from_the_screen_stands_on_it(page: Page, language: Language) -> None:
    """Words in capitals and phrases in quotation marks are the screen's own, to the letter."""
    said = [
        form
        for message in sentences(spanish())
        for told in [(message.string if language == "es" else message.id) or ""]
        for form in ([told] if isinstance(told, str) else told)
    ]
    text = " ".join(re.sub(r"`[^`]+`", "", page.text(language)).split())
    quoted = re.findall(r"«([^»]+)»" if language == "es" else r'"([^"]+)"', text)
    capitals = re.findall(r"\b[A-ZÁÉÍÓÚÑ]{2,}(?: [A-ZÁÉÍÓÚÑ]{2,})*\b", text)
    for phrase in [*quoted, *(word for word in capitals if word not in NOT_OURS)]:
        assert any(phrase.lower() in sentence.lower() for sentence in said), phrase
        if phrase.isupper():
            assert any(phrase == sentence for sentence in said), phrase


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env={"PREP_CONSOLE_CONFIG": str(folder / "missing.toml"), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_is_read_without_settings_and_from_anywhere(tmp_path: Path) -> None:
    listed = run("manual", folder=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert all(page.names["es"] in listed.stdout for page in PAGES)
    page = run("--lang", "en", "manual", "roll-back", folder=tmp_path)
    assert "ROLLING BACK BY HAND" in page.stdout
    assert 'prep-console rollback --reason "test data"' in page.stdout
    assert run("manual", "power.ups:servidor", folder=tmp_path).stdout.startswith("ENERGÍA")
    unknown = run("manual", "nada", folder=tmp_path)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "prep-console manual" in unknown.stderr


@in_each_language
def test_whom_to_call_stands_below_each_page_and_the_list(
    tmp_path: Path, language: Language
) -> None:
    long = "guardia de cómputo, 442 000 0002; de noche 442 000 0003, y si no, la caseta 4040"
    calls = {"contacts": {"instituto": "Mesa PREP, 442 000 0001", "planta": long}}
    box = sandbox(tmp_path, calls)
    for arguments in ([], ["sitio"], ["corte-tardio"]):
        said = box.run("manual", *arguments, lang=language)
        assert said.code == 0, said.err
        assert " instituto  Mesa PREP, 442 000 0001\n" in said.out
        assert long in " ".join(said.out.split())
        assert max(map(len, said.out.splitlines())) < WIDTH
    silent = sandbox(tmp_path, {"contacts": {}})
    said = silent.run("manual", lang=language)
    assert "442" not in said.out
