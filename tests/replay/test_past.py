"""Any moment of a station's past, from what was written down and from nothing else."""

from __future__ import annotations

import os
import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from prep_console.alarms.table import sentence_of
from prep_console.engine.past import Past, placed
from prep_console.engine.settings_of_then import as_then, as_told
from prep_console.journal.actor import program
from prep_console.problems import Refused
from prep_console.reports.status import status_json
from prep_console.snapshot import Detail, EngineView, Reading, Snapshot
from prep_console.telemetry.store import Bounds, Store
from tests.replay.pasts import (
    AT,
    ENGINE,
    ZONE,
    Entry,
    cleared,
    minutes,
    published,
    raised,
    rolled_back,
    sampled,
    station,
    written,
)


def live(snapshot: Snapshot) -> str | None:
    return snapshot.live.cut.id if snapshot.live is not None else None


def keys(snapshot: Snapshot) -> list[str]:
    return [alarm.key for alarm in snapshot.alarms]


def test_each_moment_shows_what_was_so_then(tmp_path: Path) -> None:
    past = Past(station(tmp_path).settings)
    told = [
        (live(one), one.mode, one.waiting_cuts, keys(one), len(one.journal))
        for one in (past.at(AT + minutes(m)) for m in (-1, 0.001, 1, 6, 8, 13.5, 15.5, 16.2))
    ]
    assert told == [
        (None, "auto", 0, [], 0),
        (None, "auto", 1, [], 1),
        ("20240603_0200", "auto", 0, [], 3),
        ("20240603_0205", "auto", 0, [], 6),
        ("20240603_0200", "hold", 0, [], 8),
        ("20240603_0200", "hold", 0, ["cut.late"], 9),
        ("20240603_0200", "auto", 0, ["engine.stopped"], 11),  # which explains the lateness
        ("20240603_0215", "auto", 0, ["engine.stopped"], 14),
    ]
    held = past.at(AT + minutes(8))
    assert held.decision is not None
    assert (held.decision.by, held.decision.reason) == ("jperez", "datos de prueba")
    assert [cut.state for cut in held.cuts] == ["withdrawn", "live"]
    assert held.journal[0].kind == "done"  # newest first
    assert held.past is not None
    assert (held.past.begins, held.past.ends) == (AT, AT + minutes(20))


def test_what_instruments_read_is_theirs_of_that_moment(tmp_path: Path) -> None:
    past = Past(station(tmp_path).settings)
    there = past.at(AT + minutes(6) + timedelta(seconds=5))
    cpu = there.readings["host.cpu"]
    assert (cpu.value, cpu.unit, cpu.state, dict(cpu.detail)) == (36.0, "%", "ok", {"cpus": 4})
    assert there.history["host.cpu"] == tuple(float(n) for n in range(37))
    assert there.engine.alive is True
    assert there.served is not None
    assert (there.served.id, there.served.ok, there.served.status) == ("20240603_0205", True, 200)


def test_a_look_from_before_the_switch_accuses_nobody_after_it(tmp_path: Path) -> None:
    """The sample of 02:05:00 holds a look of 02:04:58, and the cut went live at 02:05:01."""
    box = station(tmp_path)
    after = Past(box.settings).at(AT + minutes(5) + timedelta(seconds=4))
    assert live(after) == "20240603_0205"
    served = after.served
    assert served is not None
    assert after.live is not None
    assert served.checked_at < after.live.since


def test_an_acknowledgement_and_the_figures_of_an_alarm_are_of_that_moment(tmp_path: Path) -> None:
    past = Past(station(tmp_path).settings)
    (before,), (after,) = (past.at(AT + minutes(m)).alarms for m in (13.5, 14.5))
    assert (before.acknowledged_by, after.acknowledged_by) == (None, "jperez")
    assert after.since == AT + minutes(12.5)
    assert after.severity == "warning"
    assert after.values["minutes"] == 9  # it was raised at 8; by 02:14:30 nine whole minutes


def test_what_nobody_announced_while_an_engine_led_is_no_alarm(tmp_path: Path) -> None:
    box = station(tmp_path, published(0, "20240603_0200", 1))
    past = Past(box.settings)
    silent = past.at(AT + minutes(14))  # nothing for nearly three cadences, and nobody said so
    assert silent.engine.alive is True
    assert silent.late_s == 540.0
    assert keys(silent) == []


def test_without_telemetry_the_rest_is_there_and_instruments_are_unknown(tmp_path: Path) -> None:
    there = Past(station(tmp_path, samples=False).settings).at(AT + minutes(8))
    assert live(there) == "20240603_0200"
    assert (there.served, dict(there.readings), dict(there.history)) == (None, {}, {})
    assert there.engine == EngineView(None, None, None)
    assert status_json(there)["engine"] == {"alive": None, "pid": None, "heartbeat_age_s": None}
    assert there.past is not None
    assert not there.past.sampled
    assert there.read_error is None


