"""What a person may choose of the console: its theme, its keys, a wall's pages; read live."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prep_console import config
from prep_console.config import Settings
from prep_console.config.origins import differing
from prep_console.console import keys
from prep_console.problems import Problem, WrongUsage
from prep_console.values import replace
from prep_console.widgets.look import Theme
from prep_console.wording import N_, Sentence, because, sentence

_KEY = re.compile(r"[a-z0-9]|[A-Z]|f([1-9]|1[0-2])|ctrl\+[abd-z]")
"""What every terminal sends. Ctrl+C stays the way out."""
_IN_DIALOGS = {"s", "y", *"123456789"}
"""They confirm and give reasons there: a key held down must not decide by itself."""
_NO_KEY = N_("“{key}” is none of a letter, a digit, f1 to f12, ctrl+letter")
_GOES_ON = N_("the key “{key}” would go on into the dialog that it opens")
_THEMES: Mapping[str, Theme] = {"normal": "calm", "contrast": "contrast", "colour-blind": "safe"}


@dataclass(frozen=True, slots=True)
class Preferences:
    """The tables ``console`` and ``contacts`` of the settings, found to be sound."""

    theme: Theme = "calm"
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Bindings by id, all their keys with commas, as Textual takes them."""
    wall_pages_s: float = 0.0
    """Seconds that each page of a wall stays; 0: the first one only."""
    key_names: Mapping[str, str] = field(default_factory=dict)
    """What those keys are called on the screens that stand in the place of the usual ones."""
    contacts: Mapping[str, str] = field(default_factory=dict)
    """Whom to call."""
    outdated: tuple[str, ...] = ()
    """Other settings that differ from those that the console was opened with."""


def preferences(settings: Settings) -> Preferences:
    """WrongUsage when a key is none, is taken, or is for nothing that the console does."""
    chosen = settings.console
    ours = {key.id: key for key in keys.KEYS}
    replaced = set(chosen.keys) if chosen.replace_keys else set()
    taken = {one for key in keys.KEYS if key.id not in replaced for one in key.keys.split(",")}
    keymap, names = {}, {}
    for name, key in chosen.keys.items():
        if name not in ours:
            raise _wrong(
                name, sentence(N_("no such action; known: {names}"), names=", ".join(ours))
            )
        if _KEY.fullmatch(key) is None:
            raise _wrong(name, sentence(_NO_KEY, key=key))
        if key in taken:
            raise _wrong(name, sentence(N_("the key “{key}” is taken"), key=key))
        if ours[name].decides is not None and key in _IN_DIALOGS:
            raise _wrong(name, sentence(_GOES_ON, key=key))
        taken.add(key)
        if name in replaced:
            keymap[name] = f"{key},ctrl+c" if name == "quit" else key
            names[name] = _shown(key)
        else:
            keymap[name] = f"{ours[name].keys},{key}"
    return Preferences(_THEMES[chosen.theme], keymap, chosen.wall_pages, names, settings.contacts)


def _shown(key: str) -> str:
    """``F9``, ``Ctrl+B``; a letter as it is."""
    return key if len(key) == 1 else "+".join(part.capitalize() for part in key.split("+"))


def _wrong(name: str, why: Sentence) -> WrongUsage:
    return WrongUsage(
        because(N_("wrong settings: console.keys.{name}: {error}"), why, name=name),
        sentence(N_("correct the file and try again; config --example shows every setting")),
    )


Found = Preferences | Problem


def watch(file: Path, opened_with: Settings | None = None) -> Callable[[], Found | None]:
    """A function that tells what the file says whenever it is another; None while it is not.

    What is wrong with it is told once too: who asked keeps what was in force. ``opened_with``:
    the settings that the console goes on with; without them none is called outdated.
    """
    seen = config.version_of(file)

    def look() -> Found | None:
        nonlocal seen
        now = config.version_of(file)
        if now == seen:
            return None
        seen = now
        try:
            settings = config.load(file)
            outdated = differing(opened_with, settings) if opened_with is not None else ()
            return replace(preferences(settings), outdated=outdated)
        except Problem as problem:
            return problem

    return look
