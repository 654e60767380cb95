"""The history of one reading as a graph: a scale that stays, gaps where nothing was read.

Drawn in braille, two columns and four rows of dots a cell: each column of dots is the range from
the lowest to the highest value read in its share of the time. Below it stands a lane of states.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from prep_console.snapshot import Reading, ReadingState, Snapshot
from prep_console.widgets.figures import local, milliseconds, size
from prep_console.widgets.instruments.details import title, value_text
from prep_console.widgets.instruments.judged import SIGNS, TONES, in_unit, judged
from prep_console.widgets.lines import Line, Span, Tone, column, fit, flow, line
from prep_console.wording import N_, say

_AXIS = 9
"""Columns of the axis at the left, its line included."""
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Braille bits of a cell's left and right column, from the top."""
_RANK: dict[ReadingState, int] = {"ok": 0, "unknown": 1, "warning": 2, "critical": 3}
_SHARES: dict[ReadingState, str] = {
    "critical": N_("critical {share}"),
    "warning": N_("warning {share}"),
    "unknown": N_("not read {share}"),
}
_MOST = 20_000
"""Samples looked at: more than the finest screen has columns for."""


class Sample(NamedTuple):
    """What was read in one share of the time; the values are None for a reading without a number,
    and where nothing could be read."""

    at: datetime
    low: float | None
    mean: float | None
    high: float | None
    state: ReadingState


class Bounds(NamedTuple):
    """From where on a reading is a warning or critical; both ways when ``signed``."""

    warning: float | None = None
    critical: float | None = None
    signed: bool = False
    top: float | None = None
    """End of the scale that belongs to the reading: a disk's size, a UPS's 100 %."""


class Scale(NamedTuple):
    low: float
    high: float


class Window(NamedTuple):
    """From when to when, and what the person chose it as."""

    since: datetime
    until: datetime


def graph(
    snapshot: Snapshot,
    name: str,
    samples: Sequence[Sample] | None,
    bounds: Bounds,
    window: Window,
    width: int,
    height: int,
) -> list[Line]:
    """Exactly ``height`` lines; ``samples`` None while they are still being read."""
    reading = snapshot.readings.get(name)
    head = _head(snapshot, name, reading)
    if samples is None:
        waits = line(Span("   " + say(N_("reading the history…")), "dim"))
        return _filled([head, (), waits], width, height)
    kept = [one for one in samples[-_MOST:] if window.since <= one.at <= window.until]
    values = [v for one in kept for v in (one.low, one.mean, one.high) if v is not None]
    values = [v for v in values if math.isfinite(v)]
    across = max(8, width - _AXIS - 1)
    body: list[Line] = []
    unit = reading.unit if reading is not None else ""
    if values:
        rows = max(2, height - 4)
        scale = scale_of(unit, values, bounds)
        body = _plot(kept, scale, bounds, window, across, rows, unit)
    elif kept:
        body = [(), line(Span("   " + say(N_("No number: only its states are kept.")), "dim")), ()]
    else:
        nothing = say(N_("Nothing was kept in this time."))
        return _filled([head, (), line(Span("   " + nothing, "dim"))], width, height)
    lane = line(Span(" " * _AXIS), *_lane(kept, window, across))
    return _filled(
        [
            head,
            *body,
            lane,
            _hours(snapshot, window, across),
            _sums(kept, values, unit, width, signed=bounds.signed),
        ],
        width,
        height,
    )


def scale_of(unit: str, values: Sequence[float], bounds: Bounds) -> Scale:
    """A scale that does not move with the values: it grows in steps of 1, 2 and 5 only."""
    if bounds.signed:
        reach = max(2 * (bounds.warning or 0.05), *(abs(v) for v in values))
        end = _step(reach)
        return Scale(-end, end)
    if unit == "%":
        return Scale(0.0, max(100.0, _step(max(values)) if max(values) > 100 else 100.0))
    if bounds.top is not None and bounds.top > 0 and max(values) <= bounds.top:
        return Scale(0.0, bounds.top)
    reach = max(*values, 1.25 * (bounds.warning or 0.0), bounds.critical or 0.0, 1e-3)
    low = -_step(-min(values)) if min(values) < 0 else 0.0
    return Scale(low, _step(reach))


