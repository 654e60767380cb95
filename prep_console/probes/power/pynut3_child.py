"""The process in which pynut3 lives: a question a line on stdin, an answer a line on stdout.

Run as a file that imports nothing of ours: pynut3 is GPL-3.0-only, takes over the root logger
while it is imported, needs /dev/log for that, and blocks. What stays the library's own: its
handshake, its checks of commands, its reading of upsd's lines. What is replaced: its transport,
which drives the program ``telnet``, waits 2 s after each command whatever came, and takes
``ERR DATA-STALE`` for an answer without news, so that old values look like new ones. Here a plain
socket reads to the end of each answer, within a deadline and a size, and ``ERR`` is an error.
Each question is a new client: its ``update()`` fails at a variable that was not there at first.

Question: ``{"host", "port", "ups", "look_s", "answer_bytes"}``. Answer: ``{"variables": {…}}``,
``{"refused": WORD}`` or ``{"failed": KIND, "text": …}``, KIND being one of ``reach`` (with
``errno``), ``name``, ``silent``, ``cut off``, ``too long``, ``not upsd``.
"""

from __future__ import annotations

import ctypes
import json
import logging
import logging.handlers
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class _QuietSyslog(logging.NullHandler):
    """In the place of SysLogHandler while pynut3 is imported: wants no /dev/log."""

    LOG_DAEMON = logging.handlers.SysLogHandler.LOG_DAEMON

    def __init__(self, **_settings: object) -> None:
        super().__init__()


@contextmanager
def _logging_left_alone() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    syslog = logging.handlers.SysLogHandler
    vars(logging.handlers)["SysLogHandler"] = _QuietSyslog
    try:
        yield
    finally:
        vars(logging.handlers)["SysLogHandler"] = syslog
        root.handlers[:] = handlers
        root.setLevel(level)


with _logging_left_alone():
    from pynut3 import PyNUT3Client, PyNUT3Error

_PR_SET_PDEATHSIG = 1


class _RefusedError(Exception):
    """upsd said ``ERR`` and the word that is the text."""


class _CutOffError(Exception):
    """The connection ended before the answer did."""


class _TooLongError(Exception):
    """More bytes than any answer of upsd has."""


class _NotUpsdError(Exception):
    """Another protocol."""


class _Client(PyNUT3Client):
    """pynut3 over a plain socket, for one UPS; what it read is in ``devices[ups]["vars"]``."""

    def __init__(self, host: str, port: int, ups: str, end_s: float, answer_bytes: int) -> None:
        self._ups = ups
        self._end_s = end_s
        self._allowed = answer_bytes
        self._asked = ""
        self._unread = b""
        self._socket: socket.socket | None = None
        try:
            super().__init__(host, port)
        finally:
            self._disconnect()

    def _connect(self) -> None:
        self._socket = socket.create_connection((self._host, self._port), self._left_s())

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _left_s(self) -> float:
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s

    def _write(self, wstring: str) -> None:
        assert self._socket is not None
        self._asked = wstring
        self._socket.settimeout(self._left_s())
        self._socket.sendall(wstring.encode("ascii") + b"\n")

    def _read(self, timeout: int = 0) -> list[str]:
        """The whole answer to what was asked last; ``timeout`` is the library's, not ours."""
        lines = [self._line()]
        if lines[0].startswith("ERR "):
            raise _RefusedError(lines[0][4:])
        if self._asked.startswith("LIST "):
            if lines[0] != f"BEGIN {self._asked}":
                raise _NotUpsdError
            while lines[-1] != f"END {self._asked}":
                lines.append(self._line())
        return lines

    def _line(self) -> str:
        assert self._socket is not None
        while b"\n" not in self._unread:
            self._socket.settimeout(self._left_s())
            more = self._socket.recv(4096)
            if not more:
                raise _CutOffError
            self._allowed -= len(more)
            if self._allowed < 0:
                raise _TooLongError
            self._unread += more
        line, self._unread = self._unread.split(b"\n", 1)
        return line.decode("ascii")

    def _get_devices(self) -> dict[str, dict[str, str]]:
        """The one that is asked for: a stale neighbour on the same upsd hides no other."""
        return {self._ups: {"description": ""}}

    def _get_commands(self, device: str) -> dict[str, str]:
        """None: nothing is ever commanded."""
        return {}

    def _get_vars(self, device: str, sub: str) -> dict[str, list[str]]:
        """Those to read; whether they could be written is nobody's business here."""
        return super()._get_vars(device, sub) if sub == "VAR" else {}


def _answer(host: str, port: int, ups: str, look_s: float, answer_bytes: int) -> dict[str, object]:
    try:
        client = _Client(host, port, ups, time.monotonic() + look_s, answer_bytes)
    except _RefusedError as exc:
        return {"refused": str(exc)}
    except _TooLongError:
        return {"failed": "too long"}
    except _CutOffError:
        return {"failed": "cut off"}
    except TimeoutError:
        return {"failed": "silent"}
    except (socket.gaierror, UnicodeEncodeError):
        return {"failed": "name"}
    except OSError as exc:
        return {"failed": "reach", "errno": exc.errno or 0}
    except (_NotUpsdError, PyNUT3Error, ValueError, IndexError) as exc:
        return {"failed": "not upsd", "text": repr(exc)[:200]}
    return {"variables": {name: held[0] for name, held in client.devices[ups]["vars"].items()}}


def main() -> None:
    """Answer until stdin ends, or the process that asks does."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for question in sys.stdin:
        sys.stdout.write(json.dumps(_answer(**json.loads(question))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
