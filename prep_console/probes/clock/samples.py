"""The best of a server's last answers, so that one late packet is no false alarm.

An answer that waited in a queue, in one direction only, errs by half its wait: on a line that
carries a night's visitors that is tens of milliseconds. Its bound says so, and among the last
answers the one with the smallest bound tells most (the clock filter of RFC 5905, section 10).

Answers are compared by CLOCK_MONOTONIC_RAW, the one clock that nobody slews: what our clock was
corrected by since an answer came does not count against it.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from prep_console.probes.clock.majority import LEAST_BOUND_S
from prep_console.probes.clock.ntp import Answer
from prep_console.values import replace

_KEPT = 8
_KEPT_S = 300.0
_DRIFT = 100e-6
"""What an uncorrected oscillator runs wrong at most, in seconds a second; RFC 5905 allows 15e-6,
for a clock that is corrected."""


def unslewed() -> float:
    """Seconds by the bare oscillator."""
    return time.clock_gettime(time.CLOCK_MONOTONIC_RAW)


@dataclass(frozen=True, slots=True)
class _Sample:
    raw_s: float
    """When, by the oscillator."""
    ahead_s: float
    """The server's time - the oscillator's."""
    answer: Answer

    def bound_s(self, raw_s: float) -> float:
        """How far the truth may be away from it at ``raw_s``."""
        return self.answer.bound_s + _DRIFT * (raw_s - self.raw_s)


class Samples:
    """The last answers of one server."""

    def __init__(self) -> None:
        self._last: deque[_Sample] = deque(maxlen=_KEPT)

    def best(self, answer: Answer, wall_s: float, raw_s: float) -> Answer:
        """The answer that tells most of the offset now, ``answer`` being the newest.

        ``wall_s`` and ``raw_s``: our time and the oscillator's, right after it came. The server
        jumped, or we slept, where an older answer contradicts the newest: then it is dropped.
        """
        newest = _Sample(raw_s, answer.offset_s + wall_s - raw_s, answer)
        agreeing = [
            old for old in self._last if raw_s - old.raw_s <= _KEPT_S and _agree(old, newest, raw_s)
        ]
        self._last = deque([*agreeing, newest], maxlen=_KEPT)
        best = min(self._last, key=lambda sample: sample.bound_s(raw_s))
        return replace(
            answer,
            offset_s=best.ahead_s - (wall_s - raw_s),
            bound_s=best.bound_s(raw_s),
            delay_s=best.answer.delay_s,
        )


def _agree(old: _Sample, newest: _Sample, raw_s: float) -> bool:
    apart_s = abs(old.ahead_s - newest.ahead_s)
    return apart_s <= old.bound_s(raw_s) + newest.answer.bound_s + LEAST_BOUND_S
