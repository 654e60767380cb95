"""The state that is kept beside the journal spares reading it, and is never believed against it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from prep_console.journal import chain, journal
from prep_console.journal.actor import Actor
from prep_console.publication import actions
from prep_console.publication.station import Station
from tests.stations import sandbox

ANA = Actor(1000, "ana")


@pytest.fixture
def station(tmp_path: Path) -> Station:
    """On hold, and its state is kept up to the journal's end."""
    made = sandbox(tmp_path).station
    actions.hold(made, actor=ANA, reason="r")
    assert b'"mode":"hold"' in kept(made).read_bytes()
    return made


def kept(station: Station) -> Path:
    return station.run / "state.json"


def anew(station: Station) -> Station:
    """As the next process reads it."""
    return Station(station.settings)


@pytest.mark.parametrize("program", ["this", "another"])
def test_what_this_program_did_not_write_to_the_byte_is_not_believed(
    station: Station, program: str
) -> None:
    head, _, body = kept(station).read_bytes().partition(b"\n")
    changed = body.replace(b'"mode":"hold"', b'"mode":"auto"')
    if program == "another":  # whole, and a state may mean something else there
        head = f"{hashlib.sha256(changed).hexdigest()} 0.0.1 State(mode)".encode()
    kept(station).write_bytes(head + b"\n" + changed)
    assert anew(station).state().mode == "hold"


def test_what_is_whole_spares_reading_the_journal(station: Station) -> None:
    """Else the test above would say nothing."""
    head, _, body = kept(station).read_bytes().partition(b"\n")
    changed = body.replace(b'"mode":"hold"', b'"mode":"auto"')
    program = head.partition(b" ")[2]
    said = hashlib.sha256(changed).hexdigest().encode()
    kept(station).write_bytes(said + b" " + program + b"\n" + changed)
    assert anew(station).state().mode == "auto"


def test_a_last_line_that_was_made_anew_at_the_same_length_is_a_break(station: Station) -> None:
    """By itself the chain holds: only what was kept knows that it once ended otherwise."""
    *before, last = station.journal.read_bytes().splitlines(keepends=True)
    was = journal.read(station.journal).lines[-1]
    _, forged = chain.compose(
        was.seq, was.time, was.actor, was.kind, {**was.data, "reason": "s"}, was.prev
    )
    assert len(forged) == len(last)
    station.journal.write_bytes(b"".join([*before, forged]))
    assert not journal.read(station.journal).breaks
    assert "it once reached" in anew(station).state().breaks[0].reason
