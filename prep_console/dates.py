"""Dates for people, in one place: ``3 jun 2024`` in Spanish, ``Jun 3, 2024`` in English.

Figures alone are not enough: 03/06 is June to one reader and March to another. Hours are written
with 24 of them in both. Machines get ISO 8601, which is not written here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from prep_console.wording import N_, say

MONTHS = (
    *(N_("January"), N_("February"), N_("March"), N_("April"), N_("May"), N_("June"), N_("July")),
    *(N_("August"), N_("September"), N_("October"), N_("November"), N_("December")),
)
_WEEKDAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
_NIGHT = timedelta(hours=20)


def _month(moment: datetime) -> str:
    """In both languages the usual abbreviation is the first three letters."""
    return say(MONTHS[moment.month - 1])[:3]


def day(moment: datetime) -> str:
    """``3 jun``, without the year."""
    return say(N_("{month} {day}"), month=_month(moment), day=moment.day)


def hour(moment: datetime, near: datetime, form: str = "%H:%M") -> str:
    """``02:35``; with its date, ``3 jun 02:35``, when it is of another night than ``near``."""
    there = moment.strftime(form)
    return there if abs(near - moment) < _NIGHT else f"{day(moment)} {there}"


def weekday(moment: datetime) -> str:
    """``lun 3 jun``."""
    return f"{say(_WEEKDAYS[moment.weekday()])} {day(moment)}"


def date(moment: datetime) -> str:
    """``3 jun 2024``."""
    return say(
        N_("{month} {day}, {year}"),
        month=_month(moment),
        day=moment.day,
        year=moment.year,
    )


def minute(moment: datetime) -> str:
    """``3 jun 2024 02:35``."""
    return f"{date(moment)} {moment:%H:%M}"


def second(moment: datetime) -> str:
    """``3 jun 2024 02:35:41``."""
    return f"{date(moment)} {moment:%H:%M:%S}"
