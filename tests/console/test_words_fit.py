"""No word of ours is cut off at 80 columns, on any screen, in either language.

An ellipsis may stand where a text from outside was too long, and after the last whole part of a
note. A cut in the middle of one of our own words is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from rich.cells import cell_len

from prep_console.console.app import ConsoleApp
from prep_console.wording import Language, say_n, use
from tests.console.headless import console
from tests.console.nights import STATES, FakeStation
from tests.console.stations import bad_night, equipped, late_equipped, nothing_known
from tests.escaping.foreign import poisoned
from tests.escaping.test_screens import ROUTES, drawn

LONG = "ZQ" * 90
_CUT = re.compile(r"(?<![\sZQ])[…~]")
_FREE = re.compile(r"(rechazado|refused)  ")
"""The table's row of a refused delivery tells the institute's names and stamps."""


@pytest.fixture(autouse=True)
def _spanish_after() -> Iterator[None]:
    yield
    use("es")


_OURS = re.compile(r"(cuando|when|con|with)… |1…0")
"""Ellipses that are part of what we say."""


def cut_off(rows: list[str]) -> list[str]:
    return [row for row in rows if _CUT.search(_OURS.sub("", row)) and not _FREE.search(row)]


@pytest.mark.parametrize("language", ["es", "en"])
async def test_no_word_of_ours_is_cut_off(language: Language) -> None:
    use(language)
    snapshots = {
        **STATES,
        "bad": bad_night(),
        "well": equipped(),
        "late": late_equipped(),
        "unknown": nothing_known(),
    }
    for state, snapshot in snapshots.items():
        for wall in (False, True):
            async with console(FakeStation(snapshot), wall=wall) as pilot:
                assert (state, wall, cut_off(drawn(pilot))) == (state, wall, [])


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("much", [False, True], ids=["usual values", "endless values"])
async def test_no_word_of_ours_is_cut_off_on_any_screen(language: Language, much: bool) -> None:
    use(language)
    snapshot = poisoned(bad_night(), make=lambda _: LONG) if much else bad_night()
    for name, route in ROUTES.items():
        async with console(FakeStation(snapshot)) as pilot:
            for key in route:
                await pilot.press(key)
                await pilot.pause()
            await pilot.pause()
            rows = drawn(pilot)
            assert (name, [row for row in rows if cell_len(row) > 80]) == (name, [])
            assert (name, cut_off(rows)) == (name, [])
            assert isinstance(pilot.app, ConsoleApp)


def test_the_cut_would_be_noticed() -> None:
    assert cut_off([" ✓ ningún instrum…"]) != []
    assert cut_off([" ✓ uno · dos …", f" {LONG}…", " ✖ 02:21  rechazado    El cor…"]) == []


@pytest.mark.parametrize(
    ("singular", "plural", "one", "two"),
    [
        ("{n} cut tonight", "{n} cuts tonight", "1 corte esta noche", "2 cortes esta noche"),
        ("{n} missed", "{n} missed", "1 perdido", "2 perdidos"),
        (
            "{n} new cut waits.",
            "{n} new cuts wait.",
            "1 corte nuevo espera.",
            "2 cortes nuevos esperan.",
        ),
        ("{n} consequence", "{n} consequences", "1 consecuencia", "2 consecuencias"),
        ("{count} orphan", "{count} orphans", "1 huérfana", "2 huérfanas"),
    ],
)
def test_spanish_has_its_two_forms(singular: str, plural: str, one: str, two: str) -> None:
    use("es")
    assert one in say_n(singular, plural, 1, count="1")
    assert two in say_n(singular, plural, 2, count="2")
    assert two.replace("2", "0") in say_n(singular, plural, 0, count="0")
