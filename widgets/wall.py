"""The control room's wall: read from five metres, touched by nobody.

On a terminal of so many cells that their letters could not be read from afar, the text too is
drawn in large letters: the wall is laid out on a grid of at least 76 × 22 of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from prep_console.snapshot import RefusedView, Snapshot
from prep_console.widgets import (
    alarm_list,
    cuts_table,
    digits,
    journal_lines,
    past_band,
    public_band,
)
from prep_console.widgets.figures import cut_age, second, span
from prep_console.widgets.instruments import instruments
from prep_console.widgets.instruments.judged import Instrument
from prep_console.widgets.instruments.panel import by_need, sign, tone_of
from prep_console.widgets.lines import (
    Line,
    Span,
    Tone,
    cells,
    column,
    ends,
    fit,
    flow,
    line,
    rule,
    wrap,
)
from prep_console.widgets.standing import Notice, notices, public_cut, settings_notice, word
from prep_console.wording import N_, say

STALE_S = 15.0
"""From here on the whole wall says that it is old: nobody must trust a frozen picture."""

Page = Literal["public", "cuts", "instruments", "record"]
PAGES: dict[Page, str] = {
    "public": N_("public cut"),
    "cuts": N_("cuts"),
    "instruments": N_("instruments"),
    "record": N_("alarms and record"),
}
"""What a wall may turn through; the first is the one that it comes back to."""

_FEWEST_COLUMNS, _FEWEST_ROWS = 76, 22
_TRACK = 12
"""Places that the heartbeat goes through, there and back. Each second redraws them: blanks in one
colour are the fewest bytes."""


def _as_it_came(row: RefusedView) -> str:
    return row.reason


@dataclass(frozen=True, slots=True)
class Grid:
    """A terminal, and how large the letters of text are on it."""

    width: int
    height: int
    halves: bool = True
    scale: int = field(init=False)

    def __post_init__(self) -> None:
        scale = 0
        while True:
            wide, high = digits.unit(scale + 1, halves=self.halves)
            if self.width // wide < _FEWEST_COLUMNS or self.height // high < _FEWEST_ROWS:
                break
            scale += 1
        object.__setattr__(self, "scale", scale)

    @property
    def columns(self) -> int:
        """Letters in a line."""
        return self.width // digits.unit(self.scale, halves=self.halves)[0]

    @property
    def line_height(self) -> int:
        """Rows of cells that a line of text takes."""
        return digits.unit(self.scale, halves=self.halves)[1]

    def text(self, lines: Sequence[Line]) -> list[Line]:
        """Lines of text as rows of cells, over the whole width."""
        if self.scale == 0:
            return [fit(one, self.width) for one in lines]
        rows: list[Line] = []
        for one in lines:
            drawn = [digits.enlarged(part.text, self.scale, halves=self.halves) for part in one]
            last: Tone = one[-1].tone if one else ""
            for y in range(self.line_height):
                row = tuple(
                    Span(pixels[y], part.tone) for part, pixels in zip(one, drawn, strict=True)
                )
                left = self.width - cells(row)
                rows.append(line(*row, Span(" " * left, last if last.startswith("band") else "")))
        return rows

    def large(self, text: str, tone: Tone, height: int) -> list[Line]:
        """``text`` as large as fits into ``height`` rows; nothing when it does not fit at all."""
        rows = self.blocks(text, self.width - 4, height)
        return [line(Span(row.center(self.width), tone)) for row in rows]

    def blocks(self, text: str, width: int, height: int) -> list[str]:
        """``text`` as large as fits."""
        scale = digits.largest(text, width, height, halves=self.halves)
        return digits.big(text, scale, halves=self.halves) if scale else []


@dataclass(frozen=True, slots=True)
class Wall:
    """What a wall is drawn from beside the snapshot."""

    beat: int = 0
    """Counts the reads."""
    stale_s: float | None = None
    """Age of the last read, if that is long."""
    wording: alarm_list.Wording = lambda alarm: alarm.text
    explain: Callable[[RefusedView], str] = _as_it_came
    page: Page = "public"
    turning: bool = False
    """Whether it turns through its pages: then it says which one this is."""


def wall(
    snapshot: Snapshot,
    width: int,
    height: int,
    *,
    beat: int,
    stale_s: float | None,
    wording: alarm_list.Wording,
    explain: Callable[[RefusedView], str] = _as_it_came,
    halves: bool = True,
    calm: Snapshot | None = None,
    page: Page = "public",
    turning: bool = False,
) -> list[Line]:
    """The whole wall. ``beat`` counts the reads; ``stale_s`` is the age of the last one, if old.

    ``calm`` is what the instruments are drawn from, when it is not the newest snapshot.
    """
    grid = Grid(width, height, halves)
    old = old_s(snapshot, stale_s)
    if old > STALE_S:
        return _old(snapshot, grid, old, stale_s)
    frame = Wall(beat, stale_s, wording, explain, page, turning)
    found = notices(snapshot, keys=False)
    foot = grid.text([_foot(snapshot, grid, frame)])
    above = height - len(foot)
    calm = calm or snapshot
    rows = (
        _public(snapshot, calm, found, grid, frame, above)
        if page == "public"
        else _other(snapshot, calm, found, grid, frame, above)
    )
    rows = [*rows[:above], *[()] * (above - len(rows)), *foot]
    return [fit(spans, width) for spans in rows[-height:]]


def old_s(snapshot: Snapshot, stale_s: float | None) -> float:
    """How old what is shown may be: since the last read, or since the engine's last word."""
    silent = snapshot.engine.heartbeat_age_s or 0.0
    return max(stale_s or 0.0, 0.0 if snapshot.engine.alive else silent)


