"""The one worker that reads the station: once a second, off the event loop, for the app's life.

A plain daemon thread, not a pool: a read that hangs (a dead network disk) must keep neither the
screen from saying so nor the process from ending.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from prep_console.snapshot import Snapshot

PERIOD_S = 1.0


class Reader:
    """Calls ``source`` once a second and hands each snapshot, or what went wrong, to ``deliver``.

    ``deliver`` is called in the reader's thread. :meth:`soon` asks for a read right now.
    """

    def __init__(
        self,
        source: Callable[[], Snapshot],
        deliver: Callable[[Snapshot | BaseException], None],
        period_s: float = PERIOD_S,
    ) -> None:
        self._source = source
        self._deliver = deliver
        self._period_s = period_s
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="station-reader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def soon(self) -> None:
        """Read again without waiting for the next second."""
        self._wake.set()

    def stop(self) -> None:
        """Read no more. Does not wait: a hung read ends with the process."""
        self._stopped = True
        self._wake.set()

    def _run(self) -> None:
        next_at = time.monotonic()
        while not self._stopped:
            self._wake.clear()
            try:
                found: Snapshot | BaseException = self._source()
            except Exception as error:  # told on the screen; the next read may be well again
                found = error
            if self._stopped:
                return
            self._deliver(found)
            next_at = max(next_at + self._period_s, time.monotonic())
            self._wake.wait(max(0.0, next_at - time.monotonic()))
