"""Which lines of the record are decisions of people."""

from __future__ import annotations

from prep_console.journal.chain import Line

_DECISIONS = {
    "hold",
    "release",
    "freeze",
    "thaw",
    "accept-from",
    "overridden",
    "acknowledged",
    "shelved",
    "unshelved",
    "archived",
}


def is_decision(line: Line) -> bool:
    """A person's: what the engine publishes or takes from the shelf by its rules is none."""
    if line.kind == "intent":
        return line.data.get("person") is True
    return line.kind in _DECISIONS and line.data.get("why") != "time"