def turns(width: int, height: int) -> bool:
    """Whether a terminal is large enough to have more pages than the first."""
    return width >= 60 and height >= 18


def _public(
    snapshot: Snapshot,
    calm: Snapshot,
    found: list[Notice],
    grid: Grid,
    frame: Wall,
    height: int,
) -> list[Line]:
    """What the public sees, in the largest digits that leave room for what is wrong."""
    time, tone = public_band.public_time(snapshot, found)
    state = word(snapshot, found)
    top = grid.text(_top(snapshot, grid.columns))
    named_apart = grid.scale > 0 and height >= 12 * grid.line_height
    facts = _facts(snapshot, None if named_apart else state, grid.columns)
    bands = _bands(snapshot, found, grid)
    below = grid.text([*facts, *bands])
    lines = height // grid.line_height
    wanted = _rest(snapshot, calm, grid, frame, lines // 4)
    room = height - len(top) - len(below) - len(wanted) * grid.line_height - 3
    shown_large, tone_large = _large_word(snapshot, state)
    named = grid.large(shown_large, tone_large, max(3, room // 4))
    clock = grid.large(time, tone, max(3, room - len(named) - 1))
    if not clock and height >= 3:
        clock = [line(Span(time.center(grid.width), tone))]
    gap = [()] if height >= 12 * grid.line_height else []
    rows: list[Line] = [*top, *gap, *clock, *gap, *named, *(gap if named else []), *below, *gap]
    left = (height - len(rows)) // grid.line_height
    return [*rows, *grid.text(_rest(snapshot, calm, grid, frame, left))]


def _bands(snapshot: Snapshot, found: list[Notice], grid: Grid) -> list[Line]:
    settings = public_band.settings_band(settings_notice(snapshot), grid.columns)
    return [*public_band.notice_bands(found, grid.columns), *settings]


def _large_word(snapshot: Snapshot, state: Span) -> tuple[str, Tone]:
    """What stands in the largest letters: that it is over, before anything that was so."""
    if snapshot.past is not None:
        return past_band.large_word(), "past"
    return state.text[2:], state.tone


def _top(snapshot: Snapshot, width: int) -> list[Line]:
    return [*public_band.drill_band(snapshot, width), public_band.header(snapshot, width)]


def _rest(snapshot: Snapshot, calm: Snapshot, grid: Grid, frame: Wall, height: int) -> list[Line]:
    """The alarms, then the instruments; where there is no alarm, the line that says so last."""
    if height < 1:
        return []
    room = max(1, min(height, len(snapshot.alarms), max(3, height // 2)))
    alarms = alarm_list.panel(snapshot, grid.columns, room, frame.wording, keys=False)
    left = height - len(alarms) - (len(snapshot.alarms) > 0)
    shown = _instruments(calm, grid.columns, left) if left > 0 else []
    return [*alarms, (), *shown] if snapshot.alarms else [*shown, *alarms]


def _facts(snapshot: Snapshot, state: Span | None, width: int) -> list[Line]:
    cut = public_cut(snapshot)
    first = [] if state is None else [line(state)]
    if cut is not None:
        first.append(line(cut_age(snapshot, cut)))
        first.append(line(public_band.day(snapshot, cut)))
    first += [public_band.next_cut(snapshot), public_band.tally(snapshot)]
    lines = [
        *flow(first, width - 2, gap="   "),
        *public_band.four_clocks(snapshot, width),
        *public_band.elections(snapshot, width),
    ]
    return [_centred(spans, width) for spans in lines]


def _centred(spans: Line, width: int) -> Line:
    used = cells(spans)
    return line(" " * max(0, (width - used) // 2), *spans)


def _foot(snapshot: Snapshot, grid: Grid, frame: Wall) -> Line:
    """The heartbeat: it moves with each read, so a wall that stands still is seen to stand."""
    at = frame.beat % (2 * _TRACK - 2)
    at = at if at < _TRACK else 2 * _TRACK - 2 - at
    time = second(snapshot, snapshot.observed_at)
    which = ""
    if frame.turning:
        place = list(PAGES).index(frame.page) + 1
        which = f"{say(PAGES[frame.page])} {place}/{len(PAGES)} "
    beat = line(" ", time, "  │", " " * at, "█", " " * (_TRACK - 1 - at), "│")
    if cells(beat) > grid.columns:
        beat = line(" ", "█ "[frame.beat % 2], " ", time)
    return ends(beat, line(Span(which, "dim")), grid.columns)


def _other(
    snapshot: Snapshot,
    calm: Snapshot,
    found: list[Notice],
    grid: Grid,
    frame: Wall,
    height: int,
) -> list[Line]:
    """One of the further pages, below the public hour and the state, which stay on every page."""
    time, tone = public_band.public_time(snapshot, found)
    state = word(snapshot, found)
    rows = grid.text(_top(snapshot, grid.columns))
    high = max(3, height // 6)
    clock = grid.blocks(time, grid.width // 2, high)
    shown_large, tone_large = _large_word(snapshot, state)
    gap = max(4, len(clock[0]) // 4) if clock else 0  # as wide as a digit: two words from afar
    named = grid.blocks(shown_large, grid.width - len(clock[0]) - gap - 4, high) if clock else []
    off = (len(clock) - len(named)) // 2
    for y, row in enumerate(clock):
        beside = named[y - off] if 0 <= y - off < len(named) else ""
        rows.append(line("  ", Span(row, tone), " " * gap, Span(beside, tone_large)))
    text = [] if clock and named else [line(" ", Span(time, tone), "  ", state)]
    text += [(), *_bands(snapshot, found, grid)]
    rows += grid.text(text)
    left = (height - len(rows)) // grid.line_height
    return [*rows, *grid.text(_content(snapshot, calm, grid, frame, left))]


def _content(
    snapshot: Snapshot, calm: Snapshot, grid: Grid, frame: Wall, height: int
) -> list[Line]:
    width = grid.columns
    if height < 2:
        return []
    match frame.page:
        case "cuts":
            title = rule(say(N_("CUTS")), width)
            table = cuts_table.table(
                snapshot, width, height - 1, cursor=None, explain=frame.explain
            )
            return [title, *table]
        case "instruments":
            title = rule(say(N_("INSTRUMENTS")), width)
            return [title, *_instruments(calm, width, height - 1)]
    room = max(1, min(len(snapshot.alarms), height // 2))
    alarms = alarm_list.panel(snapshot, width, room, frame.wording, keys=False)
    record = journal_lines.panel(snapshot, width, height - 2 - len(alarms), frame.explain)
    return [rule(say(N_("ALARMS")), width), *alarms, rule(say(N_("RECORD")), width), *record]


def _instruments(snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """Two columns read downwards, long ones whole before them; the worst where room is short."""
    shown = instruments(snapshot)
    for left_out in range(len(shown)):
        lines = _columns([shown[y] for y in sorted(by_need(shown)[: len(shown) - left_out])], width)
        if len(lines) + (left_out > 0) <= height:
            break
    more = say(N_("and {n} more"), n=left_out)
    return [*lines, line(Span(f"   {more}", "dim"))] if left_out else lines


def _columns(shown: list[Instrument], width: int) -> list[Line]:
    label = max(10, *(len(one.label) + 2 for one in shown))
    half = width // 2
    rows = [
        line(
            " ",
            sign(one),
            " ",
            column(one.label, label, "dim"),
            Span(f"{one.value}  {one.note}".rstrip(), tone_of(one)),
        )
        for one in shown
    ]
    long = [fit(row, width) for row in rows if cells(row) > half]
    short = [row for row in rows if cells(row) <= half]
    middle = (len(short) + 1) // 2
    pairs = zip(short[:middle], [*short[middle:], ()], strict=False)
    return [*long, *(line(*fit(left, half), *fit(right, half)) for left, right in pairs)]


def _old(snapshot: Snapshot, grid: Grid, old: float, stale_s: float | None) -> list[Line]:
    """The whole wall says that it is old, for how long, why, and what was public before."""
    told = [say(N_("THIS WALL IS OLD"))]
    if (stale_s or 0.0) > STALE_S:
        told.append(say(N_("Nothing could be read for {age}."), age=span(old)))
    told += [f"{one.word}: {one.text}" for one in notices(snapshot, keys=False)]
    cut = public_cut(snapshot)
    if cut is not None:
        time, _ = public_band.public_time(snapshot, [])
        day = public_band.day(snapshot, cut)
        told.append(say(N_("Last known public cut: {time}, {day}."), time=time, day=day))
    told.append(say(N_("What the public sees is not known here: look at the site itself.")))
    texts = [part for one in told for part in wrap(one, grid.columns - 4)]
    below = [
        line(Span(row, "band-critical"))
        for text in texts
        for row in digits.enlarged(text.center(grid.columns), grid.scale, halves=grid.halves)
    ]
    room = grid.height - len(below) - 2
    # an age with its units: from afar 01:03 would be taken for the public hour
    digit_rows = grid.blocks(span(old), grid.width - 4, room)
    above = [line(Span(row.center(grid.width), "band-critical")) for row in digit_rows]
    block = [*above, *([()] if above else []), *below]
    free = max(0, grid.height - len(block)) // 2
    drill = grid.text(public_band.drill_band(snapshot, grid.columns))
    rows = ([()] * free + block + [()] * grid.height)[: grid.height]
    if drill:  # in the room above the block, or before it: a rehearsal is marked even when old
        rows = [*drill, *rows[min(free, len(drill)) :]][: grid.height]
    return [
        line(*one, Span(" " * (grid.width - cells(one)), "band-critical"))
        for one in (fit(row, grid.width) if cells(row) > grid.width else row for row in rows)
    ]
