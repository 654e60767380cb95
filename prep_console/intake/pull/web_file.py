"""One file from a web server, which goes on where it broke off, only in the same state of the file.

An unchanged file costs a 304.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime as parsedate
from pathlib import Path
from urllib.parse import quote, urljoin

import httpx

from prep_console import reasons
from prep_console.cuts.manifests import LARGEST
from prep_console.intake.pull import lists, parts
from prep_console.intake.pull.job import PullFailed
from prep_console.intake.pull.web_server import (
    WebServer,
    answer,
    beginning_if_there,
    body,
    good,
    is_page,
    tell,
)
from prep_console.intake.whole import End, end_of
from prep_console.wording import visible

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)
_DIGEST = "sha256:"
"""In front of the hash of a file that its server gives no validator of."""
_BROKEN = 3
"""Answers that do not fit what is here are asked for from the front; not for ever."""
_PIECES = 10_000
"""A server may answer with less of a file than was asked for; not for ever either."""
_SETTLED = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file to fetch."""

    into: Path
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class _Span:
    """Which bytes of a file an answer brings."""

    start: int
    end: int | None
    """The first byte that it does not bring; None when it does not say."""
    total: int | None
    """Of the whole file."""


async def file(server: WebServer, wanted: Wanted, before: str | None) -> Path | None:
    """One file; None when it is the one that was fetched ``before``, or is not whole there."""
    broken = pieces = 0
    while broken < _BROKEN and pieces < _PIECES:
        begun, headers = _begun(wanted.into, wanted.name, before)
        async with answer(server, "GET", wanted.address, headers) as response:
            broken += 1
            if response.status_code == 304:
                if not await _mended(server, wanted):
                    return None
                before = None
                continue
            if response.status_code == 416 and begun is not None:
                parts.forget(wanted.into, wanted.name)
                continue
            good(response.status_code, {200, 206} if begun is not None else {200})
            validator = _validator(response)
            span = _span(response, begun, validator)
            if span is None:
                parts.forget(wanted.into, wanted.name)
                continue
            part = parts.PartFile(wanted.into, wanted.name, validator)
            try:
                if await _brought(server, wanted.name, response, part, span):
                    return await _finished(server, wanted, part, validator, before)
            finally:
                part.close()
            broken, pieces = 0, pieces + 1
    raise PullFailed("damaged", reasons.NOT_RESUMED.format(name=visible(wanted.name)))


async def _lists(server: WebServer, name: str, address: str) -> dict[str, bytes]:
    """The lists of hashes beside a file, of one that is too long as much as shows it. A web page
    in the place of one is none."""
    found: dict[str, bytes] = {}
    for listing in lists.tried_for(name):
        said = await beginning_if_there(server, urljoin(address, quote(listing)), LARGEST + 1)
        if said and not is_page(said):
            found[listing] = said
    return found


async def _mended(server: WebServer, wanted: Wanted) -> bool:
    """Whether a list says something else by now of a file that it contradicted."""
    if not lists.was_contradicted(wanted.into, wanted.name):
        return False
    bodies = await _lists(server, wanted.name, wanted.address)
    return lists.says_otherwise(wanted.into, wanted.name, bodies)


def _begun(
    into: Path, name: str, before: str | None
) -> tuple[tuple[int, str] | None, dict[str, str]]:
    """(size, validator) of what an earlier try left, and the headers to ask with."""
    size, validator = parts.left(into, name)
    if size and validator and not validator.startswith("W/"):
        return (size, validator), {"Range": f"bytes={size}-", "If-Range": validator}
    if before and not before.startswith(_DIGEST):
        key = "If-None-Match" if before.startswith(('"', "W/")) else "If-Modified-Since"
        return None, {key: before}
    return None, {}


def _span(response: httpx.Response, begun: tuple[int, str] | None, validator: str) -> _Span | None:
    """Which bytes the answer brings; None when they do not begin where we stopped, in one file."""
    said = response.headers.get("content-length", "")
    length = int(said) if said.isdecimal() else None
    if response.status_code == 200:
        return _Span(0, length, length)
    found = _RANGE.fullmatch(response.headers.get("content-range", ""))
    if found is None or begun is None or begun[1] != validator:
        return None
    start, last, total = map(int, found.groups())
    fits = start == begun[0] and start <= last < total and length in {None, last + 1 - start}
    return _Span(start, last + 1, total) if fits else None


async def _brought(
    server: WebServer, name: str, response: httpx.Response, part: parts.PartFile, span: _Span
) -> bool:
    """The body of a good answer, put behind what is here; whether that is the whole file."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise PullFailed("damaged", reasons.ENCODED)
    if span.start == 0:
        part.begin_again()
    most = server.source.max_bytes
    if span.total is not None and span.total > most:
        raise PullFailed("damaged", reasons.TOO_LARGE.format(name=visible(name), size=span.total))
    if not server.piecemeal:
        server.bytes += part.size
    server.piecemeal = False
    server.total = None if span.total is None else server.bytes - part.size + span.total
    async for data in body(server, response):
        if part.size == 0 and is_page(data):
            raise PullFailed("damaged", reasons.WEB_PAGE.format(name=visible(name)))
        if part.size + len(data) > (most if span.end is None else span.end):
            part.discard()
            raise PullFailed("damaged", reasons.MORE_BYTES.format(name=visible(name)))
        part.append(data)
        tell(server, name, len(data))
    if span.end is not None and part.size != span.end:
        raise PullFailed("unreachable", reasons.BROKE_OFF.format(name=visible(name)))
    server.piecemeal = span.total is not None and part.size < span.total
    return not server.piecemeal


async def _finished(
    server: WebServer, wanted: Wanted, part: parts.PartFile, validator: str, before: str | None
) -> Path | None:
    """A whole body under its own name, with the lists of hashes beside it. None as in file."""
    into, name = wanted.into, wanted.name
    digest = ""
    if not validator or (before or "").startswith(_DIGEST):
        digest = await asyncio.to_thread(_digest, part.path)
    if digest and digest == before:
        part.discard()
        parts.remember(into, name, validator or digest)
        return None
    if end_of(part.path) is End.MISSING:  # its upload there is not done
        part.discard()
        parts.remember(into, name, validator)
        return None
    lists.drop_stale(into, name)
    for listing, told in (await _lists(server, name, wanted.address)).items():
        lists.put(into, listing, told)
    state = validator.removeprefix("W/") or digest
    if await asyncio.to_thread(lists.doubtful, into, name, part.path, state):
        return None
    return part.finish(validator or digest)


def _validator(response: httpx.Response) -> str:
    """What tells this state of the file from another; '' when it may be changed unnoticed.

    Last-Modified counts seconds: the file that it dates may be written still in that second
    (RFC 9110, 8.8.2.2).
    """
    etag = response.headers.get("etag", "")
    dated = response.headers.get("last-modified", "")
    if etag or not dated:
        return str(etag)[:500]
    try:
        said = response.headers.get("date", "")
        settled = not said or parsedate(said) - parsedate(dated) >= _SETTLED
    except (ValueError, TypeError):  # no date, or one without its zone
        settled = False
    return str(dated)[:500] if settled else ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"{_DIGEST}{hashlib.file_digest(file, 'sha256').hexdigest()}"
