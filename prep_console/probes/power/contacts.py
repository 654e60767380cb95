"""Dry contacts: relays of a generator or a switch, wired to a UPS's sensor and read through NUT.

NUT shows them as variables such as ``ambient.1.contacts.1.status``, whose value is the maker's
word (``active``, ``closed``, ``opened``): so the settings name both, ``VARIABLE=VALUE``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from prep_console import reasons
from prep_console.probes.power.nut import NutError

_VARIABLE = re.compile(r"[a-z0-9]+(\.[a-z0-9-]+)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Contact:
    """A NUT variable, and the value that it has when what is asked for is so."""

    variable: str
    value: str

    def made(self, variables: Mapping[str, str]) -> bool:
        """Is it so? NutError when the UPS has no such variable."""
        said = variables.get(self.variable)
        if said is None:
            raise NutError(reasons.NO_VARIABLE.format(variable=self.variable))
        return said.strip().casefold() == self.value.casefold()


def contact(text: str) -> Contact:
    """``VARIABLE=VALUE`` taken apart; ValueError says what is wrong with it."""
    variable, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not value or not _VARIABLE.fullmatch(variable):
        raise ValueError(f"{text[:80]!r} is not VARIABLE=VALUE")
    return Contact(variable, value)
