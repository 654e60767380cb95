"""The alarms in full: the list, and of the chosen one its cause, consequence and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from prep_console.record import author, reason_given
from prep_console.snapshot import AlarmView, Snapshot
from prep_console.widgets.alarm_list import Wording, ordered, row, sign_of, tone_of
from prep_console.widgets.figures import age_s, hour, span
from prep_console.widgets.lines import Line, Span, Tone, line, rule, wrap
from prep_console.wording import N_, say, visible

_LABEL = 14


class AlarmTexts(NamedTuple):
    """What the rule of an alarm says about it, in the chosen language; '' where it says nothing."""

    cause: str
    consequence: str
    to_do: str


Explain = Callable[[AlarmView], AlarmTexts]
Named = Callable[[str], str]


def place(snapshot: Snapshot, chosen: str | None) -> int:
    """Index of the chosen alarm (by its key) in the list; the first one when it is gone."""
    keys = [alarm.key for alarm in ordered(snapshot)]
    return keys.index(chosen) if chosen in keys else 0


def lines(
    snapshot: Snapshot,
    width: int,
    height: int,
    *,
    chosen: str | None,
    first: int,
    wording: Wording,
    explain: Explain,
    named: Named,
) -> tuple[list[Line], int]:
    """The page, and how many lines of the chosen alarm are below its end.

    ``first`` is the line of its detail to begin with; ``named`` words the key of an alarm that
    is not in the list because this one explains it.
    """
    alarms = ordered(snapshot)
    if not alarms:
        calm = say(N_("no alarms"))
        return [line(Span(f" ✓ {calm}", "dim"))], 0
    at = place(snapshot, chosen)
    rows = min(len(alarms), max(1, height // 3))
    top = max(0, min(at - rows // 2, len(alarms) - rows))
    listed = [
        row(snapshot, alarm, width, wording, chosen=top + y == at)
        for y, alarm in enumerate(alarms[top : top + rows])
    ]
    left = len(alarms) - rows
    head = say(N_("and {n} more in the list"), n=left) if left else ""
    full = detail(snapshot, alarms[at], width, wording, explain, named)
    room = max(1, height - rows - 1)
    first = max(0, min(first, len(full) - room))
    shown = full[first : first + room]
    return [*listed, rule(head, width), *shown], max(0, len(full) - first - room)


def detail(
    snapshot: Snapshot,
    alarm: AlarmView,
    width: int,
    wording: Wording,
    explain: Explain,
    named: Named,
) -> list[Line]:
    """One alarm in full."""
    tone = tone_of(alarm)
    severity = say(N_("critical")) if alarm.severity == "critical" else say(N_("warning"))
    shown: list[Line] = [
        line(" ", Span(part, tone if tone != "dim" else "strong"))
        for part in wrap(f"{sign_of(alarm)} {visible(wording(alarm))}", width - 2, "  ")
    ]
    age = span(age_s(snapshot, alarm.since))
    since = say(N_("since {time}, for {age}"), time=hour(snapshot, alarm.since), age=age)
    told = f"{severity} · {since} · {visible(alarm.key)}"
    shown += [line(Span(f"   {part}", "dim")) for part in wrap(told, width - 4)]
    shown += _standing(snapshot, alarm, width)
    texts = explain(alarm)
    for label, told in (
        (say(N_("cause")), texts.cause),
        (say(N_("consequence")), texts.consequence),
        (say(N_("what to do")), texts.to_do),
    ):
        if told:
            shown += _fact(label, told, width, "strong" if told == texts.to_do else "")
    for y, key in enumerate(alarm.consequences):
        shown += _fact(say(N_("it explains")) if y == 0 else "", visible(named(key)), width, "")
    for y, (label, text) in enumerate(snapshot.contacts.items()):
        told = f"{visible(label)}: {visible(text)}"
        shown += _fact(say(N_("call")) if y == 0 else "", told, width, "")
    return shown


def _standing(snapshot: Snapshot, alarm: AlarmView, width: int) -> list[Line]:
    """Who has seen it, who put it aside and why: nothing hides that it is there."""
    shown: list[Line] = []
    if alarm.acknowledged_by is not None:
        told = author(alarm.acknowledged_by)
        if alarm.acknowledged_at is not None:
            at = hour(snapshot, alarm.acknowledged_at, "%H:%M:%S")
            told = say(N_("{by} at {time}"), by=told, time=at)
        shown += _fact(say(N_("seen by")), told, width, "")
    if alarm.shelved_until is not None:
        told = say(
            N_("until {time}, by {by}: “{reason}”"),
            time=hour(snapshot, alarm.shelved_until),
            by=author(alarm.shelved_by or "?"),
            reason=reason_given(alarm.shelved_reason),
        )
        shown += _fact(say(N_("shelved")), told, width, "note")
    if alarm.flapping:
        told = say(N_("it comes and goes; it stays here until it has been quiet for a while"))
        shown += _fact(say(N_("flapping")), told, width, "warning")
    return shown


def _fact(label: str, told: str, width: int, tone: Tone) -> list[Line]:
    return [
        line(Span(f"   {label if y == 0 else '':<{_LABEL}}", "dim"), Span(part, tone))
        for y, part in enumerate(wrap(told, width - _LABEL - 4))
    ]
