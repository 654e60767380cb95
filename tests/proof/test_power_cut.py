"""What a command said was done is there after the power went; and whatever is there is whole."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof import broken, disks, kills, table, whole
from tests.proof.disks import Disk
from tests.proof.scenarios import MAIN, REST
from tests.proof.stations import EXTRA, STAMPS, Place, deliveries, place, put_back, receive_cuts
from tests.proof.trials import unsettled

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD, *_ = STAMPS
ALL = {**MAIN, **REST}
_MIB = 1024 * 1024


KINDS = ["ext4", "xfs"]
"""The file systems that stations stand on (mkfs.xfs makes none below 300 MB)."""


@pytest.fixture(params=KINDS)
def any_disk(request: pytest.FixtureRequest, ground: Path) -> Iterator[Disk]:
    with disks.mounted(ground, kind=request.param, size=320 * _MIB) as made:
        yield made


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kills.frozen_program(tmp_path_factory.mktemp("program"))


def settled(at: Place) -> None:
    """What a test prepared is not what it proves: put that on the disk."""
    subprocess.run(["sync", "-f", str(at.folder)], check=True)


def test_what_was_told_as_done_survives_a_power_cut(any_disk: Disk, ground: Path) -> None:
    at = place(any_disk.folder)
    receive_cuts(at, ground, [FIRST, SECOND])
    settled(at)
    first, second = deliveries(ground, THIRD)
    refused = deliveries(ground, FIRST, seed=7)[0]
    lost = tried = 0
    for command in (
        ["receive", str(first)],
        ["receive", str(second)],
        ["rollback", "--reason", "proof"],
        ["publish", FIRST],
        ["hold"],
        ["release"],
        ["suspend"],
        ["publish", SECOND],
        ["freeze"],
        ["freeze", FIRST, "--reason", "late"],
        ["thaw"],
        ["receive", str(refused)],
        ["station", "new", "--yes"],
        ["receive", str(first)],
    ):
        said = at.run(*command)
        assert said.code in {0, 1}, said.err
        told = whole.facts(at)
        tried += 1
        lost += any_disk.cut_power()
        assert whole.faults(at) == [], command
        assert whole.facts(at) == told, command
    assert list(at.root.glob("archive/*/journal/journal.jsonl"))
    kept = at.root.glob(f"archive/*/quarantine/*/files/{refused.name}")
    assert [path.read_bytes() for path in kept] == [refused.read_bytes()]
    assert at.run("receive", str(second)).code == 0
    assert whole.live(at.root)[0] == THIRD
    assert lost, "no power was cut: what nobody flushed was there each time"
    table.record("power cut after a command, ext4 and xfs", tried=tried, fired=lost)


_SAMPLE = ("rollback", "receive, completes")
AT_ANY_CALL = (
    [(name, kind) for kind in KINDS for name in ALL]
    if table.WHOLE
    else [(name, "ext4") for name in _SAMPLE]
)


@pytest.mark.parametrize(("name", "any_disk"), AT_ANY_CALL, ids=str, indirect=["any_disk"])
def test_the_power_may_go_at_any_call(
    name: str, any_disk: Disk, ground: Path, program: Path
) -> None:
    disk, scenario = any_disk, ALL[name]
    base = place(ground / "base")
    command = scenario.prepare(base, ground)
    base.root.mkdir(exist_ok=True)
    at = place(disk.folder, extra=scenario.settings or EXTRA)
    put_back(base.root, at.root)
    before = whole.facts(at)
    points, _ = kills.points(at.command(*command), at.root, program)
    after = whole.facts(at)
    assert len(points) > 5
    lost = 0
    for point in points:
        put_back(base.root, at.root)
        settled(at)
        killed = kills.run(at.command(*command), at.root, program, point)
        assert kills.fired(killed, point), killed
        lost += disk.cut_power()
        assert whole.faults(at, damaged=scenario.damaged) == [], point
        now = whole.facts(at)
        assert whole.neither(now, before, after) == [], point
        said = at.call("hold")
        assert said.code == 0 or "frozen" in said.err, (point, said.err)
        assert whole.faults(at, damaged=scenario.damaged) == [], point
        assert whole.live(at.root)[0] == now.live, point
        assert unsettled(at) == [], point
        if scenario.damaged:  # and what it did not come to repair, the next one does
            assert at.call(*command).code == 0, point
            assert whole.faults(at) == [], point
    table.record(f"power cut at any call: {name}, {disk.kind}", tried=len(points), fired=lost)
    assert lost > len(points) // 2, "hardly any power was cut"


@pytest.mark.parametrize("name", _SAMPLE)
def test_a_publisher_that_flushes_nothing_is_found(
    name: str, any_disk: Disk, ground: Path, program: Path
) -> None:
    """The same cut of power, the same looks: without fsync the promise does not hold."""
    at = place(any_disk.folder)
    command = ALL[name].prepare(at, ground)
    settled(at)
    before = whole.facts(at)
    run = subprocess.run(
        at.command(*command, runner=(str(broken.__file__), "nothing is flushed")),
        env={**os.environ, "PYTHONPATH": str(program)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    told = whole.facts(at)
    assert told.live != before.live
    lost = any_disk.cut_power()
    assert whole.faults(at) != [] or whole.facts(at) != told
    table.record("power cut: a publisher that flushes nothing is found", tried=1, fired=lost)
