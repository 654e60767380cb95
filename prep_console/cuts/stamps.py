"""The time of a cut, as the institute writes it, and the name a cut has from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, total_ordering
from zoneinfo import ZoneInfo

_CUT_ID = re.compile(r"(\d{8}_\d{4})(?:\.([1-9]\d{0,3}))?", re.ASCII)

MOST_AHEAD = timedelta(minutes=10)
"""What clocks may differ before a stamp lies in the future."""


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """Wall time of a cut at the station, to the minute; no zone, compared as written.

    A zone is needed only for ages (:meth:`at`). ``(UTC-5)`` beside it in a file is ignored:
    real files hard-code a wrong one.
    """

    wall: datetime

    def __post_init__(self) -> None:
        if self.wall.tzinfo is not None:
            raise ValueError("a stamp is wall time, it has no zone")
        object.__setattr__(self, "wall", self.wall.replace(second=0, microsecond=0))

    @classmethod
    def of(cls, compact: str) -> Stamp:
        """Read ``20240602_2005``; ValueError when that is no date and time."""
        if not re.fullmatch(r"\d{8}_\d{4}", compact, re.ASCII):
            raise ValueError(f"not a stamp: {compact!r}")
        day, time = compact.split("_")
        return cls(datetime.fromisoformat(f"{day}T{time}"))

    def __str__(self) -> str:
        return f"{self.wall.year:04}{self.wall:%m%d_%H%M}"  # %Y does not fill up the year 199

    def at(self, zone: ZoneInfo) -> datetime:
        """This moment as an aware time in the station's zone."""
        return self.wall.replace(tzinfo=zone)

    def __sub__(self, other: Stamp) -> timedelta:
        return self.wall - other.wall


@total_ordering
@dataclass(frozen=True, slots=True)
class CutId:
    """``20240602_2005``, or ``20240602_2005.2`` for its second revision."""

    stamp: Stamp
    revision: int = 1

    @classmethod
    def of(cls, text: str) -> CutId:
        """Read an id, which is also a folder name; ValueError when it is none."""
        return _cut_id(text)

    def __str__(self) -> str:
        return str(self.stamp) if self.revision == 1 else f"{self.stamp}.{self.revision}"

    def __lt__(self, other: CutId) -> bool:
        return (self.stamp, self.revision) < (other.stamp, other.revision)


@lru_cache(maxsize=4096)
def _cut_id(text: str) -> CutId:
    """A night's few hundred ids are put in order again and again: each is read once."""
    match = _CUT_ID.fullmatch(text)
    if match is None or match[2] == "1":
        raise ValueError(f"not a cut id: {text!r}")
    return CutId(Stamp.of(match[1]), int(match[2] or 1))
