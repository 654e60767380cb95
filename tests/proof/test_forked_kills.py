"""What strace cannot count call by call, killed all the same: a resync that fetches from a real
server through a child of its own, and what the engine puts together by itself.

The process that decides counts its own changes and dies at each in turn (``forked.py``); what it
started goes on or dies with it, as it would.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from prep_console.intake.sealing import assemble_due
from prep_console.journal.actor import program
from prep_console.publication import actions
from tests.proof import forked, table, whole
from tests.proof.forked import Fault
from tests.proof.stations import STAMPS, Place, Said, deliveries, place, put_back, receive_cuts
from tests.sshd import Sshd, sshd

FIRST, SECOND, THIRD, *_ = STAMPS
_EVERY = 1 if table.WHOLE else 15
"""So many points further on in each test run."""

_APART = 5
"""Changes that one clean run may make less than another: how far a fetch is, is told by time."""

_SETTINGS = """
[election]
state = "QRO"
elections = ["DIP_LOC", "AYUN"]
[intake]
carry_after_seconds = {carry_s}
[publication]
ballast_bytes = 65536
"""
_SFTP = """
[[intake.source]]
kind = "sftp"
name = "instituto"
host = "127.0.0.1:{port}"
user = "root"
key_file = "{key}"
known_hosts = "{known_hosts}"
path = "{path}"
"""


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="prep-forked-", dir=memory if memory.is_dir() else tmp_path
    ) as folder:
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class Killed:
    kills: int
    bad: tuple[str, ...]


def _at_each_point(
    at: Place, action: Callable[[], Said], ended: Callable[[whole.Facts], bool]
) -> Killed:
    """The action killed at each of its changes, on a fresh copy of the station each time, up to the
    one that it does not come to any more.

    ``ended`` knows the state that it leads to, from wherever a kill left it.
    """
    base = at.folder / "base"
    put_back(at.root, base)
    before = whole.facts(at)
    clean = forked.end(forked.start(action, Fault("dies")))
    assert clean.said is not None
    assert clean.said.code == 0, clean.said
    after = whole.facts(at)
    assert ended(after), after
    nth = 1
    kills = 0
    bad: list[str] = []
    while True:
        put_back(base, at.root)
        trial = forked.end(forked.start(action, Fault("dies", nth)))
        bad += [f"killed at {nth}: {what}" for what in _judged(at, action, before, after, ended)]
        if trial.said is not None:  # it made no such change
            assert trial.counted < nth, f"change {nth} of {trial.counted} killed nobody"
            assert trial.counted >= clean.counted - _APART, f"{clean.counted} changes before"
            assert trial.said.code == 0, trial.said
            break
        kills += 1
        nth += _EVERY
    return Killed(kills, tuple(bad))


def _judged(
    at: Place,
    action: Callable[[], Said],
    before: whole.Facts,
    after: whole.Facts,
    ended: Callable[[whole.Facts], bool],
) -> Iterator[str]:
    yield from (f"at once: {fault}" for fault in whole.faults(at))
    now = whole.facts(at)
    yield from (f"at once: {fault}" for fault in whole.neither(now, before, after))
    status = at.call("status", "--json")
    said_live = json.loads(status.out)["live"] if status.code == 0 else {"id": status.err}
    if (said_live or {"id": whole.NOTHING})["id"] != now.live:
        yield f"status says {said_live} while {now.live} is public"
    said = action()
    yield from (f"then again: {fault}" for fault in whole.faults(at))
    if said.code != 0 or not ended(whole.facts(at)):
        yield f"then again: ended {said} in {whole.facts(at)}"


def _told(what: str, killed: Killed) -> None:
    print(f"{what}: {killed.kills} kills {len(killed.bad)} faults")
    table.record(f"kill: {what}", tried=killed.kills, fired=killed.kills, bad=len(killed.bad))
    assert killed.bad == ()
    assert killed.kills > 40 // _EVERY, "nothing much was changed: this is not what was meant"


def _with_source(folder: Path, server: Sshd) -> tuple[Place, Path]:
    source = folder / "instituto"
    source.mkdir()
    sftp = _SFTP.format(
        port=server.port, key=server.key, known_hosts=server.known_hosts, path=source
    )
    return place(folder / "at", extra=_SETTINGS.format(carry_s=60) + sftp), source


@pytest.mark.timeout(3600)  # its size is counted, not timed: a busy machine may take long
@pytest.mark.slow
@pytest.mark.server
def test_killed_at_any_change_a_resync_that_fetches_leaves_before_or_after(
    scratch: Path, tmp_path: Path
) -> None:
    with sshd(tmp_path / "sshd") as server:
        at, source = _with_source(scratch, server)
        receive_cuts(at, scratch / "made", [FIRST, SECOND])
        here, there = deliveries(scratch / "made", THIRD)
        assert at.call("receive", str(here)).code == 0
        there.rename(source / there.name)

        def ended(facts: whole.Facts) -> bool:
            return (facts.live, facts.mode, facts.waiting) == (THIRD, "auto", frozenset())

        killed = _at_each_point(at, lambda: at.call("resync"), ended)
    _told("resync, fetches over SFTP", killed)


@pytest.mark.timeout(3600)  # its size is counted, not timed: a busy machine may take long
def test_killed_at_any_change_what_the_engine_puts_together_is_whole_or_not_there(
    scratch: Path,
) -> None:
    """One election came and the wait for the other is over: the engine carries it over."""
    at = place(scratch / "at", extra=_SETTINGS.format(carry_s=60))
    receive_cuts(at, scratch / "made", [FIRST, SECOND])
    assert at.call("receive", str(deliveries(scratch / "made", THIRD)[0])).code == 0
    assert whole.facts(at).live == SECOND
    over = place(scratch / "at", extra=_SETTINGS.format(carry_s=0))

    def engine() -> Said:
        """As its worker and its clock do it."""
        assemble_due(over.station, actor=program("engine"))
        actions.advance(over.station, actor=program("prep-console"))
        return Said(0, "", "")

    def ended(facts: whole.Facts) -> bool:
        return (facts.live, facts.mode, facts.waiting) == (THIRD, "auto", frozenset())

    killed = _at_each_point(over, engine, ended)
    _told("the engine's own assembly", killed)
