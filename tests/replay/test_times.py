"""How a moment of a record may be named, and how a wrong one is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from prep_console.engine.past_times import moment_named
from prep_console.problems import WrongUsage
from prep_console.wording import Language

ZONE = ZoneInfo("America/Mexico_City")
BEGINS = datetime(2024, 6, 2, 19, 58, 30, tzinfo=ZONE)
ENDS = datetime(2024, 6, 3, 20, 10, tzinfo=ZONE)
DAYS = datetime(2024, 6, 9, 12, 0, tzinfo=ZONE)


def named(
    text: str,
    ends: datetime = ENDS,
    near: datetime | None = None,
    until: datetime | None = None,
) -> str:
    found = moment_named(
        text, ZONE, BEGINS.astimezone(UTC), ends.astimezone(UTC), near=near, until=until
    )
    assert found.tzinfo is UTC
    return found.astimezone(ZONE).isoformat(timespec="seconds").removesuffix("-06:00")


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("02:35", "2024-06-03T02:35:00"),
        (" 2:35 ", "2024-06-03T02:35:00"),
        ("23:59:58", "2024-06-02T23:59:58"),
        ("20:05", "2024-06-03T20:05:00"),  # it is there twice: the last one
        ("2024-06-02T20:05", "2024-06-02T20:05:00"),
        ("2024-06-02 20:05:30", "2024-06-02T20:05:30"),
        ("20240603_0235", "2024-06-03T02:35:00"),
        ("20240603_0235.2", "2024-06-03T02:35:00"),  # a revision bears the hour of its cut
        ("2024-06-03T08:35Z", "2024-06-03T02:35:00"),
        ("2024-06-03T03:35-05:00", "2024-06-03T02:35:00"),
        ("2024-06-03T10:35:00.5+0200", "2024-06-03T02:35:00"),
        ("2024-06-02T19:58", "2024-06-02T19:58:30"),  # the minute that the record begins in
    ],
)
def test_each_form_is_read(text: str, means: str) -> None:
    assert named(text) == means


def test_an_hour_alone_is_the_one_nearest_to_where_one_stands() -> None:
    near = datetime(2024, 6, 5, 1, 0, tzinfo=ZONE)
    assert named("02:35", DAYS) == "2024-06-09T02:35:00"
    assert named("02:35", DAYS, near=near) == "2024-06-05T02:35:00"
    assert named("23:35", DAYS, near=near) == "2024-06-04T23:35:00"
    assert named("02:35", DAYS, until=near) == "2024-06-04T02:35:00"


@pytest.mark.parametrize(
    "text",
    ["", "x", "25:00", "12:60", "1235", "2024-06-03", "2024-13-03T00:00", "20240631_0000",
     "0001-01-01T00:00+14:00", "2024-06-03T02:35[x]", "٠٢:٣٥", "\x1b[31m02:35", "-02:35"],
)  # fmt: skip
@pytest.mark.parametrize("language", ["es", "en"])
def test_what_is_no_time_is_said_harmlessly(text: str, language: Language) -> None:
    with pytest.raises(WrongUsage) as found:
        named(text)
    told = found.value.what.in_(language)
    assert ("no es una hora" if language == "es" else "is no time") in told
    assert "\x1b" not in told


@pytest.mark.parametrize("text", ["2024-06-02T19:57", "2024-06-03T20:11", "20250101_0000"])
def test_a_time_outside_names_the_ends_of_the_record(text: str) -> None:
    with pytest.raises(WrongUsage) as found:
        named(text)
    assert found.value.what.in_("en") == (
        f"{text} lies outside the record, which goes from"
        " 2024-06-02T19:58:30 to 2024-06-03T20:10:00"
    )


def test_an_hour_that_a_short_record_lacks_lies_outside() -> None:
    with pytest.raises(WrongUsage, match="outside"):
        named("12:00", BEGINS + timedelta(hours=2))
