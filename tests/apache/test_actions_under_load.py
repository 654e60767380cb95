"""The promise, through the real actions: ≥ 100,000 answers over ≥ 1,000 publishes and rollbacks.

The cuts come in through the real intake as trees of unlike sizes; every switch is an action with
its intent, estado pages, pointer and outcome in the journal, and its own confirming request.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from prep_console.cuts.stamps import CutId
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.journal.reading import verify
from prep_console.publication import actions
from tests import nights
from tests.apache.load import Expected, drive
from tests.apache.server import Apache
from tests.apache.test_load import REQUESTS
from tests.proof import table
from tests.stations import Sandbox, sandbox

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(1200)]

SWITCHES = 1000
PERSON = Actor(1000, "ana", "192.0.2.7")
OLD, NEW = nights.stamps(count=2)
KIB = 1024


def deliver(box: Sandbox, folder: Path, stamp: str, scale: int) -> dict[str, str]:
    """A tree with a first page, a results zip and files of a size of their own."""
    noise = random.Random(stamp)
    tree = folder / stamp
    nights.tree(tree, stamp=stamp, actas=5)
    (tree / "index.html").write_bytes(noise.randbytes(3 * KIB * scale))
    (tree / "fotos").mkdir()
    (tree / "fotos" / "acta.jpg").write_bytes(noise.randbytes(60 * KIB * scale))
    receipt = receive(box.station, tree, actor=PERSON)
    assert receipt.cut == stamp
    hashes = {
        f"/{path.relative_to(tree)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in tree.rglob("*")
        if path.is_file()
    }
    return {**hashes, "/": hashes["/index.html"]}


def test_publishes_and_rollbacks_under_load(scratch: Path) -> None:
    box = sandbox(scratch)
    box.station.prepare()
    with Apache(box.settings, scratch / "apache") as apache:
        box = sandbox(scratch, {"site": {"url": f"{apache.url}/"}})
        expected: Expected = {
            OLD: deliver(box, scratch, OLD, 1),
            NEW: deliver(box, scratch, NEW, 4),
        }
        station = box.station
        there_and_back: list[Callable[[], actions.Outcome]] = [
            lambda: actions.rollback(station, actor=PERSON, reason="prueba de carga"),
            lambda: actions.publish(station, CutId.of(NEW), actor=PERSON),
        ]
        turns = itertools.cycle(there_and_back)
        unseen = []

        def switch() -> None:
            outcome = next(turns)()
            if not outcome.seen:
                unseen.append(outcome)

        tally = drive(
            apache.port,
            expected,
            sorted(set(expected[OLD]) & set(expected[NEW])),
            switch,
            requests=REQUESTS,
            switches=SWITCHES,
            pause_s=0.0,
            deadline_s=900,
        )
        print(tally)
    table.record(
        "actions under load, answers of Apache",
        tried=SWITCHES,
        fired=tally.switches,
        bad=tally.faults,
    )
    assert tally.faults == 0, tally
    assert tally.requests >= REQUESTS
    assert tally.switches >= SWITCHES
    assert tally.cuts == {OLD, NEW}
    assert not unseen
    assert verify(station.journal).ok
