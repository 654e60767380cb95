"""``python -m tests.bench.relay FD FD MS``: packets from either descriptor to the other, MS later.

Both are TUN devices, one packet a read. It dies with the process that started it.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from collections import deque
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_LARGEST = 65_536
_MOST = 4096
"""Packets on their way in one direction; a line's buffer is finite."""


def main(first: int, second: int, delay_s: float) -> None:
    """Until it is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    on_their_way: deque[tuple[float, int, bytes]] = deque()
    other = {first: second, second: first}
    poll = select.epoll()
    for end in other:
        poll.register(end, select.EPOLLIN)
    while True:
        wait_s = on_their_way[0][0] - time.monotonic() if on_their_way else -1
        # epoll counts whole milliseconds and waits too long: the last one is spent looking
        ready = poll.poll(max(0.0, wait_s - 0.001) if on_their_way else -1)
        due = time.monotonic() + delay_s
        for end, _ in ready:
            with suppress(BlockingIOError):
                while True:
                    packet = os.read(end, _LARGEST)
                    if len(on_their_way) < _MOST:
                        on_their_way.append((due, other[end], packet))
        now = time.monotonic()
        while on_their_way and on_their_way[0][0] <= now:
            _, end, packet = on_their_way.popleft()
            with suppress(OSError):  # no room there: lost, as on any line
                os.write(end, packet)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000)
