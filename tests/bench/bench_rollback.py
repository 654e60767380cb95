"""From a person's confirmation to the first HTTP response with the old cut.

A real Apache, a visitor in a process of its own, and a fresh station for every action, as each
command makes one. The cut was looked over while the person decided, as in the console and by a
command that asks. ``--yes`` leaves no time for that and looks at every file after the
confirmation, which is a row of its own. The same at rest, while large deliveries are being
received, for a small and a large cut, and for a store with two cuts and one with a whole night.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from prep_console.publication import actions
from tests import nights
from tests.bench.figure import NO_BOUND, Figure, percentile, seconds
from tests.bench.grounds import (
    ACTOR,
    FULL_NIGHT,
    IMAGE,
    LARGE,
    MEGABYTE,
    Served,
    fill,
    full_night,
    newest_live,
    scratch,
    served,
    take,
    tree,
)
from tests.bench.visitor import Visitor, visiting
from tests.processes import ended

ROLLBACKS = 200
_UNSEEN = "files, nobody looked"
_LATER = "20240604_0600"
"""A stamp after the whole night's: what is received while somebody rolls back."""
_CACHES = b"x" * (32 * MEGABYTE)
"""More than a processor keeps close by."""


def rows() -> list[Figure]:
    """The rollback rows."""
    with scratch() as folder, visiting() as visitor:
        (first, second), night = nights.stamps(count=2), full_night()
        with (
            served(folder / "night") as whole_night,
            served(folder / "small") as small,
            served(folder / "large") as large,
            served(folder / "files") as files,
        ):
            fill(whole_night.box, folder, night[:-2])
            fill(whole_night.box, folder, night[-2:], size=MEGABYTE)
            fill(small.box, folder, (first, second), size=MEGABYTE)
            fill(large.box, folder, (first, second), size=LARGE)
            for stamp in (first, second):
                site = tree(folder / stamp, stamp, images=LARGE // IMAGE, changed=50)
                take(files.box, site)
            newest = {"night": night[-1], "small": second, "large": second, "files": second}
            grounds = {"night": whole_night, "small": small, "large": large, "files": files}
            rest, flushes = _in_turns(visitor, grounds, newest, folder / "witness")
            busy, received = _while_receiving(visitor, whole_night, night[-1], folder)
    return _told(rest, flushes, busy, received)


def _told(
    rest: Mapping[str, Sequence[float]],
    flushes: Sequence[float],
    busy: Sequence[float],
    received: int,
) -> list[Figure]:
    of = f"{ROLLBACKS} rollbacks, {FULL_NIGHT} cuts stored"
    witness = percentile([1000 * value for value in flushes], 99)
    at_rest = f"{of}; a bare append + fsync between them, four of which it needs: p99 {witness:.3g}"
    medians = {name: statistics.median(times) for name, times in rest.items()}
    ratio = {name: medians[name] / medians["small"] for name in medians}
    told = {name: f"{1000 * medians[name]:.1f} ms" for name in medians}
    while_receiving = f"rollback while {LARGE // MEGABYTE} MB are received"
    return [
        *_percentiles("rollback at rest", rest["night"], 50.0, f"{at_rest} ms"),
        *_percentiles(while_receiving, busy, 500.0, f"{of}, {received} received meanwhile"),
        Figure(
            "rollback, cut of 250 MB : of 1 MB",
            ratio["large"],
            1.2,
            "x",
            f"medians {told['large']} : {told['small']}",
        ),
        Figure(
            "rollback, cut of 250 MB in 6,250 files : 1 MB in two",
            ratio["files"],
            1.2,
            "x",
            f"medians {told['files']} : {told['small']}",
        ),
        Figure(
            "rollback --yes, cut of 250 MB in 6,250 files : 1 MB in two, looked over before",
            ratio[_UNSEEN],
            NO_BOUND,
            "x",
            f"medians {told[_UNSEEN]} : {told['small']}; every file is looked at first",
        ),
        Figure(
            f"rollback, {FULL_NIGHT} stored cuts : 2",
            ratio["night"],
            1.2,
            "x",
            f"medians {told['night']} : {told['small']}",
        ),
    ]


def _percentiles(name: str, times: Sequence[float], bound: float, note: str) -> list[Figure]:
    ms = [1000 * value for value in times]
    return [
        Figure(f"{name}: p50", percentile(ms, 50), NO_BOUND, "ms", note),
        Figure(f"{name}: p99", percentile(ms, 99), bound, "ms"),
        Figure(f"{name}: max", max(ms), NO_BOUND, "ms"),
    ]


def _in_turns(
    visitor: Visitor, grounds: Mapping[str, Served], newest: Mapping[str, str], witness: Path
) -> tuple[dict[str, list[float]], list[float]]:
    """The stations one after the other, again and again: the machine's noise meets all alike.

    And a bare flush each time: when that is slow, the disk was not at rest.
    """
    times: dict[str, list[float]] = {name: [] for name in (*grounds, _UNSEEN)}
    flushes: list[float] = []
    with witness.open("ab", buffering=0) as file:
        for _ in range(ROLLBACKS):
            for name, ground in grounds.items():
                times[name].append(rolled_back(visitor, ground, newest[name]))
                if name == "files":
                    times[_UNSEEN].append(rolled_back(visitor, ground, newest[name], look=False))
                file.write(b"x")
                flushes.append(seconds(partial(os.fsync, file.fileno())))
    return times, flushes


def rolled_back(visitor: Visitor, ground: Served, newest: str, *, look: bool = True) -> float:
    """Seconds until the visitor has the cut before ``newest``, which is then published again."""
    state = ground.box.station.state()
    earlier = max(cut for cut in state.cuts if cut < newest)
    visitor.watch(ground.port, earlier)
    looked = actions.look_ahead(ground.box.station) if look else None
    assert looked is not None or not look
    _deciding()
    confirmed = time.monotonic()
    outcome = actions.rollback(ground.box.station, actor=ACTOR, reason="bench", looked=looked)
    assert outcome.to_cut == earlier, outcome
    after = visitor.seen() - confirmed
    newest_live(ground.box, newest)
    return after


def _deciding() -> None:
    """What the seconds in which a person decides do to the processor's caches.

    Without it a rollback right behind a look at two files found its code there, and one behind a
    look at 6,250 did not: 0.3 ms that nobody waits for.
    """
    assert _CACHES.count(b"-") == 0


def _while_receiving(
    visitor: Visitor, ground: Served, newest: str, folder: Path
) -> tuple[list[float], int]:
    delivery = folder / "again"
    delivery.mkdir()
    big = nights.padded(delivery, _LATER, size=LARGE, entry=IMAGE)["DIP_LOC"]
    count = folder / "received"
    receiver = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.receiving", ground.box.file, big, count]
    )
    try:
        while not count.exists():  # the first one is in: it has loaded and is at work
            assert receiver.poll() is None
            rolled_back(visitor, ground, newest)
        begun = count.stat().st_size
        times = [rolled_back(visitor, ground, newest) for _ in range(ROLLBACKS)]
        assert receiver.poll() is None, "the receiver ended before the rollbacks"
        return times, count.stat().st_size - begun
    finally:
        ended(receiver)
