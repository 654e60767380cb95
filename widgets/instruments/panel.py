"""The instruments on the main screen: one a line, or flowing where the screen is small."""

from __future__ import annotations

from prep_console.snapshot import ReadingState, Snapshot
from prep_console.widgets.instruments import instruments
from prep_console.widgets.instruments.judged import LONGEST_LABEL, SIGNS, TONES, Instrument
from prep_console.widgets.key_names import name
from prep_console.widgets.lines import Line, Span, Tone, cells, clip, column, fit, flow, line, wrap
from prep_console.wording import N_, say

_BARS = "▁▂▃▅▆▇█"
_STRIP, _VALUE = 8, 13
"""Columns of a history, and of the value before it."""
_RANK: dict[ReadingState | None, int] = {
    "critical": 0,
    "warning": 1,
    "unknown": 2,
    "ok": 3,
    None: 4,
}
_MOST_LINES = 3
_SHORTEST_LABEL = 8


def panel(snapshot: Snapshot, width: int, height: int, *, keys: bool = True) -> list[Line]:
    """One instrument a line; where room is short the worst stay, and the rest is counted."""
    shown = instruments(snapshot)
    label = min(LONGEST_LABEL, max(_SHORTEST_LABEL, *(len(one.label) for one in shown)))
    blocks = {y: _block(one, width, label) for y, one in enumerate(shown)}
    kept = _kept(shown, {y: len(block) for y, block in blocks.items()}, height)
    lines = [fit(spans, width) for y in kept for spans in blocks[y]]
    hidden = [one for y, one in enumerate(shown) if y not in kept]
    return [*lines, fit(line("  ", *_more(hidden, keys)), width)] if hidden else lines


def compact(snapshot: Snapshot, width: int, height: int, *, keys: bool = True) -> list[Line]:
    """All instruments in as few lines as they take; the worst stay where room is short."""
    shown = instruments(snapshot)
    for left_out in range(len(shown)):
        kept = sorted(by_need(shown)[: len(shown) - left_out])
        items = [_item(shown[y], width - 2) for y in kept if shown[y].short != ""]
        if left_out:
            items.append(_more([one for y, one in enumerate(shown) if y not in kept], keys))
        lines = flow(items, width - 2, gap="  ")
        if len(lines) <= height:
            return [fit(line(" ", *spans), width) for spans in lines]
    return [fit(_more(shown, keys), width)]


def worst(shown: list[Instrument]) -> Instrument | None:
    """The one that needs most to be looked at; None when there is none."""
    return min(shown, key=lambda one: _RANK[one.state], default=None)


def by_need(shown: list[Instrument]) -> list[int]:
    """Places of the instruments, what needs most to be looked at first."""
    return sorted(range(len(shown)), key=lambda y: (_RANK[shown[y].state], y))


def _kept(shown: list[Instrument], heights: dict[int, int], height: int) -> list[int]:
    """Which fit into ``height`` lines, one of them told apart for those that do not."""
    if sum(heights.values()) <= height:
        return sorted(heights)
    kept, used = [], 1
    for y in by_need(shown):
        if used + heights[y] > height:
            break
        kept.append(y)
        used += heights[y]
    return sorted(kept)


def _more(hidden: list[Instrument], keys: bool) -> Line:
    first = worst(hidden)
    tone: Tone = "dim"
    if first is not None and first.state not in ("ok", None):
        tone = TONES[first.state]
    count = len(hidden)
    told = (
        say(N_("and {n} more: press {key}"), n=count, key=name("instruments", "i"))
        if keys
        else say(N_("and {n} more"), n=count)
    )
    return line(" ", Span(told, tone))


def sign(instrument: Instrument) -> Span:
    """The state's sign in its tone."""
    if instrument.state is None:
        return Span("·", "dim")
    return Span(SIGNS[instrument.state], TONES[instrument.state])


def tone_of(instrument: Instrument) -> Tone:
    """Of the value: grey while nothing is to be said."""
    return "dim" if instrument.state is None else TONES[instrument.state]


def _block(one: Instrument, width: int, label: int) -> list[Line]:
    """The line of an instrument; what is wrong and does not fit takes up to two more."""
    tone = tone_of(one)
    head = line(" ", sign(one), " ", column(one.label, label, "dim"), " ")
    room = width - cells(head)
    if one.state in ("ok", None):
        return [(*head, *_calm(one, room))]
    texts = wrap("  ".join(part for part in (one.value, one.note) if part), room)
    if len(texts) > _MOST_LINES:
        texts = [*texts[: _MOST_LINES - 1], clip(" ".join(texts[_MOST_LINES - 1 :]), room)]
    blank = line(" " * cells(head))
    return [line(*(head if y == 0 else blank), Span(text, tone)) for y, text in enumerate(texts)]


def _calm(one: Instrument, room: int) -> Line:
    """Value, history and as many whole parts of the note as fit."""
    tone = tone_of(one)
    parts = one.note.split(" · ") if one.note else []
    strip = sparkline(one.history, one.scale, _STRIP)
    value = line(column(one.value, _VALUE, tone), Span(f" {strip}", "dim")) if strip else ()
    if not strip or cells(value) > room:
        value = line(Span(one.value, tone))
    while parts and cells(value) + 2 + len(" · ".join(parts)) > room:
        parts.pop()
    return line(*value, Span("  " + " · ".join(parts) if parts else "", "dim"))


def _item(one: Instrument, width: int) -> Line:
    """An instrument among others; of a long note as many whole parts as fit."""
    value = one.value if one.short is None else one.short
    parts = one.note.split(" · ") if one.note else []
    if one.short is not None or one.state in ("ok", None):
        parts = []
    for count in range(len(parts), -1, -1):
        note = "".join([", " if parts else "", " · ".join(parts[:count])]) if count else ""
        left_out = " …" if count < len(parts) else ""
        item = line(sign(one), " ", Span(f"{one.label} {value}{note}{left_out}", tone_of(one)))
        if cells(item) <= width:
            return item
    return item


def sparkline(values: tuple[float | None, ...], top: float, width: int) -> str:
    """The last ``width`` values on a fixed scale from 0 to ``top``; a gap where none was read."""
    if not values or top <= 0:
        return ""
    last = values[-width:]
    steps = len(_BARS) - 1
    return "".join(
        " " if value is None else _BARS[max(0, min(steps, round(value / top * steps)))]
        for value in last
    ).rjust(width)
