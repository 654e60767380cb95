"""What became of a delivery: the answer of :func:`~prep_console.intake.receive.receive`."""

from __future__ import annotations

from typing import Literal

import msgspec

from prep_console.cuts.model import Examination
from prep_console.publication.actions import Outcome
from prep_console.wording import Sentence

Result = Literal["refused", "parked", "had", "waiting", "sealed"]


class Override(msgspec.Struct, frozen=True):
    """A person's word that a quarantined delivery is to be taken."""

    quarantined: str
    """Its id in quarantine."""
    name: str
    """What the institute called it."""
    reason: str


class Receipt(msgspec.Struct, frozen=True):
    """What became of a delivery."""

    result: Result
    examination: Examination
    cut: str | None
    """The cut that was sealed with it (or already holds it)."""
    waiting_for: tuple[str, ...]
    quarantined: str | None = None
    waits_as: tuple[str, ...] = ()
    """Waiting deliveries that hold its parts."""
    published: Outcome | None = None
    waits: Sentence | None = None
    """Why its cut is not public, when it could be."""
    still_coming: bool = False
    """It is not whole, but was being written a moment ago: to be looked at again."""
    incomplete: bool = False
    """Still coming, and of no use before somebody writes more of it: its end is missing."""
