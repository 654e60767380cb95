"""Which of the files that a source offers are fetched: by their names, before a byte is moved.

The newest cut of each election that is newer than what was accepted. What was fetched before with
the same validator is not fetched again: a refused cut, or one with an impossible hour, would
otherwise come back at each look and hide the real newest one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Literal

import msgspec

from prep_console.cuts.archives import is_archive_name
from prep_console.cuts.entry_names import name_fault
from prep_console.cuts.names import FileName, read_name

State = Literal["new", "nothing", "older"]


_LONGEST = 240
"""Bytes of a name, so that the part beside it still has one."""


class Choice(msgspec.Struct, frozen=True):
    """What to fetch of what is there."""

    state: State
    names: tuple[str, ...]
    """Those of the oldest cut first."""
    stamp: str
    """The newest one there, '' when no name says."""


def deliverable(name: str) -> bool:
    """Whether a file of this name may be fetched as a delivery: plain, an archive or a JSON."""
    if "/" in name or name.startswith(".") or name_fault(name) is not None:
        return False
    if len(name.encode()) > _LONGEST:
        return False
    if not (is_archive_name(name) or name.lower().endswith(".json")):
        return False
    said = read_name(name)
    return said.product != "COMPUTOS" and not said.candidates


def choose(
    names: Collection[str],
    marks: Mapping[str, str],
    *,
    again: bool = False,
    fetched: Callable[[str], bool] = lambda _: False,
) -> Choice:
    """What to fetch. ``fetched`` tells that the file, as it is there now, was fetched before.

    ``again`` takes the newest of each election also when it is the accepted one.
    """
    offered = [(name, read_name(name)) for name in names if deliverable(name)]
    stamps = [str(said.stamp) for _, said in offered if said.stamp is not None]
    newest = max(stamps, default="")
    taken: dict[tuple[str, str, bool, bool], tuple[str, str]] = {}
    for name, said in offered:
        stamp = str(said.stamp) if said.stamp is not None else ""
        if not _wanted(said, stamp, marks, again) or (not again and fetched(name)):
            continue
        key = (said.election, said.state, said.external, not stamp)
        if key not in taken or taken[key] < (stamp, name):
            taken[key] = (stamp, name)
    chosen = tuple(name for _, name in sorted(taken.values()))
    if chosen:
        return Choice("new", chosen, newest)
    older = bool(newest) and newest < max(marks.values(), default="")
    return Choice("older" if older else "nothing", (), newest)


def _wanted(said: FileName, stamp: str, marks: Mapping[str, str], again: bool) -> bool:
    """Newer than what we have of its election; a name without an hour is looked into."""
    if not stamp or not marks:
        return True
    mark = marks.get(said.election) if said.election else min(marks.values())
    return mark is None or stamp > mark or (again and stamp == mark)
