"""The mark of a sentence for people; :mod:`prep_console.wording` puts it into their language."""

from __future__ import annotations


def N_(msgid: str) -> str:
    """Mark a template for the catalogue without translating it here."""
    return msgid
