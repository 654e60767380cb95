"""From faults to alarms: delays, deadbands, flapping, causes, people."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from prep_console.alarms.lifecycle import Look, Memory, advance, remembered
from prep_console.alarms.table import TABLE
from tests.alarms.simulated import ANA, BETO, Sim


def kinds(sim: Sim, key: str) -> list[str]:
    return [event.kind for event in sim.history if event.alarm.key == key]


def first_seen(sim: Sim, key: str, seconds: int) -> int | None:
    for second in range(seconds):
        if key in sim.keys:
            return second
        sim.step()
    return None


def test_a_fault_is_announced_after_its_delay_and_over_after_its_deadband() -> None:
    sim = Sim()
    sim.read("host.disk", 5e9, "warning")
    rule = TABLE["host.disk"]
    assert first_seen(sim, "host.disk", 60) == rule.delay_s
    sim.read("host.disk", 50e9)
    sim.run(int(rule.clear_s))
    assert sim.keys == ["host.disk"]
    sim.run(1)
    assert sim.keys == []
    assert kinds(sim, "host.disk") == ["raised", "cleared"]


def test_a_blip_shorter_than_the_delay_is_none() -> None:
    sim = Sim()
    sim.read("host.disk", 5e9, "warning")
    sim.run(int(TABLE["host.disk"].delay_s) - 1)
    sim.read("host.disk", 50e9)
    sim.run(120)
    assert sim.history == []


def test_a_fault_that_comes_and_goes_is_held_until_ten_minutes_were_quiet() -> None:
    sim = Sim()
    for _ in range(3):
        sim.read("host.disk", 5e9, "warning")
        sim.run(15)
        sim.read("host.disk", 50e9)
        sim.run(45)
    assert kinds(sim, "host.disk") == ["raised", "cleared", "raised", "cleared", "raised"]
    assert sim.by_key["host.disk"].flapping
    sim.run(540)
    assert sim.keys == ["host.disk"]
    sim.run(60)
    assert sim.keys == []
    assert kinds(sim, "host.disk")[5:] == ["cleared"]


def test_one_that_came_twelve_times_in_a_day_is_held_until_an_hour_was_quiet() -> None:
    sim = Sim()
    for n in range(12):
        assert ("host.disk" in sim.keys) is False
        sim.read("host.disk", 5e9, "warning")
        sim.run(15)
        assert sim.by_key["host.disk"].flapping is (n == 11)
        sim.read("host.disk", 50e9)
        sim.run(660)
    sim.run(3600 - 660 - 2)
    assert sim.keys == ["host.disk"]
    sim.run(62)
    assert sim.keys == []
    for _ in range(24 * 60):  # the day after it is as any other
        sim.step(60)
    sim.read("host.disk", 5e9, "warning")
    sim.run(15)
    assert not sim.by_key["host.disk"].flapping


def apache_dies(sim: Sim) -> None:
    sim.read("host.services", 3, "critical", apache="stopped", missing="apache")
    sim.unread("host.apache")
    sim.unread("site.certificate")
    sim.serve(None, "connection refused")


def test_a_cause_is_told_and_its_consequences_stand_under_it() -> None:
    sim = Sim()
    apache_dies(sim)
    sim.run(300)
    assert sim.keys == ["apache.down"]
    below = sim.by_key["apache.down"].consequences
    assert "site.unseen" in below
    assert "instrument.unknown:site.certificate" in below
    assert [event.alarm.key for event in sim.history] == ["apache.down"]


def test_what_outlives_its_cause_is_announced_after_its_own_delay() -> None:
    sim = Sim()
    apache_dies(sim)
    sim.run(100)
    sim.read("host.services", 4, apache="running", missing="")
    sim.run(int(TABLE["apache.down"].clear_s) + 1)
    assert sim.keys == []
    assert first_seen(sim, "site.unseen", 60) == TABLE["site.unseen"].delay_s


def test_a_consequence_that_came_first_goes_under_its_cause() -> None:
    sim = Sim()
    sim.serve(None, "connection refused")
    sim.run(30)
    assert sim.keys == ["site.unseen"]
    apache_dies(sim)
    sim.run(20)
    assert sim.keys == ["apache.down"]
    (moved,) = [e for e in sim.history if e.kind == "cleared"]
    assert (moved.alarm.key, moved.under) == ("site.unseen", "apache.down")
    assert set(sim.state.alarms) == {"apache.down"}


def test_a_due_consequence_brings_its_young_cause_forward() -> None:
    sim = Sim()
    sim.serve(None, "connection refused")
    sim.run(int(TABLE["site.unseen"].delay_s) - 1)
    apache_dies(sim)
    sim.run(1)
    assert sim.keys == ["apache.down"]


def test_a_subject_s_cause_explains_only_that_subject() -> None:
    sim = Sim()
    hours = iter(range(5, 60, 5))
    for _ in range(4):
        sim.cut(f"20240602_20{next(hours):02}", carried=("AYUN",), counted=None)
        sim.run(5)
    assert "election.stopped:AYUN" in sim.keys
    assert sim.by_key["election.stopped:AYUN"].consequences == ("cut.carried:AYUN",)


def test_getting_worse_is_told_and_needs_a_new_acknowledgement() -> None:
    sim = Sim()
    sim.read("host.disk", 15e9, "warning")
    sim.run(20)
    sim.write("acknowledged", {"key": "host.disk"}, ANA)
    sim.step()
    assert sim.by_key["host.disk"].acknowledged_by == "ana"
    assert sim.by_key["host.disk"].acknowledged_at is not None
    sim.read("host.disk", 1e9, "critical")
    sim.run(20)
    alarm = sim.by_key["host.disk"]
    assert (alarm.severity, alarm.acknowledged_by) == ("critical", None)
    sim.read("host.disk", 15e9, "warning")
    sim.run(40)
    assert sim.by_key["host.disk"].severity == "warning"
    assert kinds(sim, "host.disk") == ["raised", "escalated", "eased"]


def test_a_shelved_alarm_stays_listed_and_comes_back_by_itself() -> None:
    sim = Sim()
    sim.read("host.disk", 15e9, "warning")
    sim.run(20)
    until = sim.now + timedelta(minutes=30)
    data = {"key": "host.disk", "until": until.isoformat(), "reason": "being cleaned"}
    sim.write("shelved", data, ANA)
    sim.step()
    alarm = sim.by_key["host.disk"]
    assert (alarm.shelved_by, alarm.shelved_until) == ("ana", until)
    assert alarm.shelved_reason == "being cleaned"
    events = sim.run(30 * 60 + 5)
    assert [event.kind for event in events] == ["returned"]
    assert sim.by_key["host.disk"].shelved_until is None
    assert sim.state.alarms["host.disk"].shelved_until is None


def test_acknowledgement_and_shelving_end_with_the_alarm() -> None:
    sim = Sim()
    sim.read("host.disk", 15e9, "warning")
    sim.run(20)
    sim.write("acknowledged", {"key": "host.disk"}, ANA)
    sim.read("host.disk", 50e9)
    sim.run(40)
    assert sim.state.alarms == {}
    sim.read("host.disk", 15e9, "warning")
    sim.run(20)
    assert sim.by_key["host.disk"].acknowledged_by is None


def test_a_new_occasion_is_not_covered_by_an_old_acknowledgement() -> None:
    sim = Sim()
    finding = {"check": "order", "severity": "stop", "text": "older", "where": "", "values": {}}
    sim.write("refused", {"id": "1", "name": "a.zip", "findings": [finding]})
    sim.run(2)
    sim.write("acknowledged", {"key": "cut.refused"}, ANA)
    sim.step()
    assert sim.by_key["cut.refused"].acknowledged_by == "ana"
    sim.run(10)
    sim.write("refused", {"id": "2", "name": "b.zip", "findings": [finding]})
    sim.step()
    alarm = sim.by_key["cut.refused"]
    assert alarm.acknowledged_by is None
    assert "b.zip" in alarm.text
    assert "order" in alarm.text


def test_the_last_of_two_consoles_is_who_acknowledged() -> None:
    sim = Sim()
    sim.read("host.disk", 15e9, "warning")
    sim.run(20)
    sim.write("acknowledged", {"key": "host.disk"}, ANA)
    sim.write("acknowledged", {"key": "host.disk"}, BETO)
    sim.step()
    assert sim.by_key["host.disk"].acknowledged_by == "beto"


def test_what_nobody_can_read_is_not_over() -> None:
    sim = Sim()
    sim.read("host.disk", 1e9, "critical")
    sim.run(20)
    sim.unread("host.disk")
    sim.run(600)
    assert "host.disk" in sim.keys
    assert "instrument.unknown:host.disk" in sim.keys
    sim.read("host.disk", 50e9)
    sim.run(40)
    assert sim.keys == []


@pytest.mark.parametrize("cut_at", [3, 11, 25, 200])
@pytest.mark.parametrize("kept", ["now.json", "journal"])
def test_a_restart_raises_nothing_again(cut_at: int, kept: str) -> None:
    """Also when now.json is lost and only the journal knows; pending delays may start anew."""
    sim = Sim()
    apache_dies(sim)
    sim.read("host.disk", 15e9, "warning")
    sim.run(cut_at)
    before = list(sim.history)
    if kept == "now.json":
        raw = msgspec.json.encode(sim.memory)
        sim.memory = remembered(msgspec.json.decode(raw, type=Memory), sim.state)
    else:
        sim.memory = remembered(Memory(began=sim.now), sim.state)
    readings, served = dict(sim.readings), sim.served
    sim.readings, sim.served = {}, None
    sim.run(20 if kept == "journal" else 0)  # the probes of a new engine have not looked yet
    sim.readings, sim.served = readings, served
    sim.run(120)
    assert sorted(sim.keys) == ["apache.down", "host.disk"]
    raised = [event.alarm.key for event in sim.history if event.kind == "raised"]
    assert sorted(raised) == ["apache.down", "host.disk"]
    assert not [e for e in sim.history[len(before) :] if e.kind == "cleared"]


def test_what_could_not_be_written_is_owed_until_it_is() -> None:
    sim = Sim()
    sim.read("host.disk", 1e9, "critical")
    sim.run(9)
    first = sim.step(written=False)
    again = sim.step(written=False)
    assert [e.kind for e in first] == [e.kind for e in again] == ["raised"]
    assert [e.kind for e in sim.step()] == ["raised"]
    assert sim.step() == ()


def test_an_alarm_of_another_version_is_shown_until_it_is_gone() -> None:
    sim = Sim()
    data = {"alarm": "new.kind", "key": "new.kind", "severity": "critical", "text": "?"}
    sim.write("raised", {**data, "since": sim.now.isoformat()})
    sim.memory = remembered(sim.memory, sim.state)
    memory, alarms, _ = advance(sim.memory, Look(()), sim.state, sim.now)
    assert alarms == ()
    assert "new.kind" not in memory.entries
