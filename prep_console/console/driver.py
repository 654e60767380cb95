"""Between the terminal and the app: keys, pastes and sizes on their way in."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from textual._xterm_parser import XTermParser
from textual.constants import ESCAPE_DELAY
from textual.drivers.linux_driver import LinuxDriver

from prep_console.console.pasting import Pasting

_READ_BYTES = 4096
_TICK_S = 0.1
"""How long to wait after input before looking whether an ESC stands alone."""
_TICKS_S = 1.0 + ESCAPE_DELAY
"""How long after input that is asked; then nothing is until more comes."""


class QuietDriver(LinuxDriver):
    """Textual's driver, except for four things.

    A terminal that is gone ends the input thread at once: Textual's reads it for ever (measured: a
    whole core after a dropped session without SIGHUP). The watch in
    :class:`~prep_console.console.endings.Endings` sees the hang-up and ends the app.

    What is pasted is cleaned before it is read (:mod:`prep_console.console.pasting`).

    A new size is read in the loop: handlers of signals nest, and of two sizes in a row the older
    one was told last and stayed.

    Nobody wakes ten times a second for keys that do not come.
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
