"""Neighbours that misbehave on purpose, for every probe's tests; and counters for leaks.

    with hostile.tcp("hang") as peer:            # accepts, reads, never answers
        ... peer.port ...
        peer.become("answers")                   # the same port mends, for "recovers by itself"

Each peer is one thread on a free port of 127.0.0.1. Its sockets count among this process's
descriptors, so compare :func:`descriptors` while the same peer runs, with ``wait_until``: it
lets go of a connection a moment after its client did.
"""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import ssl
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeVar

import psutil

from prep_console.drill.children import free_port

Behaviour = Literal[
    "answers",  # the whole answer, as it should be
    "refuse",  # nobody listens: connection refused, ICMP port unreachable
    "hang",  # accepts and reads, says nothing
    "close",  # closes at once (UDP: an empty datagram)
    "reset",  # breaks the connection off with RST (UDP: silence)
    "garbage",  # random bytes, always the same ones
    "half",  # the first half of the answer, then closes
    "megabyte",  # 2 MiB of filler, then stays open (UDP: the largest datagram there is)
    "endless",  # filler for ever, as fast as it is taken (UDP: 1000 datagrams a second)
    "drip",  # the answer byte by byte, one every 0.2 s, again and again
]
TCP_FAULTS: tuple[Behaviour, ...] = (
    "refuse",
    "hang",
    "close",
    "reset",
    "garbage",
    "half",
    "megabyte",
    "endless",
    "drip",
)
UDP_FAULTS: tuple[Behaviour, ...] = tuple(fault for fault in TCP_FAULTS if fault != "reset")
Answer = bytes | Callable[[bytes], bytes]

_GARBAGE = random.Random(7).randbytes(600)
_MEGABYTES = 2 * 1024**2
_LARGEST_DATAGRAM = 65_507
_DRIP_S = 0.2
_Address = tuple[Any, ...]
_T = TypeVar("_T")


def children(known: Collection[int] = ()) -> list[psutil.Process]:
    """Our child processes, but for those of earlier tests whose pids are ``known``."""
    return [child for child in psutil.Process().children() if child.pid not in known]


def descriptors() -> int:
    """Open file descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def threads() -> int:
    """Threads of this process, of Python or not; one that ended counts a moment longer."""
    return len(list(Path("/proc/self/task").iterdir()))


def held() -> tuple[int, int, int]:
    """Descriptors, threads and child processes of this one."""
    gc.collect()  # what an earlier test left in a cycle is not of this one
    return descriptors(), threads(), len(psutil.Process().children(recursive=True))


def no_more_than(before: tuple[int, int, int]) -> bool:
    """Whether no more is :func:`held` than was: less may be, where an earlier test's ended."""
    return all(now <= then for now, then in zip(held(), before, strict=True))


class Peer(ABC):
    """A server with bad manners; ``asked`` counts connections (UDP: datagrams) so far."""

    host = "127.0.0.1"

    def __init__(
        self, behaviour: Behaviour, answer: Answer, filler: bytes, kind: socket.SocketKind
    ) -> None:
        self.behaviour = behaviour
        self.asked = 0
        self._answer = answer
        self._filler = filler
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="hostile")
        self._running: set[asyncio.Task[None]] = set()
        self._held = socket.socket(socket.AF_INET, kind)
        self.port = free_port(kind)
        self._held.bind((self.host, self.port))
        self._thread.start()
        self._call(self._begin())

    def become(self, behaviour: Behaviour) -> None:
        """Misbehave another way, or mend, on the same port; connections there are broken off."""
        self._call(self._end())
        self.behaviour = behaviour
        self._call(self._begin())

    def close(self) -> None:
        self._call(self._end())
        self._held.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @abstractmethod
    async def _begin(self) -> None:
        """Listen, and behave."""

    async def _end(self) -> None:
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.sleep(0)  # where aborted transports let go of their sockets

    def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _said(self, request: bytes) -> bytes:
        return self._answer if isinstance(self._answer, bytes) else self._answer(request)


