"""How the screen ends when the terminal, not the person, decides: always, and without spinning.

Textual's input thread reads a vanished terminal for ever (measured: a whole core after a dropped
session without SIGHUP), and its writes block the event loop when nobody reads the terminal. So
the signals are handled here, the terminal itself is watched, and an end that cannot be polite
within two seconds is made anyway. Nothing is lost by that: this process publishes nothing.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import termios
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from textual._xterm_parser import XTermParser
from textual.constants import ESCAPE_DELAY
from textual.drivers.linux_driver import LinuxDriver

from prep_console.console.pasting import Pasting

POLITE_S = 2.0
"""Time for the app to restore the terminal by itself."""
_LEFT = (
    b"\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1004l"  # a frame, pasting, wrap, size, focus
    b"\x1b[<u\x1b[?1049l\x1b[?25h"  # the keyboard, the screen, the cursor
)
"""Ends all that Textual's driver begins."""
_READ_BYTES = 4096
_TICK_S = 0.1
"""How long to wait after input before looking whether an ESC stands alone."""
_TICKS_S = 1.0 + ESCAPE_DELAY
"""How long after input that is asked; then nothing is until more comes."""


class QuietDriver(LinuxDriver):
    """Textual's driver, except that a terminal that is gone ends the input thread at once.

    The watch in :class:`Endings` sees the hang-up and ends the app; here it is no error. And
    what is pasted is cleaned before it is read (:mod:`prep_console.console.pasting`). And a new
    size is read in the loop: handlers of signals nest, and of two sizes in a row the older one
    was told last and stayed. And nobody wakes ten times a second for keys that do not come.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def start_application_mode(self) -> None:
        start: Callable[[], None] = super().start_application_mode  # which comes without types
        start()
        resized = signal.getsignal(signal.SIGWINCH)
        assert callable(resized)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGWINCH, resized, signal.SIGWINCH, None)

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except OSError:
            self.exit_event.set()

    def disable_input(self) -> None:
        """The input thread, which may be waiting for a key, is told before it is waited for."""
        os.eventfd_write(self._wake, 1)
        super().disable_input()
        with suppress(BlockingIOError):  # a signal came in between, and did the same
            os.eventfd_read(self._wake)  # there may be another start

    def run_input_thread(self) -> None:
        parser, pasting = XTermParser(self._debug), Pasting()
        decode = getincrementaldecoder("utf-8")("replace").decode
        ticks_until = 0.0
        while not self.exit_event.is_set():
            ticking = time.monotonic() < ticks_until
            waits = [self.fileno, self._wake]
            ready, _, _ = select.select(waits, [], [], _TICK_S if ticking else None)
            if self.fileno in ready:
                read = os.read(self.fileno, _READ_BYTES)
                if not read:  # a terminal that is gone is ready for ever
                    return
                if text := pasting.cleaned(decode(read)):  # nothing would be the end of all input
                    for event in parser.feed(text):
                        self.process_message(event)
                ticks_until = time.monotonic() + _TICKS_S
            for event in parser.tick():
                self.process_message(event)


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
