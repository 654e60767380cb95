"""The keys of the main screen, once: bindings, footer, help and README are made from these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from prep_console.console.decisions import decide
from prep_console.console.orders import Action
from prep_console.snapshot import Snapshot
from prep_console.widgets.alarm_list import is_quiet
from prep_console.widgets.cuts_table import Row
from prep_console.widgets.key_bar import Hint
from prep_console.widgets.key_names import name
from prep_console.wording import N_, Language, say, say_in

Off = Callable[[Snapshot, Row | None], str | None]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what it is called in the footer, and what help says of it."""

    id: str
    keys: str
    """As Textual names them, several with commas."""
    shown: str
    action: str
    label: str
    help: str
    decides: Action | None = None
    """The guarded action it opens; read-only consoles leave these out."""
    footer: bool = True
    command: str | None = None
    """Name of the screen's action in the command palette; None leaves it out."""


COMMANDS: Mapping[Action, str] = {
    "rollback": N_("Roll back to the previous cut"),
    "publish": N_("Publish the chosen cut"),
    "hold": N_("Hold publishing"),
    "release": N_("Release: automatic again"),
    "freeze": N_("Freeze the final cut"),
    "thaw": N_("Thaw the final cut"),
    "suspend": N_("Suspend: nothing public"),
    "resync": N_("Resynchronise"),
    "cancel_resync": N_("Cancel the resync"),
    "start_engine": N_("Start the engine"),
}
"""What the palette can decide, each through its guarded dialog."""

KEYS = (
    Key(
        "rollback",
        "b",
        "b",
        "decide('rollback')",
        N_("roll back"),
        N_("Bring back the previous cut; publishing goes on hold."),
        "rollback",
    ),
    Key(
        "hold",
        "h",
        "h",
        "hold_or_release",
        N_("hold"),
        N_("Hold publishing, or release it: new cuts wait, or go live again."),
        "hold",
    ),
    Key(
        "freeze",
        "f",
        "f",
        "decide('freeze')",
        N_("freeze"),
        N_("Freeze the final cut: it stays public whatever arrives."),
        "freeze",
    ),
    Key(
        "publish",
        "p",
        "p",
        "decide('publish')",
        N_("publish"),
        N_("Publish the cut under the cursor."),
        "publish",
    ),
    Key(
        "resync",
        "r",
        "r",
        "decide('resync')",
        N_("resync"),
        N_("Take the institute's newest cut again; repair the live one."),
        "resync",
    ),
    Key(
        "cancel",
        "x",
        "x",
        "decide('cancel_resync')",
        N_("cancel resync"),
        N_("Cancel the resync that runs, whoever began it."),
        "cancel_resync",
        footer=False,
    ),
    Key(
        "start",
        "m",
        "m",
        "decide('start_engine')",
        N_("start engine"),
        N_("Start the engine when none is running."),
        "start_engine",
        footer=False,
    ),
    Key(
        "alarms",
        "a",
        "a",
        "alarms",
        N_("alarms"),
        N_("Every alarm in full, what to do about it; a again acknowledges, s shelves."),
        command="alarms",
    ),
    Key(
        "instruments",
        "i",
        "i",
        "instruments",
        N_("instruments"),
        N_("Every reading in full, with its age and its error."),
        command="instruments",
    ),
    Key(
        "graph",
        "g",
        "g",
        "graph",
        N_("graphs"),
        N_("The history of a reading over 30 minutes, 6 hours or a day."),
        command="graph",
    ),
    Key(
        "detail",
        "enter",
        "Enter",
        "detail",
        N_("detail"),
        N_("Everything about the row under the cursor."),
        command="detail",
    ),
    Key(
        "differences",
        "d",
        "d",
        "differences",
        N_("differences"),
        N_("What changed in the cut under the cursor against the one before it, or any two."),
        command="differences",
    ),
    Key(
        "journal",
        "l",
        "l",
        "journal",
        N_("journal"),
        N_("The record: what happened and who decided it."),
        command="journal",
    ),
    Key(
        "palette",
        "ctrl+p,colon",
        ":",
        "palette",
        N_("commands"),
        N_("Every command by name, thaw, suspend and the themes too."),
        footer=False,
    ),
    Key(
        "filter",
        "slash",
        "/",
        "filter",
        N_("filter"),
        N_("Show only the cuts with what is typed; Esc ends it. In the record too."),
        command="filter",
    ),
    Key(
        "order",
        "o",
        "o",
        "order",
        N_("order"),
        N_("Order the cuts by time, actas, size or warnings."),
        footer=False,
        command="order",
    ),
    Key(
        "up", "up,k", "↑", "move(-1)", N_("up"), N_("Cursor up in the table of cuts."), footer=False
    ),
    Key(
        "down",
        "down,j",
        "↓",
        "move(1)",
        N_("down"),
        N_("Cursor down in the table of cuts."),
        footer=False,
    ),
    Key("page_up", "pageup", "PgUp", "move(-10)", N_("page up"), N_("Ten rows up."), footer=False),
    Key(
        "page_down",
        "pagedown",
        "PgDn",
        "move(10)",
        N_("page down"),
        N_("Ten rows down."),
        footer=False,
    ),
    Key(
        "newest",
        "home,escape",
        "Home",
        "newest",
        N_("newest"),
        N_("Back to the newest cut."),
        footer=False,
    ),
    Key(
        "help",
        "question_mark,f1",
        "?",
        "help",
        N_("help"),
        N_("What to do in each situation; what each key does, and why it is off just now."),
        command="help",
    ),
    Key(
        "quit",
        "q,ctrl+c",
        "q",
        "app.quit",
        N_("quit"),
        N_("Close this screen. Publishing goes on: the engine is another process."),
    ),
)


