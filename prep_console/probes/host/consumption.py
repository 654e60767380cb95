"""How fast something is used up: free space on the disk, bytes of the line's hourly budget."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 1800.0
"""How far back consumption is measured: six cuts, so one big cut is no trend."""


class Consumption:
    """How fast a stock goes down, from what it was over the last half hour."""

    def __init__(self, settled_s: float, window_s: float = _WINDOW_S) -> None:
        """``settled_s``: below this length of record nothing is forecast (a cut comes in a
        burst, so less than one cadence would call every cut a trend)."""
        self._settled_s = settled_s
        self._window_s = window_s
        self._record: deque[tuple[float, float]] = deque()

    def note(self, at_s: float, left: float) -> None:
        """``left`` of the stock at the monotonic ``at_s``."""
        self._record.append((at_s, left))
        while len(self._record) > 2 and self._record[1][0] <= at_s - self._window_s:
            self._record.popleft()

    def per_s(self) -> float | None:
        """Consumption per second (negative: it grows); None while the record is too short."""
        if not self._record:
            return None
        (first_s, first), (last_s, last) = self._record[0], self._record[-1]
        if last_s - first_s < max(self._settled_s, 1.0):
            return None
        return (first - last) / (last_s - first_s)

    def lasts_s(self) -> float | None:
        """Seconds until nothing is left at that rate; None when unknown, or when it will last."""
        rate = self.per_s()
        return self._record[-1][1] / rate if rate is not None and rate > 0 else None
