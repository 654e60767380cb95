"""One web server that is asked: whole short answers, whether a file is there, a body as it comes.

Nothing is believed from a server whose certificate is not the one that is pinned, and none may
keep us waiting: silence, a trickle and redirects without end are given up.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from prep_console import reasons
from prep_console.config.model import Source
from prep_console.intake.pull import naming
from prep_console.intake.pull.job import Progress, PullFailed, Told
from prep_console.wording import visible

_REDIRECTS = 5
_GONE = {404, 410}
_CLOSED = {401, 403}
"""What object stores answer to who may not list, in the place of 404."""
_NO_HEAD = {405, 501}
_FRONT = 64
"""Bytes that show a web page."""
_QUIET_S = 2.0
"""Asking a slow server for many minutes is told after this long, or it looks hung."""
_SLOWEST = 500
"""Bytes a second: a body that trickles less keeps the next source waiting for hours."""


class _Astray(PullFailed):
    """Its redirects lead nowhere that we go."""


@dataclass(slots=True)
class WebServer:
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
    closed: str = ""
    """The last answer that it lets nobody see what may be there; '' for none."""


_clients: dict[Source, httpx.AsyncClient] = {}


def connected(source: Source, told: Told) -> WebServer:
    """For one job; the client and its connections are kept from one job to the next. PullFailed."""
    client = _clients.get(source)
    if client is None:
        client = _clients[source] = _client(source)
    return WebServer(source, client, told, time.monotonic())


@asynccontextmanager
async def answer(
    server: WebServer, method: str, address: str, headers: dict[str, str]
) -> AsyncIterator[httpx.Response]:
    """The answer behind at most a few redirects, its certificate looked at. PullFailed."""
    limit_s = server.source.stall_seconds
    try:
        for _ in range(_REDIRECTS + 1):
            if not _is_https(address):
                raise _Astray("refused", reasons.NOT_HTTPS)
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
        raise _Astray("refused", reasons.REDIRECTS.format(count=_REDIRECTS))
    except TimeoutError as error:
        raise PullFailed("stalled", reasons.NOTHING_CAME.format(seconds=f"{limit_s:g}")) from error
    except httpx.TimeoutException as error:
        raise PullFailed("stalled", reasons.NOTHING_CAME.format(seconds=f"{limit_s:g}")) from error
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
        refused = "certificate" in str(error).lower()
        reason = visible(f"{type(error).__name__}: {_cause(error)}")
        raise PullFailed("refused" if refused else "unreachable", reason) from error


async def body(server: WebServer, response: httpx.Response) -> AsyncIterator[bytes]:
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
                raise PullFailed(
                    "stalled", reasons.TOO_SLOW.format(count=came, seconds=f"{now - began:.0f}")
                )
            began, came = now, 0


async def small(server: WebServer, address: str, most: int) -> bytes:
    """A short answer, whole."""
    gathered = await _beginning(server, address, most + 1)
    if len(gathered) > most:
        raise PullFailed("damaged", reasons.LONG_ANSWER.format(name=visible(address), count=most))
    return gathered


async def beginning_if_there(server: WebServer, address: str, count: int) -> bytes:
    """The first ``count`` bytes of an answer, or nothing when the server does not have it,
    whatever it says instead."""
    try:
        async with answer(server, "HEAD", address, {}) as response:
            code = response.status_code
        if code in _NO_HEAD:
            code, _ = await _front(server, address)
    except _Astray:
        return b""
    return await _beginning(server, address, count) if code == 200 else b""


async def _beginning(server: WebServer, address: str, count: int) -> bytes:
    gathered = bytearray()
    async with answer(server, "GET", address, {}) as response:
        good(response.status_code, {200})
        async for data in body(server, response):
            gathered += data
            if len(gathered) >= count:
                break
    return bytes(gathered[:count])


async def exists(server: WebServer, address: str) -> bool:
    """Whether a file is there. A server's page for whatever is not, with code 200, is none."""
    if time.monotonic() - server.began > _QUIET_S:
        tell(server, naming.name_of(address), 0)
    try:
        async with answer(server, "HEAD", address, {}) as response:
            code, kind = response.status_code, response.headers.get("content-type", "")
    except _Astray as away:
        server.closed = str(away)
        return False
    if code in _NO_HEAD or (code == 200 and "html" in kind.lower()):
        code, front = await _front(server, address)
        if code == 200 and is_page(front):
            return False
    if code in _CLOSED:
        server.closed = reasons.HTTP_STATUS.format(status=code)
        return False
    if code in _GONE:
        return False
    good(code, {200})
    return True


async def _front(server: WebServer, address: str) -> tuple[int, bytes]:
    """(200 when it is there, else the code; its first bytes)."""
    headers = {"Range": f"bytes=0-{_FRONT - 1}"}
    async with answer(server, "GET", address, headers) as response:
        if response.status_code not in {200, 206}:
            return response.status_code, b""
        async for data in body(server, response):
            return 200, data[:_FRONT]
    return 200, b""


def is_page(front: bytes) -> bool:
    """What no archive and no JSON begins with."""
    return front.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def good(code: int, codes: set[int]) -> None:
    if code in codes:
        return
    down = code >= 500
    reason = f"it answers HTTP {code}"
    raise PullFailed("unreachable" if down else "refused", reason)


def tell(server: WebServer, name: str, count: int) -> None:
    server.bytes += count
    server.fetched += count
    rate = server.fetched / max(time.monotonic() - server.began, 0.001)
    server.told(
        Progress(
            visible(name)[:200], server.bytes, server.total, server.files, server.files_total, rate
        )
    )


def _is_https(address: str) -> bool:
    try:
        url = urlsplit(address)
        return url.scheme == "https" and url.port != 0
    except ValueError:  # no port that there is
        return False


def _cause(error: BaseException) -> BaseException:
    """What the system said, where something of its lies below: a library's words tell less."""
    below: BaseException | None = error
    while below is not None and not (isinstance(below, OSError) and below.errno):
        below = below.__cause__ or below.__context__
    return below or error


def _pinned(source: Source, response: httpx.Response) -> None:
    if not source.pin_sha256:
        return
    connection = response.extensions["network_stream"].get_extra_info("ssl_object")
    certificate = connection.getpeercert(binary_form=True) if connection is not None else b""
    if hashlib.sha256(certificate or b"").hexdigest() != source.pin_sha256.lower():
        raise PullFailed("refused", reasons.NOT_PINNED)


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
