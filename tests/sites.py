"""A web site under the test's control: real sockets, real TLS, and bad manners when asked for."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

Answer = Callable[[bytes], bytes | None]
"""From a request's head to all the bytes of the answer; None: say nothing, for ever."""


def answer(status: str, *fields: str, body: bytes = b"") -> bytes:
    """The bytes of one HTTP answer: ``answer("200 OK", "X-Prep-Cut: 20240602_2005")``."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def always(reply: bytes | None) -> Answer:
    """A site that answers every request alike."""
    return lambda _: reply


@dataclass
class Site:
    """A running site. Assign ``answers`` to change its behaviour between two requests."""

    port: int
    answers: Answer
    requests: list[bytes] = field(default_factory=list)
    """Heads of the requests that came."""
    stopping: threading.Event = field(default_factory=threading.Event)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    site: Site
    context: ssl.SSLContext | None

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left is no news."""


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        connection: socket.socket = self.request
        connection.settimeout(30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as web servers do
        if self.server.context is not None:
            connection = self.server.context.wrap_socket(connection, server_side=True)
        site = self.server.site
        with connection, suppress(OSError):
            while head := _head(connection):
                site.requests.append(head)
                reply = site.answers(head)
                if reply is None:
                    site.stopping.wait(30)
                    return
                connection.sendall(reply)
                if b"\r\nConnection: close" in reply or not reply.startswith(b"HTTP/1.1"):
                    return


def _head(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65_536)
        if not chunk:
            return b""
        received += chunk
    return received


@contextmanager
def running(answers: Answer, context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """A site on a free port of 127.0.0.1 until the block ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.site = Site(server.server_address[1], answers)
        server.context = context
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield server.site
        finally:
            server.site.stopping.set()
            server.shutdown()
            serving.join()


@dataclass(frozen=True)
class Certificates:
    """A private authority (``ca_file``) and a server context for one name."""

    ca_file: str
    context: ssl.SSLContext


def certificates(folder: Path, name: str) -> Certificates:
    """Issue a certificate for ``name``, its authority written into ``folder``."""
    authority = trustme.CA()
    ca_file = folder / f"{name}-ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return Certificates(str(ca_file), context)
