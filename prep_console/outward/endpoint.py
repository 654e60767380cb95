"""Where Prometheus finds the page: an address on loopback, a text file, or both.

In a thread with a loop of its own, so that neither a disk that hangs nor a client that means
harm comes near the engine's. A page is made at most once a second, however often it is asked for.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from prep_console import durable
from prep_console.config import Settings

log = logging.getLogger(__name__)

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PAGE_S = 1.0
_FILE_S = 15.0
_RETRY_S = 15.0
_CLIENTS = 16
"""Served at a time; one more is let go of at once."""
_REQUEST_BYTES = 8192
_REQUEST_S = 5.0
_END_S = 0.5

Make = Callable[[], bytes]


class WrongAddress(ValueError):
    """The endpoint's address is none, or is one that others could reach."""


def address(setting: str) -> tuple[str, int]:
    """Host and port of ``telemetry.prometheus``. WrongAddress unless it is on loopback."""
    host, _, port = setting.rpartition(":")
    host = host.strip("[]")
    try:
        number, found = (
            int(port),
            ipaddress.ip_address("127.0.0.1" if host == "localhost" else host),
        )
    except ValueError as error:
        raise WrongAddress(f"telemetry.prometheus: {setting!r} is not ADDRESS:PORT") from error
    if not found.is_loopback:
        raise WrongAddress(f"telemetry.prometheus: {host} is not on loopback, others could read it")
    if not 0 < number < 65536:
        raise WrongAddress(f"telemetry.prometheus: {number} is no port")
    return str(found), number


class Endpoint:
    """The page of one station, offered as the settings say."""

    def __init__(self, settings: Settings, make: Make) -> None:
        telemetry = settings.telemetry
        self._make = make
        self._page = (float("-inf"), b"")
        self._clients = 0
        self._file = Path(telemetry.textfile) if telemetry.textfile else None
        self._address: tuple[str, int] | None = None
        if telemetry.prometheus:
            try:
                self._address = address(telemetry.prometheus)
            except WrongAddress as wrong:
                log.error("wrong setting %s", wrong)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="prometheus")
        if self._address or self._file:
            self._thread.start()
        else:
            self._loop.close()

    def close(self) -> None:
        """Let go of the address; a disk that hangs is not waited for."""
        if self._thread.is_alive():
            with suppress(RuntimeError):  # it ended by itself meanwhile
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_END_S)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._offer())
        finally:
            self._loop.close()

    async def _offer(self) -> None:
        jobs = [asyncio.ensure_future(self._serve())] if self._address else []
        jobs += [asyncio.ensure_future(self._write())] if self._file else []
        await self._stopping.wait()
        for job in (*jobs, *(asyncio.all_tasks() - {asyncio.current_task()})):
            job.cancel()
        await asyncio.wait(jobs, timeout=_END_S / 2)

    def _current(self) -> bytes:
        """The page, made anew when the one before is old. Whatever making it raises."""
        made_at, page = self._page
        if time.monotonic() - made_at >= _PAGE_S:
            page = self._make()
            self._page = (time.monotonic(), page)
        return page

    async def _write(self) -> None:
        """node_exporter may look at any moment: only whole files are ever there."""
        assert self._file is not None
        told = ""
        while True:
            try:
                durable.replace_file(self._file, self._current(), durable=False)
                told = ""
            except Exception as error:
                if str(error) != told:  # once, not all night
                    log.error("telemetry.textfile is not written: %s", error)
                told = str(error)
            await asyncio.sleep(_FILE_S)

    async def _serve(self) -> None:
        assert self._address is not None
        host, port = self._address
        told = ""
        while True:
            try:
                server = await asyncio.start_server(
                    self._client, host, port, limit=_REQUEST_BYTES, backlog=_CLIENTS
                )
            except OSError as error:  # another one has the port; perhaps not for ever
                if str(error) != told:
                    log.error("telemetry.prometheus is not offered: %s", error)
                told = str(error)
                await asyncio.sleep(_RETRY_S)
                continue
            async with server:
                await server.serve_forever()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._clients >= _CLIENTS:
            writer.transport.abort()
            return
        self._clients += 1
        try:
            async with asyncio.timeout(_REQUEST_S):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(request))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # its own fault, and of no interest
        finally:
            self._clients -= 1
            writer.transport.abort()

    def _answer(self, request: bytes) -> bytes:
        method, _, rest = request.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in {b"GET", b"HEAD"}:
            return _response("405 Method Not Allowed", b"only GET\n")
        if path != b"/metrics":
            return _response("404 Not Found", b"see /metrics\n")
        try:
            page = self._current()
        except Exception as error:
            log.warning("the page for Prometheus cannot be made", exc_info=error)
            return _response("503 Service Unavailable", b"the station cannot be read\n")
        return _response("200 OK", page, _CONTENT_TYPE, body=method == b"GET")


def _response(
    status: str, page: bytes, content: str = "text/plain; charset=utf-8", *, body: bool = True
) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content}\r\nContent-Length: {len(page)}\r\n"
        "Connection: close\r\nX-Content-Type-Options: nosniff\r\n\r\n"
    )
    return head.encode() + (page if body else b"")
