"""A case of the corpus: what is delivered, and which check answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

STAMP = "20240602_2005"
NAME = f"{STAMP}_PREP_DIP_LOC_QRO.zip"
TAR = f"{STAMP}_PREP_DIP_LOC_QRO.tar"
CSV = "QRO_DIP_LOC_2024.csv"
JSON = f"{STAMP}_PREP.json"

Write = Callable[[Path], Path]
"""Writes the delivery into a folder; where it is."""


@dataclass(frozen=True, slots=True)
class Case:
    """Something that an institute, or somebody in its place, delivers."""

    write: Write
    checks: frozenset[str]
    """Every check that must answer it, and no other one: stops of a hostile one, warnings of an
    odd one."""


def file(name: str, data: Callable[[], bytes], *checks: str) -> Case:
    """One file, made when its turn comes."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data())
        return path

    return Case(write, frozenset(checks))
