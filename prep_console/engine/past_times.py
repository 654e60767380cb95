"""A moment of a record as a person names it: ``02:35``, ``2024-06-03T02:35``, ``20240603_0235``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from prep_console.cuts.stamps import CutId
from prep_console.problems import WrongUsage
from prep_console.wording import N_, sentence

_HOUR = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_FULL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_LONGEST_RECORD = 400
"""Days that an hour is looked for in; a longer record wants a date."""


def moment_named(
    text: str,
    zone: ZoneInfo,
    begins: datetime,
    ends: datetime,
    *,
    near: datetime | None = None,
    until: datetime | None = None,
    anywhere: bool = False,
) -> datetime:
    """The moment (aware UTC) that ``text`` names between ``begins`` and ``ends``.

    An hour alone is the last one of the record, before ``until`` if it is there then, or the one
    nearest to ``near``. Without an
    offset it is the station's time. A cut is named by its id, a revision too. WrongUsage when it
    is no time or lies outside the record; ``anywhere`` lets a time with its date lie outside.
    """
    given = text.strip()
    named = _whole(given, zone)
    if named is not None and anywhere:
        return named
    if named is None:
        hour = _HOUR.fullmatch(given)
        if hour is None:
            raise WrongUsage(
                sentence(N_("{text} is no time"), text=text[:60]),
                sentence(N_("write 02:35, 2024-06-03T02:35 or 20240603_0235")),
            )
        wall = time(int(hour[1]), int(hour[2]), int(hour[3] or 0))
        found = [at for at in _days(wall, zone, begins, ends) if begins <= at <= ends]
        if not found:
            found = [at for at in _days(wall, zone, begins, ends) if _within(at, begins, ends)]
        if not found:
            raise _outside(text, zone, begins, ends)
        found = [at for at in found if until is None or at <= until] or found
        named = min(found, key=lambda at: abs(at - near)) if near is not None else max(found)
    if not _within(named, begins, ends):
        raise _outside(text, zone, begins, ends)
    return max(begins, min(ends, named))


def _whole(given: str, zone: ZoneInfo) -> datetime | None:
    """A time with its date; None when it is none."""
    try:
        at = datetime.fromisoformat(given) if _FULL.fullmatch(given) else CutId.of(given).stamp.wall
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _days(wall: time, zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[datetime]:
    first: date = begins.astimezone(zone).date()
    days = min(_LONGEST_RECORD, (ends.astimezone(zone).date() - first).days)
    last = ends.astimezone(zone).date()
    for ago in range(days + 1):
        day = last - timedelta(days=ago)
        yield datetime.combine(day, wall, zone).astimezone(UTC)


def _within(at: datetime, begins: datetime, ends: datetime) -> bool:
    """A minute that the record begins or ends in is of the record."""
    return begins.replace(second=0, microsecond=0) <= at <= ends


def _outside(text: str, zone: ZoneInfo, begins: datetime, ends: datetime) -> WrongUsage:
    return WrongUsage(
        sentence(
            N_("{text} lies outside the record, which goes from {begins} to {ends}"),
            text=text[:60],
            begins=f"{begins.astimezone(zone):%Y-%m-%dT%H:%M:%S}",
            ends=f"{ends.astimezone(zone):%Y-%m-%dT%H:%M:%S}",
        ),
        sentence(N_("name a time in between; without an offset it is the station's time")),
    )
