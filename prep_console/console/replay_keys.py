"""The keys of a replay, once: bindings, footer, help and README are made from these."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType

from prep_console.console import keys
from prep_console.snapshot import Snapshot
from prep_console.widgets.key_bar import Hint
from prep_console.wording import N_, Language, say, say_in


@dataclass(frozen=True, slots=True)
class ReplayKey:
    """One key that moves the replay; none of them changes anything at the station."""

    id: str
    keys: str
    """As Textual names them."""
    shown: str
    action: str
    label: str
    help: str
    footer: bool = True


KEYS = (
    ReplayKey(
        "replay.play",
        "space",
        "Space",
        "app.play",
        N_("play, pause"),
        N_("Play, or pause."),
    ),
    ReplayKey(
        "replay.faster",
        "plus",
        "+",
        "app.faster(1)",
        N_("faster"),
        N_("Faster, up to 600 times."),
    ),
    ReplayKey(
        "replay.slower",
        "minus",
        "-",
        "app.faster(-1)",
        N_("slower"),
        N_("Slower, down to the speed of the clock."),
    ),
    ReplayKey(
        "replay.alarm",
        "n",
        "n",
        "app.jump('alarm', 1)",
        N_("alarm"),
        N_("To the next alarm that was raised, and pause."),
    ),
    ReplayKey(
        "replay.alarm_before",
        "N",
        "N",
        "app.jump('alarm', -1)",
        N_("alarm before"),
        N_("Back to the alarm before."),
        footer=False,
    ),
    ReplayKey(
        "replay.decision",
        "v",
        "v",
        "app.jump('decision', 1)",
        N_("decision"),
        N_("To the next decision of a person, and pause."),
    ),
    ReplayKey(
        "replay.decision_before",
        "V",
        "V",
        "app.jump('decision', -1)",
        N_("decision before"),
        N_("Back to the decision before."),
        footer=False,
    ),
    ReplayKey(
        "replay.cut",
        "c",
        "c",
        "app.jump('cut', 1)",
        N_("cut"),
        N_("To the next cut that came, and pause."),
    ),
    ReplayKey(
        "replay.cut_before",
        "C",
        "C",
        "app.jump('cut', -1)",
        N_("cut before"),
        N_("Back to the cut before."),
        footer=False,
    ),
    ReplayKey(
        "replay.time",
        "t",
        "t",
        "app.time",
        N_("to a time"),
        N_("To a time that you type."),
    ),
    ReplayKey(
        "replay.on",
        "right",
        "→",
        "app.step(60)",
        N_("1 min on"),
        N_("One minute on."),
        footer=False,
    ),
    ReplayKey(
        "replay.back",
        "left",
        "←",
        "app.step(-60)",
        N_("1 min back"),
        N_("One minute back."),
        footer=False,
    ),
    ReplayKey(
        "replay.begin",
        "0",
        "0",
        "app.end(-1)",
        N_("beginning"),
        N_("To the beginning of what is replayed."),
        footer=False,
    ),
    ReplayKey(
        "replay.end",
        "9",
        "9",
        "app.end(1)",
        N_("end"),
        N_("To its end."),
        footer=False,
    ),
)


def bindings() -> list[BindingType]:
    """The keys as Textual takes them; on the app, so that they work on every screen."""
    return [Binding(key.keys, key.action, key.label, id=key.id, show=False) for key in KEYS]


def hints(snapshot: Snapshot) -> list[Hint]:
    """The footer of a replay: its own keys, then those that look at something."""
    moving = [Hint(key.shown, say(key.label)) for key in KEYS if key.footer]
    return [*moving, *keys.hints(snapshot, None, read_only=True)]


def table(language: Language) -> str:
    """The README's table of a replay's keys, as Markdown."""
    head = (say_in(language, N_("key")), say_in(language, N_("what it does")))
    rows = [(f"`{key.shown}`", say_in(language, key.help)) for key in KEYS]
    return "\n".join(f"| {left} | {right} |" for left, right in [head, ("---", "---"), *rows])
