"""``station new``: the night so far is archived whole, and the station begins afresh."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from prep_console.config import Settings
from prep_console.journal.actor import Actor
from prep_console.problems import Refused
from prep_console.publication import estado, lock
from prep_console.publication.archive import finish
from prep_console.publication.pointer import Live
from prep_console.publication.retention import must_retain
from prep_console.publication.settle import refresh_estado, settle
from prep_console.publication.station import Ledger, Station
from prep_console.wording import N_, sentence


def begin_afresh(
    station: Station, *, actor: Actor, reason: str = "", take_over: bool = False
) -> Path:
    """Take the live cut down and move everything to ``archive/<time>/``; the folder.

    Refused while an engine runs (its work would be of the night before), while frozen, and from
    the opening until ``retain_until``: what is archived is no longer public.
    """
    station.prepare()
    if lock.is_held(station.leader_lock):
        raise Refused(
            sentence(N_("an engine is running on this station")),
            sentence(N_("stop it first: systemctl stop prep-console")),
        )
    now = datetime.now(UTC)
    _refuse_before_its_time(station.settings, now)
    name = now.strftime("%Y%m%dT%H%M%S%fZ")
    with (
        lock.held(station.intake_lock, "station new"),  # nobody seals into what moves away
        station.acting("station new", take_over=take_over, decides=True) as ledger,
    ):
        state = settle(ledger)
        if state.mode == "frozen":
            raise Refused(
                sentence(
                    N_("not done: cut {cut} is frozen as the final one"), cut=state.live or "-"
                ),
                sentence(N_("thaw first, if this is really wanted")),
            )
        done = _take_down(ledger, actor, reason) if state.live is not None else []
        ledger.append([*done, ("archived", {"archive": name, "reason": reason})], actor)
        finish(ledger)
        refresh_estado(ledger)
    station.reserve()
    return station.root / "archive" / name


def _refuse_before_its_time(settings: Settings, now: datetime) -> None:
    election = settings.election
    opened = election.opens is not None and now >= election.opens
    if opened and settings.station.phase == "jornada" and must_retain(settings, now):
        raise Refused(
            sentence(
                N_("not done: the results must stay public until {date}"),
                date=f"{election.retain_until:%Y-%m-%d}",
            ),
            sentence(N_("change retain_until in the settings first, if this is really wanted")),
        )


def _take_down(ledger: Ledger, actor: Actor, reason: str) -> list[tuple[str, Mapping[str, object]]]:
    """Nothing live, by a switch like any other; the line that closes it.

    Before the archive is decided, never after: what the public still gets must be a cut that the
    journal knows. A crash in between leaves nothing live and publishing on hold.
    """
    station, number = ledger.station, ledger.station.live().estado + 1
    intent: dict[str, object] = {
        "action": "station new",
        "estado": number,
        "from": ledger.state.live,
        "to": None,
        "mode": "hold",
        "reason": reason,
        "withdraws": [],
        "person": True,
    }
    (line,) = ledger.append([("intent", intent)], actor)
    ledger.write_estado(number, estado.describe(station.settings, ledger.state, None))
    ledger.write_pointer(Live(None, number))
    return [("done", {"intent": line.seq})]
