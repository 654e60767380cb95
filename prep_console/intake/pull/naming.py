"""How institutes name the newest files of a web server: a fixed address, a pattern, an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import msgspec

from prep_console import reasons
from prep_console.cuts.stamps import Stamp

LARGEST_INDEX = 1 << 20
"""Bytes of an index that names files: a real one has a few hundred."""
_MOST_NAMES = 1000
_EACH_MINUTE = 60
"""Minutes that a pattern is tried for one by one: cuts need not fall on the five-minute grid."""
_FAR_MINUTES = 24 * 60
"""As far back the grid alone is tried: the last cut of a night is found on the day after."""


class NoIndex(ValueError):
    """The index says nothing that can be used; the reason is English."""


def is_pattern(url: str) -> bool:
    """Whether the address has places for an hour or an election."""
    return "{election}" in url or "%H" in url


def addresses(
    url: str,
    elections: Sequence[str],
    marks: Mapping[str, str],
    now: datetime,
    every: int | None = None,
) -> Iterator[list[str]]:
    """The addresses that a pattern may stand for, each election's newest minute first.

    ``now`` is wall time at the station. No further back than what was accepted, nor an hour; with
    ``every`` a day, of which the first 23 hours only by so many minutes.
    """
    for election in elections or ("",):
        named = url.replace("{election}", election)
        if "%H" not in url:
            yield [named]
            continue
        mark = marks.get(election) or max(marks.values(), default="")
        minutes = [now - timedelta(minutes=back) for back in range(_EACH_MINUTE)]
        if every is not None:
            far = (now - timedelta(minutes=back) for back in range(_EACH_MINUTE, _FAR_MINUTES))
            minutes += [at for at in far if (at.hour * 60 + at.minute) % every == 0]
        if mark:
            minutes = [minute for minute in minutes if minute > Stamp.of(mark).wall]
        yield [minute.strftime(named) for minute in minutes]


def named_in(index: bytes, pointers: str, base: str) -> dict[str, str]:
    """Name to address of the files that an index names. NoIndex.

    ``pointers`` are JSON pointers with blanks between them; each leads to a name, an address, or
    a list of them. Only addresses on the index's own host count.
    """
    try:
        document = msgspec.json.decode(index)
    except (ValueError, RecursionError) as error:
        raise NoIndex(reasons.INDEX_NO_JSON.format(words=error)) from error
    found: dict[str, str] = {}
    for pointer in pointers.split() or ("",):
        for value in _texts(_at(document, pointer)):
            try:
                address = urljoin(base, value)
                here = urlsplit(address)[:2] == urlsplit(base)[:2]
            except ValueError as error:  # an address that is none
                raise NoIndex(reasons.INDEX_ELSEWHERE) from error
            if not here:
                raise NoIndex(reasons.INDEX_ELSEWHERE)
            found[name_of(address)] = address
            if len(found) > _MOST_NAMES:
                raise NoIndex(reasons.INDEX_NAMES.format(count=_MOST_NAMES))
    return found


def name_of(address: str) -> str:
    """The file's name: the last part of the address's path."""
    return unquote(urlsplit(address).path.rpartition("/")[2])


def _texts(value: Any) -> Iterable[str]:
    values = value if isinstance(value, list) else [value]
    for text in values:
        if not isinstance(text, str) or not text:
            raise NoIndex(reasons.INDEX_NO_NAME)
    return values


def _at(document: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to."""
    here = document
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(here, list) and key.isdecimal() and int(key) < len(here):
            here = here[int(key)]
        elif isinstance(here, dict) and key in here:
            here = here[key]
        else:
            raise NoIndex(reasons.INDEX_LACKS.format(pointer=pointer))
    return here
