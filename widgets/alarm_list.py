"""What is wrong right now, worst first."""

from __future__ import annotations

from collections.abc import Callable

from prep_console.snapshot import AlarmView, Snapshot
from prep_console.widgets.figures import hour
from prep_console.widgets.key_names import name
from prep_console.widgets.lines import Line, Span, Tone, cells, fit, line, text_of, wrap
from prep_console.wording import N_, say, say_n, visible

Wording = Callable[[AlarmView], str]


def ordered(snapshot: Snapshot) -> list[AlarmView]:
    """What asks for somebody first, critical before warning, then the newest."""
    newest = sorted(snapshot.alarms, key=lambda alarm: alarm.since, reverse=True)
    return sorted(newest, key=lambda alarm: (is_quiet(alarm), alarm.severity != "critical"))


def is_quiet(alarm: AlarmView) -> bool:
    """Somebody has seen it, or put it aside for a while: it is shown, and asks for nothing."""
    return alarm.acknowledged_by is not None or alarm.shelved_until is not None


def sign_of(alarm: AlarmView) -> str:
    """Its severity without colour."""
    return "✖" if alarm.severity == "critical" else "▲"


def tone_of(alarm: AlarmView) -> Tone:
    """Grey once it is quiet."""
    return "dim" if is_quiet(alarm) else alarm.severity


def marks(snapshot: Snapshot, alarm: AlarmView) -> str:
    """What has become of it: seen, put aside until, coming and going, what it explains."""
    told = []
    if alarm.shelved_until is not None:
        told.append(say(N_("shelved until {time}"), time=hour(snapshot, alarm.shelved_until)))
    elif alarm.acknowledged_by is not None:
        told.append(say(N_("seen by {by}"), by=alarm.acknowledged_by))
    if alarm.flapping:
        told.append(say(N_("comes and goes")))
    if alarm.consequences:
        count = len(alarm.consequences)
        told.append(say_n("{n} consequence", "{n} consequences", count))
    return " · ".join(told)


def panel(
    snapshot: Snapshot, width: int, height: int, wording: Wording, *, keys: bool = True
) -> list[Line]:
    """As many alarms as fit, in full where there is room; the last line counts the others."""
    alarms = ordered(snapshot)
    if not alarms:
        return [line(Span(" ✓ " + say(N_("no alarms")), "dim"))]
    full = [spans for alarm in alarms for spans in whole(snapshot, alarm, width, wording)]
    if len(full) <= height:
        return full
    shown = alarms if len(alarms) <= height else alarms[: max(1, height - 1)]
    lines = [row(snapshot, alarm, width, wording) for alarm in shown]
    left = alarms[len(shown) :]
    if left and height > 1:
        count = len(left)
        more = (
            say(N_("and {n} more: press {key}"), n=count, key=name("alarms", "a"))
            if keys
            else say(N_("and {n} more"), n=count)
        )
        lines.append(fit(line(Span("   " + more, tone_of(left[0]))), width))
    return lines


def whole(snapshot: Snapshot, alarm: AlarmView, width: int, wording: Wording) -> list[Line]:
    """One alarm over as many lines as it takes."""
    tone = tone_of(alarm)
    told = marks(snapshot, alarm)
    one = row(snapshot, alarm, width, wording)
    if "…" not in text_of(one):
        return [one]
    start = hour(snapshot, alarm.since)
    blank = " " * (4 + cells(line(start)))
    texts = wrap(visible(wording(alarm)), width - len(blank))
    first = line(" ", Span(f"{sign_of(alarm)} ", tone), start, " ", Span(texts[0], tone))
    marked = [line(blank, Span(part, "dim")) for part in wrap(told, width - len(blank))]
    more = [line(blank, Span(part, tone)) for part in texts[1:]]
    return [fit(each, width) for each in [first, *more, *(marked if told else [])]]


def row(
    snapshot: Snapshot, alarm: AlarmView, width: int, wording: Wording, *, chosen: bool = False
) -> Line:
    """One alarm in one line: what it says gives way to what has become of it."""
    tone = tone_of(alarm)
    head = line(
        Span("▸" if chosen else " ", "strong"),
        Span(f"{sign_of(alarm)} ", tone),
        hour(snapshot, alarm.since),
        " ",
    )
    told = marks(snapshot, alarm)
    tail = line(Span(f"  {told}" if told else "", "dim"))
    room = width - cells(head) - cells(tail)
    says = line(Span(visible(wording(alarm)), tone))
    if room < 24:
        tail, room = (), width - cells(head)
    body = says if cells(says) <= room else fit(says, room)
    return fit((*head, *body, *tail), width)
