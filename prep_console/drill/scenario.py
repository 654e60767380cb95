"""What goes wrong in a rehearsal, when, and what is expected of the operator: readable TOML files.

The shipped ones lie in ``scenarios/``; a path to another file is taken too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

from prep_console.problems import WrongUsage
from prep_console.wording import N_, language, sentence

Kind = Literal[
    "silence",
    "late",
    "half",
    "wrong-election",
    "test-data",
    "totals-fall",
    "figures-stand-still",
    "corrupt",
    "corrected",
    "one-election-late",
    "mains-lost",
    "generator-fails",
    "clock-drifts",
    "disk-fills",
    "web-server-dies",
    "defaced",
    "certificate-expires",
]
KINDS: tuple[str, ...] = get_args(Kind)
FOLDER = Path(__file__).with_name("scenarios")
_LARGEST_BYTES = 64 * 1024

_Minutes = Annotated[float, msgspec.Meta(ge=0, le=24 * 60)]
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same words in both languages."""

    es: str
    en: str

    def __str__(self) -> str:
        return self.en if language() == "en" else self.es


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that goes wrong."""

    kind: Kind
    at: _Minutes
    """Minutes of the simulated night after its first cut."""
    minutes: _Minutes = 5
    """How long it lasts, simulated."""
    seconds_at_least: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0
    """However quick the night: instruments and people work in real time."""


class Reaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the operator should do about the fault of that number (from 1)."""

    fault: Annotated[int, msgspec.Meta(ge=1)] = 1
    alarms: list[str] = []
    """Ids, any of which announces it; [] where no instrument can see it."""
    decisions: list[str] = []
    """Actions, any of which is right; [] where none is needed."""
    public: bool = False
    """The public sees something wrong, old or nothing until it is restored."""
    within_seconds: _Seconds = 60
    """Full points up to this (real time), none from three times this on."""


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    title: Text
    story: Text
    advice: Text
    """What a good operator does; shown after the rehearsal, never before it."""
    minutes: Annotated[float, msgspec.Meta(ge=10, le=24 * 60)]
    fault: Annotated[list[Fault], msgspec.Meta(min_length=1, max_length=20)]
    reaction: Annotated[list[Reaction], msgspec.Meta(min_length=1, max_length=20)]


def shipped() -> dict[str, Path]:
    """Name to file, in the order of their names."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def load(name: str) -> Scenario:
    """A shipped scenario by name, or one in a file; WrongUsage says what is wrong with it."""
    path = shipped().get(name) or Path(name)
    if path.suffix != ".toml":
        raise WrongUsage(
            sentence(N_("there is no scenario {name}"), name=name),
            sentence(N_("prep-console drill --list shows them; or name a file that ends in .toml")),
        )
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise _wrong(path, error.strerror or type(error).__name__) from error
    if len(data) > _LARGEST_BYTES:
        raise _wrong(path, f"more than {_LARGEST_BYTES} bytes")
    try:
        read = msgspec.toml.decode(data, type=Scenario)
    except (msgspec.DecodeError, ValueError) as error:
        raise _wrong(path, str(error)) from error
    for number, fault in enumerate(read.fault, 1):
        if fault.at >= read.minutes:
            raise _wrong(path, f"fault {number} begins after the end of the night")
    for number, reaction in enumerate(read.reaction, 1):
        if reaction.fault > len(read.fault):
            raise _wrong(path, f"reaction {number} is to fault {reaction.fault}, which is not here")
    return read


def _wrong(path: Path, error: str) -> WrongUsage:
    return WrongUsage(
        sentence(N_("the scenario {path} cannot be used: {error}"), path=str(path), error=error),
        sentence(N_("correct it; the shipped ones in {folder} are examples"), folder=str(FOLDER)),
    )
