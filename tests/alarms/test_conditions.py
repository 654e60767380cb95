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
    assert "cut.doubtful:figures" not in sim.keys
    sim.cut("20240602_2020", counted=140)
    sim.step()
    assert "140" in sim.by_key["cut.doubtful:figures"].text
    sim.cut("20240602_2025", counted=141)
    sim.step()
    assert "cut.doubtful:figures" not in sim.keys


def test_after_the_freeze_nothing_is_late_and_nothing_stands_still() -> None:
    sim = Sim()
    for stamp in ("2005", "2010", "2015", "2020"):
        sim.cut(f"20240602_{stamp}", counted=140)
    sim.step()
    assert sim.keys == ["cut.doubtful:figures"]
    sim.write("freeze", {"reason": "x"}, ANA)
    sim.run(3600)
    assert sim.keys == []
    sim.write("thaw", {"reason": "x"}, ANA)
    sim.step()
    assert "cut.doubtful:figures" in sim.keys


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


def of_source(value: str, **detail: Detail) -> Reading:
    ok = value in {"waiting", "arriving"}
    return Reading(value, "", "ok" if ok else "warning", Sim().now, None, detail)


def mute(error: str = "host key wrong") -> Reading:
    return Reading(None, "", "unknown", Sim().now, error)


def test_a_source_in_trouble_is_told_by_name_after_two_minutes() -> None:
    sim = Sim()
    sim.readings["source.drop"] = of_source("waiting")
    sim.readings["source.sftp"] = mute()
    sim.run(115)
    assert "source.trouble:sftp" not in sim.keys
    sim.run(30)
    told = sim.by_key["source.trouble:sftp"]
    assert (told.severity, "host key wrong" in told.text) == ("warning", True)
    assert not [key for key in sim.keys if key.startswith("instrument.unknown")]
    sim.readings["source.sftp"] = of_source("stalled", file="a.zip", quiet_s=42.0)
    sim.run(5)
    assert "a.zip, 42 s" in sim.by_key["source.trouble:sftp"].text
    sim.readings["source.sftp"] = of_source("older", stamp="2024-06-02T20:05")
    sim.run(5)
    assert "2024-06-02T20:05" in sim.by_key["source.trouble:sftp"].text
    sim.readings["source.sftp"] = of_source("unwritable", reason="our disk: full")
    sim.run(5)
    assert "cannot be written here (our disk: full)" in sim.by_key["source.trouble:sftp"].text
    sim.readings["source.sftp"] = of_source("arriving")
    sim.run(60)
    assert "source.trouble:sftp" not in sim.keys


@pytest.mark.parametrize("sftp", [mute(), of_source("unwritable", reason="our disk: full")])
def test_no_source_that_answers_is_critical(sftp: Reading) -> None:
    sim = Sim()
    sim.readings["source.drop"] = mute("no such folder")
    sim.readings["source.sftp"] = sftp
    sim.run(150)
    assert {sim.by_key[f"source.trouble:{one}"].severity for one in ("drop", "sftp")} == {
        "critical"
    }


def test_images_that_are_not_those_of_their_actas_are_told_of_the_public_cut() -> None:
    sim = Sim()
    sim.cut("20240602_2005", checks=("images.mismatch",))
    sim.step()
    assert "an image" in sim.by_key["cut.doubtful:images"].text
    sim.cut("20240602_2010")
    sim.step()
    assert "cut.doubtful:images" not in sim.keys


def test_figures_that_fell_are_told_while_that_cut_is_public() -> None:
    sim = Sim()
    sim.cut("20240602_2005", counted=20)
    sim.step()
    assert sim.keys == []
    sim.cut("20240602_2010", counted=12, checks=("figures.fell",))
    sim.step()
    alarm = sim.by_key["cut.doubtful:fell"]
    assert (alarm.severity, alarm.text) == (
        "warning",
        "The public cut is doubtful: its figures fell (20240602_2010)",
    )
    sim.cut("20240602_2015", counted=21)
    sim.step()
    assert sim.keys == []


@pytest.mark.parametrize(
    ("free", "detail", "words"),
    [
        (1e12, {"read_only": True, "inodes_free_percent": 90.0}, "read-only"),
        (1e12, {"read_only": False, "inodes_free_percent": 0.4}, "any more files (0.4 % inodes)"),
        (1e6, {"read_only": False, "inodes_free_percent": 90.0}, "little space is left (0.0 GB)"),
    ],
)
def test_the_disks_alarm_tells_the_cause(
    free: float, detail: dict[str, Detail], words: str
) -> None:
    sim = Sim()
    sim.readings["host.disk"] = Reading(free, "bytes", "critical", sim.now, None, detail)
    sim.run(20)
    assert words in sim.by_key["host.disk"].text


@pytest.mark.parametrize(
    ("synchronised", "words"),
    [
        (True, "it differs from the time servers (+4000 ms)"),
        (False, "the NTP client is not synchronised"),
    ],
)
def test_a_daemon_that_differs_is_told_from_one_that_is_not_synchronised(
    synchronised: bool, words: str
) -> None:
    sim = Sim()
    said: dict[str, Detail] = {"synchronised": synchronised}
    sim.readings["clock.tracking"] = Reading(4.0, "s", "critical", sim.now, None, said)
    sim.run(60)
    assert sim.by_key["clock.off"].text.endswith(words)


def test_an_older_cut_that_waits_for_a_person_says_why() -> None:
    sim = Sim()
    sim.cut("20240602_2005")
    sim.write("freeze", {"reason": "final"}, ANA)
    sim.cut("20240602_2010", live=False)
    sim.step()
    told = sim.by_key["cut.undecided"]
    assert (told.severity, "after the freeze" in told.text) == ("warning", True)
