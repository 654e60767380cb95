"""``resync``: take what the sources hold, and compare every byte of the live cut."""

from __future__ import annotations

import select
from dataclasses import dataclass

from prep_console.intake.drop import Arrival, DropFolder
from prep_console.intake.receive import receive
from prep_console.intake.sealing import assemble_due
from prep_console.journal.actor import Actor
from prep_console.problems import Failed
from prep_console.publication import lock
from prep_console.publication.repair import Repair, compare_and_repair
from prep_console.publication.settle import settle_if_open
from prep_console.publication.station import Station
from prep_console.wording import N_, Sentence, sentence

_PATIENCE_S = 2.0
_PAUSE_S = 0.2
_ROUNDS = 150
"""With --wait: half a minute for what is still arriving."""


@dataclass(frozen=True, slots=True)
class Resync:
    """What a resync found and did."""

    received: tuple[str, ...]
    """Cuts sealed from the drop folder."""
    refused: tuple[str, ...]
    repair: Repair | None
    told: Sentence

    @property
    def ok(self) -> bool:
        return self.repair is None or not self.repair.lost

    def as_json(self) -> dict[str, object]:
        repair = self.repair
        return {
            "schema": 1,
            "received": list(self.received),
            "refused": list(self.refused),
            "compared": None
            if repair is None
            else {
                "cut": repair.cut,
                "files": repair.checked,
                "repaired": list(repair.repaired),
                "lost": list(repair.lost),
            },
        }


def resync(station: Station, *, actor: Actor, wait: bool = False) -> Resync:
    """Never twice at once: Refused, naming who does it, while another one runs."""
    station.prepare()
    settle_if_open(station)
    with lock.held(station.run / "resync.lock", "resync", patience_s=_PATIENCE_S):
        # Compared before anything is taken: what was delivered again is a good copy to repair from.
        repair = _compare(station, actor)
        received, refused = _take_dropped(station, actor, wait)
    return Resync(tuple(received), tuple(refused), repair, _told(received, repair))


def _compare(station: Station, actor: Actor) -> Repair | None:
    live = station.live().cut
    if live is None:
        return None
    try:
        return compare_and_repair(station, live, [station.settings.drop_folder], actor)
    except (OSError, ValueError) as error:
        raise Failed(
            sentence(N_("cut {cut} cannot be compared: {error}"), cut=live, error=str(error)),
            sentence(N_("roll back to a cut that is whole")),
        ) from error


def _take_dropped(station: Station, actor: Actor, wait: bool) -> tuple[list[str], list[str]]:
    folder = DropFolder(station.settings.drop_folder, 0.0)
    before = set(station.state().cuts)
    refused: list[str] = []
    for _ in range(_ROUNDS if wait else 1):
        arrivals = _looked(folder, station)
        for arrival in arrivals:
            if not folder.ready(arrival):
                continue
            receipt = receive(station, arrival.path, actor=actor, source="resync", dropped=True)
            folder.note(arrival, receipt)
            if receipt.quarantined is not None:
                refused.append(receipt.quarantined)
        if not any(not folder.ready(a) for a in arrivals):
            break
        if wait:
            select.select([], [], [], _PAUSE_S)
    assemble_due(station, actor=actor)
    if not station.state().waiting:
        folder.remove_sealed()
    return sorted(set(station.state().cuts) - before), refused


def _looked(folder: DropFolder, station: Station) -> list[Arrival]:
    try:
        return folder.look()
    except OSError as error:
        raise Failed(
            sentence(
                N_("the drop folder cannot be read: {error}"),
                error=f"{error.strerror}: {error.filename or station.settings.drop_folder}",
            ),
            sentence(N_("check who owns it and its permissions")),
        ) from error


def _told(received: list[str], repair: Repair | None) -> Sentence:
    if repair is not None and repair.lost:
        return sentence(
            N_("{n} files of cut {cut} are damaged and no good copy is here: {names}"),
            n=len(repair.lost),
            cut=repair.cut,
            names=", ".join(repair.lost[:5]),
        )
    if repair is not None and repair.repaired:
        return sentence(
            N_("{n} files of cut {cut} were damaged and are repaired: {names}"),
            n=len(repair.repaired),
            cut=repair.cut,
            names=", ".join(repair.repaired[:5]),
        )
    if received:
        return sentence(N_("received: {cuts}"), cuts=", ".join(received))
    if repair is not None:
        return sentence(
            N_("nothing newer; all {n} files of cut {cut} are as delivered"),
            n=repair.checked,
            cut=repair.cut,
        )
    return sentence(N_("nothing was found, and nothing is live"))
