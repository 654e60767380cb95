"""Moving a whole night out of the way: store, journal and quarantine under ``archive/<time>/``.

The ``archived`` line decides, and nothing is live by then. From then on the station is empty, and
whatever a crash left behind is moved by the next command before it looks at anything else.
"""

from __future__ import annotations

from pathlib import Path

from prep_console import durable
from prep_console.journal.actor import program
from prep_console.publication.station import Ledger, Station

_BEFORE_JOURNAL = ("cuts", "quarantine", "staging")


def finish(ledger: Ledger) -> None:
    """Carry out what the last ``archived`` line says. Each step may have been done before."""
    name = ledger.state.archiving
    if name is None:
        return
    station, head = ledger.station, ledger.state.position
    archive = station.root / "archive" / name
    archive.mkdir(parents=True, exist_ok=True)
    for folder in _BEFORE_JOURNAL:
        if (station.root / folder).is_dir() and not (archive / folder).exists():
            (station.root / folder).rename(archive / folder)
    (station.run / "state.json").unlink(missing_ok=True)
    _flush(archive, station)
    station.journal.parent.rename(archive / "journal")
    _flush(archive, station)
    ledger.begin_again()
    durable.sync_folder(station.root)  # its folders are new
    data = {"archive": name, "seq": head.seq, "hash": head.hash}
    ledger.append([("station", data)], program("recovery"))


def _flush(archive: Path, station: Station) -> None:
    for changed in (archive, archive.parent, station.root):
        durable.sync_folder(changed)


def holder_of(station: Station, cut: str) -> Station:
    """The station itself, or the newest archived night that has ``cut``; only to be read."""
    if cut in station.state().cuts:
        return station
    for archive in sorted(station.root.glob("archive/*"), reverse=True):
        if (archive / "cuts" / cut).is_dir():
            kept = Station(station.settings)
            kept.root, kept.cuts, kept.run = archive, archive / "cuts", archive / "run"
            kept.journal = archive / "journal" / station.journal.name
            return kept
    return station
