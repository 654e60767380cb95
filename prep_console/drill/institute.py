"""The simulated institute: it writes deliveries into the drop folder and does nothing else.

As a process of its own (``python -m prep_console.drill.institute``) it delivers a night cut after
cut: two archives each, the second one slowly and in pieces under a temporary name, as an upload
over a long line arrives.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from prep_console.cuts.stamps import Stamp
from prep_console.drill.nights import Night, cut_files, night_from, put, synthetic_night

STEP = timedelta(minutes=5)
"""Twelve cuts an hour."""
_PIECES = 8


def stamps_of(night: Night) -> Iterator[Stamp]:
    """The stamps of a night at five-minute steps; the last one is the final cut's own."""
    moment = night.opens + STEP
    while moment < night.closes:
        yield Stamp(moment)
        moment += STEP
    yield Stamp(night.closes)


def deliver(
    folder: Path,
    night: Night,
    stamp: Stamp,
    *,
    slow_s: float = 0.0,
    wait: Callable[[float], object] | None = None,
    in_place: bool = False,
) -> dict[str, bytes]:
    """One cut into the drop folder; the last archive takes ``slow_s``. What was delivered.

    ``wait`` passes a number of seconds; a true answer breaks the upload off, as a lost line does.
    ``in_place``: the slow archive grows under its final name, as some clients write.
    """
    files = cut_files(night, stamp)
    *quick, last = files
    for name in quick:
        put(folder / name, files[name])
    path = folder / last
    part = path if in_place else path.with_name(f".{last}.{os.getpid():06d}")
    upload(path, part, files[last], slow_s, wait or threading.Event().wait)
    return files


def upload(
    path: Path, part: Path, data: bytes, seconds: float, wait: Callable[[float], object]
) -> bool:
    """Write ``part`` piece by piece, then rename it to ``path``; False when it was broken off."""
    size = -(-len(data) // _PIECES)
    with part.open("wb") as file:
        for start in range(0, len(data), size):
            file.write(data[start : start + size])
            file.flush()
            if seconds and wait(seconds / _PIECES):
                return False
    part.replace(path)
    return True


def main(arguments: list[str] | None = None) -> int:
    """Deliver a night until it ends, or somebody ends us, or our parent is gone."""
    parser = argparse.ArgumentParser(prog="institute")
    parser.add_argument("folder", type=Path, help="drop folder")
    parser.add_argument("--every", type=float, default=20.0, help="seconds from cut to cut")
    parser.add_argument("--cuts", type=int, help="how many; the whole night without it")
    parser.add_argument("--from", dest="source", type=Path, help="a final cut to derive from")
    parser.add_argument("--opens", type=datetime.fromisoformat, help="of the synthetic night")
    chosen = parser.parse_args(arguments)

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: ended.set())
    parent = os.getppid()

    def wait(seconds: float) -> bool:
        """Wait that long; True as soon as we should end."""
        return ended.wait(seconds) or os.getppid() != parent

    night = night_from(chosen.source) if chosen.source else synthetic_night(chosen.opens)
    for count, stamp in enumerate(stamps_of(night)):
        if count == chosen.cuts:
            break
        slow_s = min(chosen.every / 3, 8.0)
        deliver(chosen.folder, night, stamp, slow_s=slow_s, wait=wait)
        if wait(chosen.every - slow_s):
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
