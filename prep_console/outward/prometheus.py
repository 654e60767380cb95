"""A snapshot as Prometheus reads it: every reading, every alarm, what is public, how late.

States are numbers as in the Nagios convention: 0 ok, 1 warning, 2 critical, 3 unknown. Names of
readings, of their figures and of alarms come from the program and the settings; the little that
a delivery can name (an election) is cut off at ``_MOST``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from prep_console.snapshot import AlarmView, Reading, Snapshot

STATES = ("ok", "warning", "critical", "unknown")

_MOST = 500
"""Most series of one family, and most figures of one reading."""
_LONGEST = 100
_WORDS = frozenset(
    {"standby", "starting", "running", "failed"}
    | {"mains", "generator", "battery", "none"}
    | {"up", "down", "seen", "configured", "missing"}
)
"""Values that are words of a fixed choice; other texts (an address, a time) would make a new
series each time."""


def exposition(snapshot: Snapshot, dropped: Mapping[str, int]) -> bytes:
    """The whole page. ``dropped``: what was given up since the start, by what it was."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(snapshot, dropped))
    return generate_latest(registry)


class _Page(Collector):
    """One page's families, made once and thrown away."""

    def __init__(self, snapshot: Snapshot, dropped: Mapping[str, int]) -> None:
        self._snapshot = snapshot
        self._dropped = dropped

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry need not ask twice for what it gets."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All families of the page."""
        yield from _readings(self._snapshot.readings)
        yield from _alarms(self._snapshot.alarms)
        yield from _station(self._snapshot)
        yield _family(
            "dropped_total",
            "Given up since the engine started",
            ["what"],
            (([what], float(count)) for what, count in self._dropped.items()),
        )


def _readings(readings: Mapping[str, Reading]) -> Iterator[Metric]:
    named = sorted(readings.items())
    yield _family(
        "reading",
        "Value of a reading, where it is a number",
        ["reading", "unit"],
        (
            ([name, reading.unit], value)
            for name, reading in named
            if (value := _number(reading.value)) is not None
        ),
    )
    yield _family(
        "reading_word",
        "1 for the word that a reading is",
        ["reading", "word"],
        (
            ([name, reading.value], 1.0)
            for name, reading in named
            if isinstance(reading.value, str) and reading.value in _WORDS
        ),
    )
    yield _family(
        "reading_state",
        "0 ok, 1 warning, 2 critical, 3 unknown",
        ["reading"],
        (([name], float(STATES.index(reading.state))) for name, reading in named),
    )
    yield _family(
        "reading_observed_timestamp_seconds",
        "When it was looked at last",
        ["reading"],
        (([name], reading.observed_at.timestamp()) for name, reading in named),
    )
    yield _family(
        "reading_detail",
        "Figures behind a reading",
        ["reading", "figure"],
        (
            ([name, figure], value)
            for name, reading in named
            for figure, told in sorted(reading.detail.items())
            if (value := _number(told)) is not None
        ),
    )


def _alarms(alarms: tuple[AlarmView, ...]) -> Iterator[Metric]:
    labels = ["alarm", "subject"]
    facts = (
        ("alarm_severity", "1 warning, 2 critical", lambda a: STATES.index(a.severity)),
        ("alarm_since_timestamp_seconds", "From when on", lambda a: a.since.timestamp()),
        ("alarm_acknowledged", "1 when somebody has", lambda a: a.acknowledged_by is not None),
        ("alarm_shelved", "1 while it is kept quiet", lambda a: a.shelved_until is not None),
        ("alarm_flapping", "1 when it comes and goes", lambda a: a.flapping),
    )
    for name, told, fact in facts:
        yield _family(name, told, labels, (([a.id, a.subject], float(fact(a))) for a in alarms))
    yield _family(
        "alarms",
        "Alarms in force",
        ["severity"],
        (
            ([severity], float(sum(alarm.severity == severity for alarm in alarms)))
            for severity in ("warning", "critical")
        ),
    )


def _station(snapshot: Snapshot) -> Iterator[Metric]:
    live, served, engine = snapshot.live, snapshot.served, snapshot.engine
    yield _single("live", "1 when a cut is public", float(live is not None))
    yield _single(
        "live_stamp_timestamp_seconds",
        "Hour of the public cut",
        _time(live.cut.stamp if live else None),
    )
    yield _single(
        "live_since_timestamp_seconds", "When it went live", _time(live.since if live else None)
    )
    modes = ("auto", "hold", "frozen") if snapshot.mode_is_known else ()
    yield _family(
        "mode",
        "1 for the mode",
        ["mode"],
        (([mode], float(mode == snapshot.mode)) for mode in modes),
    )
    yield _single("rehearsal", "1 in a simulacro", float(snapshot.phase == "simulacro"))
    yield _single("late_seconds", "Past the hour of the next cut", snapshot.late_s)
    yield _single("cuts", "Sealed cuts", float(len(snapshot.cuts)))
    yield _single("waiting_cuts", "Newer than the public one", float(snapshot.waiting_cuts))
    yield _single(
        "served_ok",
        "1 when visitors get the live cut",
        None if served is None else float(served.ok),
    )
    yield _single("engine_alive", "1 while an engine leads", float(bool(engine.alive)))
    yield _single("engine_heartbeat_age_seconds", "Since its last sign", engine.heartbeat_age_s)
    yield _single(
        "observed_timestamp_seconds", "When this page was put together", _time(snapshot.observed_at)
    )
    yield _single(
        "readable", "1 when the station can be read in full", float(snapshot.read_error is None)
    )


def _family(
    name: str, told: str, labels: list[str], samples: Iterable[tuple[list[str], float]]
) -> Metric:
    family = GaugeMetricFamily(f"prep_{name}", told, labels=labels)
    for values, number in islice(samples, _MOST):
        family.add_metric([_label(value) for value in values], number)
    return family


def _single(name: str, told: str, value: float | None) -> Metric:
    """Without a sample when it is not known: 0 would be a claim."""
    return _family(name, told, [], [] if value is None else [([], value)])


def _label(text: str) -> str:
    """Of a bounded length, and UTF-8 whatever a file was called."""
    return text[:_LONGEST].encode("utf-8", "replace").decode()


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def _time(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
