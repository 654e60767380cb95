"""What is known of a reading beside its value: kept when it changes, for who looks back later.

Numbers among the details wander with every look. One that is within a twentieth of what was
written is not written again, so a detail read back is that near to the truth, and at most five
minutes old where it stood still.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from prep_console.snapshot import Detail, Reading, ReadingState

_NEAR = 0.05
_SLOW_S = 15
"""Older than this when it was sampled: the instrument is looked at more seldom than samples."""
_LONGEST = 200
_DETAILS = 60

_AGE_S = 2.0
"""Ages of two looks that need no new fact."""

Fact = Mapping[str, Any]
"""``unit``, ``error``, ``detail``, and when it was looked at: ``age_s`` before each sample, or
``observed_at`` (of the epoch) where several samples show one look."""


def fact_of(reading: Reading, second: int) -> Fact:
    """What is to be kept of a reading that is sampled at ``second`` (of the epoch)."""
    observed = reading.observed_at.timestamp()
    age_s = max(0.0, second - observed)
    return {
        "unit": reading.unit,
        "error": _short(reading.error),
        "detail": {
            name: _short(value)
            for name, value in list(reading.detail.items())[:_DETAILS]
            if not (isinstance(value, float) and not math.isfinite(value))
        },
        "observed_at": None if age_s < _SLOW_S else round(observed),
        "age_s": round(age_s, 1) if age_s < _SLOW_S else None,
    }


def differ(before: Fact, after: Fact) -> bool:
    """Whether somebody who looks back would miss something."""
    if any(before[name] != after[name] for name in ("unit", "error", "observed_at")):
        return True
    if after["age_s"] is not None and abs(before["age_s"] - after["age_s"]) > _AGE_S:
        return True
    old, new = before["detail"], after["detail"]
    return old.keys() != new.keys() or any(not _near(old[name], new[name]) for name in new)


def encoded(fact: Fact) -> str:
    """As it stands in the database."""
    return msgspec.json.encode({k: v for k, v in fact.items() if v is not None}).decode()


def reading_of(
    body: str | None, value: float | str | None, state: ReadingState, sampled_at: datetime
) -> Reading:
    """The reading again, from its sample and what was written of it; a body may be foreign."""
    fact: Fact = {}
    if body is not None:
        try:
            said = msgspec.json.decode(body)
            fact = said if isinstance(said, dict) else {}
        except ValueError:
            fact = {}
    detail, error = fact.get("detail"), fact.get("error")
    return Reading(
        value=value,
        unit=str(fact.get("unit", "")),
        state=state,
        observed_at=_observed(fact, sampled_at),
        error=str(error) if error is not None else None,
        detail={
            str(name): one
            for name, one in (detail if isinstance(detail, dict) else {}).items()
            if isinstance(one, str | int | float | None)
        },
    )


def _observed(fact: Fact, sampled_at: datetime) -> datetime:
    observed, age_s = fact.get("observed_at"), fact.get("age_s")
    if isinstance(observed, int) and 0 <= observed <= sampled_at.timestamp():
        return datetime.fromtimestamp(observed, UTC)
    if isinstance(age_s, int | float) and 0 <= age_s <= _SLOW_S:
        return sampled_at - timedelta(seconds=age_s)
    return sampled_at


def _short(value: Detail) -> Detail:
    return value[:_LONGEST] if isinstance(value, str) else value


def _near(old: Detail, new: Detail) -> bool:
    a, b = _number(old), _number(new)
    if a is None or b is None:
        return old == new
    return abs(b - a) <= _NEAR * abs(a)


def _number(value: Detail) -> float | None:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_one and value is not None else None
