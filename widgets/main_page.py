"""The console's main screen as lines: what each pane gets at each size."""

from __future__ import annotations

from dataclasses import dataclass, field

from prep_console.snapshot import Snapshot
from prep_console.widgets import (
    alarm_list,
    cuts_table,
    digits,
    journal_lines,
    key_bar,
    public_band,
)
from prep_console.widgets.instruments import panel as instruments
from prep_console.widgets.lines import Line, Span, beside, fit, line, rule
from prep_console.widgets.standing import notices
from prep_console.wording import N_, say

WIDE = 100
"""From this width on the panes stand in two columns."""
TALL = 34
"""From this height on the digits are twice as large."""
CLOCK_WIDTH = 9
_RECORD_ROWS = 3
"""Of the record in two columns, at least: the instruments give way to them."""
FACTS_WIDTH = 46
"""Columns that the facts beside the digits need; on narrower screens they stand below."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a screen knows beside the snapshot."""

    width: int
    height: int
    cursor: str | None
    """Key of the chosen row of the cuts table; None: the newest, unmarked."""
    hints: tuple[key_bar.Hint, ...]
    explain: cuts_table.Explain
    wording: alarm_list.Wording
    choice: cuts_table.Choice = cuts_table.EVERYTHING
    """Which cuts are shown, and in which order."""
    stale_s: float | None = None
    """How long nothing could be read, when that is long."""
    settings_error: str = ""
    """Why the settings file that was changed is not in force; '' when it is."""
    keys: bool = True
    """False on read-only consoles: no advice to press a key."""
    halves: bool = True
    """Whether the terminal has half blocks."""


@dataclass(frozen=True, slots=True)
class Page:
    """The screen in the parts that are drawn apart, so that a tick redraws only its own."""

    drill: list[Line]
    header: list[Line]
    clock: list[Line]
    figures: list[Line]
    facts: list[Line]
    rest: list[Line]

    def lines(self, frame: Frame) -> list[Line]:
        """All of it put together, for tests."""
        left = frame.width - CLOCK_WIDTH
        side = figures_width(frame)
        return [
            *self.drill,
            beside(self.header[0], self.clock[0], left),
            *[
                beside(_at(self.figures, y), _at(self.facts, y), side)
                for y in range(len(self.figures))
            ],
            *self.rest,
        ]


def scale_of(frame: Frame) -> int:
    """How large the digits are on this screen."""
    return 2 if frame.width >= WIDE and frame.height >= TALL else 1


def figures_width(frame: Frame) -> int:
    """Columns of the digits, their margins included."""
    return 1 + digits.columns("00:00", scale_of(frame)) + (2 if frame.width < WIDE else 4)


@dataclass(slots=True)
class Kept:
    """The panes as last drawn, and from what: in most seconds nothing in them has changed."""

    drawn_from: tuple[object, ...] = ()
    panes: list[Line] = field(default_factory=list)


