"""The action lock: a stuck holder is named, and can be taken over; nobody acts twice at once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from prep_console.alarms.lifecycle import Event, Memory
from prep_console.alarms.table import sentence_of
from prep_console.engine.last_word import Now
from prep_console.engine.view import SnapshotReader
from prep_console.engine.watch import Watch
from prep_console.journal import journal
from prep_console.publication import lock, retention
from prep_console.publication.lock import process_start
from prep_console.publication.station import Station
from prep_console.publication.stuck import LONG_S, Locks, Stuck
from tests import nights, processes
from tests.processes import ended, stands_still
from tests.proof import kills, table, whole
from tests.proof.stations import STAMPS, Place, deliveries, place, receive_cuts
from tests.waiting import wait_until

FIRST, SECOND, THIRD, FOURTH, *_ = STAMPS
PURPOSE = "publish"

HOLD = """
import sys
from pathlib import Path
from prep_console.publication import lock
with lock.held(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""
HOLD_AND_FORK = """
import os, sys
from pathlib import Path
from prep_console.publication import lock
with lock.held(Path(sys.argv[1]), sys.argv[2]):
    child = os.fork()
    if child == 0:
        sys.stdin.read()
    print(child, flush=True)
    os._exit(0)
"""


@pytest.fixture
def at(tmp_path: Path) -> Place:
    """Three cuts, the newest live."""
    made = place(tmp_path / "at")
    receive_cuts(made, tmp_path / "deliveries", [FIRST, SECOND, THIRD])
    return made


@contextmanager
def holder(
    at: Place, script: str = HOLD, *, lock_name: str = "action"
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that has one of the station's locks, and what it said."""
    path = at.station.run / f"{lock_name}.lock"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path), PURPOSE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@contextmanager
def stopped_holder(at: Place) -> Iterator[subprocess.Popen[str]]:
    """One that neither lets go nor goes on."""
    with holder(at) as (process, said):
        assert said == "held"
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: stands_still(process.pid))
        yield process
        table.record("lock: a holder that is stopped", tried=1, fired=1)


def snapshot(at: Place) -> tuple[whole.Facts, bytes]:
    return whole.facts(at), at.station.journal.read_bytes()


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "process {pid} (publish) has held"), ("es", "el proceso {pid} (publish)")],
)
def test_a_stopped_holder_is_named_after_two_seconds(at: Place, language: str, words: str) -> None:
    before = snapshot(at)
    with stopped_holder(at) as stuck:
        started = time.monotonic()
        assert at.run("status", "--json").code == 0, "a reader asked for the lock"
        usual_s = time.monotonic() - started  # a command's own time here and now
        started = time.monotonic()
        said = at.run("--lang", language, "rollback")
        took_s = time.monotonic() - started
        assert said.code == 1, said
        assert words.format(pid=stuck.pid) in said.err
        assert "--take-over" in said.err
        assert 2.0 <= took_s < 3.0 + 4 * usual_s
        assert snapshot(at) == before
        assert stuck.poll() is None


