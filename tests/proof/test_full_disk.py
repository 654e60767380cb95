"""On a disk that is really full a person can still decide, and what cannot be done is said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests import nights
from tests.proof import disks, table, whole
from tests.proof.disks import Disk, Quota
from tests.proof.stations import EXTRA, STAMPS, Place, Said, deliveries, place, receive_cuts
from tests.waiting import wait_until

FIRST, SECOND, THIRD, FOURTH, *_ = STAMPS
NOBODY = 65534
_ROW = "full disk: decisions and deliveries on it"
_MIB = 1024 * 1024
_REAL_BALLAST = EXTRA.replace("65536", str(4 * _MIB))
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
        full = int(disk.free_inodes() == 0)
        decided(at, "rollback", live=SECOND, mode="hold")
        full += disk.free_inodes() == 0
        decided(at, "publish", THIRD, live=THIRD, mode="hold")
        said = at.run("receive", str(deliveries(ground, FOURTH)[0]))
        assert said.code == 3, said
        full += "No space left on device" in said.err
        assert whole.faults(at) == []
    table.record("disk without inodes: decisions and a delivery", tried=3, fired=full)


def lose(at: Place, what: str) -> None:
    """Give back blocks that were taken ahead for a full disk."""
    if "pages" in what:
        for path in (at.root / "public" / "estado").glob(".spare.*"):
            path.unlink()
    if "map" in what:
        for path in (at.root / "public").glob(".live.map.*"):
            path.unlink()
    if "journal" in what:
        os.truncate(at.station.journal, at.station.journal.stat().st_size)


@pytest.mark.parametrize("lost", ["pages", "journal"])
def test_the_ballast_is_given_for_what_lacks_its_own_blocks(
    lost: str, disk: Disk, ground: Path
) -> None:
    at = night(disk, ground)
    ballast = at.root / "run" / "ballast"
    kept = ballast.stat()
    lose(at, lost)
    given = switches = 0
    while not given and switches < MANY:  # the journal's last block has room for some lines
        disk.fill()
        target = (SECOND, THIRD)[switches % 2]
        said = at.call("publish", target)
        assert said.code == 0, said.err
        assert whole.live(at.root)[0] == target
        switches += 1
        given = not ballast.exists() or ballast.stat().st_ctime_ns != kept.st_ctime_ns
    assert whole.faults(at) == []
    table.record("full disk: the ballast is given", tried=1, fired=given)
    assert given


@pytest.mark.parametrize("lost", ["pages", "pages and map"])
def test_a_switch_that_does_not_fit_is_told_and_leaves_the_cut_that_was(
    lost: str, disk: Disk, ground: Path
) -> None:
    """What nothing can help: neither spare nor ballast, as on a station that was copied here."""
    at = night(disk, ground)
    lose(at, lost)
    (at.root / "run" / "ballast").unlink()
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
    refused = 0
    for command in (("rollback",), ("hold",), ("receive", str(deliveries(ground, FOURTH)[0]))):
        said = at.run(*command)
        assert said.code == 3, said
        refused += "Read-only file system" in said.err
        assert f"the public still sees cut {THIRD}" in said.err
        assert "Traceback" not in said.err
    assert json.loads(at.run("status", "--json").out)["live"]["id"] == THIRD
    assert at.run("cuts").code == at.run("journal", "--verify").code == 0
    disk.writable()
    decided(at, "rollback", live=SECOND, mode="hold")
    table.record("read-only disk: commands", tried=3, fired=refused)
    assert refused == 3


def _on(quota: Quota, ground: Path) -> Place:
    """Three cuts within the quota, the newest live; with the ballast of a real station."""
    at = place(quota.folder, extra=_REAL_BALLAST)
    receive_cuts(at, ground, [FIRST, SECOND, THIRD])
    assert whole.live(at.root)[0] == THIRD
    return at


def _refused_by_quota(said: Said, at: Place, live: str) -> None:
    """Told as what it is, with what the public sees; nothing is by half."""
    assert said.code == 3, said
    assert "Disk quota exceeded" in said.err
    assert f"the public still sees cut {live}" in said.err
    assert "Traceback" not in said.err
    assert "unexpected" not in said.err
    assert whole.faults(at) == []
    assert whole.live(at.root)[0] == live
    assert list((at.root / "staging").iterdir()) == []


def test_a_quota_that_runs_out_in_a_receive_leaves_the_cut_that_was(
    quota: Quota, ground: Path
) -> None:
    """At the start, on the way and near the end: what is left doubles until it is enough."""
    at = _on(quota, ground)
    folder = ground / "big"
    for election in nights.ELECTIONS:
        images = {f"{n}.jpg": Random(n).randbytes(_MIB // 4) for n in range(6)}
        nights.archive(folder, election, FOURTH, actas=4, extra=images)
    rest, refusals = 0, 0
    while True:
        quota.leave(rest)
        said = at.run("receive", str(folder))
        if said.code == 0:
            break
        _refused_by_quota(said, at, THIRD)
        refusals += 1
        rest = rest * 2 or 32 * 1024
        assert rest < 64 * _MIB, "it never fits"
    assert refusals > 4, "the quota hardly refused anything"
    assert whole.faults(at) == []
    assert whole.live(at.root)[0] == FOURTH
    assert at.run("journal", "--verify").code == 0
    table.record("real quota that runs out: receive", tried=refusals, fired=refusals)


def test_a_quota_that_ran_out_still_allows_a_rollback(quota: Quota, ground: Path) -> None:
    """Nothing is overwritten in place here, so the ballast is what it lives on."""
    at = _on(quota, ground)
    quota.leave(0)
    decided(at, "rollback", "--reason", "bad", live=SECOND, mode="hold")
    quota.leave(0)
    said = at.run("rollback")
    _refused_by_quota(said, at, SECOND)
    quota.make_room()
    decided(at, "rollback", live=FIRST, mode="hold")
    table.record("real quota that runs out: rollback on the ballast", tried=2, fired=2)


def test_a_quota_that_runs_out_in_a_rollback_leaves_before_or_after(
    quota: Quota, ground: Path
) -> None:
    """Without ballast, with a little more left each time, until it is enough."""
    at = _on(quota, ground)
    where: list[str] = []
    for rest in range(0, 4 * _MIB, 24 * 1024):
        (at.root / "run" / "ballast").unlink(missing_ok=True)
        quota.leave(rest)
        said = at.run("rollback")
        if said.code == 0:
            break
        _refused_by_quota(said, at, THIRD)
        where.append(said.err.partition("exceeded")[2].partition(" — ")[0])
        quota.make_room()
        decided(at, "publish", SECOND, live=SECOND, mode="hold")
        decided(at, "publish", THIRD, live=THIRD, mode="hold")
    assert said.code == 0, "the quota never sufficed"
    assert len(where) > 2, "the quota hardly refused anything"
    assert len(set(where)) > 1, f"always at the same place: {where}"
    assert whole.faults(at) == []
    assert whole.live(at.root)[0] == SECOND
    table.record("real quota that runs out: rollback", tried=len(where), fired=len(where))


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
        full = 0
        for _ in range(6):
            for command, live in ((("rollback",), SECOND), (("publish", THIRD), THIRD)):
                wait_until(lambda: disk.free() == 0, 30, "the institute has it all again")
                full += 1
                decided(at, *command, live=live, mode="hold")
    table.record("disk that the institute fills: decisions", tried=12, fired=full)
