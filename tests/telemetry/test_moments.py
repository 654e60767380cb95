"""A moment of the past, as far as the samples tell it, and not a bit further."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prep_console.snapshot import Detail, Reading
from prep_console.telemetry.moments import Moment, moment, stretch
from prep_console.telemetry.store import Bounds, Store
from prep_console.values import replace

AT = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def ups(at: datetime, charge: float, status: str = "OL", runtime_s: float = 2500.0) -> Reading:
    detail: dict[str, Detail] = {
        "status": status,
        "runtime_s": runtime_s,
        "role": "ups",
        "bad": float("nan"),
    }
    return Reading(charge, "%", "ok" if status == "OL" else "warning", at, detail=detail)


def store(folder: Path, began: datetime | None = AT) -> Store:
    return Store(folder / "telemetry.db", Bounds(10**9, 10**9), began)


def sampled(folder: Path, *charges: float) -> Store:
    made = store(folder)
    for n, charge in enumerate(charges):
        at = AT + s(10 * n)
        made.add(at, {"power.a": ups(at - s(3), charge)})
    return made


def facts(folder: Path) -> int:
    with sqlite3.connect(folder / "telemetry.db") as database:
        return int(database.execute("SELECT count(*) FROM fact").fetchone()[0])


def test_a_reading_comes_back_whole(tmp_path: Path) -> None:
    sampled(tmp_path, 100.0, 99.0, 98.0).close()
    found = moment(tmp_path, AT + s(17))
    assert found.readings == {
        "power.a": Reading(
            99.0,
            "%",
            "ok",
            AT + s(7),
            detail={"status": "OL", "runtime_s": 2500.0, "role": "ups"},
        )
    }
    assert found.history == {"power.a": (100.0, 99.0)}
    assert found.error is None


def test_what_does_not_change_is_written_once_in_five_minutes(tmp_path: Path) -> None:
    sampled(tmp_path, *[100.0] * 31).close()
    assert facts(tmp_path) == 2
    assert moment(tmp_path, AT + s(299)).readings["power.a"].detail["status"] == "OL"


def test_words_and_large_changes_are_written_at_once_and_wandering_is_not(tmp_path: Path) -> None:
    made = sampled(tmp_path, 100.0)
    for n, (status, runtime_s) in enumerate(
        [("OL", 2520.0), ("OB DISCHRG", 2520.0), ("OB DISCHRG", 1200.0)], 1
    ):
        at = AT + s(10 * n)
        made.add(at, {"power.a": ups(at - s(3.4), 90.0, status, runtime_s)})
    made.close()
    assert facts(tmp_path) == 3
    details = [moment(tmp_path, AT + s(10 * n)).readings["power.a"].detail for n in range(4)]
    assert [one["status"] for one in details] == ["OL", "OL", "OB DISCHRG", "OB DISCHRG"]
    assert [one["runtime_s"] for one in details] == [2500.0, 2500.0, 2520.0, 1200.0]


def test_an_instrument_that_is_seldom_looked_at_keeps_its_own_time(tmp_path: Path) -> None:
    made = store(tmp_path)
    for n in range(6):
        at = AT + s(10 * n)
        looked = AT - s(5) if n < 5 else at - s(1)
        made.add(at, {"site.certificate": Reading(61.0, "days", "ok", looked)})
    made.close()
    seen = [moment(tmp_path, AT + s(10 * n)).readings["site.certificate"] for n in range(6)]
    assert [one.observed_at - AT for one in seen] == [s(-5)] * 5 + [s(49)]


def test_an_error_and_a_value_that_was_none_come_back(tmp_path: Path) -> None:
    made = store(tmp_path)
    lost = Reading(None, "%", "critical", AT, "no answer", {"lost": True})
    made.add(AT, {"power.a": lost})
    made.close()
    assert moment(tmp_path, AT).readings["power.a"] == lost


def test_nothing_is_invented_where_nothing_was_recorded(tmp_path: Path) -> None:
    assert moment(tmp_path, AT) == Moment()
    assert stretch(tmp_path) is None
    sampled(tmp_path, 100.0).close()
    for far in (s(-60), s(3600)):
        found = moment(tmp_path, AT + far)
        (one,) = found.readings.values()
        assert (one.value, one.state, one.error) == (None, "unknown", "nothing was recorded of it")
        assert found.alive is None
        assert found.history == {}
    assert stretch(tmp_path) == (AT, AT)
    store(tmp_path).end(AT + s(7))
    assert stretch(tmp_path) == (AT, AT + s(8))


def test_an_engine_that_ended_is_gone_and_one_that_fell_silent_is_not_known(tmp_path: Path) -> None:
    made = sampled(tmp_path, 100.0, 99.0)
    made.end(AT + s(12))
    made.close()
    lives = [moment(tmp_path, AT + s(n)).alive for n in (-1, 0, 10, 11, 12, 500)]
    assert lives == [None, True, True, True, False, False]
    assert moment(tmp_path, AT + s(11)).pid is not None
    again = store(tmp_path, AT + s(100))
    again.add(AT + s(100), {"power.a": ups(AT + s(100), 98.0)})
    again.close()
    lives = [moment(tmp_path, AT + s(n)).alive for n in (50, 100, 114, 116)]
    assert lives == [False, True, True, None]


def test_an_engine_killed_and_started_again_was_gone_in_between(tmp_path: Path) -> None:
    sampled(tmp_path, 100.0, 99.0).close()
    again = store(tmp_path, AT + s(100))
    again.add(AT + s(100), {"power.a": ups(AT + s(100), 98.0)})
    again.close()
    assert [moment(tmp_path, AT + s(n)).alive for n in (20, 26, 99, 101)] == [
        True,
        False,
        False,
        True,
    ]


def test_samples_that_were_given_up_leave_their_means(tmp_path: Path) -> None:
    made = sampled(tmp_path, *[100.0, 90.0] * 31)
    made.add(
        AT + s(620), {"power.a": ups(AT + s(620), 1.0), "power.b": Reading("on", "", "ok", AT)}
    )
    made.close()
    with sqlite3.connect(tmp_path / "telemetry.db") as database:
        database.execute("DELETE FROM sample")
        database.execute("DELETE FROM fact")
    found = moment(tmp_path, AT + s(100))
    one = found.readings["power.a"]
    assert (one.value, one.state, one.detail) == (95.0, "ok", {"mean_of_s": 300})
    assert found.alive is True


def test_a_mean_tells_nothing_of_moments_before_its_samples(tmp_path: Path) -> None:
    """An engine came up at the end of five minutes, and has read for the ten that follow."""
    came_up = AT + s(270)
    made = store(tmp_path, came_up)
    for n in range(1, 61):
        made.add(came_up + s(10 * n), {"power.a": ups(came_up + s(10 * n), 50.0, "OB")})
    made.close()
    found = moment(tmp_path, came_up + s(4))
    assert (found.alive, found.sampled) == (True, False)
    assert found.readings["power.a"].state == "unknown"
    assert moment(tmp_path, came_up + s(10)).readings["power.a"].value == 50.0


def test_samples_are_given_up_by_whole_five_minutes(tmp_path: Path) -> None:
    """Else a moment between the last given up and the first kept had neither mean nor sample."""
    made = Store(tmp_path / "telemetry.db", Bounds(3600, 10**9), AT)
    last = AT + s(5400)
    for n in range(541):
        made.add(AT + s(10 * n), {"power.a": ups(AT + s(10 * n), 50.0)})
    for later in (0, 130, 290):
        made.bound(last + s(later))
        found = [moment(tmp_path, AT + s(second)) for second in range(0, 5400, 7)]
        assert all(one.readings["power.a"].value == 50.0 for one in found)
        told = [next(iter(one.readings["power.a"].detail)) for one in found]
        assert set(told) == {"mean_of_s", "status"}
        assert told == sorted(told), "means first, then whole readings"
    made.close()


def test_a_file_of_an_older_version_and_a_foreign_fact_are_read_as_far_as_they_go(
    tmp_path: Path,
) -> None:
    sampled(tmp_path, 100.0).close()
    with sqlite3.connect(tmp_path / "telemetry.db") as database:
        database.execute("UPDATE fact SET body = '[1'")
    assert moment(tmp_path, AT).readings["power.a"] == Reading(100.0, "", "ok", AT)
    with sqlite3.connect(tmp_path / "telemetry.db") as database:
        database.execute("""UPDATE fact SET body = '{"detail": {"a": [1], "b": 2}, "age_s": -9}'""")
    assert moment(tmp_path, AT).readings["power.a"].detail == {"b": 2}
    with sqlite3.connect(tmp_path / "telemetry.db") as database:
        database.execute("DROP TABLE fact")
        database.execute("DROP TABLE life")
    found = moment(tmp_path, AT)
    assert found.readings["power.a"] == Reading(100.0, "", "ok", AT)
    assert found.alive is True


def test_a_copy_taken_while_it_is_written_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    """The last samples stand in the log alone, and SQLite would make its index in the copy."""
    there, copy = tmp_path / "there", tmp_path / "copy"
    there.mkdir()
    copy.mkdir()
    made = sampled(there, 100.0, 99.0)
    for name in ("telemetry.db", "telemetry.db-wal"):
        shutil.copyfile(there / name, copy / name)
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    assert moment(copy, AT + s(10)).readings["power.a"].value == 99.0
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before
    made.close()


def test_nonsense_in_the_place_of_the_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "telemetry.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    found = moment(tmp_path, AT)
    assert found.readings == {}
    assert "cannot be read" in (found.error or "")
    assert stretch(tmp_path) is None
    assert replace(found, error=None) == Moment()
