"""The bell: once for each new critical alarm that nobody has seen yet."""

from __future__ import annotations

from collections.abc import Iterable

from prep_console.snapshot import AlarmView


class Bell:
    """Remembers for which alarms this screen has rung.

    A console opened in the middle of one rings once. One that was acknowledged or put aside is
    silent; one that comes back, from its shelf or anew, rings again.
    """

    def __init__(self) -> None:
        self._rung: frozenset[str] = frozenset()

    def rings(self, alarms: Iterable[AlarmView]) -> bool:
        """Whether to ring for these alarms, which are those in force now."""
        critical = [one for one in alarms if one.severity == "critical"]
        loud = {one.key for one in critical if one.shelved_until is None}
        asking = {one.key for one in critical if one.acknowledged_by is None} & loud
        new = asking - self._rung
        self._rung = frozenset(loud)
        return bool(new)
