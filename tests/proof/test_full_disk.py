"""On a disk that is really full a person can still decide, and what cannot be done is said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.proof import disks, table, whole
from tests.proof.disks import Disk
from tests.proof.stations import STAMPS, Place, deliveries, place, receive_cuts
from tests.waiting import wait_until

FIRST, SECOND, THIRD, FOURTH, *_ = STAMPS
NOBODY = 65534
_ROW = "full disk: decisions and deliveries on it"
MANY = 40
"""More switches than there are spares for."""


def night(disk: Disk, ground: Path) -> Place:
    """Three cuts on the disk, the newest live."""
    at = place(disk.folder)
    receive_cuts(at, ground, [FIRST, SECOND, THIRD])
    assert whole.live(at.root)[0] == THIRD
    return at


def decided(at: Place, *command: str, live: str, mode: str) -> None:
    """Run a command that must work, and look at what it left."""
    said = at.run(*command)
    assert said.code == 0, said.err
    assert whole.faults(at) == []
    now = whole.facts(at)
    assert (now.live, now.mode) == (live, mode)


def test_every_decision_works_on_a_disk_without_a_free_byte(disk: Disk, ground: Path) -> None:
    at = night(disk, ground)
    disk.fill()
    decided(at, "rollback", "--reason", "bad", live=SECOND, mode="hold")
    page = json.loads((at.root / "public/estado" / f"{whole.live(at.root)[1]}.json").read_bytes())
    assert page["restored"] is True
    full = 0
    for command, live, mode in (
        (("rollback",), FIRST, "hold"),
        (("publish", THIRD), THIRD, "hold"),
        (("release",), THIRD, "auto"),
        (("hold",), THIRD, "hold"),
        (("freeze", FIRST), FIRST, "frozen"),
        (("thaw",), FIRST, "hold"),
        (("suspend",), whole.NOTHING, "hold"),
        (("publish", FIRST), FIRST, "hold"),
    ):
        disk.fill()  # what the last switch gave back, somebody else takes at once
        full += disk.free() == 0
        decided(at, *command, live=live, mode=mode)
    table.record(_ROW, tried=8, fired=full)


def test_switches_do_not_run_out_on_a_full_disk(disk: Disk, ground: Path) -> None:
    at = night(disk, ground)
    full = 0
    for round_ in range(MANY):
        disk.fill()
        full += disk.free() == 0
        target = (SECOND, THIRD)[round_ % 2]
        said = at.call("publish", target)
        assert said.code == 0, f"switch {round_}: {said.err}"
        assert whole.live(at.root)[0] == target
    assert whole.faults(at) == []
    assert at.run("journal", "--verify").code == 0
    table.record(_ROW, tried=MANY, fired=full)


def test_a_delivery_that_does_not_fit_is_refused_with_the_reason_and_stays(
    disk: Disk, ground: Path
) -> None:
    at = night(disk, ground)
    path = deliveries(ground, FOURTH)[0]
    before, facts = path.read_bytes(), whole.facts(at)
    disk.fill()
    said = at.run("receive", str(path))
    assert said.code == 3, said
    assert f"No space left on device: {at.root / 'staging'}" in said.err
    assert f"the public still sees cut {THIRD}" in said.err
    assert "left where it is" in said.err
    assert path.read_bytes() == before
    assert whole.faults(at) == []
    assert whole.facts(at) == facts
    assert list((at.root / "staging").iterdir()) == []
    (disk.folder / "filling").unlink()
    receive_cuts(at, ground, [FOURTH])
    assert whole.live(at.root)[0] == FOURTH
    table.record(_ROW, tried=1, fired=1)  # by its own words


def test_a_disk_without_inodes_still_allows_a_rollback(ground: Path) -> None:
    with disks.mounted(ground, inodes=256) as disk:
        at = night(disk, ground)
        disk.fill_inodes()
        decided(at, "rollback", live=SECOND, mode="hold")
        decided(at, "publish", THIRD, live=THIRD, mode="hold")
        said = at.run("receive", str(deliveries(ground, FOURTH)[0]))
        assert said.code == 3, said
        assert whole.faults(at) == []
    table.record("disk without inodes: decisions and a delivery", tried=3, fired=3)


@pytest.mark.parametrize("lost", ["pages", "pages and map"])
def test_a_switch_that_does_not_fit_is_told_and_leaves_the_cut_that_was(
    lost: str, disk: Disk, ground: Path
) -> None:
    """What nothing can help: neither spare nor ballast, as on a station that was copied here."""
    at = night(disk, ground)
    estado = at.root / "public" / "estado"
    for path in [*estado.glob(".spare.*"), at.root / "run" / "ballast"]:
        path.unlink()
    if lost == "pages and map":
        for path in (at.root / "public").glob(".live.map.*"):
            path.unlink()
    disk.fill()
    said = at.run("rollback")
    assert said.code == 3, said
    assert f"the public still sees cut {THIRD}" in said.err
    assert whole.faults(at) == []
    assert whole.live(at.root)[0] == THIRD
    (disk.folder / "filling").unlink()
    decided(at, "rollback", live=SECOND, mode="hold")
    table.record(_ROW, tried=1, fired=1)


def test_a_read_only_disk_is_told_and_can_still_be_looked_at(disk: Disk, ground: Path) -> None:
    at = night(disk, ground)
    disk.read_only()
    for command in (("rollback",), ("hold",), ("receive", str(deliveries(ground, FOURTH)[0]))):
        said = at.run(*command)
        assert said.code == 3, said
        assert "Read-only file system" in said.err
        assert f"the public still sees cut {THIRD}" in said.err
        assert "Traceback" not in said.err
    assert json.loads(at.run("status", "--json").out)["live"]["id"] == THIRD
    assert at.run("cuts").code == at.run("journal", "--verify").code == 0
    disk.writable()
    decided(at, "rollback", live=SECOND, mode="hold")
    table.record("read-only disk: commands", tried=3, fired=3)


@contextmanager
def institute_filling(folder: Path) -> Iterator[None]:
    """Another uid takes what there is in ``folder``, and at once what becomes free again."""
    script = 'while :; do cat /dev/zero >>"$0"; done 2>/dev/null'
    process = subprocess.Popen(
        ["/bin/sh", "-c", script, str(folder / "20240602_2300_PREP_DIP_LOC_QRO.zip.part")],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        wait_until(lambda: _gone(process.pid), what="the last writer lets go of the disk")


def _gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_an_institute_that_fills_the_disk_does_not_stop_a_rollback(
    disk: Disk, ground: Path
) -> None:
    at = night(disk, ground)
    drop = at.root / "incoming" / "entrega"
    os.chown(drop, NOBODY, NOBODY)
    with institute_filling(drop):
        wait_until(lambda: disk.free() == 0, 30)
        for _ in range(6):
            decided(at, "rollback", live=SECOND, mode="hold")
            decided(at, "publish", THIRD, live=THIRD, mode="hold")
    table.record("disk that the institute fills: decisions", tried=12, fired=12)
