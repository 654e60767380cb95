"""The worst night on an accelerated clock: how many alarms, how soon, at what cost."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.alarms.worst_night import play
from tests.bench.figure import Figure

_NIGHTS = 3


def rows() -> Iterator[Figure]:
    """The worst figure of three nights whose noise differs."""
    began = time.process_time()
    nights = [play(seed) for seed in range(1, _NIGHTS + 1)]
    took = time.process_time() - began
    hours = sum(night.hours for night in nights)
    what = f"{hours / _NIGHTS:.0f} h in steps of 1 s, {_NIGHTS} times"
    most = max(night.most_in_ten_minutes for night in nights)
    yield Figure("worst night: most alarms in any 10 minutes", most, 10.0, "alarms", what)
    an_hour = max(night.an_hour for night in nights)
    raised = ", ".join(str(len(night.raised)) for night in nights)
    yield Figure("worst night: alarms an hour", an_hour, 6.0, "alarms", f"raised: {raised}")
    returns = max(night.most_returns_in_a_minute for night in nights)
    note = "one alarm raised and cleared so often within any minute"
    yield Figure("worst night: most comings and goings in a minute", returns, 2.0, "times", note)
    told = [one for night in nights for one in night.told]
    late = sum(len(night.late) for night in nights)
    note = f"of {len(told)} scripted faults; delays as in docs/alarms.md, plus one look of a probe"
    yield Figure(
        "worst night: faults announced after their stated delay", late, 0.0, "faults", note
    )
    share = took / (hours * 3600)
    yield Figure(
        "one step of the alarms", share * 1e6, 2000.0, "µs", "each second; 10 ms is 1 % of a core"
    )
