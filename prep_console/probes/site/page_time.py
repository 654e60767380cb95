"""Date and time of a cut, read from what the institute's own page shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from prep_console.cuts.stamps import Stamp
from prep_console.probes.site.pattern_search import FOUND

GROUPS = ("year", "month", "day", "hour", "minute")

_MONTHS = (
    *("ene", "feb", "mar", "abr", "may", "jun"),
    *("jul", "ago", "sep", "oct", "nov", "dic"),
)
_HOUR = re.compile(
    r"(?<!\d)(\d{1,2}):(\d{2})(?!\d)(?::\d{2}(?:[.,]\d{1,9})?)?"
    r"(?:\s{0,2}([ap])\.?\s?m\b\.?|\s?Z\b|\s?[+-]\d{2}:?\d{2}(?!\d))?",
    re.ASCII | re.IGNORECASE,
)
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})(?!\d)", re.ASCII)
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})(?!\d)", re.ASCII)
_IN_WORDS = re.compile(
    r"(?<!\d)(\d{1,2})\s(?:de\s)?([a-z]{3})[a-z]{0,7}\.?\s(?:del?\s)?(\d{4})(?!\d)",
    re.ASCII | re.IGNORECASE,
)


def read_time(text: str) -> Stamp | None:
    """Date and time of day in a short text, as wall time; None when it holds no such thing.

    Known: DD/MM/YYYY, YYYY/MM/DD, ISO 8601, ``01 de julio de 2018``; a zone is ignored, because
    real files hard-code a wrong one.
    """
    text = " ".join(text[:FOUND].split())
    clock = _HOUR.search(text)
    if clock is None:
        return None
    hour, minute = int(clock[1]), int(clock[2])
    if clock[3]:
        hour = hour % 12 + (12 if clock[3].lower() == "p" else 0)
    days = f"{text[: clock.start()]} {text[clock.end() :]}".replace("T ", " ")
    if match := _YEAR_FIRST.search(days):
        year, month, day = match.groups()
    elif match := _DAY_FIRST.search(days):
        day, month, year = match.groups()
    elif (match := _IN_WORDS.search(days)) and match[2].lower() in _MONTHS:
        day, month, year = match[1], str(_MONTHS.index(match[2].lower()) + 1), match[3]
    else:
        return None
    try:
        return Stamp.of(f"{year}{month:0>2}{day:0>2}_{hour:02}{minute:02}")
    except ValueError:
        return None


def pointed(document: object, pointers: Sequence[str]) -> str | None:
    """What the JSON pointers (RFC 6901) lead to, joined by blanks; None when one leads nowhere."""
    found = []
    for pointer in pointers:
        value = document
        for word in pointer.split("/")[1:]:
            key = word.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                return None
        if not isinstance(value, str | int) or isinstance(value, bool):
            return None
        found.append(str(value)[:FOUND])
    return " ".join(found)


def of_groups(groups: Mapping[str, str | None], whole: str) -> Stamp | None:
    """The time in what a pattern found: by its named groups, or else read in its text."""
    if not set(GROUPS) <= {name for name, value in groups.items() if value}:
        return read_time(whole)
    try:
        return read_time("{year}-{month}-{day} {hour}:{minute:0>2}".format(**groups))
    except (KeyError, ValueError):
        return None
