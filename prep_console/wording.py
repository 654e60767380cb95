"""Every sentence a person reads: English in the code, Spanish in the catalogue.

A sentence crosses rooms as data (:class:`Sentence`: a template and its values) and becomes
text only at the edge, because the journal, ``--json`` and two consoles in two languages read
the same one. Values that came from outside are shown escaped (:func:`visible`), so no file
name or peer can steer a terminal or the markup of a screen.
"""

from __future__ import annotations

import gettext as _gettext
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from prep_console import reasons
from prep_console.marks import N_

__all__ = [
    "N_",
    "Because",
    "Language",
    "Sentence",
    "Value",
    "because",
    "known_text",
    "language",
    "say",
    "say_in",
    "say_n",
    "sentence",
    "use",
    "visible",
]

Language = Literal["es", "en"]
Value = str | int | float | None

LOCALES = Path(__file__).parent / "locales"
_DOMAIN = "prep_console"
_current: Language = "es"


def use(language: Language) -> None:
    """Choose the language of this process's screens and messages."""
    global _current
    _current = language


def language() -> Language:
    """The language chosen with :func:`use`."""
    return _current


@cache
def _catalogue(language: Language) -> _gettext.NullTranslations:
    """Without the compiled file the sentences are English: words must never stop a publication."""
    return _gettext.translation(_DOMAIN, LOCALES, [language], fallback=True)


def visible(text: str) -> str:
    r"""``text`` with control, format and bidirectional characters written as Python does.

    ``\xNN``, ``\uNNNN``, ``\UNNNNNNNN``.

    Lone surrogates (bytes of a file name that are no UTF-8) come out as ``\xNN`` too.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # os.fsdecode's surrogateescape of one undecodable byte
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        if code > 0xFFFF:
            return f"\\U{code:08x}"
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return character


def say_in(language: Language, msgid: str, **values: Value) -> str:
    """The template in one language, with its values escaped and filled in.

    A value named ``error`` is a reason that travelled as English (see :mod:`prep_console.reasons`).
    """
    template = _catalogue(language).gettext(msgid)
    return template.format(**_shown_values(language, values))


def _shown_values(language: Language, values: Mapping[str, Value]) -> dict[str, Value]:
    shown = {k: visible(v) if isinstance(v, str) else v for k, v in values.items()}
    if isinstance(error := shown.get("error"), str):
        shown["error"] = _known(language, error)
    return shown


def say(msgid: str, **values: Value) -> str:
    """The template in the chosen language (see :func:`use`), filled in."""
    return say_in(_current, msgid, **values)


def say_n(singular: str, plural: str, n: int, **values: Value) -> str:
    """Like :func:`say`, with the plural form that ``n`` asks for; ``{n}`` is a value too."""
    template = _catalogue(_current).ngettext(singular, plural, n)
    return template.format(n=n, **_shown_values(_current, values))


def by_count(n: object, one: str, more: str) -> str:
    """Of two templates, both marked with :func:`N_`, the one for ``n``: for sentences as data."""
    return one if n == 1 else more


def known_text(text: str) -> str:
    """``text`` in the chosen language as far as it is one of our own sentences.

    For reasons that travel as plain English (a reading's error) and may be a neighbour's words.
    """
    return _known(_current, text)


def _known(language: Language, text: str) -> str:
    return reasons.known(text, _catalogue(language).gettext)


class Sentence(msgspec.Struct, frozen=True):
    """A sentence as data: an English template marked with :func:`N_`, and its values."""

    msgid: str
    values: Mapping[str, Value] = msgspec.field(default_factory=dict)

    def in_(self, language: Language) -> str:
        """The sentence in one language."""
        return say_in(language, self.msgid, **self.values)

    def __str__(self) -> str:
        return self.in_(_current)


def sentence(msgid: str, **values: Value) -> Sentence:
    """Shorthand for ``Sentence(msgid, {...})``; the extractor knows this name."""
    return Sentence(msgid, values)


class Because(Sentence, frozen=True):
    """A sentence whose ``{error}`` is another one of ours, in the same language."""

    error: Sentence | None = None

    def in_(self, language: Language) -> str:
        error = "" if self.error is None else self.error.in_(language)
        return say_in(language, self.msgid, **{**self.values, "error": error})


def because(msgid: str, error: Sentence, **values: Value) -> Sentence:
    """Shorthand for :class:`Because`; the extractor knows :func:`N_`."""
    return Because(msgid, values, error)
