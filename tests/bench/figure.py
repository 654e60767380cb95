"""A measured figure, and how the noise of a busy machine is kept out of it."""

from __future__ import annotations

import math
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

NO_BOUND = float("inf")
"""For a figure that is told and not judged."""
DID_NOT_RUN = float("nan")
"""Measured, where it could not be: that holds no bound. The note says why."""


class Figure(NamedTuple):
    """Held when ``measured <= bound``."""

    name: str
    measured: float
    bound: float
    unit: str
    note: str = ""

    @property
    def held(self) -> bool:
        return self.measured <= self.bound

    @property
    def ran(self) -> bool:
        return not math.isnan(self.measured)


def percentile(values: Sequence[float], of_100: float) -> float:
    """The smallest value that ``of_100`` % of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * of_100 // 100).__int__() - 1)]


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def run(*command: str | Path) -> float:
    """Seconds that one command takes, from its start to its end; it must succeed."""
    return seconds(
        lambda: subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True
        )
    )


def median_ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Median of the ratios of runs that were made one after the other: what the machine did
    meanwhile touched both."""
    return statistics.median(ours / theirs for ours, theirs in pairs)


def spread(values: Sequence[float]) -> str:
    """``median (lowest to highest)`` for a note."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"
