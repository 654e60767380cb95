"""``station new``: the night so far is archived whole, and the station begins afresh."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from prep_console.journal.actor import Actor
from prep_console.problems import Refused
from prep_console.publication import lock
from prep_console.publication.archive import finish
from prep_console.publication.settle import refresh_estado, settle
from prep_console.publication.station import Station
from prep_console.wording import N_, sentence


def begin_afresh(
    station: Station, *, actor: Actor, reason: str = "", take_over: bool = False
) -> Path:
    """Take the live cut down and move everything to ``archive/<time>/``; the folder.

    Refused while an engine runs (its work would be of the night before) and while frozen.
    """
    station.prepare()
    if lock.is_held(station.leader_lock):
        raise Refused(
            sentence(N_("an engine is running on this station")),
            sentence(N_("stop it first: systemctl stop prep-console")),
        )
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    with station.acting("station new", take_over=take_over) as ledger:
        state = settle(ledger)
        if state.mode == "frozen":
            raise Refused(
                sentence(N_("cut {cut} is frozen as the final one"), cut=state.live or "-"),
                sentence(N_("thaw first, if this is really wanted")),
            )
        ledger.append([("archived", {"archive": name, "reason": reason})], actor)
        finish(ledger)
        refresh_estado(ledger)
    station.reserve()
    return station.root / "archive" / name
