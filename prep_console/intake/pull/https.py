"""Fetching over HTTPS. Runs in the child; the client and its connections are kept.

An unchanged file costs a 304. A broken transfer goes on where it stopped, only with the same
validator. Nothing is believed from a server whose certificate is not the one that is pinned.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
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
_CHUNK = 1 << 18
_GONE = {404, 410}
_QUIET_S = 2.0
"""Asking a slow server for many minutes is told after this long, or it looks hung."""
_BROKEN = 3
"""Answers that do not fit what is here are asked for from the front; not for ever."""


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


_clients: dict[Source, httpx.AsyncClient] = {}


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
        path = await _file(server, job.into, name, there[name], before)
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
    for tried in naming.addresses(source.url, job.elections, marks, now):
        for address in tried:
            if await _exists(server, address):
                found[naming.name_of(address)] = address
                break
    return found


async def _small(server: _Server, address: str, most: int) -> bytes:
    """A short answer, whole."""
    body = bytearray()
    async with _answer(server, "GET", address, {}) as response:
        _good(response, {200})
        async for data in _body(server, response):
            body += data
            if len(body) > most:
                raise PullFailed("damaged", f"{visible(address)} has more than {most} bytes")
    return bytes(body)


async def _small_if_there(server: _Server, address: str, most: int) -> bytes:
    """A short answer, or nothing when the server does not have it, whatever it says instead."""
    async with _answer(server, "HEAD", address, {}) as response:
        there = response.status_code == 200
    return await _small(server, address, most) if there else b""


async def _lists(server: _Server, name: str, address: str) -> dict[str, bytes]:
    """The lists of hashes beside a file. A web page in the place of one is none."""
    found: dict[str, bytes] = {}
    for listing in lists.tried_for(name):
        body = await _small_if_there(server, urljoin(address, quote(listing)), LARGEST)
        if body and not body.lstrip().startswith(b"<"):
            found[listing] = body
    return found


async def _exists(server: _Server, address: str) -> bool:
    if time.monotonic() - server.began > _QUIET_S:
        _tell(server, naming.name_of(address), 0)
    async with _answer(server, "HEAD", address, {}) as response:
        if response.status_code in _GONE:
            return False
        _good(response, {200})
        return True


async def _file(
    server: _Server, into: Path, name: str, address: str, before: str | None
) -> Path | None:
    """One file; None when it is the one that was fetched ``before``, or is not whole there."""
    for _ in range(_BROKEN):
        part, headers = _begun(into, name, before)
        async with _answer(server, "GET", address, headers) as response:
            if response.status_code == 304:
                if not await _mended(server, into, name, address):
                    return None
                before = None
                continue
            if response.status_code == 416 and part is not None:
                _forget(into, name)
                continue
            _good(response, {200, 206} if part is not None else {200})
            validator = _validator(response)
            if response.status_code == 206 and not _goes_on(response, part, validator):
                _forget(into, name)
                continue
            return await _taken(server, into, name, address, response, validator, before)
    raise PullFailed("damaged", f"{visible(name)} cannot be resumed")


async def _mended(server: _Server, into: Path, name: str, address: str) -> bool:
    """Whether a list says something else by now of a file that it contradicted."""
    if not lists.was_contradicted(into, name):
        return False
    return lists.says_otherwise(into, name, await _lists(server, name, address))


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
    if before and not before.startswith("sha256:"):
        key = "If-None-Match" if before.startswith(('"', "W/")) else "If-Modified-Since"
        return None, {key: before}
    return None, {}


def _goes_on(response: httpx.Response, part: tuple[int, str] | None, validator: str) -> bool:
    """Whether a 206 begins where we stopped, in the same file."""
    said = response.headers.get("content-range", "")
    return part is not None and validator == part[1] and said.startswith(f"bytes {part[0]}-")


def _forget(into: Path, name: str) -> None:
    (into / f".{name}.part").unlink(missing_ok=True)
    (into / f".{name}.part.json").unlink(missing_ok=True)


async def _taken(
    server: _Server,
    into: Path,
    name: str,
    address: str,
    response: httpx.Response,
    validator: str,
    before: str | None,
) -> Path | None:
    """The body of a good answer, put behind what is here, and the lists of hashes beside it."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise PullFailed("damaged", "the answer is encoded: its bytes are not the delivered ones")
    part = PartFile(into, name, validator)
    try:
        if response.status_code == 200:
            part.begin_again()
        length = response.headers.get("content-length", "")
        whole = part.size + int(length) if length.isdecimal() else None
        server.bytes += part.size
        server.total = None if whole is None else (server.bytes - part.size + whole)
        most = server.source.max_bytes
        if whole is not None and whole > most:
            raise PullFailed("damaged", f"{visible(name)} has {whole} bytes: more than max_bytes")
        async for data in _body(server, response):
            if part.size + len(data) > most:
                part.discard()
                raise PullFailed("damaged", f"{visible(name)} has more than max_bytes")
            part.append(data)
            _tell(server, name, len(data))
        if whole is not None and part.size != whole:
            raise PullFailed("unreachable", f"{visible(name)} broke off")
        if not validator and (validator := _digest(part.path)) == before:
            part.discard()
            return None
        if end_of(part.path) is End.MISSING:  # its upload there is not done
            part.discard()
            remember(into, name, validator)
            return None
        lists.drop_stale(into, name)
        for listing, told in (await _lists(server, name, address)).items():
            lists.put(into, listing, told)
        if await asyncio.to_thread(
            lists.doubtful, into, name, part.path, validator.removeprefix("W/")
        ):
            return None
        return part.finish(validator)
    finally:
        part.close()


def _validator(response: httpx.Response) -> str:
    return str(response.headers.get("etag") or response.headers.get("last-modified") or "")[:500]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


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
    """The bytes as they came; a peer that trickles nothing for ``stall_seconds`` is given up."""
    pieces = response.aiter_raw(_CHUNK)
    while True:
        async with asyncio.timeout(server.source.stall_seconds):
            data = await anext(pieces, None)
        if data is None:
            return
        yield data


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


def _good(response: httpx.Response, codes: set[int]) -> None:
    if response.status_code in codes:
        return
    down = response.status_code >= 500
    reason = f"it answers HTTP {response.status_code}"
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
