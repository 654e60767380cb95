"""``cuts``: the sealed cuts, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from prep_console import dates
from prep_console.reports.document import SCHEMA, iso
from prep_console.snapshot import CutView
from prep_console.wording import N_, say


def cuts_json(cuts: Iterable[CutView], zone: ZoneInfo) -> dict[str, Any]:
    """``cuts --json``."""
    return {
        "schema": SCHEMA,
        "cuts": [
            {
                "id": cut.id,
                "stamp": iso(cut.stamp.astimezone(zone)),
                "state": cut.state,
                "received_at": iso(cut.received_at),
                "verified_at": iso(cut.verified_at),
                "sealed_at": iso(cut.sealed_at),
                "published_at": iso(cut.published_at),
                "served_at": iso(cut.served_at),
                "bytes": cut.bytes,
                "warnings": cut.warnings,
                "why": cut.revision_of,
                "counted": cut.counted,
                "parts": [
                    {
                        "election": p.election,
                        "stamp": iso(p.stamp.astimezone(zone)),
                        "carried": p.carried,
                    }
                    for p in cut.parts
                ],
            }
            for cut in cuts
        ],
    }


def cut_lines(cuts: Iterable[CutView], zone: ZoneInfo) -> Iterable[str]:
    """``cuts`` for a person."""
    words = {
        "live": N_("public"),
        "previous": N_("previous"),
        "kept": N_("kept"),
        "withdrawn": N_("withdrawn"),
        "final": N_("final"),
    }
    for cut in cuts:
        warnings = f"  ▲{cut.warnings}" if cut.warnings else ""
        counted = "-" if cut.counted is None else f"{cut.counted:,}"
        yield (
            f"{cut.id:<18} {dates.minute(cut.stamp.astimezone(zone)):<18}  "
            f"{say(words[cut.state]):<10} {counted:>8} {cut.bytes:>13,} B{warnings}"
        )
