"""Which of several servers to believe: where the intervals of more than half of them meet.

Marzullo's algorithm as in RFC 5905 (11.2.1): each server claims that the true offset lies within
its bound around its own; truth lies where most claims overlap, and who does not reach there
lies. One liar among three is found out. Of two that disagree nobody can say which one lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LEAST_BOUND_S = 0.005
"""Servers this near to one another agree: what they say of their own error is an estimate,
and a tenth of the warning threshold changes nothing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A server says that the offset is ``offset_s``, give or take ``bound_s``."""

    offset_s: float
    bound_s: float

    @property
    def low_s(self) -> float:
        return self.offset_s - max(self.bound_s, LEAST_BOUND_S)

    @property
    def high_s(self) -> float:
        return self.offset_s + max(self.bound_s, LEAST_BOUND_S)


@dataclass(frozen=True, slots=True)
class Majority:
    believed: str
    """The one with the smallest bound among those that agree."""
    agreeing: tuple[str, ...]
    liars: tuple[str, ...]


def majority(claims: Mapping[str, Claim]) -> Majority | None:
    """Who agrees, by server; None when no more than half of them agree on anything.

    A single server is believed, as there is nobody to say otherwise.
    """
    meetings: set[frozenset[str]] = set()
    # the overlap of most claims begins where one of them begins
    for start in {claim.low_s for claim in claims.values()}:
        there = frozenset(n for n, c in claims.items() if c.low_s <= start <= c.high_s)
        if 2 * len(there) > len(claims):
            meetings.add(there)
    if not meetings:
        return None
    most = max(map(len, meetings))
    largest = [meeting for meeting in meetings if len(meeting) == most]
    # where two groups are as large (a chain: A meets B, B meets C), none of them is called a liar
    agreeing = frozenset().union(*largest)
    in_each = largest[0].intersection(*largest) or agreeing
    return Majority(
        believed=min(sorted(in_each), key=lambda name: claims[name].bound_s),
        agreeing=tuple(name for name in claims if name in agreeing),
        liars=tuple(name for name in claims if name not in agreeing),
    )