class _Tcp(Peer):
    def __init__(
        self,
        behaviour: Behaviour,
        answer: Answer,
        filler: bytes,
        greets: bool,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._greets = greets
        self._tls = tls
        self._server: asyncio.Server | None = None
        super().__init__(behaviour, answer, filler, socket.SOCK_STREAM)

    async def _begin(self) -> None:
        if self.behaviour == "refuse":  # bound and not listening: the port stays ours
            self._held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._held.bind((self.host, self.port))
            return
        self._held.close()
        self._server = await asyncio.start_server(
            self._serve, self.host, self.port, ssl=self._tls, reuse_address=True
        )

    async def _end(self) -> None:
        self._held.close()
        if self._server is not None:
            self._server.close()
            self._server = None
        await super()._end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            with suppress(OSError):
                await self._misbehave(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._running.discard(task)
            writer.close()

    async def _misbehave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.behaviour == "close":
            return
        if self.behaviour == "reset":
            there = writer.get_extra_info("socket")
            there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        request = b"" if self._greets else await reader.read(65_536)
        if not self._greets and not request:
            return
        while True:
            await self._utter(request, writer)
            if self.behaviour == "half":
                return
            request = await reader.read(65_536)
            if not request:
                return

    async def _utter(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        match self.behaviour:
            case "answers":
                writer.write(self._said(request))
            case "garbage":
                writer.write(_GARBAGE)
            case "half":
                said = self._said(request)
                writer.write(said[: len(said) // 2])
            case "megabyte":
                writer.write(self._filler * (_MEGABYTES // len(self._filler)))
            case "endless":
                while not writer.is_closing():
                    writer.write(self._filler * (65_536 // len(self._filler)))
                    await writer.drain()
            case "drip":
                while not writer.is_closing():
                    for byte in self._said(request) or self._filler:
                        writer.write(bytes([byte]))
                        await writer.drain()
                        await asyncio.sleep(_DRIP_S)
        await writer.drain()


class _Udp(Peer, asyncio.DatagramProtocol):
    def __init__(self, behaviour: Behaviour, answer: Answer, filler: bytes) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        super().__init__(behaviour, answer, filler, socket.SOCK_DGRAM)

    async def _begin(self) -> None:
        self._held.close()
        self._held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._held.bind((self.host, self.port))
        if self.behaviour == "refuse":
            # a socket connected elsewhere hears nobody else: ICMP says that nobody is here
            self._held.connect((self.host, 9))
            return
        self._transport, _ = await self._loop.create_datagram_endpoint(
            lambda: self, sock=self._held
        )

    async def _end(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        await super()._end()
        self._held.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport comes back from create_datagram_endpoint too."""

    def datagram_received(self, data: bytes, addr: _Address) -> None:
        self.asked += 1
        self._start(self._utter(data, addr))

    async def _utter(self, request: bytes, asker: _Address) -> None:
        match self.behaviour:
            case "answers":
                self._send(self._said(request), asker)
            case "close":
                self._send(b"", asker)
            case "garbage":
                self._send(_GARBAGE[:48], asker)
            case "half":
                said = self._said(request)
                self._send(said[: len(said) // 2], asker)
            case "megabyte":
                self._send((self._filler * _LARGEST_DATAGRAM)[:_LARGEST_DATAGRAM], asker)
            case "endless":
                while True:
                    self._send(self._filler[:512], asker)
                    await asyncio.sleep(0.001)
            case "drip":
                while True:
                    for byte in self._said(request) or self._filler:
                        self._send(bytes([byte]), asker)
                        await asyncio.sleep(_DRIP_S)

    def _send(self, data: bytes, asker: _Address) -> None:
        with suppress(OSError):  # not through the transport: that one drops empty datagrams
            self._held.sendto(data, asker)


@contextmanager
def tcp(
    behaviour: Behaviour,
    answer: Answer = b"OK\n",
    *,
    filler: bytes = b"x",
    greets: bool = False,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Peer]:
    """A TCP server; ``answer`` to each request (or made from it), ``greets``: speaks first."""
    peer = _Tcp(behaviour, answer, filler, greets, tls)
    try:
        yield peer
    finally:
        peer.close()


@contextmanager
def udp(behaviour: Behaviour, answer: Answer = b"OK\n", *, filler: bytes = b"x") -> Iterator[Peer]:
    """A UDP server; ``answer`` to each datagram (or made from it)."""
    peer = _Udp(behaviour, answer, filler)
    try:
        yield peer
    finally:
        peer.close()