def test_no_action_goes_without_the_lock(at: Place) -> None:
    """All at once: each waits its two seconds."""
    before = snapshot(at)
    actions = (
        ("publish", FIRST), ("rollback",), ("hold",), ("release",), ("freeze",), ("thaw",),
        ("suspend",), ("accept-from", FIRST), ("station", "new", "--yes"), ("prune",),
    )  # fmt: skip
    with stopped_holder(at):
        asked = [
            subprocess.Popen(at.command(*action), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for action in actions
        ]
        told = [process.communicate()[1].decode() for process in asked]
    refused = [PURPOSE in said for said in told]
    assert refused == [True] * len(actions), told
    assert [process.returncode for process in asked] == [1] * len(actions)
    assert snapshot(at) == before
    table.record("lock: actions that find it taken", tried=len(actions), fired=sum(refused))


def test_taking_over_ends_the_stopped_holder_and_acts(at: Place) -> None:
    with stopped_holder(at) as stuck:
        said = at.run("rollback", "--take-over", "--reason", "stuck")
        assert said.code == 0, said.err
        assert stuck.wait(5) == -signal.SIGKILL
    assert whole.faults(at) == []
    assert whole.facts(at).live == SECOND


@pytest.mark.parametrize(
    ("call", "where", "switched"),
    [
        ("fsync", "journal", False),
        ("utimensat", "live.map", False),
        ("renameat2", "live.map", True),
    ],
)
def test_a_real_rollback_that_hangs_half_way_is_taken_over_and_settled(
    at: Place, call: str, where: str, switched: bool, tmp_path: Path
) -> None:
    """The command itself, stopped by strace in the middle of its switch."""
    program = kills.frozen_program(tmp_path / "program")
    command = at.command("rollback", "--reason", "first")
    with kills.stopped_at(command, at.root, program, call, where) as pid:
        reached = whole.live(at.root)[0]
        assert at.call("hold").code == 1
        said = at.run("rollback", "--to", FIRST, "--take-over", "--reason", "second")
        assert said.code == 0, said.err
        wait_until(lambda: process_start(pid) is None, what="the stuck command is dead")
    assert reached == (SECOND if switched else THIRD)
    assert whole.faults(at) == []
    assert whole.facts(at).live == FIRST
    assert whole.facts(at).withdrawn == {SECOND, THIRD}
    kinds = [line.kind for line in journal.read(at.station.journal).lines[-4:]]
    assert kinds == ["intent", "done" if switched else "abandoned", "intent", "done"]
    table.record("lock: a rollback stopped in its switch, taken over", tried=1, fired=1)


def test_taking_over_never_kills_a_process_that_only_has_the_pid(at: Place) -> None:
    """The lock file names a process of another start time: the pid was given away meanwhile."""
    with stopped_holder(at) as stuck:
        innocent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            path = at.station.action_lock
            said = path.read_text("utf-8")
            named = re.sub(r'"pid": \d+', f'"pid": {innocent.pid}', said)
            path.write_text(named.rstrip().ljust(len(said) - 1) + "\n", "utf-8")
            before = snapshot(at)
            refused = at.run("rollback", "--take-over")
            assert refused.code == 1, refused
            assert "fuser" in refused.err
            assert snapshot(at) == before
            assert innocent.poll() is None
            assert stuck.poll() is None
            table.record("lock: a pid that was given away, not killed", tried=1, fired=1)
        finally:
            innocent.kill()
            innocent.communicate()


def test_a_lock_that_a_forked_child_kept_is_told_as_such(at: Place) -> None:
    """The process that the lock names is dead: taking over would find nobody to end."""
    with holder(at, HOLD_AND_FORK) as (parent, child):
        assert parent.wait(5) == 0
        try:
            refused = at.run("rollback", "--take-over")
            assert refused.code == 1, refused
            assert "fuser" in refused.err
            assert whole.facts(at).live == THIRD
        finally:
            os.kill(int(child), signal.SIGKILL)
        wait_until(lambda: process_start(int(child)) is None)
        assert at.run("rollback").code == 0
    assert whole.faults(at) == []
    table.record("lock: kept by a forked child", tried=1, fired="fuser" in refused.err)


def test_a_receive_that_is_stopped_at_the_intake_is_an_alarm_that_names_it(
    at: Place, tmp_path: Path
) -> None:
    """Otherwise nobody notices: what else is delivered only waits."""
    program = kills.frozen_program(tmp_path / "program")
    path = deliveries(tmp_path / "more", FOURTH)[0].parent
    began = datetime.now(UTC)
    watch = Watch(at.settings, began)

    def told(after_s: float) -> tuple[Event, ...]:
        events = watch.step(began + timedelta(seconds=after_s), {}, None, {})
        return tuple(event for event in events if event.alarm.key == "cut.unpublished")

    command = at.command("receive", str(path))
    with kills.stopped_at(command, at.root, program, "utimensat", "/site/") as pid:
        held_s = (datetime.now(UTC) - began).total_seconds()
        assert told(held_s) == ()
        (raised,) = [e for after in (20, 59, 62) for e in told(held_s + after)]
        watch.write()
        assert (raised.kind, raised.alarm.severity) == ("raised", "critical")
        assert f"PID {pid}, receive, SIGSTOP: " in raised.alarm.text
        assert raised.alarm.since >= began
        spanish = sentence_of(raised.alarm).in_("es")
        assert "no se ha publicado" in spanish
        assert f"(PID {pid}, receive, " in spanish
        with lock.held(at.station.leader_lock, "engine"):
            _write(at, watch.memory)
            assert f"PID {pid}" in _told_to_a_reader(at)
        assert whole.live(at.root)[0] == THIRD
        os.kill(pid, signal.SIGKILL)  # as the alarm says
    wait_until(lambda: process_start(pid) is None, what="the stuck command is dead")
    assert [e.kind for after in (70, 75, 140) for e in told(held_s + after)] == ["cleared"]
    assert whole.faults(at) == []
    assert at.run("receive", str(path)).code == 0
    assert whole.live(at.root)[0] == FOURTH
    table.record("lock: a receive that is stopped at the intake, told", tried=1, fired=1)


def _write(at: Place, memory: Memory) -> None:
    """What an engine leaves for screens."""
    said = Now(os.getpid(), datetime.now(UTC), readings={}, since={}, alarms=memory)
    (at.station.run / "now.json").write_bytes(msgspec.json.encode(said))


def _told_to_a_reader(at: Place) -> str:
    """By a screen, which does not look at the lock itself."""
    alarms = SnapshotReader(at.settings).read().alarms
    return next((alarm.text for alarm in alarms if alarm.id == "cut.unpublished"), "")


def looked(locks: Locks, from_s: int, to_s: int) -> Stuck | None:
    """What the last of the looks in that span says; there is one each second."""
    began = datetime.now(UTC)
    return [locks.stuck(began + timedelta(seconds=s)) for s in range(from_s, to_s + 1)][-1]


@pytest.mark.parametrize("name", ["intake", "action", "worker"])
def test_a_lock_is_held_too_long_when_its_holder_is_stopped_or_works_for_minutes(
    at: Place, name: str
) -> None:
    with holder(at, lock_name=name) as (process, said):
        assert said == "held"
        locks = Locks(at.station)
        assert looked(locks, 0, 20) is None
        long = int(LONG_S[name])
        works = looked(locks, 21, long + 20)
        assert works is not None
        assert (works.name, works.pid, works.stopped) == (name, process.pid, False)
        assert works.command.startswith(Path(sys.executable).name)
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: stands_still(process.pid))
        stopped = looked(Locks(at.station), 0, 20)
        assert stopped is not None
        assert (stopped.pid, stopped.stopped, stopped.purpose) == (process.pid, True, PURPOSE)
    assert looked(locks, long + 21, 2 * long) is None
    table.record("lock: held too long, by one stopped and one that works", tried=2, fired=2)


