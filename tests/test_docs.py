"""The documents keep their word: what they link to and list is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from prep_console import manual
from prep_console.cli import cli
from prep_console.wording import Language
from tests.wording import keys

CHECKOUT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    p.relative_to(CHECKOUT).as_posix()
    for p in [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md")]
)

STATION = (CHECKOUT / "docs/station.md").read_text("utf-8")
OF_ROOT = {
    *("station", "engine", "demo", "drill"),
    *("config", "apache-config", "systemd-unit", "ssh-config", "tmux-config"),
}
"""Commands that no shift needs: the sudoers line of docs/station.md leaves them out."""


def let_through(line: str) -> bool:
    """Whether the sudoers line of docs/station.md lets an operator run this."""
    (expression,) = re.findall(r"^Cmnd_Alias PREP = \S+ (\^.+\$)$", STATION, re.M)
    return re.fullmatch(expression, f"--config /etc/prep-console/config.toml {line}") is not None


@pytest.mark.parametrize("before", ["", "--lang es ", "--lang en "])
def test_sudo_lets_a_shift_do_what_it_needs_and_no_more(before: str) -> None:
    assert {name for name in cli.commands if not let_through(f"{before}{name}")} == OF_ROOT
    assert let_through(f"{before}--help")
    for shut in ("--config /tmp/x status", "statuses", "--lang fr status", ""):
        assert not let_through(f"{before}{shut}"), shut


def test_sudo_lets_through_what_the_manual_says_to_run() -> None:
    pages = (Path(manual.__file__).parent / "pages").rglob("*.md")
    told = [re.findall(r"`prep-console ([^`]+)`", page.read_text("utf-8")) for page in pages]
    assert len(told) == 20
    assert [line for lines in told for line in lines if not let_through(line)] == []


def test_the_station_begins_afresh_while_no_engine_runs() -> None:
    """Which ``station new`` demands: the steps of the day have that order."""
    steps = ("systemctl stop prep-console", "station new", "systemctl start prep-console")
    day = STATION.partition("## 10.")[2].partition("## Upgrades")[0]
    places = [day.find(step) for step in steps]
    assert -1 < places[0] < places[1] < places[2]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_links_to_is_there(name: str) -> None:
    document = CHECKOUT / name
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_a_document_names_exists(name: str) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (CHECKOUT / name).read_text("utf-8"), re.M))
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text("utf-8"), re.M))
    assert named <= targets


def test_the_map_of_the_house_shows_every_room_and_nothing_else() -> None:
    chapter = (
        (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8").partition("## The map of the house")[2]
    )
    listed = re.findall(r"`(\w+(?:/|\.py))`", "\n".join(re.findall(r"^- .*", chapter, re.M)))
    house = CHECKOUT / "prep_console"
    rooms = {
        path.name + ("/" if path.is_dir() else "")
        for path in house.iterdir()
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }
    assert sorted(listed) == sorted(rooms - {"__init__.py"}), "CONTRIBUTING.md has the map"


def test_the_ways_through_the_house_lead_through_rooms_on_the_map() -> None:
    text = (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8")
    ways = re.findall(r"^\*\*The way of .+?(?=\n\n|\Z)", text, re.M | re.S)
    assert len(ways) == 2
    for way in ways:
        for room in re.findall(r"`(\w+)`", way):
            assert (CHECKOUT / "prep_console" / room).is_dir() or (
                CHECKOUT / "prep_console" / f"{room}.py"
            ).is_file(), room


@pytest.mark.parametrize("language", keys.READMES)
@pytest.mark.parametrize("name", keys.TABLES)
def test_the_readme_s_keys_are_the_console_s(name: str, language: Language) -> None:
    assert keys.written(name, language) == keys.due(name, language), "run: make texts"
