"""Every alarm: stable id, severity, and what it says. Computed, never remembered."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from prep_console.snapshot import AlarmSeverity, AlarmView
from prep_console.wording import N_, Sentence, Value, known_text

TABLE: Final[Mapping[str, tuple[AlarmSeverity, str]]] = MappingProxyType(
    {
        "cut.late": ("warning", N_("No cut has come for {minutes} minutes.")),
        "cut.overdue": ("critical", N_("No cut has come for {minutes} minutes.")),
        "cut.corrected": (
            "critical",
            N_("The institute corrected {cut}: publish it or wait for the next cut."),
        ),
        "cut.damaged": (
            "critical",
            N_("Files of the public cut are damaged and no good copy is here: {names}"),
        ),
        "cut.after_freeze": ("warning", N_("Cut {cut} arrived after the freeze and waits.")),
        "cut.carried": ("warning", N_("{election} was carried over in the public cut.")),
        "cut.refused": ("warning", N_("The delivery {name} was refused.")),
        "hold.reminder": (
            "warning",
            N_("Publishing has been on hold for {minutes} minutes; {n} cuts wait."),
        ),
        "hold.forgotten": (
            "critical",
            N_("Publishing has been on hold for {minutes} minutes; {n} cuts wait."),
        ),
        "site.differs": ("critical", N_("Visitors get {served}, but {live} should be public.")),
        "site.unseen": ("critical", N_("The site does not answer well: {error}.")),
        "engine.stopped": ("critical", N_("No engine is running: nobody receives cuts.")),
        "journal.broken": ("critical", N_("The journal's chain is broken at line {line}.")),
        "pointer.moved": (
            "critical",
            N_("The public cut was not the one in the journal; publishing is on hold."),
        ),
        "host.disk": ("warning", N_("The disk has less free space than the call asks for.")),
        "host.disk_full": ("critical", N_("The disk is nearly full.")),
    }
)


def sentence_of(alarm: AlarmView) -> Sentence:
    """What a person reads about an alarm; an id of a newer version shows its English text."""
    known = TABLE.get(alarm.id)
    values: dict[str, Value] = {
        k: known_text(v) if isinstance(v, str) else v
        for k, v in alarm.values.items()
        if not isinstance(v, bool)
    }
    if known is None:
        return Sentence(N_("{text}"), {"text": alarm.text})
    return Sentence(known[1], values)
