"""The top of the screen: what the public sees, and whether it is right."""

from __future__ import annotations

from prep_console import dates
from prep_console.snapshot import CutView, Snapshot
from prep_console.widgets import digits
from prep_console.widgets.figures import coarse, cut_age, cut_hour, hour, local, second, span
from prep_console.widgets.instruments import clock as instruments_clock
from prep_console.widgets.instruments import sources
from prep_console.widgets.lines import Line, Span, Tone, cells, column, ends, fit, flow, line, wrap
from prep_console.widgets.standing import (
    Notice,
    Severity,
    misserved,
    public_cut,
    served_span,
    word,
)
from prep_console.wording import N_, say, say_n, visible

_BANDS: dict[Severity, Tone] = {
    "note": "band-note",
    "warning": "band-warning",
    "critical": "band-critical",
}


def header(snapshot: Snapshot, width: int) -> Line:
    """Who we are, and the mode."""
    name = line(" ", Span(visible(snapshot.station), "strong"))
    elections = visible(" ".join(snapshot.elections))
    title = visible(snapshot.title)
    wrong = instruments_clock.header(snapshot)
    mode = line(mode_span(snapshot), "  ")
    told = Span(f"▲ {wrong}  " if wrong else "", "warning")
    if cells(name) + 2 + cells((told, *mode)) > width:  # the mode stays whole
        told = Span(f"▲ {say(N_('clock'))}  " if wrong else "", "warning")
    right = line(told, *mode)
    left = line(*name, f" · {elections}" if elections else "")
    if title and cells(left) + cells(line(title)) + 6 + cells(right) <= width:
        left = line(*name, f" · {title}", f" · {elections}" if elections else "")
    elif cells(left) + 2 + cells(right) > width:
        left = fit(name, max(0, width - cells(right) - 1))
    return ends(left, right, width)


def clock(snapshot: Snapshot) -> Line:
    """The time, as of the snapshot: when it stands still, nothing is read any more."""
    return line(second(snapshot, snapshot.observed_at), " ")


def drill_band(snapshot: Snapshot, width: int) -> list[Line]:
    """SIMULACRO over the whole width, while it is one; in as many words as fit."""
    if snapshot.phase != "simulacro":
        return []
    texts = [say(N_("SIMULACRO · drill: test data, no results")), say(N_("SIMULACRO · test data"))]
    text = next((one for one in texts if len(one) <= width), "SIMULACRO")
    return [fit(line(Span(text.center(width), "drill")), width)]


def unreadable_band(snapshot: Snapshot, stale_s: float | None, width: int) -> list[Line]:
    """That what a page shows may no longer be so, in one line; in as many words as fit."""
    if stale_s is None and snapshot.read_error is None:
        return []
    title = f"✖ {say(N_('STATION UNREADABLE'))}"
    told = say(N_("what is shown may be old"))
    if stale_s is not None:
        told = say(N_("what is shown is {age} old"), age=span(stale_s))
    text = f" {title}: {told}"
    return [line(column(text if cells(line(text)) <= width else title, width, "band-critical"))]


def mode_span(snapshot: Snapshot) -> Span:
    """The mode in a word with its sign."""
    if not snapshot.mode_is_known:
        return Span("? " + say(N_("not known")), "warning")
    if snapshot.mode == "auto":
        return Span("● " + say(N_("AUTOMATIC")), "strong")
    if snapshot.mode == "hold":
        return Span("║ " + say(N_("ON HOLD")), "warning")
    return Span("■ " + say(N_("FROZEN")), "note")


def figures(
    snapshot: Snapshot, found: list[Notice], scale: int, *, halves: bool = True
) -> list[Line]:
    """The hour of the public cut in large digits."""
    time, tone = public_time(snapshot, found)
    return [line(" ", Span(row, tone)) for row in digits.big(time, scale, halves=halves)]


def facts(snapshot: Snapshot, found: list[Notice], height: int) -> list[Line]:
    """What stands beside the digits; what ticks stands first in its line, so little is redrawn."""
    cut = public_cut(snapshot)
    state = word(snapshot, found)
    age: Line = ()
    if cut is not None:
        age = line(
            cut_age(snapshot, cut),
            Span(" · " + day(snapshot, cut), "dim"),
        )
    if height < 4:
        return [line(state, "  ", *age), next_cut(snapshot), tally(snapshot)]
    return [line(state), age, next_cut(snapshot), tally(snapshot)]


def clocks(snapshot: Snapshot, width: int, indent: str = " ") -> list[Line]:
    """The four clocks, and each election's hour where they differ."""
    return [*four_clocks(snapshot, width, indent), *elections(snapshot, width, indent)]


