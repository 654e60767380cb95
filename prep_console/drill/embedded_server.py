"""A small web server for a demo on a machine without Apache: same pointer, same rules, no more.

It answers as the printed Apache settings do (``publication/templates/site.conf``): one reading
of the pointer decides both the bytes and the header of an answer. It is never the real one: it
says so in ``Server``, and no proof or load figure counts it.
"""

from __future__ import annotations

import html
import os
import re
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from urllib.parse import unquote_to_bytes

from prep_console.config import Settings
from prep_console.publication import pointer
from prep_console.publication.estado_page import nothing_live

_TYPES = {
    ".css": "text/css",
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".htm": "text/html",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".txt": "text/plain",
    ".zip": "application/zip",
}
_CHUNK = 256 * 1024
_CUT = re.compile(r"\d{8}_\d{4}(?:\.[1-9]\d{0,3})?", re.ASCII)
_SAID = {
    HTTPStatus.BAD_REQUEST: "Solicitud no válida. / Bad request.",
    HTTPStatus.FORBIDDEN: "No disponible. / Not available.",
    HTTPStatus.NOT_FOUND: "No existe en el corte publicado. / Not in the published cut.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Este sitio solo se lee. / This site is read only.",
}


class _Refusal(Exception):
    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, settings: Settings, port: int, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.settings = settings
        self._certificate = certificate

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """With a certificate every visitor is met with it as it lies there now: it is renewed.

        The handshake is left to the visitor's own thread.
        """
        visitor, address = super().get_request()
        if self._certificate is None:
            return visitor, address
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._certificate.with_name("key.pem"))
        return context.wrap_socket(
            visitor, server_side=True, do_handshake_on_connect=False
        ), address

    def handle_error(self, request: object, client_address: object) -> None:
        """A visitor that left in the middle of an answer is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "prep-console-embedded"
    sys_version = ""
    timeout = 30
    disable_nagle_algorithm = True

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if self.command not in {"GET", "HEAD"}:
            self.close_connection = True  # its body is not read
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, None)
            return False
        return True

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        live: pointer.Live | None = None
        try:
            path = _plain(self.path.partition("?")[0])
            live = pointer.read(self.server.settings.root / "public")
            found = self._file(path, live)
        except _Refusal as refusal:
            self._refuse(refusal.status, live)
            return
        if isinstance(found, str):
            self._head(HTTPStatus.MOVED_PERMANENTLY, live, 0, {"Location": found})
            return
        self._send(found, live)

    def _file(self, path: str, live: pointer.Live) -> Path | str:
        """The file that answers, or where to go instead; _Refusal when there is none."""
        settings = self.server.settings
        prefix = settings.publication.estado_prefix
        if path.startswith(prefix):
            kind = re.fullmatch(r"estado\.(json|html)", path.removeprefix(prefix))
            if kind is None or not live.estado:
                raise _Refusal(HTTPStatus.NOT_FOUND)
            return settings.root / "public" / "estado" / f"{live.estado}.{kind[1]}"
        if live.cut is None or not _CUT.fullmatch(live.cut):
            raise _Refusal(HTTPStatus.SERVICE_UNAVAILABLE)
        site = settings.root / "cuts" / live.cut / "site"
        if path == "/" and not (site / "index.html").is_file():
            return settings.root / "public" / "estado" / f"{live.estado}.html"
        found = site / path.lstrip("/")
        if path.endswith("/"):
            return found / "index.html"
        if found.is_dir():
            raw, sign, query = self.path.partition("?")
            return f"{raw}/{sign}{query}"
        return found

    def _send(self, path: Path, live: pointer.Live) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except PermissionError:
            self._refuse(HTTPStatus.FORBIDDEN, live)
            return
        except (OSError, ValueError):
            self._refuse(HTTPStatus.NOT_FOUND, live)
            return
        with os.fdopen(descriptor, "rb") as file:
            known = os.fstat(descriptor)
            if not stat.S_ISREG(known.st_mode):
                self._refuse(HTTPStatus.NOT_FOUND, live)
                return
            etag = f'"{known.st_ino:x}-{known.st_size:x}-{known.st_mtime_ns // 1000:x}"'
            fields = {"ETag": etag, "Last-Modified": formatdate(known.st_mtime, usegmt=True)}
            asked = {tag.strip() for tag in self.headers.get("If-None-Match", "").split(",")}
            # If-Modified-Since is not looked at: a rollback turns dates back.
            if etag in asked or f"W/{etag}" in asked or "*" in asked:
                self._head(HTTPStatus.NOT_MODIFIED, live, None, fields)
                return
            kind = _TYPES.get(path.suffix.lower())
            self._head(
                HTTPStatus.OK,
                live,
                known.st_size,
                fields | ({"Content-Type": kind} if kind else {}),
            )
            if self.command == "GET":
                while chunk := file.read(_CHUNK):
                    self.wfile.write(chunk)

    def _refuse(self, status: HTTPStatus, live: pointer.Live | None) -> None:
        body = self._notice(status).encode()
        fields = {"Content-Type": "text/html; charset=utf-8"}
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            fields["Retry-After"] = "30"
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            fields["Allow"] = "GET, HEAD"
        self._head(status, live, len(body), fields)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _notice(self, status: HTTPStatus) -> str:
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            return nothing_live(self.server.settings)
        said = html.escape(_SAID[status])
        return f'<!doctype html><meta charset="utf-8"><title>PREP</title><p>{said}</p>'

    def _head(
        self,
        status: HTTPStatus,
        live: pointer.Live | None,
        length: int | None,
        fields: dict[str, str],
    ) -> None:
        publication = self.server.settings.publication
        self.send_response(status)
        self.send_header("Cache-Control", "no-store" if status >= 400 else "no-cache")
        if live is not None:
            self.send_header("X-Prep-Cut", live.cut or "-")
            self.send_header("X-Prep-Estado", str(live.estado))
        if self.server.settings.station.phase == "simulacro":
            self.send_header("X-Prep-Phase", "simulacro")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header(
            "Access-Control-Expose-Headers", "ETag, X-Prep-Cut, X-Prep-Estado, X-Prep-Phase"
        )
        portals = " ".join(["'self'", *publication.frame_ancestors])
        named = portals if publication.frame_ancestors else "*"
        self.send_header("Content-Security-Policy", f"frame-ancestors {named}")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in fields.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing to the terminal: the console draws there."""


def _plain(raw: str) -> str:
    """The decoded path of a request; _Refusal for one that leaves, hides or cannot be a name."""
    if "%2f" in raw.lower():
        raise _Refusal(HTTPStatus.NOT_FOUND)
    decoded = os.fsdecode(unquote_to_bytes(raw))
    if not decoded.startswith("/") or "\0" in decoded:
        raise _Refusal(HTTPStatus.BAD_REQUEST)
    parts = PurePosixPath(re.sub("/+", "/", decoded)).parts
    if ".." in parts:
        raise _Refusal(HTTPStatus.BAD_REQUEST)
    return "/".join(["", *parts[1:]]) + ("/" if decoded.endswith("/") and parts[1:] else "") or "/"


@contextmanager
def serving(settings: Settings, port: int = 0, *, certificate: Path | None = None) -> Iterator[int]:
    """Serve the station on loopback until the block ends; gives the port. OSError when taken.

    Over TLS with ``certificate``, whose key lies beside it as ``key.pem``.
    """
    with _Server(settings, port, certificate) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
