"""Fetching over HTTPS. Runs in the child; the client and its connections are kept.

An unchanged file costs a 304. A broken transfer goes on where it stopped, only with the same
validator. Nothing is believed from a server whose certificate is not the one that is pinned.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime as parsedate
from pathlib import Path
from urllib.parse import quote, urljoin
from zoneinfo import ZoneInfo

import httpx

from prep_console.config.model import Source
from prep_console.cuts.manifests import LARGEST
from prep_console.intake.pull import lists, naming
from prep_console.intake.pull.choice import choose, deliverable
from prep_console.intake.pull.job import Job, Progress, Pulled, PullFailed, Told
from prep_console.intake.pull.parts import PartFile, fetched_before, remember
from prep_console.intake.whole import End, end_of
from prep_console.wording import visible

_REDIRECTS = 5
_GONE = {404, 410}
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)
_DIGEST = "sha256:"
"""In front of the hash of a file that its server gives no validator of."""
_QUIET_S = 2.0
"""Asking a slow server for many minutes is told after this long, or it looks hung."""
_BROKEN = 3
"""Answers that do not fit what is here are asked for from the front; not for ever."""
_PIECES = 10_000
"""A server may answer with less of a file than was asked for; not for ever either."""
_CLOSED = {401, 403}
"""What object stores answer to who may not list, in the place of 404."""
_NO_HEAD = {405, 501}
_FRONT = 64
"""Bytes that show a web page."""
_SLOWEST = 500
"""Bytes a second: a body that trickles less keeps the next source waiting for hours."""
_SETTLED = timedelta(seconds=2)
_FAR_S = 600.0
"""Between two searches for what is older than an hour: a few hundred questions each."""


@dataclass(slots=True)
class _Server:
    """One source, its client and how far the job is."""

    source: Source
    client: httpx.AsyncClient
    told: Told
    began: float
    bytes: int = 0
    total: int | None = None
    fetched: int = 0
    files: int = 0
    files_total: int = 0
    piecemeal: bool = False
    """The last answer brought a piece, which is counted; the next one goes on from there."""
    closed: int = 0
    """Code of the last answer that it lets nobody see what may be there; 0 for none."""


_clients: dict[Source, httpx.AsyncClient] = {}
_far_at: dict[Source, float] = {}
"""When older minutes of a pattern were last searched for, by the monotonic clock."""


@dataclass(frozen=True, slots=True)
class _Wanted:
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


async def fetch(job: Job, told: Told) -> Pulled:
    """The newest cut that the source names. PullFailed."""
    client = _clients.get(job.source)
    if client is None:
        client = _clients[job.source] = _client(job.source)
    server = _Server(job.source, client, told, time.monotonic())
    there = await _there(job, server)
    known = fetched_before(job.into)
    fresh = choose(there, job.marks, again=job.again, fetched=known.__contains__)
    # one that was fetched is asked for again: it may have changed under its name
    chosen = choose(there, job.marks, again=job.again)
    names = [*dict.fromkeys((*fresh.names, *chosen.names))]
    server.files_total = len(names)
    paths: list[Path] = []
    for name in names:
        before = None if job.again else known.get(name)
        path = await _file(server, _Wanted(job.into, name, there[name]), before)
        server.files += 1
        if path is not None:
            paths.append(path)
    if paths:
        return Pulled("new", tuple(paths), chosen.stamp)
    return Pulled("older" if chosen.state == "older" else "nothing", (), chosen.stamp)


async def _there(job: Job, server: _Server) -> dict[str, str]:
    """Name to address of what the source offers."""
    source = job.source
    if source.index:
        body = await _small(server, source.index, naming.LARGEST_INDEX)
        try:
            return naming.named_in(body, source.pointer, source.index)
        except naming.NoIndex as error:
            raise PullFailed("damaged", visible(str(error))) from error
    if not naming.is_pattern(source.url):
        name = naming.name_of(source.url)
        if not deliverable(name):
            raise PullFailed("refused", f"wrong setting url: {visible(name)} is no archive's name")
        return {name: source.url}
    now = datetime.now(ZoneInfo(job.timezone)).replace(tzinfo=None)
    found: dict[str, str] = {}
    marks = {} if job.again else job.marks
    far_s = time.monotonic() - _far_at.get(source, float("-inf"))
    every = job.cadence_minutes if job.again or far_s >= _FAR_S else None
    if every is not None:
        _far_at[source] = time.monotonic()
    for tried in naming.addresses(source.url, job.elections, marks, now, every):
        for address in tried:
            if await _exists(server, address):
                found[naming.name_of(address)] = address
                break
    if server.closed and not found:
        raise PullFailed("refused", f"it answers HTTP {server.closed}")
    return found


async def _small(server: _Server, address: str, most: int) -> bytes:
    """A short answer, whole."""
    body = bytearray()
    async with _answer(server, "GET", address, {}) as response:
        _good(response.status_code, {200})
        async for data in _body(server, response):
            body += data
            if len(body) > most:
                raise PullFailed("damaged", f"{visible(address)} has more than {most} bytes")
    return bytes(body)


async def _small_if_there(server: _Server, address: str, most: int) -> bytes:
    """A short answer, or nothing when the server does not have it, whatever it says instead."""
    async with _answer(server, "HEAD", address, {}) as response:
        code = response.status_code
    if code in _NO_HEAD:
        code, _ = await _front(server, address)
    return await _small(server, address, most) if code == 200 else b""


async def _lists(server: _Server, name: str, address: str) -> dict[str, bytes]:
    """The lists of hashes beside a file. A web page in the place of one is none."""
    found: dict[str, bytes] = {}
    for listing in lists.tried_for(name):
        body = await _small_if_there(server, urljoin(address, quote(listing)), LARGEST)
        if body and not body.lstrip().startswith(b"<"):
            found[listing] = body
    return found


async def _exists(server: _Server, address: str) -> bool:
    """Whether a file is there. A server's page for whatever is not, with code 200, is none."""
    if time.monotonic() - server.began > _QUIET_S:
        _tell(server, naming.name_of(address), 0)
    async with _answer(server, "HEAD", address, {}) as response:
        code, kind = response.status_code, response.headers.get("content-type", "")
    if code in _NO_HEAD or (code == 200 and "html" in kind.lower()):
        code, front = await _front(server, address)
        if code == 200 and _is_page(front):
            return False
    if code in _CLOSED:
        server.closed = code
        return False
    if code in _GONE:
        return False
    _good(code, {200})
    return True