def public_time(snapshot: Snapshot, found: list[Notice]) -> tuple[str, Tone]:
    """Hour of the cut that visitors get, as far as is known."""
    cut = public_cut(snapshot)
    if cut is None:
        return "--:--", "critical"
    if snapshot.served is not None and misserved(snapshot) is not None:
        return snapshot.served.hour or "--:--", "critical"
    tone: Tone = "dim" if snapshot.read_error else "strong"
    return local(snapshot, cut.stamp).strftime("%H:%M"), tone


def day(snapshot: Snapshot, cut: CutView) -> str:
    """``dom 2 jun``: the date of the public cut, which the call asks to show at all times."""
    return dates.weekday(local(snapshot, cut.stamp))


def next_cut(snapshot: Snapshot) -> Line:
    """When the next cut is due: in minutes until the last one, so that it seldom changes."""
    due = snapshot.next_due
    if due is None:
        return line(Span(say(N_("no cut is expected")), "dim"))
    time = hour(snapshot, due)
    left = (due - snapshot.observed_at).total_seconds()
    building = ""
    if snapshot.waiting_for:
        building = say(N_("waits for {elections}"), elections=" ".join(snapshot.waiting_for))
    tail = "".join(f" · {part}" for part in (arriving(snapshot), building) if part)
    if left < 0:
        text = say(N_("next cut {time} · {age} over"), time=time, age=coarse(-left))
        return line(Span(text + tail, "warning"))
    if left < 60:
        text = say(N_("next cut {time} · in {age}"), time=time, age=f"{int(left):2d} s")
    else:
        text = say(N_("next cut {time} · in {age}"), time=time, age=f"{int(left // 60) + 1} min")
    return line(text + tail)


def arriving(snapshot: Snapshot) -> str:
    """From where a delivery comes just now: pushed to us, or pulled and by which source."""
    ways = [
        sources.way(name, reading)
        for name, reading in sorted(snapshot.readings.items())
        if name.startswith(sources.START) and reading.value == "arriving"
    ]
    if not ways or not snapshot.engine.alive:  # what a dead engine said last is no news
        return ""
    return say(N_("arriving by {ways}"), ways=", ".join(ways))


def tally(snapshot: Snapshot) -> Line:
    """How the night has gone so far."""
    night = say_n("{n} cut tonight", "{n} cuts tonight", len(snapshot.cuts))
    missed = say_n("{n} missed", "{n} missed", snapshot.cuts_missed)
    return line(f"{night} · ", Span(missed, "warning" if snapshot.cuts_missed else ""))


def four_clocks(snapshot: Snapshot, width: int, indent: str = " ") -> list[Line]:
    """Arrived → verified → on disk → served: apart, because they fail apart."""
    cut = public_cut(snapshot)
    if cut is None:
        return []
    steps = [
        (say(N_("arrived")), cut.received_at),
        (say(N_("verified")), cut.verified_at),
        (say(N_("on disk")), cut.sealed_at),
    ]
    published = cut.published_at
    if published is not None and (published - cut.sealed_at).total_seconds() > 5:
        steps.append((say(N_("put live")), published))
    items: list[Line] = []
    minute = ""
    for label, moment in steps:
        full = second(snapshot, moment)
        shown = full[5:] if full[:5] == minute else full
        items.append(line(Span(label + " ", "dim"), shown, Span(" →", "dim")))
        minute = full[:5]
    served = line(Span(say(N_("served")) + " ", "dim"))
    if cut.served_at is not None:
        full = second(snapshot, cut.served_at)
        served = line(*served, (full[5:] if full[:5] == minute else full) + " ")
    items.append(line(*served, served_span(snapshot)))
    return [line(indent, *spans) for spans in flow(items, width - 2, gap=" ")]


def elections(snapshot: Snapshot, width: int, indent: str = " ") -> list[Line]:
    """Each election's own hour, when they differ or one was carried over."""
    cut = public_cut(snapshot)
    if cut is None or len(cut.parts) < 2:
        return []
    hours = {part.stamp for part in cut.parts}
    if len(hours) == 1 and not any(part.carried for part in cut.parts):
        return []
    items = []
    for part in cut.parts:
        text = f"{visible(part.election)} {cut_hour(snapshot, part.stamp)}"
        if part.carried:
            text = say(N_("{part} (carried over)"), part=text)
        items.append(
            line(Span(f"▲ {text}" if part.carried else text, "warning" if part.carried else ""))
        )
    return [line(indent, *spans) for spans in flow(items, width - 2, gap=" · ")]


def settings_band(notice: Notice | None, width: int) -> list[Line]:
    """What is to be said of the settings file, if anything is."""
    return notice_bands([notice], width) if notice is not None else []


def notice_bands(found: list[Notice], width: int) -> list[Line]:
    """Each notice as a bar over the whole width, wrapped, never cut."""
    lines: list[Line] = []
    for notice in found:
        text = f"{notice.sign} {notice.word}: {notice.text}"
        tone = _BANDS[notice.severity]
        lines += [
            line(column(" " + part, width, tone)) for part in wrap(text, width - 2, indent="  ")
        ]
    return lines
