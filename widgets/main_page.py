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
from prep_console.widgets.lines import Line, Span, beside, cells, fit, line, rule, text_of, wrap
from prep_console.widgets.standing import Notice, notices, settings_notice, word
from prep_console.wording import N_, say

WIDE = 100
"""From this width on the panes stand in two columns."""
VERY_WIDE = 190
"""From this width on they stand in three."""
TALL = 34
"""From this height on there is air around the public band."""
CLOCK_WIDTH = 9
_CLOCK_FROM = 17
"""Narrower screens have no clock: the public hour needs the room."""
_TEXT_BELOW, _SHORT, _TINY = 20, 14, 10
"""Below these heights the hour is text: on a narrow screen, on one as wide as a terminal, and
where it takes the header's place too."""
_LONG = 34
"""With so many rows for panes that stand below one another, each instrument has its own line."""
_RECORD_ROWS = 3
"""Of the record in two columns, at least: the instruments give way to them."""
FACTS_WIDTH = 46
"""Columns that the facts beside the digits need; on narrower screens they stand below."""
_CLOCKS_WIDTH, _CLOCKS_ROWS = 70, 7
"""Room beside the digits for the four clocks too."""


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
    settings_outdated: tuple[str, ...] = ()
    """Settings that this console was opened with and that have changed since."""
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
        left = frame.width - clock_width(frame)
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
    """How large the digits are on this screen; 0: the hour is text."""
    width, height = frame.width, frame.height
    beside = width >= 1 + digits.columns("00:00", 1) + 2 + FACTS_WIDTH
    if height < _TINY or height < (_SHORT if beside else _TEXT_BELOW):
        return 0
    if width >= WIDE and height >= TALL:  # facts beside: a third of the width
        most = digits.largest("00:00", width // 3, height // 7, halves=frame.halves)
        return max(2, most)
    if not beside or height >= width // 2 + 4:  # a portrait: facts below
        return max(1, digits.largest("00:00", width - 2, height // 9, halves=frame.halves))
    return 1


def figures_width(frame: Frame) -> int:
    """Columns of the digits, their margins included."""
    scale = scale_of(frame)
    if scale == 0:
        return len(" 00:00  ")
    return 1 + digits.columns("00:00", scale) + (2 if frame.width < WIDE else 4)


def clock_width(frame: Frame) -> int:
    """Columns of the clock at the top."""
    return CLOCK_WIDTH if frame.width >= _CLOCK_FROM else 0


@dataclass(slots=True)
class Kept:
    """The panes as last drawn, each line as wide as the screen, and from what: in most seconds
    nothing in them has changed."""

    drawn_from: tuple[object, ...] = ()
    panes: list[Line] = field(default_factory=list)


def page(snapshot: Snapshot, calm: Snapshot, frame: Frame, kept: Kept | None = None) -> Page:
    """Exactly ``frame.height`` lines. ``calm`` is what the instruments are drawn from."""
    width, height = frame.width, frame.height
    found = notices(snapshot, stale_s=frame.stale_s, keys=frame.keys)
    drill = public_band.drill_band(snapshot, width)
    bands = public_band.notice_bands(found, width)
    about = settings_notice(snapshot, frame.settings_error, frame.settings_outdated)
    bands += public_band.settings_band(about, width)
    if height < _TINY:
        return _tiny(snapshot, frame, found, drill, bands)
    figures, facts, clocks, below = _band(snapshot, frame, found)
    rest = [*below, *clocks, *bands]
    if height >= TALL:
        rest = [(), *rest, ()]
    available = max(0, height - len(drill) - len(figures) - 2)
    if len(rest) > available:  # what must not be missed comes first
        rest = [*bands, *below, *clocks][:available]
    room = available - len(rest)
    rest = [fit(one, width) for one in rest]
    rest = [*rest, *_panes(snapshot, calm, frame, room, kept or Kept())][:available]
    rest += [fit((), width)] * (available - len(rest))
    above: list[Line] = [()] * ((len(figures) - len(facts) + 1) // 2)
    side = max(1, width - figures_width(frame))
    return Page(
        drill=drill,
        header=[public_band.header(snapshot, width - clock_width(frame))],
        clock=[public_band.clock(snapshot)],
        figures=figures,
        facts=[fit(one, side) for one in above + facts],
        rest=[*rest, fit(key_bar.bar(frame.hints, width), width)],
    )


def _band(
    snapshot: Snapshot, frame: Frame, found: list[Notice]
) -> tuple[list[Line], list[Line], list[Line], list[Line]]:
    """The public hour, what stands beside it, the four clocks, and what stands below it."""
    scale, side = scale_of(frame), frame.width - figures_width(frame)
    clocks = public_band.clocks(snapshot, frame.width)
    if scale == 0:
        time, tone = public_band.public_time(snapshot, found)
        facts = public_band.facts(snapshot, found, 3 if side >= FACTS_WIDTH else 4)
        below = [line(" ", *one) for one in facts[1:]]
        return [line(" ", Span(time, tone))], facts[:1], clocks, below
    figures = public_band.figures(snapshot, found, scale, halves=frame.halves)
    if side < FACTS_WIDTH:
        below = [line(" ", *one) for one in public_band.facts(snapshot, found, 4)]
        facts = []
    else:
        facts, below = public_band.facts(snapshot, found, len(figures)), []
        if side >= _CLOCKS_WIDTH and len(figures) >= _CLOCKS_ROWS:
            facts += public_band.clocks(snapshot, side, indent="")
            clocks = []
    if frame.height >= TALL:
        figures.insert(0, ())
    return figures, facts, clocks, below


def _tiny(
    snapshot: Snapshot, frame: Frame, found: list[Notice], drill: list[Line], bands: list[Line]
) -> Page:
    """The public hour in the header's place, the state, and what there is room for."""
    width = frame.width
    time, tone = public_band.public_time(snapshot, found)
    state = word(snapshot, found)
    left = max(1, width - clock_width(frame))
    head = line(" " if width > len(time) else "", Span(time, tone))
    whole = line(*head, "  ", state)
    rest = [*bands] if found else []
    if cells(whole) <= left:
        head = whole
        mode = line(*whole, "  ", public_band.mode_span(snapshot))
        head = mode if cells(mode) <= left else whole
    elif not found:
        rest = [line(" ", state), *bands]
    for one in public_band.facts(snapshot, found, 4)[1:]:
        rest += [line(" ", part) for part in wrap(text_of(one), width - 2)]
    room = max(0, frame.height - len(drill) - 1)
    keys = [key_bar.bar(frame.hints, width)] if room > 4 else []
    rest = rest[: room - len(keys)]
    rest += [()] * (room - len(keys) - len(rest))
    return Page(
        drill=drill[: frame.height - 1],
        header=[fit(head, left)],
        clock=[public_band.clock(snapshot) if clock_width(frame) else ()],
        figures=[],
        facts=[],
        rest=[fit(one, width) for one in [*rest, *keys]],
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
        body = _narrow
        if room >= 14 and frame.width >= WIDE:
            body = _three if frame.width >= VERY_WIDE and room >= 20 else _wide
        kept.drawn_from = source
        kept.panes = [fit(one, frame.width) for one in body(snapshot, calm, frame, room)]
    return kept.panes


def _narrow(snapshot: Snapshot, calm: Snapshot, frame: Frame, room: int) -> list[Line]:
    """One pane under the other. Where rows are short: the record goes first, then the rules."""
    width = frame.width
    most = max(3, room // 6) if room >= 16 else 2
    alarms = alarm_list.panel(
        snapshot, width, max(1, min(3 * len(snapshot.alarms), most)), frame.wording, keys=frame.keys
    )
    alarm_rows = len(alarms)
    shown = instruments.panel(calm, width, room, keys=frame.keys) if room >= _LONG else []
    if not shown or len(shown) > room // 2:
        shown = instruments.compact(calm, width, max(2, room - 7 - alarm_rows), keys=frame.keys)
    rows = max(1, len(cuts_table.chosen_rows(snapshot, frame.choice, frame.explain)))
    journal_rows = max(3, room - 4 - len(shown) - alarm_rows - max(rows, 6))
    cut_rows = room - 4 - len(shown) - alarm_rows - journal_rows
    while cut_rows < 4 and journal_rows > 0:
        journal_rows -= 1
        cut_rows += 1
    if journal_rows == 0:
        cut_rows += 1  # its rule goes too
    lines = [_cuts_rule(frame, width)]
    lines += _cuts(snapshot, frame, width, max(2, cut_rows))
    lines += [_alarm_rule(snapshot, width)]
    lines += alarms
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


def _three(snapshot: Snapshot, calm: Snapshot, frame: Frame, room: int) -> list[Line]:
    """Cuts, then alarms over the record, then the instruments."""
    left, middle = frame.width * 44 // 100, frame.width * 26 // 100
    right = frame.width - left - middle - 2
    west = [_cuts_rule(frame, left), *_cuts(snapshot, frame, left, room - 1)]
    among = [_alarm_rule(snapshot, middle)]
    among += alarm_list.panel(snapshot, middle, room // 2, frame.wording, keys=frame.keys)
    at = len(among)
    among += [rule(say(N_("RECORD")), middle)]
    among += journal_lines.panel(snapshot, middle, room - len(among), frame.explain)
    shown = instruments.panel(calm, right, room - 1, keys=frame.keys)
    east = [rule(say(N_("INSTRUMENTS")), right), *shown]
    rows = []
    for y in range(room):
        joint = "┬" if y == 0 else "├" if y == at else "│"
        pair = _join(_at(west, y), _at(among, y), left, joint)
        rows.append(
            _join(pair, _at(east, y), left + 1 + middle, "┬" if y == 0 else "┤" if y == at else "│")
        )
    return rows


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