async def _front(server: _Server, address: str) -> tuple[int, bytes]:
    """(200 when it is there, else the code; its first bytes)."""
    headers = {"Range": f"bytes=0-{_FRONT - 1}"}
    async with _answer(server, "GET", address, headers) as response:
        if response.status_code not in {200, 206}:
            return response.status_code, b""
        async for data in _body(server, response):
            return 200, data[:_FRONT]
    return 200, b""


def _is_page(front: bytes) -> bool:
    """What no archive and no JSON begins with."""
    return front.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


async def _file(server: _Server, wanted: _Wanted, before: str | None) -> Path | None:
    """One file; None when it is the one that was fetched ``before``, or is not whole there."""
    broken = pieces = 0
    while broken < _BROKEN and pieces < _PIECES:
        begun, headers = _begun(wanted.into, wanted.name, before)
        async with _answer(server, "GET", wanted.address, headers) as response:
            broken += 1
            if response.status_code == 304:
                if not await _mended(server, wanted):
                    return None
                before = None
                continue
            if response.status_code == 416 and begun is not None:
                _forget(wanted)
                continue
            _good(response.status_code, {200, 206} if begun is not None else {200})
            validator = _validator(response)
            span = _span(response, begun, validator)
            if span is None:
                _forget(wanted)
                continue
            part = PartFile(wanted.into, wanted.name, validator)
            try:
                if await _brought(server, wanted.name, response, part, span):
                    return await _finished(server, wanted, part, validator, before)
            finally:
                part.close()
            broken, pieces = 0, pieces + 1
    raise PullFailed("damaged", f"{visible(wanted.name)} cannot be resumed")


async def _mended(server: _Server, wanted: _Wanted) -> bool:
    """Whether a list says something else by now of a file that it contradicted."""
    if not lists.was_contradicted(wanted.into, wanted.name):
        return False
    bodies = await _lists(server, wanted.name, wanted.address)
    return lists.says_otherwise(wanted.into, wanted.name, bodies)


def _begun(
    into: Path, name: str, before: str | None
) -> tuple[tuple[int, str] | None, dict[str, str]]:
    """(size, validator) of what an earlier try left, and the headers to ask with."""
    try:
        validator = (into / f".{name}.part.json").read_text(encoding="utf-8")
        size = (into / f".{name}.part").stat().st_size
    except (OSError, ValueError):
        size, validator = 0, ""
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


def _forget(wanted: _Wanted) -> None:
    (wanted.into / f".{wanted.name}.part").unlink(missing_ok=True)
    (wanted.into / f".{wanted.name}.part.json").unlink(missing_ok=True)


