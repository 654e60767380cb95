"""Recovery: what an interrupted action left open is settled by the next one, under its lock.

The pointer decides. It names the target of an open intent: the switch happened, ``done``. It does
not: it did not, ``abandoned``. Nothing is rolled forward. A sealed cut without a line is verified
and recorded. A pointer that no intent explains stays, because what is public and whole is better
than what we think should be, and what a person took down is not put up again by a program whose
record lost that; but publishing goes on hold.
"""

from __future__ import annotations

from prep_console.cuts.stamps import CutId
from prep_console.journal.actor import Actor, program
from prep_console.journal.state import State
from prep_console.publication import estado, store
from prep_console.publication.archive import finish
from prep_console.publication.pointer import Live
from prep_console.publication.station import Ledger, Station

SETTLER = "recovery"


def settle(ledger: Ledger) -> State:
    """Close what is open; the state afterwards. Costs nothing when nothing is."""
    actor = program(SETTLER)
    finish(ledger)
    _close_intent(ledger, actor)
    _record_unrecorded(ledger, actor)
    _follow_pointer(ledger, actor)
    return ledger.state


def settle_if_open(station: Station) -> None:
    """Settle now, without an action: what the engine and every receive begin with."""
    with station.acting(SETTLER) as ledger:
        settle(ledger)
        refresh_estado(ledger)


def refresh_estado(ledger: Ledger) -> None:
    """See that the estado pages say what the state says; switch them with the same cut if not.

    A page that names a line beyond the journal's end is made anew: the end was cut off, and is
    told once.
    """
    station, state = ledger.station, ledger.state
    live = station.live()
    if live.cut != state.live:
        return
    wanted = estado.describe(station.settings, state, live.cut)
    if live.estado == 0 and live.cut is None and state.position.seq == 0:
        return
    head = estado.head_of(station.public, live.estado)
    beyond = head is not None and head[0] > state.position.seq
    if not beyond and not estado.altered(station.public, live.estado, wanted):
        return
    ledger.write_estado(live.estado + 1, wanted)
    ledger.write_pointer(Live(live.cut, live.estado + 1))


def _close_intent(ledger: Ledger, actor: Actor) -> None:
    intent = ledger.state.intent
    if intent is None:
        return
    happened = ledger.station.live() == Live(intent.target, intent.data["estado"])
    ledger.append([("done" if happened else "abandoned", {"intent": intent.seq})], actor)


def _record_unrecorded(ledger: Ledger, actor: Actor) -> None:
    for cut in unrecorded(ledger.station, ledger.state):
        sealed = store.verified(ledger.station, cut)
        if sealed is None:
            store.set_aside(ledger.station, cut)
            ledger.append([("set-aside", {"cut": str(cut)})], actor)
        else:
            ledger.append([("sealed", store.line_of(*sealed))], actor)


def unrecorded(station: Station, state: State) -> list[CutId]:
    """Sealed folders that no line speaks of: a crash came between the seal and its line."""
    if store.folders(station) == len(state.cuts):
        return []  # every cut has its folder, a pruned one too
    return store.cuts_besides(station, state.cuts)


def _follow_pointer(ledger: Ledger, actor: Actor) -> None:
    station, state = ledger.station, ledger.state
    live = station.live()
    if live.cut == state.live:
        return
    down = live.known and live.cut is None and live.estado > 0  # a 0 is Apache's first map
    if down or (live.cut is not None and store.is_whole(station, live.cut)):
        ledger.append([("found", {"live": live.cut, "expected": state.live})], actor)
        return
    # The map is missing or names nothing that is here: what the journal says goes back up, if it
    # is whole; else nothing is live, which is said in plain words instead of half a cut.
    right = state.live if state.live and store.is_whole(station, state.live) else None
    ledger.append([("found", {"live": right, "expected": state.live, "map": live.cut})], actor)
    ledger.write_estado(live.estado + 1, estado.describe(station.settings, ledger.state, right))
    ledger.write_pointer(Live(right, live.estado + 1))
