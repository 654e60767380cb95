"""The manifest of a sealed cut (``cuts/<id>/cut.json``): what it is made of, to the byte."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from prep_console import decoding
from prep_console.cuts.model import Figures, Finding

SCHEMA = 1


class SealedFile(msgspec.Struct, frozen=True):
    sha256: str
    size: int


class SealedPart(msgspec.Struct, frozen=True):
    election: str
    stamp: str
    """``20240602_2005``."""
    sha256: str
    carried: bool
    files: tuple[str, ...]
    figures: Figures
    delivery: str
    """Name of the delivery it came in."""
    received_at: datetime
    results: str = ""
    """Where in ``site/`` its results lie, nested archives joined with ``!/``; '' if not noted."""
    columns: tuple[str, ...] = ()
    """Names of its results' columns, in order; none if not noted."""


class Manifest(msgspec.Struct, frozen=True):
    id: str
    stamp: str
    revision: int
    why: str
    """'' | completed | corrected | again."""
    parts: tuple[SealedPart, ...]
    missing: tuple[str, ...]
    files: Mapping[str, SealedFile]
    findings: tuple[Finding, ...]
    received_at: datetime
    verified_at: datetime
    mtime_us: int
    new_bytes: int = 0
    """Bytes that no earlier cut shared when it was sealed."""
    schema: int = SCHEMA
    extra: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files.values())

    @property
    def counted(self) -> int | None:
        """Counted actas over all elections, None when no file says."""
        known = [p.figures.counted for p in self.parts if p.figures.counted is not None]
        return sum(known) if known else None

    @property
    def expected(self) -> int | None:
        """Actas expected over all elections, None unless every file with figures says."""
        told = [p.figures.expected for p in self.parts if p.figures.counted is not None]
        known = [number for number in told if number is not None]
        return sum(known) if known and len(known) == len(told) else None


def encode(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1) + b"\n"


def decode(raw: bytes) -> Manifest:
    """ValueError (msgspec.ValidationError) when these bytes are no manifest of this version."""
    try:
        manifest = decoding.decode(raw, Manifest)
    except RecursionError as error:
        raise ValueError("nested without end") from error
    if manifest.schema > SCHEMA:
        raise ValueError(f"manifest of a newer version ({manifest.schema})")
    return manifest


def sizes(raw: bytes) -> dict[str, int]:
    """Path to size of every file, without reading the rest; ValueError when it is none."""
    return {path: file.size for path, file in decoding.decode(raw, _Sizes).files.items()}


class _Size(msgspec.Struct):
    size: int


class _Sizes(msgspec.Struct):
    files: dict[str, _Size]
