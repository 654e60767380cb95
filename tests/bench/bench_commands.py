"""``status`` and ``rollback`` as whole commands, start-up included, on a night of 288 cuts."""

from __future__ import annotations

import sys

from tests.bench.figure import Figure, median_ratio, run, spread
from tests.bench.grounds import FULL_NIGHT, fill, full_night, newest_live, scratch, served
from tests.stations import PROGRAM

_TIMES = 25
_BOUND = 15.0


def rows() -> list[Figure]:
    """Each command right after a bare Python, so that the machine's noise meets both."""
    stamps = full_night()
    status: list[tuple[float, float]] = []
    rollback: list[tuple[float, float]] = []
    with scratch() as folder, served(folder / "station") as ground:
        fill(ground.box, folder, stamps)
        command = (PROGRAM, "--config", ground.box.file)
        for _ in range(_TIMES):
            bare = run(sys.executable, "-c", "pass")
            status.append((run(*command, "status"), bare))
            bare = run(sys.executable, "-c", "pass")
            rollback.append((run(*command, "rollback", "--yes", "--reason", "bench"), bare))
            newest_live(ground.box, stamps[-1])
    return [_figure("status", status), _figure("rollback", rollback)]


def _figure(name: str, pairs: list[tuple[float, float]]) -> Figure:
    ours = spread([1000 * pair[0] for pair in pairs])
    theirs = spread([1000 * pair[1] for pair in pairs])
    return Figure(
        f"{name} as a whole command, {FULL_NIGHT} cuts stored",
        median_ratio(pairs),
        _BOUND,
        "x python -c pass",
        f"{ours} ms : {theirs} ms",
    )