@pytest.mark.parametrize("leap", [timedelta(hours=1), timedelta(days=1), -timedelta(days=1)])
def test_a_clock_that_leaps_makes_no_lock_held_too_long(at: Place, leap: timedelta) -> None:
    """A delivery is being sealed, and the clock is put right meanwhile."""
    with holder(at, lock_name="intake"):
        locks, now = Locks(at.station), datetime.now(UTC)
        for second in range(30):
            assert locks.stuck(now + timedelta(seconds=second)) is None
        for second in range(30, 60):
            assert locks.stuck(now + leap + timedelta(seconds=second)) is None
    table.record("lock: the clock leaps while it is held", tried=1, fired=1)


def test_a_lock_that_only_a_child_still_has_is_held_too_long_by_nobody_known(at: Place) -> None:
    with holder(at, HOLD_AND_FORK, lock_name="intake") as (parent, child):
        assert parent.wait(5) == 0
        found = looked(Locks(at.station), 0, 200)
        os.kill(int(child), signal.SIGKILL)
    assert found is not None
    assert (found.pid, found.command) == (None, "")
    table.record("lock: kept by a forked child", tried=1, fired=1)


def test_a_holder_that_died_leaves_nothing_to_wait_for(at: Place) -> None:
    with stopped_holder(at) as stuck:
        stuck.kill()
        assert at.run("rollback").code == 0  # behind a lock that is held it is refused
    assert whole.facts(at).live == SECOND


