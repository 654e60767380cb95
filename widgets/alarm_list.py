"""What is wrong right now, worst first."""

from __future__ import annotations

from collections.abc import Callable

from prep_console.snapshot import AlarmView, Snapshot
from prep_console.widgets.figures import age_s, hour, span
from prep_console.widgets.lines import Line, Span, Tone, fit, line, wrap
from prep_console.wording import N_, say, visible

Wording = Callable[[AlarmView], str]


def ordered(snapshot: Snapshot) -> list[AlarmView]:
    """Critical before warning, what nobody has acknowledged first, then the newest."""
    newest = sorted(snapshot.alarms, key=lambda alarm: alarm.since, reverse=True)
    return sorted(
        newest, key=lambda alarm: (alarm.acknowledged_by is not None, alarm.severity != "critical")
    )


def panel(snapshot: Snapshot, width: int, height: int, wording: Wording) -> list[Line]:
    """As many alarms as fit; the last line counts the others."""
    alarms = ordered(snapshot)
    if not alarms:
        return [line(Span(" ✓ " + say(N_("no alarms")), "dim"))]
    shown = alarms if len(alarms) <= height else alarms[: max(1, height - 1)]
    lines = [fit(_alarm(snapshot, alarm, wording), width) for alarm in shown]
    if len(shown) < len(alarms) and height > 1:
        more = say(N_("and {n} more: press a"), n=len(alarms) - len(shown))
        lines.append(fit(line(Span("   " + more, "warning")), width))
    return lines


def _alarm(snapshot: Snapshot, alarm: AlarmView, wording: Wording) -> Line:
    sign = "✖" if alarm.severity == "critical" else "▲"
    tone: Tone = "dim" if alarm.acknowledged_by else alarm.severity
    return line(
        Span(f" {sign} ", tone),
        hour(snapshot, alarm.since),
        " ",
        Span(visible(wording(alarm)), tone),
    )


def page(snapshot: Snapshot, width: int, wording: Wording) -> list[Line]:
    """Every alarm in full, with its age and who has seen it."""
    lines: list[Line] = []
    for alarm in ordered(snapshot):
        sign = "✖" if alarm.severity == "critical" else "▲"
        head = f"{sign} {hour(snapshot, alarm.since)} {visible(wording(alarm))}"
        lines += [line(" ", Span(part, alarm.severity)) for part in wrap(head, width - 4, "  ")]
        facts = say(N_("for {age} · {id}"), age=span(age_s(snapshot, alarm.since)), id=alarm.id)
        if alarm.acknowledged_by:
            facts += " · " + say(N_("seen by {by}"), by=alarm.acknowledged_by)
        lines += [line(Span("   " + facts, "dim")), ()]
    return lines or [line(Span(" ✓ " + say(N_("no alarms")), "dim"))]
