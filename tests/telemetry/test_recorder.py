"""Samples are written whatever happens to the file meanwhile, and never beyond its size."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prep_console import telemetry
from prep_console.probes.probe import reading, unknown
from prep_console.snapshot import Reading
from prep_console.telemetry.recorder import Recorder
from prep_console.telemetry.store import Bounds, Damaged, Store
from tests.stations import sandbox
from tests.waiting import wait_until

AT = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)


class Ticking:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = AT

    def __call__(self) -> datetime:
        return self.at


@contextlib.contextmanager
def recorder(folder: Path, clock: Callable[[], datetime], **more: object) -> Iterator[Recorder]:
    settings = sandbox(folder, {"telemetry": dict(more)}).settings
    settings.root.mkdir(exist_ok=True)
    made = Recorder(settings, now=clock, retry_s=0.05)
    try:
        yield made
    finally:
        made.close()


def some(value: float, state: str = "ok") -> dict[str, Reading]:
    return {
        "host.cpu": reading(value, "%", AT, critical=state == "critical"),
        "power.generator": reading("standby", "", AT),
    }


def points(root: Path, since: datetime = AT, hours: float = 1, most: int = 3600) -> list[float]:
    until = since + timedelta(hours=hours)
    found = telemetry.history(root, "host.cpu", since, until, most)
    return [point.mean for point in found if point.mean is not None]


def noted(made: Recorder, clock: Ticking, value: float) -> None:
    """One more sample, and it is in the file."""
    clock.at += timedelta(seconds=10)
    made.note(some(value))
    root = made.path.parent
    wait_until(lambda: value in points(root, clock.at - timedelta(seconds=5)), 5, f"{value}")


def test_samples_are_there_as_they_were_noted(tmp_path: Path) -> None:
    clock = Ticking()
    with recorder(tmp_path, clock) as made:
        for value in (1.0, 2.0, 3.5):
            noted(made, clock, value)
        assert points(made.path.parent) == [1.0, 2.0, 3.5]
        assert made.path.stat().st_mode & 0o777 == 0o644
    root = tmp_path / "root"
    assert points(root) == [1.0, 2.0, 3.5]
    assert sorted(path.name for path in root.iterdir()) == ["telemetry.db"]


def test_a_stretch_has_its_lowest_mean_highest_and_worst(tmp_path: Path) -> None:
    clock = Ticking()
    with recorder(tmp_path, clock) as made:
        for value, state in ((1.0, "ok"), (5.0, "critical"), (3.0, "ok")):
            clock.at += timedelta(seconds=10)
            made.note(some(value, state))
        clock.at += timedelta(seconds=10)
        made.note(unknown(("host.cpu",), "gone", AT))
        noted(made, clock, 9.0)
        (first, second) = telemetry.history(
            made.path.parent, "host.cpu", AT, AT + timedelta(seconds=90), 2
        )
    assert (first.low, first.mean, first.high, first.state) == (1.0, 3.0, 5.0, "critical")
    assert (second.at, second.mean) == (AT + timedelta(seconds=45), 9.0)


def test_means_of_five_minutes_outlive_the_single_samples(tmp_path: Path) -> None:
    path, bounds = tmp_path / "telemetry.db", Bounds(keep_s=600, max_bytes=10**8)
    store = Store(path, bounds)
    for n in range(180):  # half an hour
        store.add(AT + timedelta(seconds=10 * n), some(float(n)))
    store.bound(AT + timedelta(minutes=30))
    store.close()
    whole = telemetry.history(tmp_path, "host.cpu", AT, AT + timedelta(minutes=30), 180)
    means = [p for p in whole if p.at < AT + timedelta(minutes=20)]
    assert [(p.low, p.mean, p.high) for p in means] == [
        (30.0 * n, 30.0 * n + 14.5, 30.0 * n + 29) for n in range(4)
    ]
    assert [p.mean for p in whole if p.at >= AT + timedelta(minutes=20)] == list(range(120, 180))
    coarse = telemetry.history(tmp_path, "host.cpu", AT, AT + timedelta(minutes=30), 3)
    assert [p.mean for p in coarse[:2]] == [29.5, 89.5]


def test_its_size_is_kept_the_log_included_and_the_newest_stays(tmp_path: Path) -> None:
    most = 2 * 1024**2
    store = Store(tmp_path / "telemetry.db", Bounds(keep_s=10**9, max_bytes=most))
    readings = {f"power.ups{n}": reading(float(n), "%", AT) for n in range(40)}
    at, largest = AT, 0
    for n in range(6000):  # sixteen hours
        at += timedelta(seconds=10)
        store.add(at, readings)
        if n % 30 == 0:
            store.bound(at)
            assert store.bytes() <= most
            largest = max(largest, store.bytes())
    store.close()
    assert largest > most // 2
    hour = telemetry.history(tmp_path, "power.ups1", at - timedelta(hours=1), at, 360)
    assert len(hour) >= 359
    long = telemetry.history(tmp_path, "power.ups1", AT, at, 200)
    assert len(long) > 150


def test_a_smaller_size_in_the_settings_gives_the_room_back(tmp_path: Path) -> None:
    """At the first look, not as pages are used again."""
    path, readings = (
        tmp_path / "telemetry.db",
        {f"power.ups{n}": some(1.0)["host.cpu"] for n in range(40)},
    )
    before = Store(path, Bounds(keep_s=10**9, max_bytes=10**8))
    for n in range(1500):
        before.add(AT + timedelta(seconds=10 * n), readings)
    before.close()
    assert path.stat().st_size > 1.5 * 1024**2
    at = AT + timedelta(seconds=15_000)
    store = Store(path, Bounds(keep_s=10**9, max_bytes=1024**2))
    store.bound(at)
    assert store.bytes() <= 1024**2
    store.close()
    half = telemetry.history(tmp_path, "power.ups1", at - timedelta(minutes=30), at, 180)
    assert len(half) >= 179


def noting(made: Recorder, value: float, until: Callable[[], bool]) -> None:
    """Samples of ``value`` until something has come of it."""

    def noted_and() -> bool:
        made.note(some(value))
        return until()

    wait_until(noted_and, 10)


def delete(path: Path) -> None:
    path.unlink()


def delete_all(path: Path) -> None:
    for each in path.parent.glob("telemetry.db*"):
        each.unlink()


def cut_off(path: Path) -> None:
    os.truncate(path, 100)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def garbage(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(20_000))


def another(path: Path) -> None:
    path.unlink()
    path.write_bytes(os.urandom(100_000))


def log_gone(path: Path) -> None:
    """As a reader leaves it that had opened the file that lay here before."""
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink()


@pytest.mark.parametrize("harm", [delete, delete_all, cut_off, empty, garbage, another, log_gone])
def test_a_harmed_file_is_made_anew(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    clock = Ticking()
    with recorder(tmp_path, clock) as made:
        noted(made, clock, 1.0)
        harm(made.path)
        for value in (2.0, 3.0):  # nobody looks meanwhile: who opened what lay there takes the log
            clock.at += timedelta(seconds=10)
            made.note(some(value))
        wait_until(lambda: not made._waiting)
        assert made.dropped == 0
    wait_until(lambda: points(tmp_path / "root")[-2:] == [2.0, 3.0])


def test_a_page_overwritten_in_the_middle_is_found(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    store = Store(path, Bounds(10**9, 10**9))
    for n in range(3000):
        store.add(AT + timedelta(seconds=10 * n), some(float(n)))
    store.bound(AT)
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(path.stat().st_size - 8192 - 4096))
    with pytest.raises((Damaged, sqlite3.DatabaseError)):
        store.bound(AT)
    store.close()


def test_a_schema_of_somebody_else_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "root" / "telemetry.db")) as other:
        other.execute("CREATE TABLE sample (something)")
    clock = Ticking()
    with recorder(tmp_path, clock) as made:
        noted(made, clock, 1.0)


def test_a_folder_in_its_place_is_told_once_and_survived(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Ticking()
    with recorder(tmp_path, clock) as made:
        noted(made, clock, 1.0)
        delete_all(made.path)
        made.path.mkdir()
        noting(made, 2.0, lambda: made.dropped > 4)
        found = telemetry.read_history(made.path.parent, "host.cpu", AT, AT, 10)
        assert found.error is not None
        made.path.rmdir()
        noting(made, 7.0, lambda: 7.0 in points(made.path.parent))
    told = [r.getMessage() for r in caplog.records if "tried again" in r.getMessage()]
    assert len(told) == 1


def test_a_full_disk_drops_samples_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    import resource

    clock = Ticking()
    with recorder(tmp_path, clock) as made:
        noted(made, clock, 1.0)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))  # SIGXFSZ is ignored
        try:
            noting(made, 5.0, lambda: made.dropped > 2)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        noting(made, 6.0, lambda: 6.0 in points(made.path.parent))


def test_who_locks_the_file_holds_nobody_up(tmp_path: Path) -> None:
    clock = Ticking()
    with recorder(tmp_path, clock) as made:
        noted(made, clock, 1.0)
        with contextlib.closing(sqlite3.connect(made.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            for _ in range(200):
                made.note(some(2.0))
            assert time.monotonic() - began < 0.9  # a look at the lock takes a second
            wait_until(lambda: made.dropped > 0, 5)
        noting(made, 3.0, lambda: 3.0 in points(made.path.parent))


def test_a_disk_that_hangs_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(Store, "add", lambda *_: release.wait(20))
    with recorder(tmp_path, Ticking()) as made:
        for _ in range(100):
            made.note(some(1.0))
        assert made.dropped >= 39
        began = time.monotonic()
        made.close()
        assert time.monotonic() - began < 10
    release.set()


def test_a_clock_that_was_years_ahead_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "telemetry.db", Bounds(10**9, 10**8))
    ahead = AT + timedelta(days=20_000)
    store.add(ahead, some(1.0))
    store.add(ahead + timedelta(minutes=10), some(1.0))
    for n in range(70):
        store.add(AT + timedelta(seconds=10 * n), some(2.0))
        if n == 1:
            store.bound(AT)
    store.close()
    assert telemetry.history(tmp_path, "host.cpu", ahead, ahead + timedelta(hours=1), 5) == ()
    found = telemetry.history(tmp_path, "host.cpu", AT, AT + timedelta(minutes=10), 2)
    assert [point.mean for point in found] == [2.0, 2.0]