def test_of_an_engine_that_ended_nothing_good_is_shown(tmp_path: Path) -> None:
    there = Past(station(tmp_path).settings).at(AT + minutes(18))
    assert there.engine.alive is False
    assert there.served is None
    states = {reading.state for reading in there.readings.values()}
    assert states == {"unknown"}
    assert keys(there)[0] == "engine.stopped"


def test_damaged_telemetry_is_said_and_the_journal_still_tells(tmp_path: Path) -> None:
    box = station(tmp_path)
    (box.settings.root / "telemetry.db").write_bytes(b"SQLite format 3\0" + os.urandom(9000))
    there = Past(box.settings).at(AT + minutes(8))
    assert live(there) == "20240603_0200"
    assert "the telemetry cannot be read" in (there.read_error or "")


def test_a_broken_chain_is_said_and_what_can_be_read_is_replayed(tmp_path: Path) -> None:
    box = station(tmp_path)
    path = box.settings.root / "journal" / "journal.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[8] = lines[8].replace(b"warning", b"weather")
    path.write_bytes(b"\n".join(lines))
    there = Past(box.settings).at(AT + minutes(13.5))
    assert there.past is not None
    assert there.past.broken_line == 9
    assert keys(there) == []
    assert live(there) == "20240603_0200"


def test_nothing_recorded_is_refused(tmp_path: Path) -> None:
    box = station(tmp_path, [], samples=False)
    with pytest.raises(Refused, match="no record yet"):
        Past(box.settings)


def test_archived_nights_and_the_one_that_goes_on_are_one_past(tmp_path: Path) -> None:
    box = station(tmp_path, samples=False)
    root = box.settings.root
    old = root / "archive" / "20240603T084500000000Z" / "journal" / "journal.jsonl"
    old.parent.mkdir(parents=True)
    shutil.move(root / "journal" / "journal.jsonl", old)
    (old.parent.parent / "cuts").mkdir()
    again: list[Entry] = [
        (600, program("recovery"), "station", {"archive": old.parent.parent.name}),
        *published(605, "20240603_1205", 2),
    ]
    written(root / "journal" / "journal.jsonl", again)
    sampled(box.settings, 600, 601)
    past = Past(box.settings)
    assert (past.begins, past.last_begins) == (AT, AT + minutes(600))
    first, between, second = (past.at(AT + minutes(m)) for m in (8, 300, 606))
    assert [live(one) for one in (first, between, second)] == [
        "20240603_0200",
        "20240603_0215",
        "20240603_1205",
    ]
    assert first.past is not None
    assert second.past is not None
    assert (first.past.archive, second.past.archive) == (old.parent.parent.name, None)
    assert past.station_at(AT + minutes(8)).cuts == old.parent.parent / "cuts"
    assert past.station_at(AT + minutes(606)).cuts == root / "cuts"
    assert len(past.events("cut")) == 4


