"""The state of a station, as :func:`~prep_console.journal.fold.fold` reads it from the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import msgspec

from prep_console.journal import store_version
from prep_console.journal.chain import Break
from prep_console.journal.journal import Position
from prep_console.journal.open_alarms import AlarmRecord
from prep_console.journal.records import (
    CutRecord,
    Decision,
    Intent,
    Parked,
    PartRecord,
    RefusedRecord,
    Tampered,
    Waiting,
)
from prep_console.snapshot import Mode
from prep_console.values import field_names

T = TypeVar("T")
P = ParamSpec("P")


class State(msgspec.Struct, frozen=True):
    position: Position = msgspec.field(default_factory=Position)
    version: int = store_version.FIRST
    """Of the store's form, as its journal says."""
    mode: Mode = "auto"
    live: str | None = None
    live_since: datetime | None = None
    final: str | None = None
    """The cut that was frozen last; a thaw does not change that it was."""
    restored: str | None = None
    """Reason of the rollback that made the live cut live; None when no rollback did."""
    decision: Decision | None = None
    marks: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Election to the newest stamp accepted."""
    epoch: int = 0
    """Times that ``accept-from`` set the marks back: later epochs outrank newer stamps."""
    accepted_from: str = ""
    """The stamp that the last of them named."""
    cuts: Mapping[str, CutRecord] = msgspec.field(default_factory=dict)
    """In the order of sealing."""
    waiting: tuple[Waiting, ...] = ()
    lost: tuple[str, ...] = ()
    """The last deliveries whose files were gone while they waited, oldest first."""
    refused: tuple[RefusedRecord, ...] = ()
    """The last ones, oldest first."""
    alarms: Mapping[str, AlarmRecord] = msgspec.field(default_factory=dict)
    """Open alarms by key."""
    parked: Parked | None = None
    """The last one."""
    tampered: Tampered | None = None
    """The last time that sealed bytes were found changed."""
    intent: Intent | None = None
    archiving: str | None = None
    """Archive that everything here is being moved to by ``station new``."""
    breaks: tuple[Break, ...] = ()
    """Where the chain does not hold and no ``segment`` line has said so yet."""
    known_breaks: int = 0
    """Breaks that a ``segment`` line has named."""
    broken_line: int = 0
    """The first of them, counted from 1 in the file."""
    broken_at: datetime | None = None
    """When it was named."""


SHAPE = " ".join(
    f"{kind.__name__}({','.join(field_names(kind))})"
    for kind in (State, CutRecord, PartRecord, Waiting, RefusedRecord, Parked, Tampered, Intent,
                 Decision, AlarmRecord, Break, Position)
)  # fmt: skip
"""What a state is made of here: one that a program with other fields kept is folded anew."""


def of_state(answer: Callable[Concatenate[State, P], T]) -> Callable[Concatenate[State, P], T]:
    """``answer`` is worked out once for a state: everybody asks about the same one each second, and
    the journal grows every five minutes. Whoever is answered must not change what is answered.
    """
    last: tuple[State, object, T] | None = None

    @wraps(answer)
    def known(state: State, /, *more: P.args, **named: P.kwargs) -> T:
        nonlocal last
        found, asked = last, (more, named)
        if found is None or found[0] is not state or found[1] != asked:
            found = last = (state, asked, answer(state, *more, **named))
        return found[2]

    return known
