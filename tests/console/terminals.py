"""Real terminals for tests: a tmux of one's own, and a bare pty whose other end a test holds."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from rich.cells import cell_len

from tests.waiting import wait_until

CHECKOUT = Path(__file__).parents[2]
_STYLE = r"\x1b\[[\d;]*m"
_LINE = re.compile(rf"\x1b\[(\d+);1H((?:[^\x1b]|{_STYLE})*)")
"""A line that is painted from its first cell on."""


class Tmux:
    """One tmux server with one window that runs a command; ended with the block."""

    def __init__(
        self,
        socket: Path,
        command: Sequence[object],
        size: tuple[int, int] = (80, 24),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._socket = socket
        self._command = [str(part) for part in command]
        self._size = size
        self._environment = {"LANG": "C.UTF-8", "COLORTERM": "", **(environment or {})}

    def __enter__(self) -> Self:
        width, height = self._size
        settings = [f"-e{name}={value}" for name, value in self._environment.items()]
        self.tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height),
            "-c", str(CHECKOUT), *settings, *self._command,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(
            ["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False
        )

    def tmux(self, *arguments: str) -> str:
        """One tmux command; what it printed."""
        # readline, which pytest loads, sets LINES and COLUMNS behind Python's back: a child that
        # inherited them would take every terminal for one of 80 by 24
        ran = subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ),
        )
        return ran.stdout

    @property
    def pid(self) -> int:
        """Of the command in the window."""
        return int(self.tmux("display-message", "-p", "#{pane_pid}"))

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def rows(self) -> list[str]:
        return self.tmux("capture-pane", "-p").splitlines()

    def text(self) -> str:
        """What is on screen, blanks and line ends counted as one blank."""
        return " ".join(self.tmux("capture-pane", "-p").split())

    def see(self, text: str, timeout_s: float = 15.0) -> None:
        """Wait until ``text`` is on screen."""
        wait_until(
            lambda: text in self.text(),
            timeout_s,
            lambda: f"{text!r} appears:\n{self.tmux('capture-pane', '-p')}",
        )


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Pty:
    """A command on a pty that nothing else holds; ``received`` is what it wrote.

    It is no controlling terminal, so closing it sends no SIGHUP: a dropped session. ``controls``
    makes it one, as a login does.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        size: tuple[int, int] = (80, 24),
        environment: Mapping[str, str | None] | None = None,
        *,
        controls: bool = False,
    ) -> None:
        """None as the value of a variable: it is not set."""
        self.started = time.monotonic()
        self.received = bytearray()
        self.arrivals: list[tuple[float, int]] = []
        """(monotonic time, bytes received until then), one per read."""
        self.size = size
        self.master, slave = pty.openpty()
        self._set_size(slave, size)
        base = {k: v for k, v in os.environ.items() if k not in ("COLORTERM", "LC_ALL", "NO_COLOR")}
        given = {**base, "TERM": "xterm-256color", "LANG": "C.UTF-8", **(environment or {})}
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            cwd=CHECKOUT,
            env={name: value for name, value in given.items() if value is not None},
            preexec_fn=_take_terminal if controls else None,
        )
        self.slave: int | None = slave
        self._reading = threading.Event()
        self._reading.set()
        self._closed = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(5)

    def _read(self) -> None:
        while not self._closed:
            self._reading.wait()
            try:
                ready, _, _ = select.select([self.master], [], [], 0.05)
                if ready and self._reading.is_set():
                    self.received += os.read(self.master, 65536)
                    self.arrivals.append((time.monotonic(), len(self.received)))
            except (OSError, ValueError):
                return

    def attributes(self) -> list[object]:
        """The terminal's modes (echo, canonical, ...)."""
        assert self.slave is not None
        return list(termios.tcgetattr(self.slave)[:4])

    def forget_slave(self) -> None:
        """Leave the command alone with its end, as a terminal does."""
        if self.slave is not None:
            os.close(self.slave)
            self.slave = None

    @staticmethod
    def _set_size(end: int, size: tuple[int, int]) -> None:
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def resize(self, size: tuple[int, int]) -> None:
        """Columns and rows from now on; where it controls, the kernel tells the command."""
        self.size = size
        self._set_size(self.master, size)

    def stop_reading(self) -> None:
        """The line is full from here on."""
        self._reading.clear()

    def read_on(self) -> None:
        """Take what waits, and what comes."""
        self._reading.set()

    def is_full(self) -> bool:
        """Whether something waits to be read that nobody takes, and no more comes."""
        waits = self._waiting()
        threading.Event().wait(0.3)
        return 0 < waits == self._waiting()

    def _waiting(self) -> int:
        held = bytearray(4)
        fcntl.ioctl(self.master, termios.FIONREAD, held)
        return int(struct.unpack("i", held)[0])

    def abandon(self) -> None:
        """The other end is gone, and what waited there was never read."""
        self._closed = True
        self.forget_slave()
        os.close(self.master)
        self._reading.set()

    def drop(self) -> None:
        """The other end is gone."""
        if not self._closed:
            self._closed = True
            self._reading.set()
            self._reader.join(2)
            self.forget_slave()
            os.close(self.master)

    def received_at(self, count: int) -> float:
        """Monotonic time at which ``count`` bytes had been received."""
        return next(at for at, total in self.arrivals if total >= count)

    def write(self, data: bytes) -> None:
        os.write(self.master, data)

    def painted(self) -> list[str]:
        """The lines of a screen of just its size, from the first to the last; none while one of
        them is missing."""
        width, height = self.size
        found: dict[int, str] = {}
        for at, styled in _LINE.findall(self.received.decode("utf-8", "replace")):
            line = re.sub(_STYLE, "", styled).rstrip("\r\n")
            if cell_len(line) == width:
                found[int(at)] = line
        lines = [found.get(y, "") for y in range(1, height + 1)]
        return lines if all(lines) else []

    @property
    def text(self) -> str:
        """What was written, without escape sequences."""
        plain = re.sub(rb"\x1b(\[[0-?]*[ -/]*[@-~]|[()].|[=>])", b"", bytes(self.received))
        return plain.decode("utf-8", "replace")
