"""How tones look: three themes, also in 16 colours, one without, and ASCII twins of every sign."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rich.style import Style

from prep_console.twins import TWINS
from prep_console.widgets.lines import Tone

Palette = Mapping[Tone, Style]

CALM: Palette = {
    "": Style(),
    "dim": Style(color="color(245)"),
    "strong": Style(bold=True),
    "title": Style(color="color(250)", bold=True),
    "note": Style(color="cyan"),
    "warning": Style(color="yellow", bold=True),
    "critical": Style(color="bright_red", bold=True),
    "band-note": Style(color="black", bgcolor="cyan", bold=True),
    "band-warning": Style(color="black", bgcolor="yellow", bold=True),
    "band-critical": Style(color="bright_white", bgcolor="red", bold=True),
    "drill": Style(color="bright_white", bgcolor="magenta", bold=True),
    "past": Style(color="bright_white", bgcolor="blue", bold=True),
    "cursor": Style(reverse=True),
    "key": Style(bold=True),
}
"""The terminal's own colours, so a light or dark background stays what its owner chose."""

CONTRAST: Palette = {
    **CALM,
    "": Style(color="bright_white", bgcolor="black", bold=True),
    "dim": Style(color="white", bgcolor="black"),
    "strong": Style(color="bright_white", bgcolor="black", bold=True),
    "title": Style(color="bright_cyan", bgcolor="black", bold=True),
    "note": Style(color="bright_cyan", bgcolor="black", bold=True),
    "warning": Style(color="bright_yellow", bgcolor="black", bold=True),
    "critical": Style(color="bright_white", bgcolor="red", bold=True),
    "band-note": Style(color="black", bgcolor="bright_cyan", bold=True),
    "band-warning": Style(color="black", bgcolor="bright_yellow", bold=True),
    "cursor": Style(color="black", bgcolor="bright_white", bold=True),
    "key": Style(color="bright_yellow", bgcolor="black", bold=True),
}
"""White on black whatever the terminal's own colours are, nothing dimmed."""

SAFE: Palette = {
    **CALM,
    "note": Style(color="color(75)"),
    "warning": Style(color="color(214)", bold=True),
    "critical": Style(color="bright_white", bgcolor="color(25)", bold=True),
    "band-note": Style(color="black", bgcolor="color(75)", bold=True),
    "band-warning": Style(color="black", bgcolor="color(214)", bold=True),
    "band-critical": Style(color="bright_white", bgcolor="color(25)", bold=True),
    "drill": Style(color="black", bgcolor="color(250)", bold=True),
    "past": Style(color="black", bgcolor="color(183)", bold=True),
}
"""Orange, light and dark blue, apart in lightness too: no red, no green (after Okabe and Ito)."""

PLAIN: Palette = {
    "": Style(),
    "dim": Style(),
    "strong": Style(bold=True),
    "title": Style(bold=True),
    "note": Style(underline=True),
    "warning": Style(bold=True),
    "critical": Style(bold=True, underline=True),
    "band-note": Style(bold=True, reverse=True),
    "band-warning": Style(bold=True, reverse=True),
    "band-critical": Style(bold=True, reverse=True),
    "drill": Style(bold=True, reverse=True),
    "past": Style(bold=True, reverse=True),
    "cursor": Style(reverse=True),
    "key": Style(bold=True),
}
"""No colour at all (``NO_COLOR``, a monochrome terminal): weight and reverse video carry it."""

FEW: Mapping[str, Palette] = {
    "calm": {**CALM, "dim": Style(), "title": Style(bold=True)},
    "safe": {
        **SAFE,
        "dim": Style(),
        "title": Style(bold=True),
        "note": Style(color="bright_cyan"),
        "warning": Style(color="bright_yellow", bold=True),
        "critical": Style(color="bright_white", bgcolor="blue", bold=True),
        "band-note": Style(color="black", bgcolor="cyan", bold=True),
        "band-warning": Style(color="black", bgcolor="yellow", bold=True),
        "band-critical": Style(color="bright_white", bgcolor="blue", bold=True),
        "drill": Style(color="black", bgcolor="white", bold=True),
        "past": Style(color="black", bgcolor="bright_magenta", bold=True),
    },
}
"""With 16 colours the nearest of them is not good enough: the grey of what is dim would be the
white of the text or vanish on a light ground, and dark blue would become cyan, which is a note."""

Theme = Literal["calm", "contrast", "safe", "plain"]
THEMES: Mapping[Theme, Palette] = {
    "calm": CALM,
    "contrast": CONTRAST,
    "safe": SAFE,
    "plain": PLAIN,
}


@dataclass(frozen=True, slots=True)
class Look:
    """What the terminal can show, and how its reader wants it."""

    theme: Theme = "calm"
    signs: bool = True
    """False: ASCII twins in the place of signs (no UTF-8, or the Linux console's small font)."""
    few: bool = False
    """True: the terminal has 16 colours."""
    letters: str = "utf-8"
    """Encoding of the terminal: what it cannot write loses its accent."""

    @property
    def palette(self) -> Palette:
        """Style of each tone."""
        own = FEW.get(self.theme) if self.few else None
        return own or THEMES[self.theme]

    def shown(self, text: str) -> str:
        """``text`` in characters that this terminal has, in as many cells."""
        if text.isascii() or (self.signs and self.letters == "utf-8"):
            return text
        return _shown(text, self.signs, self.letters)


@lru_cache(4096)
def _shown(text: str, signs: bool, letters: str) -> str:
    text = text if signs else text.translate(TWINS)
    if letters == "utf-8":
        return text
    return "".join(_letter(character, letters) for character in text)


def _letter(character: str, letters: str) -> str:
    try:
        character.encode(letters)
    except UnicodeEncodeError:
        base = unicodedata.normalize("NFKD", character)[0]
        return base if base.isascii() else "?"
    return character