async def _brought(
    server: _Server, name: str, response: httpx.Response, part: PartFile, span: _Span
) -> bool:
    """The body of a good answer, put behind what is here; whether that is the whole file."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise PullFailed("damaged", "the answer is encoded: its bytes are not the delivered ones")
    if span.start == 0:
        part.begin_again()
    most = server.source.max_bytes
    if span.total is not None and span.total > most:
        raise PullFailed("damaged", f"{visible(name)} has {span.total} bytes: more than max_bytes")
    if not server.piecemeal:
        server.bytes += part.size
    server.piecemeal = False
    server.total = None if span.total is None else server.bytes - part.size + span.total
    async for data in _body(server, response):
        if part.size == 0 and _is_page(data):
            raise PullFailed("damaged", f"a web page came in the place of {visible(name)}")
        if part.size + len(data) > (most if span.end is None else span.end):
            part.discard()
            raise PullFailed("damaged", f"{visible(name)} has more bytes than it may have")
        part.append(data)
        _tell(server, name, len(data))
    if span.end is not None and part.size != span.end:
        raise PullFailed("unreachable", f"{visible(name)} broke off")
    server.piecemeal = span.total is not None and part.size < span.total
    return not server.piecemeal


async def _finished(
    server: _Server, wanted: _Wanted, part: PartFile, validator: str, before: str | None
) -> Path | None:
    """A whole body under its own name, with the lists of hashes beside it. None as in _file."""
    into, name = wanted.into, wanted.name
    digest = ""
    if not validator or (before or "").startswith(_DIGEST):
        digest = await asyncio.to_thread(_digest, part.path)
    if digest and digest == before:
        part.discard()
        remember(into, name, validator or digest)
        return None
    if end_of(part.path) is End.MISSING:  # its upload there is not done
        part.discard()
        remember(into, name, validator)
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


def _tell(server: _Server, name: str, count: int) -> None:
    server.bytes += count
    server.fetched += count
    rate = server.fetched / max(time.monotonic() - server.began, 0.001)
    server.told(
        Progress(
            visible(name)[:200], server.bytes, server.total, server.files, server.files_total, rate
        )
    )


async def _body(server: _Server, response: httpx.Response) -> AsyncIterator[bytes]:
    """The bytes as they come; a peer that sends nothing, or next to nothing, in ``stall_seconds``
    is given up."""
    limit_s = server.source.stall_seconds
    pieces = response.aiter_raw()
    began, came = time.monotonic(), 0
    while True:
        async with asyncio.timeout(limit_s):
            data = await anext(pieces, None)
        if data is None:
            return
        yield data
        came += len(data)
        if (now := time.monotonic()) - began >= limit_s:
            if came < _SLOWEST * limit_s:
                raise PullFailed("stalled", f"too slow: {came} bytes in {now - began:.0f} s")
            began, came = now, 0


@asynccontextmanager
async def _answer(
    server: _Server, method: str, address: str, headers: dict[str, str]
) -> AsyncIterator[httpx.Response]:
    """The answer behind at most a few redirects, its certificate looked at. PullFailed."""
    limit_s = server.source.stall_seconds
    try:
        for _ in range(_REDIRECTS + 1):
            if not address.startswith("https://"):
                raise PullFailed("refused", "it redirects to an address that is not https")
            request = server.client.build_request(method, address, headers=headers)
            async with asyncio.timeout(limit_s):
                response = await server.client.send(request, stream=True)
            try:
                _pinned(server.source, response)
                if not response.has_redirect_location:
                    yield response
                    return
                address = urljoin(address, response.headers["location"])
            finally:
                await response.aclose()
        raise PullFailed("refused", f"more than {_REDIRECTS} redirects")
    except TimeoutError as error:
        raise PullFailed("stalled", f"nothing came for {limit_s:g} s") from error
    except httpx.TimeoutException as error:
        raise PullFailed("stalled", f"nothing came for {limit_s:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
        refused = "certificate" in str(error).lower()
        reason = visible(f"{type(error).__name__}: {error}")
        raise PullFailed("refused" if refused else "unreachable", reason) from error


def _good(code: int, codes: set[int]) -> None:
    if code in codes:
        return
    down = code >= 500
    reason = f"it answers HTTP {code}"
    raise PullFailed("unreachable" if down else "refused", reason)


def _pinned(source: Source, response: httpx.Response) -> None:
    if not source.pin_sha256:
        return
    connection = response.extensions["network_stream"].get_extra_info("ssl_object")
    certificate = connection.getpeercert(binary_form=True) if connection is not None else b""
    if hashlib.sha256(certificate or b"").hexdigest() != source.pin_sha256.lower():
        raise PullFailed("refused", "its certificate is not the pinned one")


def _client(source: Source) -> httpx.AsyncClient:
    try:
        context = ssl.create_default_context(cafile=source.ca_file or None)
    except OSError as error:
        raise PullFailed("refused", f"wrong setting ca_file: {error}") from error
    return httpx.AsyncClient(
        verify=context,
        trust_env=False,
        follow_redirects=False,
        timeout=source.stall_seconds,
        headers={"Accept-Encoding": "identity", "User-Agent": "prep-console"},
    )
