"""A small upsd for machines without NUT: the same lines, nobody's UPS.

It answers what clients here ask (VER, PROTVER, HELP, LIST UPS|VAR|RW|CMD, GET VAR, LOGOUT) as
upsd 2.8 does, ``ERR`` and its words included, and proves nothing: that is the real one's part.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Mapping
from contextlib import suppress

from prep_console.wording import N_, Sentence, sentence

_LINE_BYTES = 1024
"""upsd takes no longer line either."""


class EmbeddedUpsd:
    """See :class:`~prep_console.drill.peers.nut.UpsServer`."""

    real = False
    told: Sentence = sentence(N_("UPSes: a small server of the program's own, in the place of NUT"))

    def __init__(self, upses: Mapping[str, Mapping[str, object]]) -> None:
        self.variables = {ups: {n: str(v) for n, v in held.items()} for ups, held in upses.items()}
        self.errors: dict[str, str] = {}
        """Of each UPS that is not well: the word of its ERR."""
        self.answers = threading.Event()
        """Clear while it hangs."""
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self.port = 0
        self.thaw()
        self.start()

    def address(self, ups: str) -> str:
        return f"{ups}@127.0.0.1:{self.port}"

    def set(self, ups: str, **variables: object) -> None:
        with self._lock:
            self.variables[ups].update({name: str(value) for name, value in variables.items()})

    def lose(self, ups: str) -> None:
        self.errors[ups] = "DRIVER-NOT-CONNECTED"

    def stall(self, ups: str) -> None:
        self.errors[ups] = "DATA-STALE"

    def restore(self, ups: str) -> None:
        self.errors.pop(ups, None)

    def freeze(self) -> None:
        self.answers.clear()

    def thaw(self) -> None:
        self.answers.set()

    def start(self) -> None:
        self._server = _Server(self, self.port)
        self.port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True, name="upsd"
        ).start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            server.break_off()

    def close(self) -> None:
        self.thaw()
        self.stop()

    def said(self, line: str) -> str:
        """The answer to one line."""
        match line.split():
            case ["VER"]:
                return "Network UPS Tools upsd (embedded) - rehearsal only\n"
            case ["PROTVER"] | ["NETVER"]:
                return "1.3\n"
            case ["HELP"]:
                return "Commands: HELP VER GET LIST LOGOUT\n"
            case ["LIST", "UPS"]:
                return _listed("UPS", [f'UPS {ups} "rehearsal"\n' for ups in self.variables])
            case ["LIST", ("VAR" | "RW" | "CMD") as what, ups]:
                return self._error(ups) or _listed(f"{what} {ups}", self._variables(what, ups))
            case ["GET", "VAR", ups, name]:
                return self._error(ups) or self._variable(ups, name)
            case ["GET" | "LIST", *_]:
                return "ERR INVALID-ARGUMENT\n"
        return "ERR UNKNOWN-COMMAND\n"

    def _error(self, ups: str) -> str:
        if ups not in self.variables:
            return "ERR UNKNOWN-UPS\n"
        return f"ERR {self.errors[ups]}\n" if ups in self.errors else ""

    def _variables(self, what: str, ups: str) -> list[str]:
        if what != "VAR":
            return []
        with self._lock:
            return [
                f'VAR {ups} {name} "{_quoted(value)}"\n'
                for name, value in sorted(self.variables[ups].items())
            ]

    def _variable(self, ups: str, name: str) -> str:
        value = self.variables[ups].get(name)
        if value is None:
            return "ERR VAR-NOT-SUPPORTED\n"
        return f'VAR {ups} {name} "{_quoted(value)}"\n'


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, upsd: EmbeddedUpsd, port: int) -> None:
        self.upsd = upsd
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Conversation)

    def note(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def break_off(self) -> None:
        """End every conversation, as a killed upsd does."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left in the middle is no news."""


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server
    connection: socket.socket

    def handle(self) -> None:
        self.server.note(self.connection)
        try:
            while line := self.rfile.readline(_LINE_BYTES):
                self.server.upsd.answers.wait()
                asked = line.decode("ascii", "replace").strip()
                if asked == "LOGOUT":
                    self.wfile.write(b"OK Goodbye\n")
                    return
                self.wfile.write(self.server.upsd.said(asked).encode("ascii", "replace"))
        finally:
            self.server.forget(self.connection)


def _listed(what: str, lines: list[str]) -> str:
    return f"BEGIN LIST {what}\n{''.join(lines)}END LIST {what}\n"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
