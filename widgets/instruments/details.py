"""Every reading in full: value, state in words, age, error, and each of its details."""

from __future__ import annotations

from collections.abc import Iterator

from prep_console import dates, status_words
from prep_console.snapshot import Detail, Reading, Snapshot
from prep_console.widgets.figures import age_s, local, milliseconds, size, span
from prep_console.widgets.instruments import clock, protection
from prep_console.widgets.instruments.judged import (
    SIGNS,
    TONES,
    amount,
    bounded,
    finite,
    judged,
    moment,
    reason,
    state_word,
    text,
)
from prep_console.widgets.instruments.words import DETAILS, ROOMS, TITLES, VALUES
from prep_console.widgets.lines import Line, Span, column, fit, flow, line, rule, wrap
from prep_console.wording import N_, known_text, say

_LABEL = 28
_FRESH_S, _STEP_S = 15.0, 5.0
"""Younger than this is just now; from there in steps, so that a calm page stays calm."""


def page(snapshot: Snapshot, width: int) -> list[Line]:
    """Every reading by room; nothing is left out, and unknown is said with its reason."""
    lines: list[Line] = []
    if not snapshot.engine.alive:
        told = say(N_("No engine is running: nothing of this is read any more."))
        if snapshot.engine.alive is None:
            told = say(N_("Nothing of this was recorded at that moment."))
        lines += [line(" ", Span(part, "critical")) for part in wrap("✖ " + told, width - 2)]
    shown: set[str] = set()
    for start, room in ROOMS:
        names = sorted((n for n in snapshot.readings if n.startswith(start)), key=_place)
        shown.update(names)
        lines += _room(snapshot, say(room), names, width)
    others = sorted(set(snapshot.readings) - shown)
    lines += _room(snapshot, say(N_("OTHERS")), others, width)
    return lines or [line(Span(" " + say(N_("Nothing was read yet.")), "dim"))]


def _place(name: str) -> tuple[int, str]:
    """The most telling one of a room first, then what has no fixed place by its name."""
    known = list(TITLES)
    return (known.index(name) if name in TITLES else len(known), name)


def title(name: str) -> str:
    """What a reading is called: a device by its own name."""
    if name in TITLES:
        return say(TITLES[name])
    if name.startswith("protection."):
        return bounded(protection.title(name))
    for start in ("power.", "site.vantage."):
        if name.startswith(start):
            return bounded(name.removeprefix(start))
    return bounded(name)


def _room(snapshot: Snapshot, room: str, names: list[str], width: int) -> list[Line]:
    if not names:
        return []
    lines: list[Line] = [rule(room, width)]
    for name in names:
        lines += _reading(snapshot, name, snapshot.readings[name], width)
    return [*lines, ()]


def _reading(snapshot: Snapshot, name: str, reading: Reading, width: int) -> Iterator[Line]:
    said = judged(snapshot, name, reading, value_text(name, reading))
    tone = TONES[said.state]
    age = _age(snapshot, reading)
    head = line(
        " ",
        Span(SIGNS[said.state], tone),
        " ",
        column(title(name), _LABEL, "strong"),
        " ",
        Span(said.value, tone or "strong"),
    )
    words = f"{state_word(said.state)} · {age}" if said.value != state_word(said.state) else age
    yield fit(line(*head, Span(f"  {words}", "dim")), width)
    if reading.error:
        for part in wrap(reason(reading), width - 6):
            yield line("     ", Span(part, "warning" if tone == "" else tone))
    yield from _details(snapshot, reading, width)


def _age(snapshot: Snapshot, reading: Reading) -> str:
    age = age_s(snapshot, reading.observed_at)
    if age < _FRESH_S:
        return say(N_("read just now"))
    return say(N_("read {age} ago"), age=span(age // _STEP_S * _STEP_S))


def value_text(name: str, reading: Reading) -> str:
    """A reading's value in words."""
    if name in ("clock.offset", "clock.tracking"):
        told = clock.sentence(reading)
        return told if told is not None else amount(reading)
    if isinstance(reading.value, str):
        if name.startswith("protection."):
            return bounded(status_words.protection(reading.value))
        if name == "power.source" or text(reading, "role") == "transfer-switch":
            return bounded(status_words.power_source(reading.value))
        if name == "link.interface":
            return bounded(status_words.interface(reading.value))
        if name == "engine.settings":
            return say(VALUES.get(reading.value, N_("wrong")))
        if text(reading, "role") == "generator":
            return bounded(status_words.generator_state(reading.value))
    return amount(reading)


def _details(snapshot: Snapshot, reading: Reading, width: int) -> Iterator[Line]:
    """Short ones side by side, long ones wrapped whole."""
    items: list[Line] = []
    for key, value in reading.detail.items():
        label = say(DETAILS[key]) if key in DETAILS else bounded(key)
        if key == "agree" and isinstance(value, bool):
            label = say(N_("all agree"))
        told = _detail(snapshot, reading, key, value)
        if len(label) + len(told) + 2 <= width - 8:
            items.append(line(Span(f"{label} ", "dim"), told))
            continue
        yield from (line("     ", *spans) for spans in flow(items, width - 6))
        items = []
        for part in wrap(f"{label} {told}", width - 6, "  "):
            yield line("     ", part)
    yield from (line("     ", *spans) for spans in flow(items, width - 6))


def _detail(snapshot: Snapshot, reading: Reading, key: str, value: Detail) -> str:
    if key == "leap" and isinstance(value, str):
        return bounded(status_words.leap(value))
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return say(N_("yes")) if value else say(N_("no"))
    if isinstance(value, str):
        at = moment(reading, key)
        if at is not None:
            return dates.second(local(snapshot, at))
        if key == "role" and value == "generator":
            return say(N_("generator"))
        if value in VALUES:
            return say(VALUES[value])
        if key in ("generator", "engine"):
            return bounded(status_words.generator_state(value))
        if key in ("preferred", "position", "switch"):
            return bounded(status_words.power_source(value))
        if key in ("status", "last_status") and reading.detail.get("role") == "ups":
            return f"{status_words.ups_status(value)} ({bounded(value)})"
        return bounded(known_text(value))
    plain = finite(value)
    if plain is None:
        return "?"
    if key.endswith("_per_s"):
        return f"{size(plain)}/s" if key.endswith("bytes_per_s") else f"{plain:,.4g}"
    if key.endswith("_s"):
        if abs(plain) < 60:
            return milliseconds(plain)
        return f"-{span(-plain)}" if plain < 0 else span(plain)
    if key.endswith("bytes"):
        return size(plain)
    if key.endswith("_percent"):
        return f"{plain:.0f} %"
    if key.endswith("_v"):
        return f"{plain:.1f} V"
    return f"{plain:,.0f}" if plain == int(plain) else f"{plain:,.4g}"
