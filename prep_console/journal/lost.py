"""What a line that cannot be trusted any more may have been: a person's word to publish nothing.

One of the program's own lines is lost without harm: the station goes on as it was. But a hold
whose line lost one bit must not be undone by a program, so where such a line may have stood,
publishing goes on hold until a person decides.
"""

from __future__ import annotations

import re

_KIND = re.compile(rb'"kind":"([a-z-]+)","prev":"')
_BY_RULE = b'"person":false'

_STOPS_NOTHING = frozenset({
    "accepted", "sealed", "dropped", "set-aside", "refused", "overridden", "parked",
    "done", "abandoned", "failed", "served", "release", "accept-from",
    "format", "repaired", "pruned", "archived", "station", "segment", "recovered",
    "raised", "escalated", "eased", "cleared", "acknowledged", "shelved", "unshelved",
})  # fmt: skip
"""Kinds without which publishing would go on as it does. A decision whose ``done`` is lost is
found by what the pointer says."""


def may_have_stopped(raw: bytes) -> bool:
    """Whether a decision to publish nothing by itself may stand in this broken line.

    So also when it cannot be read at all.
    """
    kinds = _KIND.findall(raw)
    kind = kinds[-1].decode() if kinds else ""
    if kind == "intent":  # of the rules: what is public says whether it was carried out
        return _BY_RULE not in raw
    return kind not in _STOPS_NOTHING
