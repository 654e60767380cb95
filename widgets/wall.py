"""The control room's wall: read from five metres, touched by nobody."""

from __future__ import annotations

from prep_console.snapshot import Snapshot
from prep_console.widgets import alarm_list, digits, public_band
from prep_console.widgets.figures import cut_age, second, span
from prep_console.widgets.instruments import instruments
from prep_console.widgets.instruments.judged import Instrument
from prep_console.widgets.instruments.panel import by_need, sign, tone_of
from prep_console.widgets.lines import Line, Span, Tone, cells, column, fit, line, wrap
from prep_console.widgets.standing import notices, public_cut, word
from prep_console.wording import N_, say

STALE_S = 15.0
"""From here on the whole wall says that it is old: nobody must trust a frozen picture."""


def wall(
    snapshot: Snapshot,
    width: int,
    height: int,
    *,
    beat: int,
    stale_s: float | None,
    wording: alarm_list.Wording,
    halves: bool = True,
    calm: Snapshot | None = None,
) -> list[Line]:
    """The whole wall. ``beat`` counts the reads; ``stale_s`` is the age of the last one, if old.

    ``calm`` is what the instruments are drawn from, when it is not the newest snapshot.
    """
    if stale_s is not None and stale_s > STALE_S:
        return _stale(snapshot, width, height, stale_s, halves)
    found = notices(snapshot, keys=False)
    time, tone = public_band.public_time(snapshot, found)
    top = [*public_band.drill_band(snapshot, width), public_band.header(snapshot, width), ()]
    below = _facts(snapshot, word(snapshot, found), width)
    below += public_band.notice_bands(found, width)
    pulse = "●" if beat % 2 else "○"
    foot = line(f" {pulse} ", second(snapshot, snapshot.observed_at))
    alarms = alarm_list.panel(snapshot, width, max(4, height // 6), wording, keys=False)
    shown = _instruments(calm or snapshot, width, max(4, height // 3 - len(alarms)))
    rest = [*alarms, (), *shown] if snapshot.alarms else [*shown, *alarms]
    room = height - len(top) - len(below) - min(len(rest), height // 3) - 4
    state = word(snapshot, found)
    named = _large(state.text[2:], state.tone, width, max(3, room // 4), halves)
    clock = _large(time, tone, width, max(3, room - len(named) - 1), halves)
    lines = [*top, *clock, (), *named, (), *below, ()]
    lines += rest[: max(0, height - len(lines) - 1)]
    lines += [()] * (height - len(lines) - 1)
    return [fit(spans, width) for spans in [*lines[: height - 1], foot]]


def _large(text: str, tone: Tone, width: int, height: int, halves: bool) -> list[Line]:
    """``text`` as large as fits; nothing when it does not fit at all."""
    scale = digits.largest(text, width - 4, height, halves=halves)
    rows = digits.big(text, scale, halves=halves) if scale else []
    return [line(Span(row.center(width), tone)) for row in rows]


def _facts(snapshot: Snapshot, state: Span, width: int) -> list[Line]:
    cut = public_cut(snapshot)
    age = "" if cut is None else f"   {cut_age(snapshot, cut)} · {public_band.day(snapshot, cut)}"
    lines = [_centred(line(state, age), width)]
    lines.append(_centred(public_band.next_cut(snapshot), width))
    lines.append(_centred(public_band.tally(snapshot), width))
    lines += [_centred(spans, width) for spans in public_band.four_clocks(snapshot, width)]
    lines += [_centred(spans, width) for spans in public_band.elections(snapshot, width)]
    return lines


def _centred(spans: Line, width: int) -> Line:
    used = cells(spans)
    return line(" " * max(0, (width - used) // 2), *spans)


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
    long = [row for row in rows if cells(row) > half]
    short = [row for row in rows if cells(row) <= half]
    middle = (len(short) + 1) // 2
    pairs = zip(short[:middle], [*short[middle:], ()], strict=False)
    return [*long, *(line(*fit(left, half), *fit(right, half)) for left, right in pairs)]


def _stale(snapshot: Snapshot, width: int, height: int, stale_s: float, halves: bool) -> list[Line]:
    minutes, seconds = divmod(int(stale_s), 60)
    text = f"{minutes:02d}:{seconds:02d}"
    scale = digits.largest(text, width - 4, max(3, height - 8), halves=halves)
    told = [
        say(N_("THIS WALL IS OLD")),
        say(N_("Nothing could be read for {age}."), age=span(stale_s)),
        say(N_("What the public sees is not known here: look at the site itself.")),
    ]
    rows = digits.big(text, max(1, scale), halves=halves)
    texts = [part for one in told for part in wrap(one, width - 4)]
    middle = [*rows, "", *texts]
    above = max(0, (height - len(middle)) // 2)
    block = ([""] * above + middle + [""] * height)[:height]
    return [fit(line(Span(text.center(width), "band-critical")), width) for text in block]
