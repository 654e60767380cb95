"""docs/power.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from prep_console.config import parse
from prep_console.probes.power import gencomm

PAGE = (Path(__file__).parents[3] / "docs" / "power.md").read_text("utf-8")


def test_every_value_of_a_map_is_explained_and_no_other() -> None:
    table = PAGE.partition("| name | what is done with it |")[2].partition("\n\n")[0]
    first = " ".join(line.split("|")[1] for line in table.splitlines()[2:])
    assert set(re.findall(r"`([a-z_0-9]+)`", first)) == gencomm.NAMES


def test_the_registers_are_the_shipped_ones() -> None:
    table = PAGE.partition("### The shipped map")[2].partition("Modes 1")[0]
    told = {int(number) for number in re.findall(r"\b(\d{3,4})\b", table)}
    assert told == {register.address for register in gencomm.DEEPSEA.register.values()}


def test_the_map_of_the_example_works() -> None:
    other = PAGE.partition("### Other makers\n```toml\n")[2].partition("```")[0]
    [chosen] = parse(f'[station]\nroot = "/srv"\n{other}', "docs/power.md").power.map
    assert gencomm.problem(chosen) is None
