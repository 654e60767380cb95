"""Which form of the store a program writes, and what it does about one of another version.

The version belongs to the whole store: the journal's lines and what they mean, manifests, pointer,
folders. A journal without a ``format`` line is of version 1. A program that knows a later one says
so in a ``format`` line, together with the first thing that it writes; from then on an older
program refuses the store before it touches anything, and Apache goes on serving what is public.
The form of a journal line itself, and this kind, stay readable by every version.
"""

from __future__ import annotations

from prep_console.problems import Failed
from prep_console.wording import N_, sentence

VERSION = 1
"""Raise it with every change that an older program would misread; say in ``docs/station.md``
what changed. Every earlier version stays readable."""
FIRST = 1
"""Of a store whose journal says nothing about it."""
KIND = "format"


class NewerStore(Failed):
    """Written by a newer program: reading on would misunderstand it, writing would spoil it."""

    @classmethod
    def of(cls, found: int) -> NewerStore:
        return cls(
            sentence(
                N_(
                    "the station's store is of version {found}, and this program knows up to"
                    " {known}: a newer prep-console wrote it; nothing was changed"
                ),
                found=found,
                known=VERSION,
            ),
            sentence(N_("install the newer prep-console again and repeat the command")),
        )
