"""Protection in one line; what was seen to work is kept apart from what is merely configured."""

from __future__ import annotations

from collections import Counter

from prep_console.snapshot import Reading, ReadingState, Snapshot
from prep_console.widgets.instruments.judged import Instrument, judged
from prep_console.wording import N_, say, say_n

_NAMES = {
    "ssh": N_("SSH from the institute only"),
    "waf": N_("web application firewall"),
    "rate": N_("limit of requests"),
    "updates": N_("security updates"),
    "address": N_("fixed public address"),
}
_KNOWN = ("seen", "configured", "missing")


def names(snapshot: Snapshot) -> list[str]:
    """The readings of this room that the snapshot holds."""
    return sorted(name for name in snapshot.readings if name.startswith("protection."))


def title(name: str) -> str:
    """What a measure is called."""
    known = _NAMES.get(name.removeprefix("protection."))
    return say(known) if known is not None else name


def lines(snapshot: Snapshot) -> list[Instrument]:
    """``3 seen working · 1 configured · 1 missing``; nothing where nothing is looked at."""
    found = names(snapshot)
    if not found:
        return []
    stands = [_stand(snapshot, name, snapshot.readings[name]) for name in found]
    counted = Counter(value for value, _ in stands)
    states = {state for _, state in stands}
    state: ReadingState = next(
        (one for one in ("critical", "warning", "unknown") if one in states), "ok"
    )
    parts = [
        told
        for key, told in (
            ("missing", say_n("{n} missing", "{n} missing", counted["missing"])),
            ("unknown", say_n("{n} unknown", "{n} unknown", counted["unknown"])),
            ("configured", say_n("{n} configured", "{n} configured", counted["configured"])),
            ("seen", say_n("{n} seen working", "{n} seen working", counted["seen"])),
        )
        if counted[key]
    ]
    lacking = [title(n) for n, (value, _) in zip(found, stands, strict=True) if value == "missing"]
    note = say(N_("missing: {names}"), names=", ".join(lacking)) if lacking else ""
    return [Instrument(say(N_("protection")), " · ".join(parts), state, note)]


def _stand(snapshot: Snapshot, name: str, reading: Reading) -> tuple[str, ReadingState]:
    said = judged(snapshot, name, reading, str(reading.value))
    known = said.told and said.value in _KNOWN
    return (said.value, said.state) if known else ("unknown", "unknown")
