"""The public estado pages against what the journal implies, to the byte and to their head."""

from __future__ import annotations

import json
from pathlib import Path

from prep_console.journal.state import State
from prep_console.publication import estado
from prep_console.publication.pointer import Live
from prep_console.publication.station import Ledger, Station


def altered_pages(station: Station, state: State) -> tuple[str, ...]:
    """Names of the public pages that somebody altered; none while a switch is under way."""
    live = station.live()
    if live.cut != state.live or live.estado == 0 or state.intent is not None:
        return ()
    wanted = estado.describe(station.settings, state, live.cut)
    altered = estado.altered(station.public, live.estado, wanted)
    return altered or _false_head(station, state, live)


def make_again(ledger: Ledger) -> tuple[str, ...]:
    """Write the pages anew where they were altered; the names. Under the action lock."""
    station, state = ledger.station, ledger.state
    altered = altered_pages(station, state)
    if altered:
        live = station.live()
        number = live.estado + 1
        ledger.write_estado(number, estado.describe(station.settings, state, live.cut))
        ledger.write_pointer(Live(live.cut, number))
    return altered


def _false_head(station: Station, state: State, live: Live) -> tuple[str, ...]:
    """The page names a line that the journal never had.

    A head beyond the journal's end, or of a journal that is broken, may be right: then it is the
    journal that lost a line, and the page is the proof of it.
    """
    head = estado.head_of(station.public, live.estado)
    unsure = state.breaks or state.known_breaks
    if head is None or head[0] == 0 or unsure or head[0] > state.position.seq:
        return ()
    journals = (station.journal, *station.root.glob("archive/*/journal/journal.jsonl"))
    known = any(_has(journal, *head) for journal in journals)
    return () if known else (f"{live.estado}.json",)


def _has(journal: Path, seq: int, digest: str) -> bool:
    data = journal.read_bytes() if journal.exists() else b""
    found = data.find(b'"hash":"' + digest.encode() + b'"')
    while found >= 0:
        start, end = data.rfind(b"\n", 0, found) + 1, data.find(b"\n", found)
        try:
            line = json.loads(data[start : end if end >= 0 else None])
            if (line["seq"], line["hash"]) == (seq, digest):
                return True
        except (ValueError, KeyError, TypeError):
            pass
        found = data.find(b'"hash":"' + digest.encode() + b'"', found + 1)
    return False
