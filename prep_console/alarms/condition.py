"""One thing that is wrong, as the readings and the journal show it at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from prep_console.snapshot import AlarmSeverity, Detail


class Condition(msgspec.Struct, frozen=True):
    """A fault that holds now. Whether it is an alarm, only its lifecycle says."""

    id: str
    """Of its rule in the table."""
    severity: AlarmSeverity
    since: datetime
    """From when on the fault was there, aware UTC."""
    values: Mapping[str, Detail] = msgspec.field(default_factory=dict)
    """Fills the rule's sentence."""
    subject: str = ""
    """What it is about, where a rule can hold for several: a device, a service, an election."""
    renewed_at: datetime | None = None
    """When it last happened anew (another delivery was refused): acknowledgements given before
    do not cover it."""
    sources: tuple[str, ...] = ()
    """Readings that show it: while one of them is unknown, nobody can say that it is over."""

    @property
    def key(self) -> str:
        """What an operator names it by; as :attr:`snapshot.AlarmView.key`."""
        return key_of(self.id, self.subject)


def key_of(rule: str, subject: str) -> str:
    """One alarm's name among all."""
    return f"{rule}:{subject}" if subject else rule
