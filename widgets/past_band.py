"""What marks a replay: a band over everything, and a sign at both ends of every line.

Nobody may take the past for the present, from any distance and without colours either.
"""

from __future__ import annotations

from datetime import datetime

from prep_console import dates
from prep_console.snapshot import PastView, Snapshot
from prep_console.widgets.figures import local
from prep_console.widgets.lines import Line, Span, cells, fit, line
from prep_console.wording import N_, say

SIGN = "◂"
TALL = 34
"""From this height on the band has a second line: where in the stretch one is."""
EDGES = 2
"""Columns that the signs take."""


def rows(height: int) -> int:
    """Lines of the band on a screen of ``height``."""
    return 2 if height >= TALL else 1


def speed_text(speed: float) -> str:
    """``60×``."""
    return f"{speed:g}×"


def band(snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """The word, the replayed moment, the speed; what must be known comes first."""
    past = snapshot.past
    if past is None:
        return []
    moment = local(snapshot, snapshot.observed_at)
    running = f"▸ {speed_text(past.speed)}" if past.playing else say(N_("║ paused"))
    parts = [
        f"{SIGN}{SIGN} {say(N_('REPLAY'))}",
        dates.second(moment),
        running if past.playing or past.speed == 1 else f"{running} ({speed_text(past.speed)})",
    ]
    if past.broken_line is not None:
        parts.append(say(N_("✖ record broken at line {line}"), line=past.broken_line))
    if past.remark:
        parts.append(past.remark)
    elif past.archive is not None:
        parts.append(say(N_("archived night, not now")))
    else:
        parts.append(say(N_("not what is public now")))
    text = " " + "  ".join(parts)
    if not past.settings_known:
        today = "  " + say(N_("phase and cadence: today's"))
        text += today if cells(line(text + today)) <= width else ""
    lines = [fit(line(Span(text)), width)]
    if rows(height) == 2:
        lines.append(_place(snapshot, past, width))
    return [(Span("".join(span.text for span in one), "past"),) for one in lines]


def _place(snapshot: Snapshot, past: PastView, width: int) -> Line:
    """``20:04 ━━━━━━●────── 08:10``."""
    first, last = (_hour(snapshot, past, at) for at in (past.begins, past.ends))
    room = max(1, width - len(first) - len(last) - 6)
    whole = (past.ends - past.begins).total_seconds()
    gone = (snapshot.observed_at - past.begins).total_seconds()
    at = round((room - 1) * min(1.0, max(0.0, gone / whole if whole > 0 else 1.0)))
    return fit(line(f"  {first} {'━' * at}●{'─' * (room - 1 - at)} {last}"), width)


def _hour(snapshot: Snapshot, past: PastView, at: datetime) -> str:
    there = local(snapshot, at)
    same = local(snapshot, past.begins).date() == local(snapshot, past.ends).date()
    return f"{there:%H:%M}" if same else f"{dates.day(there)} {there:%H:%M}"


def edge() -> Line:
    """What stands at both ends of every line."""
    return line(Span(SIGN, "past"))


def large_word() -> str:
    """What a wall says in its largest letters."""
    return say(N_("REPLAY"))
