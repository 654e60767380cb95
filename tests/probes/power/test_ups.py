"""What is made of a UPS's words: state, value and detail; and a UPS that falls silent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_console.config import Power, PowerDevice
from prep_console.probes.power import nut
from prep_console.probes.power.ups import DEADLINE_S, PERIOD_S, UpsProbe
from prep_console.snapshot import Detail, Reading

POWER = Power(low_charge_percent=30, low_runtime_seconds=600)
DEVICE = PowerDevice(name="servidor", nut="servidor@127.0.0.1", feeds="server")
START = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)
FULL = {"battery.charge": "100", "battery.runtime": "2520", "ups.load": "31"}


class Told:
    """A client whose answers are given beforehand; an exception among them is raised."""

    def __init__(self, answers: Iterable[Mapping[str, str] | nut.NutError]) -> None:
        self._answers = iter(answers)
        self.closed = False

    async def variables(self, ups: str) -> Mapping[str, str]:
        assert ups == "servidor"
        answer = next(self._answers)
        if isinstance(answer, nut.NutError):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True


async def looks(*answers: Mapping[str, str] | nut.NutError) -> list[Reading]:
    """What the probe reads, a look every 5 s."""
    times = (START + timedelta(seconds=5 * n) for n in range(len(answers)))
    probe = UpsProbe(DEVICE, POWER, Told(answers), now=lambda: next(times))
    return [(await probe.read())["power.servidor"] for _ in answers]


async def look(status: str, **others: str) -> Reading:
    (reading,) = await looks({**FULL, "ups.status": status, **others})
    return reading


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("OL", "ok"),
        ("OL CHRG", "ok"),
        ("OL TRIM", "ok"),
        ("OL BOOST", "ok"),
        ("OL HB", "ok"),
        ("OL RB", "warning"),
        ("OL OVER", "warning"),
        ("OL ALARM", "warning"),
        ("BYPASS", "warning"),
        ("OL BYPASS", "warning"),
        ("OL LB", "warning"),
        ("OB", "warning"),
        ("OB DISCHRG", "warning"),
        ("OB LB", "critical"),
        ("LB OB DISCHRG", "critical"),
        ("OB CAL", "ok"),
        ("CAL DISCHRG", "ok"),
        ("OL OFF", "critical"),
        ("OFF", "critical"),
        ("FSD OB LB", "critical"),
        ("OL UNHEARD-OF", "ok"),
    ],
)
async def test_state_of_the_flags(status: str, state: str) -> None:
    reading = await look(status)
    assert (reading.state, reading.value, reading.unit) == (state, 100.0, "%")
    assert reading.detail["status"] == status


async def test_detail_says_what_the_ups_says() -> None:
    reading = await look(
        "OB DISCHRG RB OVER",
        **{
            "input.voltage": "0.0",
            "battery.voltage": "26.3",
            "ups.test.result": "Done and passed",
            "ups.test.date": "05/20/2024",
            "ups.alarm": "Replace battery!",
            "device.model": "Smart-UPS 1500",
        },
    )
    assert reading.detail == {
        "role": "ups",
        "feeds": "server",
        "status": "OB DISCHRG RB OVER",
        "on_battery": True,
        "on_battery_since": "2024-06-03T02:00:00+00:00",
        "low_battery": False,
        "charging": False,
        "overload": True,
        "bypass": False,
        "replace_battery": True,
        "runtime_s": 2520.0,
        "load_percent": 31.0,
        "input_voltage_v": 0.0,
        "battery_voltage_v": 26.3,
        "self_test": "Done and passed",
        "self_test_at": "05/20/2024",
        "alarm": "Replace battery!",
        "model": "Smart-UPS 1500",
        "lost": False,
        "last_status": "OB DISCHRG RB OVER",
    }


@pytest.mark.parametrize(
    ("status", "charge", "runtime", "state"),
    [
        ("OB", "30", "600", "warning"),
        ("OB", "29", "2520", "critical"),
        ("OB", "100", "599", "critical"),
        ("OL CHRG", "29", "2520", "warning"),
        ("OL", "100", "599", "warning"),
        ("OB CAL", "29", "599", "warning"),
    ],
)
async def test_the_settings_thresholds(status: str, charge: str, runtime: str, state: str) -> None:
    reading = await look(status, **{"battery.charge": charge, "battery.runtime": runtime})
    assert (reading.state, reading.value) == (state, float(charge))


@pytest.mark.parametrize(
    "noise", ["nan", "inf", "-1", "-0.1", "101", "1e2", "1_0", "٩", "", " ", "99999999999", "97 %"]
)
async def test_a_charge_that_cannot_be_is_not_believed(noise: str) -> None:
    reading = await look("OL", **{"battery.charge": noise})
    assert (reading.value, reading.unit, reading.state) == ("OL", "", "ok")


async def test_a_runtime_that_means_unknown_is_left_out() -> None:
    reading = await look("OB", **{"battery.runtime": "4294967295"})
    assert (reading.detail["runtime_s"], reading.state) == (None, "warning")


async def test_a_ups_without_charge_shows_its_flags() -> None:
    (reading,) = await looks({"ups.status": "OB  LB"})
    assert (reading.value, reading.unit, reading.state) == ("OB LB", "", "critical")


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ("Done and passed", "ok"),
        ("No test initiated", "ok"),
        ("In progress", "ok"),
        ("Battery failed", "warning"),
        ("Done and error", "warning"),
        ("Bad battery", "warning"),
        ("No error", "ok"),
    ],
)
async def test_a_failed_self_test_warns(result: str, state: str) -> None:
    reading = await look("OL", **{"ups.test.result": result})
    assert (reading.state, reading.detail["self_test"]) == (state, result)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"ups.status": "WAIT"}, "WAIT"),
        ({"ups.status": "OL NOCOMM"}, "NOCOMM"),
        ({"battery.charge": "100"}, "no status"),
        ({"ups.status": "  "}, "no status"),
        ({"ups.status": "CHRG"}, "neither on mains nor on battery"),
        ({}, "no status"),
    ],
)
async def test_what_says_nothing_about_the_mains_is_unknown(
    told: dict[str, str], reason: str
) -> None:
    (reading,) = await looks(told)
    assert (reading.value, reading.state) == (None, "unknown")
    assert reason in str(reading.error)
    assert reading.detail["role"] == "ups"


async def test_on_battery_since_is_the_first_look_that_saw_it() -> None:
    on_mains, on_battery = {"ups.status": "OL"}, {"ups.status": "OB"}
    first, *_, last = await looks(on_battery, on_battery, on_mains, on_battery, on_battery)
    assert first.detail["on_battery_since"] == "2024-06-03T02:00:00+00:00"
    assert last.detail["on_battery_since"] == "2024-06-03T02:00:15+00:00"


async def test_a_ups_that_falls_silent_on_battery_is_critical_until_it_is_seen_again() -> None:
    silent = nut.UpsdRefused("DATA-STALE")
    seen, lost, waiting, mains, quiet = await looks(
        {**FULL, "ups.status": "OB DISCHRG"},
        silent,
        {"ups.status": "WAIT"},
        {**FULL, "ups.status": "OL"},
        silent,
    )
    assert seen.state == "warning"
    for reading in (lost, waiting):
        assert (reading.state, reading.value) == ("critical", None)
        assert reading.detail == {
            "role": "ups",
            "feeds": "server",
            "lost": True,
            "last_status": "OB DISCHRG",
            "last_seen_at": "2024-06-03T02:00:00+00:00",
            "on_battery_since": "2024-06-03T02:00:00+00:00",
        }
    assert "DATA-STALE" in str(lost.error)
    assert "WAIT" in str(waiting.error)
    assert mains.state == "ok"
    assert (quiet.state, quiet.value, quiet.detail["lost"]) == ("unknown", None, False)


async def test_a_ups_on_battery_is_known_to_be_lost_by_the_next_engine_too() -> None:
    (seen,) = await looks({**FULL, "ups.status": "OB DISCHRG"})
    silent = nut.UpsdRefused("DATA-STALE")
    later = START + timedelta(minutes=3)
    for last in (seen, (await looks({**FULL, "ups.status": "OB DISCHRG"}, silent))[1]):
        after = UpsProbe(DEVICE, POWER, Told([silent]), now=lambda: later, before=last)
        lost = (await after.read())["power.servidor"]
        assert (lost.state, lost.detail["lost"]) == ("critical", True)
        assert lost.detail["on_battery_since"] == "2024-06-03T02:00:00+00:00"
    (well,) = await looks({**FULL, "ups.status": "OL"})
    after = UpsProbe(DEVICE, POWER, Told([silent]), now=lambda: later, before=well)
    assert (await after.read())["power.servidor"].state == "unknown"


@pytest.mark.parametrize("said", [7, "", "x", "2024-06-03T02:00:00", None])
async def test_what_an_earlier_engine_wrote_is_not_trusted_for_its_type(said: Detail) -> None:
    detail: dict[str, Detail] = {
        "last_status": "OB",
        "on_battery_since": said,
        "last_seen_at": said,
    }
    last = Reading(50.0, "%", "warning", START, detail=detail)
    silent = nut.UpsdRefused("DATA-STALE")
    after = UpsProbe(DEVICE, POWER, Told([silent]), now=lambda: START, before=last)
    assert (await after.read())["power.servidor"].state == "unknown"


async def test_a_ups_that_ran_empty_and_switched_off_is_still_lost_when_it_falls_silent() -> None:
    _, off, lost = await looks(
        {**FULL, "ups.status": "OB LB"},
        {**FULL, "ups.status": "OFF"},
        nut.UpsdRefused("DATA-STALE"),
    )
    assert (off.state, lost.state) == ("critical", "critical")
    assert lost.detail["lost"] is True


async def test_a_clock_set_back_does_not_put_the_loss_into_the_future() -> None:
    times = iter([START, START - timedelta(hours=1)])
    probe = UpsProbe(DEVICE, POWER, Told([{"ups.status": "OB"}] * 2), now=lambda: next(times))
    await probe.read()
    said = (await probe.read())["power.servidor"]
    assert said.detail["on_battery_since"] == "2024-06-03T01:00:00+00:00"


async def test_a_calibration_that_falls_silent_is_not_a_ups_lost_on_battery() -> None:
    _, quiet = await looks({"ups.status": "OB CAL"}, nut.NoAnswer())
    assert quiet.state == "unknown"


async def test_it_closes_its_client_and_is_told_unknown_in_time() -> None:
    told = Told([])
    await UpsProbe(DEVICE, POWER, told).close()
    assert told.closed
    assert nut.LOOK_S < DEADLINE_S <= 10
    assert PERIOD_S * 1.1 + DEADLINE_S < 15


TEXTS = st.text(max_size=30)


@given(
    st.dictionaries(
        st.sampled_from(
            ["battery.charge", "battery.runtime", "ups.load", "input.voltage", "ups.test.result"]
        ),
        TEXTS | st.floats().map(str) | st.integers().map(str),
    ),
    TEXTS | st.sampled_from(["OL", "OB", "OB LB"]),
)
async def test_whatever_it_says_a_reading_comes_of_it(
    variables: dict[str, str], status: str
) -> None:
    (reading,) = await looks({**variables, "ups.status": status})
    assert (reading.value is None) == (reading.state == "unknown") == bool(reading.error)
    if reading.unit == "%":
        assert isinstance(reading.value, float)
        assert 0 <= reading.value <= 100
