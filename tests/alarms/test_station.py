"""Alarms on a station on disk: the engine's watch, people's commands, two of them at once."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from prep_console.alarms import records
from prep_console.engine.last_word import Now, read_now
from prep_console.engine.view import SnapshotReader
from prep_console.engine.watch import Watch
from prep_console.journal import journal
from prep_console.problems import Refused, WrongUsage
from prep_console.reports.alarms import alarm_lines, alarms_json, short_alarm_lines
from prep_console.snapshot import AlarmView, Reading, ReadingState
from prep_console.values import replace
from prep_console.wording import Language, use
from tests.alarms.simulated import ANA, BETO
from tests.console.nights import NOW, night
from tests.nights import two_archives
from tests.processes import LONG_S
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    made = sandbox(tmp_path)
    made.station.prepare()
    return made


class Engine:
    """What the engine does with its watch, without a loop."""

    def __init__(self, box: Sandbox, now: datetime) -> None:
        self.box, self.now = box, now
        self.watch = Watch(box.settings, now)
        self.readings: dict[str, Reading] = {}
        self.since: dict[str, datetime] = {}
        self.told: list[tuple[str, str]] = []

    def disk(self, free: float, state: ReadingState) -> None:
        self.since["host.disk"] = self.now
        self.readings["host.disk"] = Reading(free, "bytes", state, self.now)

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += timedelta(seconds=1)
            events = self.watch.step(self.now, self.readings, None, self.since)
            self.told += [(event.kind, event.alarm.key) for event in events]
            if self.watch.owes:
                self.watch.write()
        said = Now(
            os.getpid(),
            self.now,
            readings=self.readings,
            since=self.since,
            alarms=self.watch.memory,
        )
        (self.box.station.run / "now.json").write_bytes(msgspec.json.encode(said))


def kinds(box: Sandbox) -> list[str]:
    return [line.kind for line in journal.read(box.station.journal).lines]


def alarm(box: Sandbox, key: str) -> AlarmView:
    return records.named(SnapshotReader(box.settings).read().alarms, key)


def test_the_watch_journals_each_change_once_and_goes_on_after_a_restart(box: Sandbox) -> None:
    engine = Engine(box, datetime.now(UTC))
    engine.disk(5e9, "warning")
    engine.run(30)
    assert engine.told == [("raised", "host.disk")]
    assert kinds(box) == ["raised"]
    second = Engine(box, engine.now)
    second.readings, second.since = engine.readings, engine.since
    second.run(10)
    (box.station.run / "now.json").unlink()
    third = Engine(box, second.now)
    third.run(10)  # nobody has read the disk yet
    third.disk(50e9, "ok")
    third.run(90)
    assert second.told == []
    assert third.told == [("cleared", "host.disk")]
    assert kinds(box) == ["raised", "cleared"]


def test_a_journal_that_cannot_be_written_stops_nothing(box: Sandbox) -> None:
    engine = Engine(box, datetime.now(UTC))
    engine.disk(5e9, "warning")
    box.station.journal.mkdir(parents=True)  # opening it for writing fails, also for root
    with pytest.raises(IsADirectoryError):
        engine.run(1)
    box.station.journal.rmdir()
    locked = box.station.action_lock
    locked.mkdir()
    engine.run(12)
    assert engine.told == [("raised", "host.disk")]
    assert engine.watch.owes
    locked.rmdir()
    engine.run(1)
    assert kinds(box) == ["raised"]
    assert engine.told == [("raised", "host.disk")]


def test_a_reader_says_what_the_engine_says(box: Sandbox) -> None:
    engine = Engine(box, datetime.now(UTC))
    engine.disk(5e9, "warning")
    engine.run(20)
    said = read_now(box.station.run / "now.json")
    assert said is not None
    assert list(said.alarms.entries) == ["host.disk"]
    assert "host.disk" in [a.key for a in SnapshotReader(box.settings).read().alarms]


def test_of_two_consoles_one_acknowledges(box: Sandbox) -> None:
    seen = alarm(box, "engine.stopped")
    records.acknowledge(box.station, seen, actor=ANA, reason="on my way")
    with pytest.raises(Refused, match="ana"):
        records.acknowledge(box.station, seen, actor=BETO)
    assert kinds(box) == ["raised", "acknowledged"]
    shown = alarm(box, "engine.stopped")
    assert (shown.acknowledged_by, shown.severity) == ("ana", "critical")


@pytest.mark.parametrize("minutes", [0, -5, 31, 10**9])
def test_nothing_is_put_aside_for_longer_than_half_an_hour(box: Sandbox, minutes: int) -> None:
    engine = Engine(box, datetime.now(UTC))
    engine.disk(5e9, "warning")
    engine.run(20)
    with pytest.raises(WrongUsage):
        records.shelve(box.station, alarm(box, "host.disk"), minutes=minutes, reason="x", actor=ANA)
    assert kinds(box) == ["raised"]


def test_what_is_put_aside_comes_back_before_it_is_put_aside_again(box: Sandbox) -> None:
    engine = Engine(box, datetime.now(UTC))
    engine.disk(5e9, "warning")
    engine.run(20)
    seen = alarm(box, "host.disk")
    until = records.shelve(box.station, seen, minutes=30, reason="x", actor=ANA)
    with pytest.raises(Refused, match="ana"):
        records.shelve(box.station, seen, minutes=30, reason="x", actor=BETO)
    shelved = alarm(box, "host.disk")
    assert (shelved.shelved_by, shelved.shelved_until) == ("ana", until)
    records.unshelve(box.station, shelved, actor=ANA)
    assert alarm(box, "host.disk").shelved_until is None
    with pytest.raises(Refused):
        records.unshelve(box.station, shelved, actor=ANA)
    records.shelve(box.station, seen, minutes=30, reason="x", actor=BETO)
    assert alarm(box, "host.disk").shelved_by == "beto"


@pytest.mark.parametrize("reason", ["", "  ", "\u200b", "\x1b\x07", "..."])
def test_a_reason_is_one_that_can_be_read(box: Sandbox, reason: str) -> None:
    engine = Engine(box, datetime.now(UTC))
    engine.disk(5e9, "warning")
    engine.run(20)
    seen = alarm(box, "host.disk")
    with pytest.raises(WrongUsage):
        records.shelve(box.station, seen, minutes=5, reason=reason, actor=ANA)


def test_the_commands(box: Sandbox) -> None:
    listed = box.run("alarms", "--json").json["alarms"]
    (stopped,) = [one for one in listed if one["key"] == "engine.stopped"]
    assert stopped["to_do"]
    assert stopped["consequence"]
    assert stopped["cause"]
    text = box.run("alarms")
    assert "To do:" in text.out
    noted = box.run("acknowledge", "engine.stopped", "--reason", "starting it")
    assert noted.code == 0
    assert "No engine is running" in noted.out
    assert "engine.stopped" not in noted.out
    again = box.run("acknowledge", "engine.stopped")
    assert again.code == 1
    assert again.err.count(" — ") == 2
    by = box.run("status", "--json").json["alarms"][0]["acknowledged_by"]
    assert by is not None
    refused = box.run("shelve", "engine.stopped", "--minutes", "10", "--reason", "x")
    assert refused.code == 1
    assert box.run("shelve", "engine.stopped", "--minutes", "99", "--reason", "x").code == 2
    assert box.run("shelve", "engine.stopped", "--minutes", "9").code == 2
    unknown = box.run("acknowledge", "no\x1b[2Jsuch")
    assert unknown.code == 1
    assert "\x1b" not in unknown.err
    assert box.run("unshelve", "engine.stopped").code == 1
    assert "starting it" in box.run("journal").out
    assert box.run("journal", "--verify").code == 0


@pytest.mark.parametrize(
    ("lang", "never"), [("en", "None has ever run here."), ("es", "Aquí nunca ha corrido uno.")]
)
def test_where_no_engine_ever_ran_nobody_says_since_now(
    tmp_path: Path, lang: str, never: str
) -> None:
    box = sandbox(tmp_path)
    box.station.prepare()
    assert never in box.run("status", lang=lang).out
    assert never in box.run("alarms", lang=lang).out
    for path in two_archives(tmp_path / "made", "20240602_2005").values():
        assert box.run("receive", path).code == 0
    came = min(cut.received_at for cut in box.station.state().cuts.values())
    (stopped,) = [
        one for one in box.run("alarms", "--json").json["alarms"] if one["id"] == "engine.stopped"
    ]
    assert datetime.fromisoformat(stopped["since"]) == came
    engine = box.start("engine")
    wait_until(lambda: box.run("status", "--json").json["engine"]["alive"], LONG_S)
    engine.terminate()
    engine.communicate(timeout=30)
    (box.station.run / "now.json").unlink()
    assert never not in box.run("status", lang=lang).out


@pytest.mark.parametrize("language", ["es", "en"])
def test_what_an_alarm_explains_is_told_in_words(language: Language) -> None:
    explains = ("cut.late", "instrument.unknown:clock.offset", "of.tomorrow:\x1b[2J")
    one = AlarmView("apache.down", "critical", NOW, None, "", consequences=explains)
    snapshot = replace(night(), alarms=(one,))
    use(language)
    try:
        for told in ("\n".join(alarm_lines(snapshot)), "\n".join(short_alarm_lines(snapshot))):
            words = {
                "es": "No llega corte desde hace … minutos",
                "en": "No cut has come for … minutes",
            }[language]
            assert words in told
            assert "cut.late" not in told
            assert "instrument.unknown" not in told
            assert "(clock.offset)" in told
            assert "\x1b" not in told
    finally:
        use("es")
    (listed,) = alarms_json(snapshot)["alarms"]
    assert listed["consequences"] == list(explains)


def test_who_saw_an_alarm_of_another_day_is_told_with_its_date() -> None:
    """The final cut stays up for months, and so does who saw what."""
    seen = AlarmView("apache.down", "critical", NOW, "ana", "", acknowledged_at=NOW)
    use("es")
    for later, told in (
        (timedelta(hours=1), "enterado ana (02:37:12)"),
        (timedelta(60), "enterado ana (3 jun 02:37:12)"),
    ):
        snapshot = replace(night(), alarms=(seen,), observed_at=NOW + later)
        assert told in "\n".join(short_alarm_lines(snapshot))