def page(snapshot: Snapshot, calm: Snapshot, frame: Frame, kept: Kept | None = None) -> Page:
    """Exactly ``frame.height`` lines. ``calm`` is what the instruments are drawn from."""
    width, height = frame.width, frame.height
    found = notices(snapshot, stale_s=frame.stale_s, keys=frame.keys)
    drill = public_band.drill_band(snapshot, width)
    figures = public_band.figures(snapshot, found, scale_of(frame), halves=frame.halves)
    if height >= TALL:
        figures.insert(0, ())
    side = width - figures_width(frame)
    rest = public_band.below(snapshot, found, width)
    if side >= FACTS_WIDTH:
        facts = public_band.facts(snapshot, found, len(figures))
    else:
        facts = []
        rest = [*(line(" ", *one) for one in public_band.facts(snapshot, found, 4)), *rest]
    rest += public_band.settings_band(frame.settings_error, width)
    if height >= TALL:
        rest = [(), *rest, ()]
    available = max(0, height - len(drill) - len(figures) - 2)
    if len(rest) > available:  # what must not be missed comes first
        rest = [*public_band.notice_bands(found, width), *rest][:available]
    room = available - len(rest)
    rest = [*rest, *_panes(snapshot, calm, frame, room, kept or Kept())][:available]
    rest += [()] * (available - len(rest))
    above: list[Line] = [()] * ((len(figures) - len(facts) + 1) // 2)
    return Page(
        drill=drill,
        header=[public_band.header(snapshot, width - CLOCK_WIDTH)],
        clock=[public_band.clock(snapshot)],
        figures=figures,
        facts=[fit(one, max(1, side)) for one in above + facts],
        rest=[fit(spans, width) for spans in [*rest, key_bar.bar(frame.hints, width)]],
    )


def _panes(snapshot: Snapshot, calm: Snapshot, frame: Frame, room: int, kept: Kept) -> list[Line]:
    source = (
        snapshot.cuts,
        snapshot.refused,
        snapshot.alarms,
        snapshot.journal,
        snapshot.live,
        calm.observed_at,
        snapshot.observed_at.replace(minute=0, second=0, microsecond=0),  # rows get a date by age
        (frame.width, room, frame.cursor, frame.choice),
    )
    if kept.drawn_from != source:
        body = _wide if frame.width >= WIDE and room >= 14 else _narrow
        kept.drawn_from, kept.panes = source, body(snapshot, calm, frame, room)
    return kept.panes


def _narrow(snapshot: Snapshot, calm: Snapshot, frame: Frame, room: int) -> list[Line]:
    """One pane under the other. Where rows are short: the record goes first, then the rules."""
    width = frame.width
    alarm_rows = max(1, min(len(snapshot.alarms), 3 if room >= 16 else 2))
    shown = instruments.compact(calm, width, max(2, room - 7 - alarm_rows), keys=frame.keys)
    journal_rows = 3
    cut_rows = room - 4 - len(shown) - alarm_rows - journal_rows
    while cut_rows < 4 and journal_rows > 0:
        journal_rows -= 1
        cut_rows += 1
    if journal_rows == 0:
        cut_rows += 1  # its rule goes too
    lines = [_cuts_rule(frame, width)]
    lines += _cuts(snapshot, frame, width, max(2, cut_rows))
    lines += [_alarm_rule(snapshot, width)]
    lines += alarm_list.panel(snapshot, width, alarm_rows, frame.wording, keys=frame.keys)
    lines += [rule(say(N_("INSTRUMENTS")), width), *shown]
    if journal_rows:
        lines += [rule(say(N_("RECORD")), width)]
        lines += journal_lines.panel(snapshot, width, journal_rows, frame.explain)
    return lines


def _wide(snapshot: Snapshot, calm: Snapshot, frame: Frame, room: int) -> list[Line]:
    """Cuts over alarms on the left, instruments over the record on the right."""
    right = max(46, frame.width * 42 // 100)
    left = frame.width - right - 1
    alarm_rows = max(1, min(len(snapshot.alarms), 6, room // 4))
    cut_rows = room - 2 - alarm_rows
    west = [_cuts_rule(frame, left)]
    west += _cuts(snapshot, frame, left, cut_rows)
    west += [_alarm_rule(snapshot, left)]
    west += alarm_list.panel(snapshot, left, alarm_rows, frame.wording, keys=frame.keys)
    shown = instruments.panel(calm, right, room - 2 - _RECORD_ROWS, keys=frame.keys)
    east = [rule(say(N_("INSTRUMENTS")), right), *shown]
    at = len(east)
    east += [rule(say(N_("RECORD")), right)]
    east += journal_lines.panel(snapshot, right, max(0, room - len(east)), frame.explain)
    joints = {0: "┬", 1 + cut_rows: "┤", at: "├"}
    if at == 1 + cut_rows:
        joints[at] = "┼"
    return [_join(_at(west, y), _at(east, y), left, joints.get(y, "│")) for y in range(room)]


def _cuts(snapshot: Snapshot, frame: Frame, width: int, height: int) -> list[Line]:
    lines = cuts_table.table(
        snapshot,
        width,
        height,
        cursor=frame.cursor,
        explain=frame.explain,
        choice=frame.choice,
    )
    return [*lines, *[()] * (height - len(lines))]


def _cuts_rule(frame: Frame, width: int) -> Line:
    """A table that lacks rows or is in another order says so for as long as it is."""
    told = frame.choice.told()
    return rule(" · ".join(filter(None, [say(N_("CUTS")), told])), width)


def _alarm_rule(snapshot: Snapshot, width: int) -> Line:
    if not snapshot.alarms:
        return rule(say(N_("ALARMS")), width)
    return rule(say(N_("ALARMS ({n})"), n=len(snapshot.alarms)), width)


def _at(lines: list[Line], y: int) -> Line:
    return lines[y] if y < len(lines) else ()


def _join(left: Line, right: Line, left_width: int, joint: str) -> Line:
    return line(*fit(left, left_width), Span(joint, "dim"), *right)
