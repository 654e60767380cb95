"""What a reading says as of now: its value with its unit, its state, and its age once it is old.

What comes from a probe is foreign: a detail may be missing, of another type, not a number or
absurdly large. Everything here takes that as *not told*.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import NamedTuple

from prep_console.snapshot import Reading, ReadingState, Snapshot
from prep_console.widgets.figures import age_s, coarse, milliseconds, size, span
from prep_console.widgets.lines import Tone
from prep_console.wording import N_, known_text, say, say_n, visible

OLD_S = 30.0
"""From here on a value shows its age."""
GONE_S = 120.0
"""From here on a value is unknown: it says nothing about now."""
_SLOW = {
    "protection.": 1500.0,
    "site.certificate": 180.0,
    "site.files": 60.0,
    "site.time": 60.0,
    "site.vantage.": 60.0,
    "clock.offset": 60.0,
    "link.dns": 90.0,
    "source.": 210.0,
    "cut.bytes": 60.0,
}
"""Looked at seldom, because it changes seldom: these age later (and are gone at four times)."""
_IMPLAUSIBLE = 1e16
"""More than any instrument here can mean: bytes of ten petabytes, seconds of ages."""
_LONGEST = 120
"""Characters of a neighbour's own words that a line takes."""

LONGEST_LABEL = 15
"""Columns that a label takes in the panel at most."""
SIGNS: dict[ReadingState, str] = {"ok": "✓", "warning": "▲", "critical": "✖", "unknown": "?"}
TONES: dict[ReadingState, Tone] = {
    "ok": "",
    "warning": "warning",
    "critical": "critical",
    "unknown": "warning",
}
_WORDS: dict[ReadingState, str] = {
    "ok": N_("ok"),
    "warning": N_("warning"),
    "critical": N_("critical"),
    "unknown": N_("unknown"),
}


def state_word(state: ReadingState) -> str:
    """A state in words: colour and sign never stand alone."""
    return say(_WORDS[state])


class Instrument(NamedTuple):
    """One line of the panel."""

    label: str
    value: str
    state: ReadingState | None
    """None: not configured, which is no fault."""
    note: str = ""
    short: str | None = None
    """For a small screen, the note included; '' leaves it out; None: the value as it is."""
    history: tuple[float | None, ...] = ()
    scale: float = 100.0
    """Value at the top of the history's strip."""


class Judged(NamedTuple):
    """A value with its state, and a remark where its age or its error asks for one."""

    value: str
    state: ReadingState
    remark: str

    @property
    def told(self) -> bool:
        """Whether the value is one of now, so that what else is known of it counts."""
        return not self.remark


def judged(snapshot: Snapshot, name: str, reading: Reading, value: str) -> Judged:
    """An old value is never shown as a good one, and one that is not there as *unknown*.

    A UPS that was on battery and then was lost stays critical without a value.
    """
    if reading.state == "unknown" or reading.value is None:
        state: ReadingState = "critical" if reading.state == "critical" else "unknown"
        why = reason(reading) or say(N_("no reason given"))
        if snapshot.engine.alive is None:
            why = say(N_("not recorded"))
        elif not snapshot.engine.alive:  # for all the same, and the band says it in full
            why = say(N_("no engine"))
        return Judged(say(N_("unknown")), state, why)
    if isinstance(reading.value, float | int) and finite(reading.value) is None:
        return Judged(say(N_("unknown")), "unknown", say(N_("no plausible number was read")))
    age = age_s(snapshot, reading.observed_at)
    old_s, gone_s = lasting_s(name)
    if age > gone_s:
        return Judged(
            say(N_("unknown")), "unknown", say(N_("last read {age} ago"), age=coarse(age))
        )
    if age > old_s:
        return Judged(value, "unknown", say(N_("read {age} ago"), age=span(age)))
    return Judged(value, reading.state, "")


def lasting_s(name: str) -> tuple[float, float]:
    """From what age on a reading shows it, and from what age on it says nothing any more."""
    for start, old_s in _SLOW.items():
        if name.startswith(start):
            return old_s, 4 * old_s
    return OLD_S, GONE_S


def reason(reading: Reading) -> str:
    """Why there is no value, bounded and harmless."""
    return bounded(known_text(reading.error or ""))


def bounded(text: str) -> str:
    """A neighbour's own words: escaped, and no longer than a line takes."""
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def finite(value: object) -> float | None:
    """A number that can be meant; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(value) if abs(value) < _IMPLAUSIBLE else None


def number(reading: Reading, key: str) -> float | None:
    """A detail that is a number."""
    return finite(reading.detail.get(key))


def text(reading: Reading, key: str) -> str:
    """A detail that is a text, bounded and harmless; '' when it is not told."""
    value = reading.detail.get(key)
    return bounded(value) if isinstance(value, str) else ""


def flag(reading: Reading, key: str) -> bool | None:
    """A detail that is a yes or no; None when it is not told."""
    value = reading.detail.get(key)
    return value if isinstance(value, bool) else None


def moment(reading: Reading, key: str) -> datetime | None:
    """A detail that is a time (ISO 8601); None when it is not told, or has no zone."""
    value = reading.detail.get(key)
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found if found.tzinfo is not None and 1970 < found.year < 9000 else None
    except ValueError:
        return None


def amount(reading: Reading) -> str:
    """A reading's value in its unit."""
    value = reading.value
    if value is None or isinstance(value, str):
        return bounded(value or "?")
    plain = finite(value)
    return in_unit(plain, reading.unit) if plain is not None else "?"


def in_unit(value: float, unit: str) -> str:
    """A number as people read it."""
    if unit == "%":
        return f"{value:.0f} %"
    if unit == "bytes":
        return size(value)
    if unit == "bytes/s":
        return f"{size(value)}/s"
    if unit == "s":
        return milliseconds(value)
    if unit == "days":
        return say_n("{n} day", "{n} days", round(value))
    if unit == "files":
        return say_n("{n} file", "{n} files", round(value))
    if unit == "sessions":
        return say_n("{n} session", "{n} sessions", round(value))
    shown = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{shown} {bounded(unit)}".rstrip()


def absent(snapshot: Snapshot, label: str) -> Instrument:
    """No such reading: not configured, once an engine has had the time to read it."""
    if not snapshot.readings or not snapshot.engine.alive:
        return missing(label)
    if is_new(snapshot):
        return Instrument(label, say(N_("no reading yet")), None)
    return Instrument(label, say(N_("not configured")), None)


def missing(label: str) -> Instrument:
    """An instrument that every station has, and that nobody reads."""
    return Instrument(label, say(N_("unknown")), "unknown", say(N_("no reading")))


def is_new(snapshot: Snapshot) -> bool:
    """Whether the engine came up so lately that not all was read yet: it has kept no history."""
    return max((len(kept) for kept in snapshot.history.values()), default=0) < 2
