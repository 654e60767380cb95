"""What this terminal can show, read from its environment."""

from __future__ import annotations

from collections.abc import Mapping

from prep_console.widgets.look import Look, Theme

_OWN: Mapping[str, Theme] = {"normal": "calm", "contrast": "contrast", "colour-blind": "safe"}
_NO_COLOURS = {"dumb", "vt100", "vt102", "vt220"}


def look_for(environment: Mapping[str, str], chosen: Theme = "calm") -> Look:
    """Signs, letters and colours for ``TERM``, the locale, ``NO_COLOR`` and our own theme.

    ``chosen`` is the settings' theme; ``PREP_CONSOLE_THEME`` (contrast, colour-blind) goes before.

    The locale decides the encoding as it does for every program; without any, Python itself
    takes UTF-8, and so does this. The Linux console (``TERM=linux``) reads UTF-8, but its font
    has 256 or 512 glyphs, few of our signs among them.
    """
    term = environment.get("TERM", "")
    letters = _letters(environment)
    theme = _OWN.get(environment.get("PREP_CONSOLE_THEME", ""), chosen)
    if "NO_COLOR" in environment or term in _NO_COLOURS:
        theme = "plain"
    return Look(
        theme,
        few=not _has_256(environment),
        signs=letters == "utf-8" and term not in {"linux", *_NO_COLOURS},
        letters=letters,
    )


def _has_256(environment: Mapping[str, str]) -> bool:
    """As Textual decides it, which then writes no more than that."""
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return True
    kind = environment.get("TERM", "").rpartition("-")[2].lower()
    return kind in ("256color", "kitty")


def _letters(environment: Mapping[str, str]) -> str:
    locale = next(
        (environment[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(name)), ""
    )
    if not locale or locale.lower().replace("-", "").endswith("utf8"):
        return "utf-8"
    charset = locale.partition(".")[2].partition("@")[0].lower()
    return charset if charset in {"iso-8859-1", "iso8859-1", "iso-8859-15", "cp1252"} else "ascii"
