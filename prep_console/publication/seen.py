"""Was it seen? The confirming request that an action makes itself, over HTTP like a visitor.

An action is told as done only when the site has answered with the cut, so a dead or hung engine
does not matter. Standard library and a raw socket: ``http.client`` alone costs 15 ms to import,
an eighth of what ``rollback`` may take as a whole command.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from prep_console.config import Settings, Site
from prep_console.problems import WrongUsage
from prep_console.wording import N_, sentence

if TYPE_CHECKING:
    import ssl

CUT_HEADER = "X-Prep-Cut"
"""Names the cut that an answer belongs to; written by the printed Apache configuration."""

_FIRST_PAUSE_S = 0.002
_LONGEST_PAUSE_S = 0.1
_ATTEMPT_S = 1.0
"""One request; a hung worker must not use up the whole deadline, the next one may answer."""
_MAX_HEAD = 65_536
_INTERIM = (b"HTTP/1.1 1", b"HTTP/1.0 1")


class Target(msgspec.Struct, frozen=True):
    """What a visitor opens, and where to connect for it."""

    scheme: str
    host: str
    """Name in the URL: asked for in Host and in TLS, whatever is connected to."""
    port: int
    path: str
    connect_host: str
    connect_port: int

    @property
    def authority(self) -> str:
        """The Host header: the port only where it is not the scheme's own."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _DEFAULT_PORT[self.scheme] else f"{name}:{self.port}"


_DEFAULT_PORT = {"http": 80, "https": 443}


def target(site: Site) -> Target:
    """Where ``site.url`` is asked for, honouring ``site.connect``; WrongUsage when it is no URL."""
    try:
        url = urlsplit(site.url)
        pinned = urlsplit(f"//{site.connect}")
        port, pinned_port = url.port, pinned.port
        # urlsplit drops line breaks silently: what it read must be all that stands there
        plain = all(text.isascii() and text.isprintable() for text in (site.url, site.connect))
        if url.scheme not in _DEFAULT_PORT or not url.hostname or not plain or " " in site.url:
            raise ValueError("not an http or https address")
    except ValueError as exc:
        raise WrongUsage(
            sentence(
                N_("site.url or site.connect is no address: {url} {connect} ({error})"),
                url=site.url,
                connect=site.connect,
                error=str(exc),
            ),
            sentence(N_("Write site.url like https://prep.example.mx/ in the settings.")),
        ) from exc
    port = port or _DEFAULT_PORT[url.scheme]
    return Target(
        scheme=url.scheme,
        host=url.hostname,
        port=port,
        path=(url.path or "/") + (f"?{url.query}" if url.query else ""),
        connect_host=pinned.hostname or url.hostname,
        connect_port=pinned_port or port,
    )


def confirm(
    settings: Settings, cut: str | None, timeout_s: float, since: float
) -> tuple[bool, float]:
    """Ask the site until it answers with ``cut`` (None: until it answers 503, nothing is live).

    ``since`` is the ``time.monotonic()`` that the answer's seconds are counted from. False when
    ``timeout_s`` passed first, or ``site.url`` is empty: that is "not yet seen", never an error,
    because the pointer is durable whatever the web server does.
    """
    if not settings.site.url:
        return False, 0.0
    end = time.monotonic() + timeout_s
    pause = _FIRST_PAUSE_S
    visitor: _Visitor | None = None
    try:
        visitor = _Visitor(target(settings.site), settings.site.ca_file, end)
        while time.monotonic() < end:
            with suppress(OSError, ValueError):
                status, named = visitor.look()
                if (status == 503) if cut is None else (named == cut and 200 <= status < 500):
                    return True, time.monotonic() - since
            select.select([], [], [], max(0.0, min(pause, end - time.monotonic())))
            pause = min(pause * 2, _LONGEST_PAUSE_S)
    except (OSError, WrongUsage):  # a name that does not resolve, a ca_file that is not there
        pass
    finally:
        if visitor is not None:
            visitor.close()
    return False, time.monotonic() - since


