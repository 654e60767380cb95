"""What a pull is asked, what it tells on its way, and what it brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from prep_console import decoding, reasons
from prep_console.config.model import Source

T = TypeVar("T")

Trouble = Literal["unreachable", "refused", "stalled", "damaged", "our disk"]
_TOLD: dict[Trouble, str] = {
    "unreachable": reasons.UNREACHABLE,
    "refused": reasons.REFUSED,
    "stalled": reasons.STALLED,
    "damaged": reasons.DAMAGED,
    "our disk": reasons.OUR_DISK,
}


class Job(msgspec.Struct, frozen=True):
    """One look at a source."""

    source: Source
    into: Path
    """Our own folder for what it brings."""
    marks: Mapping[str, str]
    """Newest stamp that was accepted, by election; nothing older is fetched."""
    again: bool = False
    """Fetch the newest cut also when it is the one that we have: a resync compares it."""
    rest_s: float = 0.0
    """A mirrored tree is handed over when it was listed the same for so long."""
    timezone: str = "America/Mexico_City"
    elections: tuple[str, ...] = ()
    cadence_minutes: int = 5
    max_total_bytes: int = 8 * 1024**3
    """Of a whole mirrored tree."""


class Progress(msgspec.Struct, frozen=True):
    """How far the pull is."""

    file: str
    """Its name, visible."""
    bytes: int
    """Of all files of this job, those that an earlier try had fetched included."""
    total_bytes: int | None
    """None while the peer has not said."""
    files: int
    files_total: int | None
    bytes_per_s: float


class Pulled(msgspec.Struct, frozen=True):
    """What a source had."""

    state: Literal["new", "nothing", "older", "resting"]
    """``resting``: a tree that came and has not stood still long enough to be believed whole."""
    paths: tuple[Path, ...]
    """What ``receive`` takes, those of the oldest cut first; a mirrored tree is one folder."""
    stamp: str
    """The newest cut there, as written; '' when no name says."""
    trouble: tuple[Trouble, str] | None = None
    """Of the first file that could not be had while others could."""


class PullFailed(Exception):
    """The source gave nothing. The reason is English and bounded."""

    def __init__(self, kind: Trouble, reason: str) -> None:
        super().__init__(reason[:300])
        self.kind: Trouble = kind

    @property
    def trouble(self) -> tuple[Trouble, str]:
        return self.kind, str(self)


def told(trouble: tuple[Trouble, str]) -> str:
    """In one line of English, which :mod:`prep_console.reasons` knows."""
    kind, reason = trouble
    return _TOLD[kind].format(error=reason)


Told = Callable[[Progress], None]


def encode(line: object) -> bytes:
    """One line for the other side of the pipe."""
    return msgspec.json.encode(line, enc_hook=str) + b"\n"


def decode(line: bytes, of: type[T]) -> T:
    """What the other side said; ValueError when it is no such line."""
    return decoding.decode(line, of, _path)


def _path(of: type[Any], value: Any) -> Any:
    return of(value)
