"""Dates as each language's readers write them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prep_console import dates
from prep_console.wording import Language, use


@pytest.fixture(autouse=True)
def _spanish_after() -> Iterator[None]:
    yield
    use("es")


@pytest.mark.parametrize(
    ("language", "day", "date"),
    [("es", "lun 3 jun", "3 jun 2024"), ("en", "Mon Jun 3", "Jun 3, 2024")],
)
def test_a_date_cannot_be_read_in_two_ways(language: Language, day: str, date: str) -> None:
    use(language)
    moment = datetime(2024, 6, 3, 2, 35, 41, tzinfo=UTC)
    assert dates.weekday(moment) == day
    assert dates.date(moment) == date
    assert dates.minute(moment) == f"{date} 02:35"
    assert dates.second(moment) == f"{date} 02:35:41"


def test_the_months_of_both_languages_differ_in_three_letters() -> None:
    for language in ("es", "en"):
        use(language)
        months = [dates.day(datetime(2024, n, 1, tzinfo=UTC)).strip(" 1") for n in range(1, 13)]
        assert len(set(months)) == 12
        assert {len(month) for month in months} == {3}


def test_nobody_but_the_institute_writes_a_date_in_figures_that_can_be_read_in_two_ways() -> None:
    """The drill writes files as institutes do; everything else has the month's name, or ISO."""
    root = Path(__file__).parents[1]
    sources = [
        path for folder in ("prep_console", "widgets") for path in (root / folder).rglob("*.py")
    ]
    ambiguous = [path for path in sources if "%d/%m" in path.read_text("utf-8")]
    assert {path.parent.relative_to(root).as_posix() for path in ambiguous} == {
        "prep_console/drill"
    }
