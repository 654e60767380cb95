"""How the screen ends when the terminal, not the person, decides: always, and without spinning.

Textual's writes block the event loop when nobody reads the terminal. So the signals are handled
here, the terminal itself is watched, and an end that cannot be polite within two seconds is made
anyway. Nothing is lost by that: this process publishes nothing.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

POLITE_S = 2.0
"""Time for the app to restore the terminal by itself."""
_LEFT = (
    b"\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1004l"  # a frame, pasting, wrap, size, focus
    b"\x1b[<u\x1b[?1049l\x1b[?25h"  # the keyboard, the screen, the cursor
)
"""Ends all that Textual's driver begins."""


class Endings:
    """Ends the app on SIGHUP, SIGTERM and a vanished terminal.

    ``leave`` asks the app to exit (called from any thread). The exit code of a signal is
    128 + its number, of a vanished terminal that of SIGHUP.
    """

    def __init__(self, leave: Callable[[int], None]) -> None:
        self._leave = leave
        self._saved: list[Any] | None = None
        self._ending = False

    def install(self) -> None:
        """From here on both signals and the terminal's end are handled."""
        if sys.__stdin__ is not None and sys.__stdin__.isatty():
            self._saved = termios.tcgetattr(sys.__stdin__.fileno())
            watch = threading.Thread(target=self._watch_terminal, daemon=True)
            watch.start()
        for number in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, self._signalled)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self.end(128 + number)

    def _watch_terminal(self) -> None:
        poll = select.poll()
        poll.register(0, select.POLLHUP | select.POLLERR)
        poll.poll()
        self.end(128 + signal.SIGHUP)

    def end(self, code: int) -> None:
        """Leave politely, and for certain after ``POLITE_S`` seconds."""
        if self._ending:
            return
        self._ending = True
        last = threading.Timer(POLITE_S, self._end_now, [code])
        last.daemon = True
        last.start()
        self._leave(code)

    def _end_now(self, code: int) -> None:
        try:
            if self._saved is not None:
                termios.tcsetattr(0, termios.TCSANOW, self._saved)
                _leave_screen()
        except termios.error:
            code = 128 + signal.SIGHUP  # no terminal is left to restore
        finally:
            os._exit(code)


def _leave_screen() -> None:
    """What the app would have written, unless nobody reads the terminal."""
    with suppress(OSError, ValueError):
        if sys.__stderr__ is not None:
            file = sys.__stderr__.fileno()
            if file in select.select([], [file], [], 0)[1]:
                os.write(file, _LEFT)