def _at_once(at: Place, commands: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
    running = [
        subprocess.Popen(
            at.command(*command), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for command in commands
    ]
    return [(p.returncode, err) for p in running for err in [p.communicate(timeout=60)[1]]]


def test_a_receipt_is_told_though_old_cuts_cannot_be_pruned_just_then(
    at: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cut is sealed and live; somebody takes the lock before the old ones are given back."""
    with ExitStack() as taken:

        def is_due(station: Station) -> bool:
            taken.enter_context(lock.held(station.action_lock, "test"))
            return True

        first, second = deliveries(tmp_path / "deliveries", FOURTH)
        assert at.call("receive", str(first)).code == 0
        monkeypatch.setattr(retention, "is_due", is_due)
        said = at.call("receive", str(second))
        assert lock.is_held(at.station.action_lock)
    assert said.code == 0, said
    assert FOURTH in said.out
    assert whole.facts(at).live == FOURTH
    table.record("lock: held when a receive would prune", tried=1, fired=1)


def test_two_rollbacks_at_once_never_withdraw_a_cut_twice(tmp_path: Path) -> None:
    at = place(tmp_path / "at")
    cuts = nights.stamps(count=22)
    receive_cuts(at, tmp_path / "deliveries", cuts)
    back = 0
    for _ in range(10):
        done = _at_once(at, [["rollback"], ["rollback"]])
        codes = sorted(code for code, _ in done)
        assert codes in ([0, 0], [0, 1]), done  # the later one saw the first one's cut, or none
        assert codes == [0, 0] or any("was first" in err for _, err in done), done
        back += codes.count(0)
    assert whole.faults(at) == []
    assert whole.facts(at).live == cuts[21 - back]
    lines = journal.read(at.station.journal).lines
    intents = [line.data for line in lines if line.data.get("action") == "rollback"]
    withdrawn = [cut for intent in intents for cut in _list(intent["withdraws"])]
    assert len(intents) == back
    table.record("lock: two rollbacks at once", tried=10, fired=10)
    assert sorted(withdrawn) == cuts[22 - back :], "each cut once"


def _list(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(item) for item in value]


@contextmanager
def engine(at: Place) -> Iterator[None]:
    log = at.folder / "engine.log"
    with log.open("w") as file:
        process = subprocess.Popen(at.command("engine"), stdin=subprocess.DEVNULL, stderr=file)
    try:
        wait_until(lambda: "leading" in log.read_text(), processes.LONG_S, "the engine leads")
        yield
        assert process.poll() is None, log.read_text()
    finally:
        ended(process)


def test_an_engine_that_receives_and_people_who_decide_at_once(at: Place, tmp_path: Path) -> None:
    """Whatever the order, nothing that came is lost and every switch is whole."""
    coming = nights.stamps(STAMPS[3], count=6)
    drop = at.settings.drop_folder
    orders = [["rollback"], ["publish", THIRD], ["hold"], ["release"], ["publish", FIRST]]
    answered = 0
    with engine(at):
        for stamp in coming:
            for path in deliveries(tmp_path / "more", stamp):
                path.rename(drop / path.name)
            for code, err in _at_once(at, orders):
                assert code in {0, 1}, err
                answered += 1
            assert whole.live(at.root)[0] != whole.NOTHING
        wait_until(lambda: set(coming) <= set(whole.facts(at).cuts), 60, "every cut is sealed")
        wait_until(lambda: list(drop.iterdir()) == [], 20, "what is sealed leaves the drop folder")
        assert at.run("publish", coming[-1]).code == 0
    assert whole.faults(at) == []
    assert whole.facts(at).live == coming[-1]
    orders_given = len(orders) * len(coming)
    table.record("lock: five people and an engine at once", tried=orders_given, fired=answered)
