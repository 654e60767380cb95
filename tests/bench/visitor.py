"""A visitor in a process of its own, who sees the moment when another cut is served."""

from __future__ import annotations

import contextlib
import multiprocessing
import select
import socket
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext

_PAUSE_S = 0.0005
"""Between two requests: what a figure may be too long by, without holding a core all the time."""
_REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Visitor:
    """Asks one site again and again over one kept-alive connection."""

    def __init__(self, control: Connection) -> None:
        self._control = control

    def watch(self, port: int, cut: str) -> None:
        """Begin to wait for ``cut``; returns when the site has answered once, with another."""
        self._control.send((port, cut))
        first = self._control.recv()
        assert first != cut, f"{cut} is live already"

    def seen(self) -> float:
        """``time.monotonic()`` at which the first answer with that cut was there, whole."""
        assert self._control.poll(30), "not seen within 30 s"
        moment = self._control.recv()
        assert isinstance(moment, float)
        return moment


@contextlib.contextmanager
def visiting() -> Iterator[Visitor]:
    """A visitor for the block."""
    context: SpawnContext = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_visit, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Visitor(ours)
    finally:
        ours.close()
        process.join(10)


def _visit(control: Connection) -> None:
    while True:
        try:
            port, cut = control.recv()
        except EOFError:
            return
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            control.send(_answer(connection))
            while _answer(connection) != cut:
                select.select([], [], [], _PAUSE_S)
            control.send(time.monotonic())


def _answer(connection: socket.socket) -> str:
    """The cut that one whole answer names."""
    connection.sendall(_REQUEST)
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    fields = {
        name.lower(): value
        for name, _, value in (
            line.partition(": ") for line in head.decode("latin-1").split("\r\n")
        )
    }
    missing = int(fields["content-length"]) - len(body)
    while missing > 0:
        missing -= len(_more(connection))
    return fields.get("x-prep-cut", "")


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(65_536)
    if not chunk:
        raise ConnectionResetError("closed in the middle of an answer")
    return chunk
