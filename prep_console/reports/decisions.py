"""What an action did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prep_console.reports.document import SCHEMA
from prep_console.wording import N_, say

if TYPE_CHECKING:
    from prep_console.publication.actions import Outcome


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """What an action did."""
    return {
        "schema": SCHEMA,
        "action": outcome.action,
        "changed": outcome.changed,
        "from": outcome.from_cut,
        "to": outcome.to_cut,
        "mode": outcome.mode,
        "seen": outcome.seen,
        "seen_after_s": outcome.seen_after_s,
    }


def outcome_line(outcome: Outcome) -> str:
    """What an action did, for a person."""
    told = str(outcome.told)
    if outcome.seen is True and outcome.seen_after_s is not None:
        return (
            told
            + " · "
            + say(N_("seen by a visitor after {ms} ms"), ms=round(outcome.seen_after_s * 1000))
        )
    if outcome.seen is False:
        return told + " · " + say(N_("durable, but not yet seen over HTTP: look at the web server"))
    return told