class _Visitor:
    """One kept-alive connection that sends HEAD and reads the answer's head, never past ``end``."""

    def __init__(self, target: Target, ca_file: str, end: float) -> None:
        self._target = target
        self._end = end
        self._context = _tls(ca_file) if target.scheme == "https" else None
        self._addresses = _resolve(target.connect_host, target.connect_port, end)
        self._socket: socket.socket | None = None
        self._request = (
            f"HEAD {target.path} HTTP/1.1\r\nHost: {target.authority}\r\n"
            "User-Agent: prep-console\r\nAccept: */*\r\n\r\n"
        ).encode("ascii")

    def look(self) -> tuple[int, str | None]:
        """Status and named cut of one answer; OSError or ValueError when there is none."""
        try:
            if self._socket is None:
                self._socket = self._connect()
            self._socket.settimeout(self._left())
            self._socket.sendall(self._request)
            head = self._read_head(self._socket)
            first, *lines = head.decode("latin-1").split("\r\n")
            status = int(first.split(" ", 2)[1]) if first.startswith("HTTP/1.") else _no_answer()
            fields = [
                (k.strip().lower(), v.strip()) for k, _, v in (x.partition(":") for x in lines)
            ]
        except (OSError, ValueError, IndexError) as exc:
            self.close()
            raise ValueError(str(exc)) from exc
        ends = any(name == "connection" and "close" in value.lower() for name, value in fields)
        if ends or first.startswith("HTTP/1.0"):
            self.close()
        return status, named_by(value for name, value in fields if name == CUT_HEADER.lower())

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _left(self) -> float:
        """Seconds for the next blocking call; TimeoutError when none are left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("out of time")
        return min(left, _ATTEMPT_S)

    def _connect(self) -> socket.socket:
        problem: OSError = OSError("no address")
        for address in self._addresses:
            try:
                plain = socket.create_connection(address, timeout=self._left())
            except OSError as exc:
                problem = exc
                continue
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is None:
                return plain
            try:
                return self._context.wrap_socket(plain, server_hostname=self._target.host)
            except OSError:
                plain.close()
                raise
        raise problem

    def _read_head(self, connection: socket.socket) -> bytes:
        """The final answer's head without its last blank line, bounded in bytes and in time.

        What comes before it as 1xx is no answer yet, whatever it names (RFC 9110, 15.2).
        """
        attempt_end = time.monotonic() + self._left()
        received, taken = b"", 0
        while True:
            head, ended, rest = received.partition(b"\r\n\r\n")
            if ended and not head.startswith(_INTERIM):
                return head
            if ended:
                received = rest
                continue
            left = attempt_end - time.monotonic()
            if left <= 0 or taken > _MAX_HEAD:
                raise TimeoutError("no whole answer")
            connection.settimeout(left)
            chunk = connection.recv(16_384)
            if not chunk:
                raise ConnectionResetError("closed in the middle of an answer")
            received += chunk
            taken += len(chunk)


def named_by(values: Iterable[str]) -> str | None:
    """The cut that every ``X-Prep-Cut`` of an answer names; two that differ are none of them."""
    return ", ".join(dict.fromkeys(values)) or None


def _no_answer() -> int:
    raise ValueError("not HTTP")


def _tls(ca_file: str) -> ssl.SSLContext:
    import ssl  # 7 ms that a site on plain HTTP does not pay

    return ssl.create_default_context(cafile=ca_file or None)


def _resolve(host: str, port: int, end: float) -> list[tuple[str, int]]:
    """Addresses of ``host``; TimeoutError at ``end``, which getaddrinfo itself does not know."""
    found: list[tuple[str, int]] = []

    def ask() -> None:
        with suppress(OSError):
            for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                if family in {socket.AF_INET, socket.AF_INET6}:
                    found.append((str(address[0]), port))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(max(0.0, end - time.monotonic()))
    if not found:
        raise TimeoutError(f"no address for {host}")
    return list(found)