def named(key: Key) -> str:
    """What the key is called on the screens of this console."""
    return name(key.id, key.shown)


def usable(key: Key, *, read_only: bool) -> bool:
    """Whether this console has the key at all."""
    return key.decides is None or not read_only


def bindings(*, read_only: bool = False) -> list[BindingType]:
    """The keys as Textual takes them."""
    return [
        Binding(key.keys, key.action, key.label, id=key.id, show=key.footer)
        for key in KEYS
        if usable(key, read_only=read_only)
    ]


def why_off(key: Key, snapshot: Snapshot, chosen: Row | None) -> str | None:
    """Why the key would do nothing just now; None when it would."""
    if key.decides is None:
        return None
    if snapshot.past is not None:
        return say(N_("this is a replay, and what is over is not decided any more"))
    action: Action = key.decides
    if key.id == "hold" and snapshot.mode == "hold":
        action = "release"
    return decide(action, snapshot, chosen).off


def hints(snapshot: Snapshot, chosen: Row | None, *, read_only: bool) -> list[Hint]:
    """The footer, as things stand."""
    shown: list[Hint] = []
    for key in KEYS:
        if not usable(key, read_only=read_only):
            continue
        off = why_off(key, snapshot, chosen)
        if key.id in ("start", "cancel"):  # there only while they can do something
            if off is None:
                shown.insert(0, Hint(named(key), say(key.label)))
        elif key.id == "alarms" and (asking := sum(not is_quiet(a) for a in snapshot.alarms)):
            label = say(N_("alarms ({n})"), n=asking)
            shown.insert(0, Hint(named(key), label))  # first: a small screen drops the later ones
        elif key.footer:
            label = say(key.label)
            if key.id == "hold" and snapshot.mode == "hold":
                label = say(N_("release"))
            shown.append(Hint(named(key), label, off is None))
    return shown


def table(language: Language) -> str:
    """The README's table of keys, as Markdown."""
    head = (say_in(language, N_("key")), say_in(language, N_("what it does")))
    rows = [(f"`{key.shown}`", say_in(language, key.help)) for key in KEYS]
    return "\n".join(f"| {left} | {right} |" for left, right in [head, ("---", "---"), *rows])