def _step(value: float) -> float:
    """The next of 1, 2, 5, 10, … that is not less than ``value``."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(float(n * power) for n in (1, 2, 5, 10) if n * power >= value * (1 - 1e-9))


def _head(snapshot: Snapshot, name: str, reading: Reading | None) -> Line:
    if reading is None:
        return line(" ", Span(title(name), "strong"), Span("  " + say(N_("no reading")), "warning"))
    said = judged(snapshot, name, reading, value_text(name, reading))
    tone = TONES[said.state]
    remark = f"  {said.remark}" if said.remark else ""
    return line(
        Span(f" {SIGNS[said.state]} ", tone),
        Span(title(name), "strong"),
        Span(f"  {said.value}", tone),
        Span(remark, tone),
    )


def _plot(
    kept: Sequence[Sample],
    scale: Scale,
    bounds: Bounds,
    window: Window,
    across: int,
    rows: int,
    unit: str,
) -> list[Line]:
    columns = _columns(kept, window, 2 * across)
    cells = [[0] * across for _ in range(rows)]
    tones: list[Tone] = [""] * across
    before: tuple[float, float] | None = None
    for x, one in enumerate(columns):
        if one is None or one.low is None or one.high is None:
            before = None if one is None or _long_gap(columns, x) else before
            continue
        low, high = one.low, one.high
        if before is not None:  # joined to the one before, so that a step is a line
            low, high = min(low, before[1]), max(high, before[0])
        before = (one.low, one.high)
        for dot in range(_dot(high, scale, 4 * rows), _dot(low, scale, 4 * rows) + 1):
            cells[dot // 4][x // 2] |= _DOTS[x % 2][dot % 4]
        if _RANK[one.state] > 0 and tones[x // 2] != "critical":
            tones[x // 2] = TONES[one.state]
    marks = _marks(scale, bounds, rows)
    ticks = {0: scale.high, rows - 1: scale.low, (rows - 1) // 2: (scale.high + scale.low) / 2}
    labels = {y: _tick(value, unit, scale, bounds) for y, value in ticks.items()}
    labels.update({y: _tick(value, unit, scale, bounds) for y, (value, _) in marks.items()})
    lines: list[Line] = []
    for y in range(rows):
        axis_tone: Tone = marks[y][1] if y in marks else "dim"
        axis = column(labels.get(y, ""), _AXIS - 2, axis_tone, right=True)
        edge = Span(" ┤" if y in labels else " │", "dim")
        lines.append(line(axis, edge, *_row(cells[y], tones, y in marks, axis_tone)))
    return lines


def _row(cells: list[int], tones: list[Tone], marked: bool, mark: Tone) -> list[Span]:
    """A row of braille; a threshold shows as a dashed line where no dot is."""
    spans: list[Span] = []
    for bits, tone in zip(cells, tones, strict=True):
        shown, its = (chr(0x2800 + bits), tone) if bits else ("╌", mark) if marked else (" ", "")
        if spans and spans[-1].tone == its:
            spans[-1] = Span(spans[-1].text + shown, spans[-1].tone)
        else:
            spans.append(Span(shown, its))
    return spans


def _long_gap(columns: Sequence[Sample | None], at: int) -> bool:
    """Whether three neighbouring columns are empty: fewer may fall between two samples."""
    return all(one is None or one.mean is None for one in columns[max(0, at - 2) : at + 1])


def _columns(kept: Sequence[Sample], window: Window, count: int) -> list[Sample | None]:
    """One sample a column: the extremes and the worst state of all that fall into it."""
    length = (window.until - window.since).total_seconds() or 1.0
    columns: list[Sample | None] = [None] * count
    for one in kept:
        x = int((one.at - window.since).total_seconds() / length * count)
        x = max(0, min(count - 1, x))
        columns[x] = _joined(columns[x], one)
    _bridge(columns, kept, length / count)
    return columns


def _bridge(columns: list[Sample | None], kept: Sequence[Sample], step_s: float) -> None:
    """Samples further apart than a column's time: the last one stands until the next."""
    gaps = sorted((b.at - a.at).total_seconds() for a, b in pairwise(kept))
    usual = gaps[len(gaps) // 2] if gaps else 0.0
    lasts = math.ceil(1.5 * usual / step_s) if usual > step_s else 0
    left, before = 0, None
    for x, one in enumerate(columns):
        if one is not None:
            left, before = lasts, one
        elif left > 1 and before is not None:
            columns[x] = before
            left -= 1


def _joined(one: Sample | None, other: Sample) -> Sample:
    if one is None:
        return other
    worst = max(one.state, other.state, key=lambda state: _RANK[state])
    lows = [v for v in (one.low, other.low) if v is not None]
    highs = [v for v in (one.high, other.high) if v is not None]
    mean = other.mean if other.mean is not None else one.mean
    return Sample(other.at, min(lows, default=None), mean, max(highs, default=None), worst)


def _dot(value: float, scale: Scale, dots: int) -> int:
    """Row of dots, from the top, that a value falls on."""
    share = (value - scale.low) / (scale.high - scale.low)
    return max(0, min(dots - 1, round((1 - max(0.0, min(1.0, share))) * (dots - 1))))


def _marks(scale: Scale, bounds: Bounds, rows: int) -> dict[int, tuple[float, Tone]]:
    """Rows of the thresholds that fall on the scale."""
    found: dict[int, tuple[float, Tone]] = {}
    levels: list[tuple[float | None, Tone]] = [
        (bounds.warning, "warning"),
        (bounds.critical, "critical"),
    ]
    for value, tone in levels:
        for sign in (1, -1) if bounds.signed else (1,):
            if value is not None and scale.low < sign * value < scale.high:
                found[_dot(sign * value, scale, 4 * rows) // 4] = (sign * value, tone)
    return found


def _tick(value: float, unit: str, scale: Scale, bounds: Bounds) -> str:
    """A number beside the axis, in at most seven cells."""
    if bounds.signed and unit == "s":
        shown = milliseconds(abs(value))
        return shown if value == 0 else f"{'+' if value > 0 else '-'}{shown}"
    if unit in ("bytes", "bytes/s"):
        return size(value)
    if unit in ("s", "%"):
        return in_unit(value, unit)
    return f"{value:,.0f}" if abs(scale.high) >= 10 else f"{value:.2g}"


def _lane(kept: Sequence[Sample], window: Window, across: int) -> list[Span]:
    """One sign a column: calm is a line, and what was not read at all is empty."""
    spans: list[Span] = []
    for one in _columns(kept, window, across):
        shown = Span(" ")
        if one is not None:
            calm = one.state == "ok"
            shown = Span("─" if calm else SIGNS[one.state], "dim" if calm else TONES[one.state])
        if spans and spans[-1].tone == shown.tone:
            spans[-1] = Span(spans[-1].text + shown.text, shown.tone)
        else:
            spans.append(shown)
    return spans


def _hours(snapshot: Snapshot, window: Window, across: int) -> Line:
    """Hours below the graph: the ends, and round ones in between."""
    length = window.until - window.since
    text = [" "] * across
    steps = 4 if across >= 50 else 2
    for y in range(steps + 1):
        moment = window.since + timedelta(seconds=length.total_seconds() * y / steps)
        shown = say(N_("now")) if y == steps else local(snapshot, moment).strftime("%H:%M")
        at = min(across - len(shown), max(0, across * y // steps - len(shown) // 2))
        text[at : at + len(shown)] = shown
    return line(Span(" " * _AXIS), Span("".join(text), "dim"))


def _sums(
    kept: Sequence[Sample], values: Sequence[float], unit: str, width: int, *, signed: bool
) -> Line:
    """Lowest and highest, and for how much of the time it was not well or not read."""
    items: list[Line] = []
    if values:
        items.append(line(Span(say(N_("lowest")) + " ", "dim"), _sum(min(values), unit)))
        items.append(line(Span(say(N_("highest")) + " ", "dim"), _sum(max(values), unit)))
    counts = {state: sum(1 for one in kept if one.state == state) for state in _RANK}
    for state, word in _SHARES.items():
        count = counts[state]
        if count:
            share = 100 * count / len(kept)
            shown = say(word, share=f"{share:.0f} %" if share >= 1 else "<1 %")
            items.append(line(Span(f"{SIGNS[state]} {shown}", TONES[state])))
    if signed:
        items.append(line(Span(say(N_("plus: ours is slow")), "dim")))
    return fit(line(" " * _AXIS, *(flow(items, width - _AXIS) or [()])[0]), width)


def _sum(value: float, unit: str) -> str:
    if unit == "s" and abs(value) < 1:
        return f"{round(value * 1000):d} ms"
    return in_unit(value, unit)


def _filled(lines: list[Line], width: int, height: int) -> list[Line]:
    shown = [fit(one, width) for one in lines[:height]]
    return [*shown, *[fit((), width)] * (height - len(shown))]
