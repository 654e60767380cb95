"""A real Apache on a free loopback port, started from ``standalone`` and stopped by its pid."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Self

from prep_console.config import Settings
from prep_console.drill.children import free_port
from prep_console.publication.apache import find_apache, standalone
from tests.processes import ended, serves


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def cut(self) -> str | None:
        """The cut that the answer says it is of."""
        return self.headers["X-Prep-Cut"]


class Apache:
    """``with Apache(settings, folder) as apache:`` serves the station until the block ends.

    ``edit`` may change the written settings first (to break them on purpose).
    """

    def __init__(
        self,
        settings: Settings,
        into: Path,
        *,
        tls: bool = False,
        edit: Callable[[str], str] | None = None,
    ) -> None:
        self.into = into
        self.tls = tls
        self.port = free_port()
        self.conf = standalone(settings, into, f"127.0.0.1:{self.port}", tls=tls)
        if edit is not None:
            self.conf.write_text(edit(self.conf.read_text()))
        self.environment: Mapping[str, str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def errors(self) -> str:
        """What Apache wrote into its error log so far."""
        log = self.into / "error.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def __enter__(self) -> Self:
        apache = find_apache()
        assert apache is not None
        self._process = subprocess.Popen(
            [str(apache), "-f", str(self.conf), "-D", "FOREGROUND"],
            stdin=subprocess.DEVNULL,
            stderr=(self.into / "stderr").open("wb"),
            env=self.environment,
        )
        try:
            serves(self._process, self.port, complaints=self._complaints)
        except AssertionError:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it and its children; nothing happens when it has ended."""
        process, self._process = self._process, None
        if process is not None:
            ended(process)

    def _complaints(self) -> str:
        return (self.into / "stderr").read_text(errors="replace") + self.errors

    def connect(self) -> http.client.HTTPConnection:
        """A connection of a visitor; with TLS, one that trusts this Apache's own certificate."""
        if self.tls:
            trust = ssl.create_default_context(cafile=str(self.into / "certificate.pem"))
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=trust)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> Answer:
        """One request on a connection of its own; ``path`` goes out as it is."""
        return self.ask(f"{method} {path}".encode(), headers)

    def ask(self, request: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """One request whose method and target are exactly these bytes, however odd."""
        lines = [request + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
        lines += [f"{name}: {value}".encode() for name, value in (headers or {}).items()]
        connection = self.connect()
        connection.connect()
        with contextlib.closing(connection):
            connection.sock.sendall(b"\r\n".join([*lines, b"", b""]))
            method = request.split(b" ")[0].decode()
            response = http.client.HTTPResponse(connection.sock, method=method)
            response.begin()
            return Answer(response.status, response.headers, response.read())
