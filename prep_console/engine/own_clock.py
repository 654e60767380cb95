"""Whether our own clock is known to be right; then a cut from the future is not our fault."""

from __future__ import annotations

from collections.abc import Mapping

from prep_console.snapshot import Reading

OFFSET = "clock.offset"


def is_known_right(readings: Mapping[str, Reading]) -> bool:
    """Whether time servers were heard lately and agree with us to less than the critical offset.

    ``readings`` are fresh ones: a stale one is unknown already.
    """
    offset = readings.get(OFFSET)
    return offset is not None and offset.state in {"ok", "warning"}