def test_a_copy_for_a_uid_that_may_only_read_is_left_as_it_is(tmp_path: Path) -> None:
    box = station(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(box.settings.root, copy)
    before = {p: p.stat() for p in copy.rglob("*")}
    there = msgspec.structs.replace(box.settings.station, root=str(copy))
    past = Past(msgspec.structs.replace(box.settings, station=there))
    for m in range(25):
        past.at(AT + minutes(m))
    after = {p: p.stat() for p in copy.rglob("*")}
    assert {p: (s.st_mtime_ns, s.st_size, s.st_ino) for p, s in after.items()} == {
        p: (s.st_mtime_ns, s.st_size, s.st_ino) for p, s in before.items()
    }


def test_events_are_there_to_jump_to(tmp_path: Path) -> None:
    past = Past(station(tmp_path).settings)
    second = timedelta(seconds=1)
    assert past.events("alarm") == (AT + minutes(13), AT + minutes(20))
    assert past.events("decision") == (
        AT + minutes(7) + second,  # when the rollback was carried out, not when it was decided
        AT + minutes(14),
        AT + minutes(15),
    )
    assert past.events("cut") == tuple(AT + minutes(m) + second for m in (0, 5, 16))


def test_hours_of_a_clock_that_jumped_are_put_where_the_chain_has_them() -> None:
    def at(*ms: float) -> list[datetime]:
        return [AT + minutes(m) for m in ms]

    assert placed(at(0, 1, 2)) == tuple(at(0, 1, 2))
    assert placed(at(0, 1, 1440, 2, 3)) == tuple(at(0, 1, 1, 2, 3))  # a day ahead, and back
    assert placed(at(0, 1, -60, 2, 3)) == tuple(at(0, 1, 1, 2, 3))
    assert placed(at(900, 1, 2, 3)) == tuple(at(1, 1, 2, 3))
    assert placed([]) == ()


def test_a_jump_in_a_record_of_fifty_thousand_lines_is_quick(tmp_path: Path) -> None:
    entries: list[Entry] = []
    first = AT.astimezone(ZONE)
    for n in range(288):
        cut = f"{first + minutes(5 * n):%Y%m%d_%H%M}"
        entries += published(5 * n, cut, len(entries) + 1)
        for y in range(85):
            entries += [raised(5 * n + 1 + y / 100, f"x.{y}"), cleared(5 * n + 2 + y / 100)]
    box = station(tmp_path, [], samples=False)
    path = box.settings.root / "journal" / "journal.jsonl"
    _write_quickly(path, entries)
    past = Past(box.settings)
    assert len(past.nights[0].lines) > 49_000
    took = []
    for m in (1400, 3, 700, 1399, 50, 1000):
        began = time.process_time()  # what others do on this machine is not counted
        past.at(AT + minutes(m))
        took.append(time.process_time() - began)
    assert sorted(took)[len(took) // 2] < 0.1, took


def _write_quickly(path: Path, entries: list[Entry]) -> None:
    """As :func:`written`, without an fsync a line."""
    from prep_console.journal import chain

    head = chain.GENESIS
    with path.open("wb") as file:
        for seq, (at, actor, kind, data) in enumerate(entries, 1):
            line, raw = chain.compose(seq, AT + minutes(at), actor, kind, data, head)
            file.write(raw)
            head = line.hash


def test_an_abandoned_rollback_shows_what_stayed_public(tmp_path: Path) -> None:
    entries = [
        *published(0, "20240603_0200", 1),
        *published(5, "20240603_0205", 4),
        rolled_back(7, "20240603_0200", 7)[0],
        (7.5, ENGINE, "abandoned", {"intent": 7}),
    ]
    past = Past(station(tmp_path, entries).settings)
    assert [live(past.at(AT + minutes(m))) for m in (7.2, 8)] == ["20240603_0205"] * 2
    assert past.at(AT + minutes(8)).mode == "hold"  # deciding alone puts it on hold
    assert past.events("decision") == (AT + minutes(7.5),)


def test_an_alarm_of_another_version_is_shown_by_its_name(tmp_path: Path) -> None:
    at, actor, kind, data = raised(1)
    entries: list[Entry] = [
        *published(0, "20240603_0200", 1),
        (at, actor, kind, {**data, "values": {"other": 1}}),
        (at, actor, kind, {**data, "alarm": "of.tomorrow", "key": "of.tomorrow"}),
    ]
    there = Past(station(tmp_path, entries).settings).at(AT + minutes(2))
    assert sorted(keys(there)) == ["cut.late", "of.tomorrow"]
    assert {one.text for one in there.alarms} == {"cut.late", "of.tomorrow"}
    assert {str(sentence_of(one)) for one in there.alarms} == {"cut.late", "of.tomorrow"}


def test_phase_elections_and_cadence_are_those_of_then(tmp_path: Path) -> None:
    box = station(tmp_path)
    today = box.settings
    old = msgspec.structs.replace(
        today,
        station=msgspec.structs.replace(today.station, phase="simulacro", rehearsal_speed=2.0),
        election=msgspec.structs.replace(
            today.election, cadence_minutes=10, elections=["DIP_LOC", "AYUN", "GUB"]
        ),
    )
    (today.root / "telemetry.db").unlink(missing_ok=True)
    for first, last, settings in ((0.0, 5.0, old), (10.0, 12.0, today)):
        store = Store(today.root / "telemetry.db", Bounds(10**9, 10**9), AT + minutes(first))
        for n in range(int((last - first) * 6) + 1):
            at = AT + minutes(first) + timedelta(seconds=10 * n)
            told = Reading("in force", "", "ok", at, detail=as_told(settings))
            store.add(at, {"engine.settings": told})
        store.end(AT + minutes(last))
        store.close()
    past = Past(today)

    def shown(at: float) -> tuple[str, float, tuple[str, ...], bool]:
        one = past.at(AT + minutes(at))
        assert one.past is not None
        known = one.past.settings_known
        assert status_json(one)["past"]["settings_known"] is known
        return one.phase, one.cadence_s, one.elections, known

    now = (today.station.phase, 300.0, tuple(today.election.elections))
    assert shown(-1) == (*now, False)
    then = ("simulacro", 300.0, ("DIP_LOC", "AYUN", "GUB"), True)  # ten minutes, twice as quick
    assert shown(2) == shown(4.9) == then
    assert shown(8) == then  # no engine is there: those of the last one
    assert shown(11) == shown(16) == (*now, True)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"phase": "x", "cadence_minutes": "5", "rehearsal_speed": "1", "elections": ""},
        {"phase": "jornada", "cadence_minutes": "0", "rehearsal_speed": "1", "elections": ""},
        {"phase": "jornada", "cadence_minutes": "5", "rehearsal_speed": "nan", "elections": ""},
        {"phase": "jornada", "cadence_minutes": None, "rehearsal_speed": "1", "elections": ""},
    ],
)
def test_settings_that_no_engine_tells_are_not_taken(
    tmp_path: Path, told: dict[str, Detail]
) -> None:
    assert as_then(station(tmp_path).settings, told) is None
