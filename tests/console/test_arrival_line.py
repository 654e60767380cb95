"""While a delivery arrives, the top of the screen says from where."""

from __future__ import annotations

import pytest

from prep_console.config import parse
from prep_console.engine.arrivals import reading
from prep_console.intake.push.arrivals import Arriving
from prep_console.snapshot import Reading, Snapshot
from prep_console.values import replace
from tests.console.headless import console, see, shown, until
from tests.console.nights import NOW, FakeStation, night, no_engine

pytestmark = pytest.mark.usefixtures("in_english")


def arriving(**sources: Reading) -> Snapshot:
    there = night()
    named = {f"source.{name}": one for name, one in sources.items()}
    return replace(there, readings={**there.readings, **named})


def pulled(kind: str, value: str = "arriving") -> Reading:
    return Reading(value, "", "ok", NOW, detail={"kind": kind, "file": "a.zip", "bytes": 10})


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({"drop": pulled("drop")}, "arriving by push"),
        ({"entrega": pulled("drop")}, "arriving by push entrega"),
        ({"ieeq": pulled("sftp")}, "arriving by sftp ieeq"),
        ({"https": pulled("https")}, "arriving by https"),
        ({"drop": pulled("drop"), "ieeq": pulled("sftp")}, "arriving by push, sftp ieeq"),
        ({"\x1b[2J[red]x": pulled("sftp")}, "[red]x"),
    ],
)
async def test_it_names_each_way_that_brings_something(
    sources: dict[str, Reading], said: str, size: tuple[int, int]
) -> None:
    station = FakeStation(arriving(**sources))
    async with console(station, size) as pilot:
        await see(pilot, said)
        assert "\x1b" not in shown(pilot)
        station.snapshot = arriving(**{name: pulled("drop", "waiting") for name in sources})
        await until(pilot, lambda: "arriving by" not in shown(pilot))


async def test_what_a_dead_engine_said_last_is_not_repeated() -> None:
    dead = replace(arriving(ieeq=pulled("sftp")), engine=no_engine().engine)
    async with console(FakeStation(dead)) as pilot:
        await see(pilot, "ENGINE STOPPED")
        assert "arriving by" not in shown(pilot)


async def test_nothing_is_said_while_nothing_arrives() -> None:
    async with console(FakeStation(arriving(ieeq=pulled("sftp", "waiting")))) as pilot:
        await see(pilot, "next cut")
        assert "arriving by" not in shown(pilot)


def test_what_the_engine_says_of_a_push_is_understood(tmp_path: object) -> None:
    settings = parse(f'[station]\nroot = "{tmp_path}"', "config.toml")
    growing = Arriving("a.zip", 10, 5.0, 0.1)
    there = reading(settings, growing)
    assert (there.value, there.detail["kind"]) == ("arriving", "drop")
