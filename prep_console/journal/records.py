"""What a state of the station is made of: cuts, deliveries, refusals and decisions, as the journal
tells them. Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec


class PartRecord(msgspec.Struct, frozen=True):
    """One election inside a cut or a waiting delivery."""

    election: str
    stamp: str
    sha256: str
    carried: bool = False


class CutRecord(msgspec.Struct, frozen=True):
    """What the journal knows of a sealed cut. Times are aware UTC."""

    id: str
    why: str
    """'' for a first revision, else ``completed``, ``corrected``, or ``again``: delivered once
    more after ``accept-from``."""
    parts: tuple[PartRecord, ...]
    missing: tuple[str, ...]
    """Elections that it lacks by a person's decision (only a first cut may)."""
    manifest: str
    """SHA-256 of cut.json."""
    bytes: int
    warnings: int
    counted: int | None
    mtime_us: int
    """Modification time given to its new files, microseconds since the epoch."""
    received_at: datetime
    verified_at: datetime
    sealed_at: datetime
    published_at: datetime | None = None
    served_at: datetime | None = None
    withdrawn: bool = False
    pruned: bool = False
    damaged: tuple[str, ...] = ()
    """Files that are no longer as sealed, and of which no good copy was found."""
    new_bytes: int = 0
    """Bytes that no earlier cut shared when it was sealed."""
    epoch: int = 0
    """How many times ``accept-from`` had set the marks back before it was sealed."""
    expected: int | None = None
    """Actas expected over all elections; None when no file says, or an older line."""
    checks: tuple[str, ...] = ()
    """Which checks warned, once each; none in an older line."""

    @property
    def questioned(self) -> bool:
        """Whether its figures are zero, though those of the cut before were not."""
        return "cut.zero" in self.checks

    @property
    def waits_for_person(self) -> bool:
        """A corrected or questioned cut that nobody has published yet."""
        return (self.why == "corrected" or self.questioned) and self.published_at is None


class Waiting(msgspec.Struct, frozen=True):
    """An accepted delivery whose cut is not put together yet."""

    delivery: str
    """Its folder under staging/."""
    parts: tuple[PartRecord, ...]
    received_at: datetime
    verified_at: datetime
    corrected: bool = False


class RefusedRecord(msgspec.Struct, frozen=True):
    id: str
    name: str
    at: datetime
    findings: tuple[Mapping[str, Any], ...]


class Parked(msgspec.Struct, frozen=True):
    """A delivery from the future of a clock that nobody knows to be right."""

    name: str
    stamp: str
    at: datetime
    until: datetime
    """When its stamp is no longer ahead."""


class Tampered(msgspec.Struct, frozen=True):
    """Sealed bytes that were found changed, and put right again."""

    cut: str
    at: datetime
    names: tuple[str, ...]


class Intent(msgspec.Struct, frozen=True):
    """A decision that is durable and whose outcome is not known yet."""

    seq: int
    action: str
    target: str | None
    """Cut id, or None for nothing live."""
    data: Mapping[str, Any]
    at: datetime
    by: str


class Decision(msgspec.Struct, frozen=True):
    action: str
    by: str
    at: datetime
    reason: str
