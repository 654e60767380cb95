"""What counts as a fault: cuts, figures, holds, and what the instruments read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from prep_console.snapshot import Detail, Reading
from tests.alarms.simulated import ANA, Sim


def test_a_cut_that_arrived_and_is_not_public_within_a_minute() -> None:
    sim = Sim()
    sim.cut("20240602_2005")
    sim.cut("20240602_2010", live=False)
    sim.run(59)
    assert "cut.unpublished" not in sim.keys
    sim.run(1)
    assert sim.by_key["cut.unpublished"].severity == "critical"
    assert "20240602_2010" in sim.by_key["cut.unpublished"].text
    sim.publish("20240602_2010")
    sim.step()
    assert "cut.unpublished" not in sim.keys


def test_a_cut_on_hold_waits_and_is_no_fault() -> None:
    sim = Sim()
    sim.cut("20240602_2005")
    sim.write("hold", {"reason": "x"}, ANA)
    sim.cut("20240602_2010", live=False)
    sim.run(120)
    assert sim.keys == []


def test_hours_advance_and_figures_stand_still() -> None:
    sim = Sim()
    for stamp, counted in (("2005", 100), ("2010", 140), ("2015", 140)):
        sim.cut(f"20240602_{stamp}", counted=counted)
    sim.step()
    assert "cut.standstill" not in sim.keys
    sim.cut("20240602_2020", counted=140)
    sim.step()
    assert "140" in sim.by_key["cut.standstill"].text
    sim.cut("20240602_2025", counted=141)
    sim.step()
    assert "cut.standstill" not in sim.keys


def test_a_hold_is_told_after_ten_minutes_and_critical_after_fifteen() -> None:
    sim = Sim()
    sim.cut("20240602_2005")
    sim.write("hold", {"reason": "x"}, ANA)
    sim.run(10 * 60 - 1)
    assert "hold.long" not in sim.keys
    sim.run(1)
    said = [sim.by_key["hold.long"].severity]
    sim.run(5 * 60)
    assert [*said, sim.by_key["hold.long"].severity] == ["warning", "critical"]


def test_lateness_is_told_at_one_and_a_half_cadences_and_critical_at_two() -> None:
    sim = Sim()
    sim.cut("20240602_2000")
    sim.run(int(7.5 * 60) - 1)
    assert sim.keys == []
    sim.run(1)
    said = [sim.by_key["cut.late"].severity]
    sim.run(150)
    assert [*said, sim.by_key["cut.late"].severity] == ["warning", "critical"]


def test_a_delivery_from_the_future_of_an_unsure_clock() -> None:
    sim = Sim()
    until = sim.now + timedelta(hours=1)
    data = {"name": "a.zip", "stamp": "20240602_2110", "until": until.isoformat()}
    sim.write("parked", data)
    sim.step()
    assert sim.keys == ["cut.parked"]
    sim.cut("20240602_2110")
    sim.step()
    assert "cut.parked" not in sim.keys


def test_repaired_tampering_is_told() -> None:
    sim = Sim()
    sim.cut("20240602_2005")
    sim.write("repaired", {"cut": "20240602_2005", "repaired": ["index.html"], "lost": []})
    sim.step()
    assert "index.html" in sim.by_key["cut.tampered"].text


@pytest.mark.parametrize(
    ("detail", "word"),
    [
        ({"lost": True, "on_battery": True}, "does not answer"),
        ({"low_battery": True}, "nearly empty"),
        ({"on_battery": True, "runtime_s": 60}, "nearly empty"),
        ({"overload": True}, "overloaded"),
        ({"replace_battery": True}, "replaced"),
        ({"status": "OFF"}, "switched off"),
    ],
)
def test_what_a_ups_says(detail: dict[str, Detail], word: str) -> None:
    sim = Sim()
    lost = detail.get("lost") is True
    charge = None if lost else 80.0
    error = "gone" if lost else None
    said: dict[str, Detail] = {"role": "ups", **detail}
    sim.readings["power.servidor"] = Reading(charge, "%", "critical", sim.now, error, said)
    sim.run(10)
    assert sim.keys == ["power.ups:servidor"]
    assert word in sim.alarms[0].text


def test_a_ups_that_is_only_on_battery_is_the_mains_alarm() -> None:
    sim = Sim()
    sim.read("power.source", "battery", "critical")
    sim.read("power.servidor", 90.0, "warning", role="ups", on_battery=True, runtime_s=3000)
    sim.run(30)
    assert sim.keys == ["power.mains"]


def test_followed_faults_hold_a_little_beyond_their_threshold() -> None:
    sim = Sim()
    least = sim.settings.host.min_free_bytes
    sim.read("host.disk", least * 1.01)
    sim.run(60)
    assert sim.keys == []
    sim.read("host.disk", least * 0.99, "warning")
    sim.run(60)
    sim.read("host.disk", least * 1.01)
    sim.run(120)
    assert sim.keys == ["host.disk"]
    sim.read("host.disk", least * 1.2)
    sim.run(60)
    assert sim.keys == []


def test_readings_without_their_details_are_no_fault_of_ours() -> None:
    sim = Sim()
    for name in ("power.source", "host.services", "link.interface", "site.files", "clock.offset"):
        sim.read(name, "garbage", "critical")
    sim.run(130)
    assert set(sim.keys) <= {"site.altered", "clock.off"}
