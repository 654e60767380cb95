"""Where the power comes from: every combination of what the devices say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_console.config import Power, PowerDevice
from prep_console.probes.power import chain
from prep_console.snapshot import Detail, Reading, ReadingState
from prep_console.values import replace

NOW = datetime(2024, 6, 3, 2, 37, tzinfo=UTC)
POWER = Power(
    device=[
        PowerDevice(name="servidor", role="ups", nut="a@h", feeds="server"),
        PowerDevice(name="enlace", role="ups", nut="b@h", feeds="communications"),
        PowerDevice(name="planta", role="generator", modbus="h"),
        PowerDevice(name="ats", role="transfer-switch", nut="c@h"),
    ]
)
NO_SWITCH = Power(device=POWER.device[:3])
ONE_UPS = Power(device=POWER.device[:1])
DEAD = Reading(None, "", "unknown", NOW, error="upsd refuses the connection")
LOST = Reading(None, "", "critical", NOW, error="lost", detail={"lost": True, "runtime_s": 900})


def ups(status: str, runtime_s: float | None = 2520) -> Reading:
    state: ReadingState = "warning" if "OB" in status else "ok"
    detail: dict[str, Detail] = {
        "status": status,
        "on_battery": "OB" in status,
        "runtime_s": runtime_s,
    }
    return Reading(80.0, "%", state, NOW, detail=detail)


def generator(
    value: str, mains: bool | None = None, automatic: bool | None = True, state: ReadingState = "ok"
) -> Reading:
    return Reading(
        value,
        "",
        "critical" if value == "failed" else state,
        NOW,
        detail={"mains_available": mains, "automatic": automatic, "fuel_percent": 71.0},
    )


def switch(value: str, volts: float | None = None) -> Reading:
    return Reading(value, "", "ok", NOW, detail={"input_1_voltage_v": volts})


def of(power: Power, before: Reading | None = None, **said: Reading) -> Reading:
    readings = {f"power.{name}": reading for name, reading in said.items()}
    return chain.source(power, readings, NOW, before)


ON, OFF = ups("OL CHRG"), ups("OFF")
OB = ups("OB DISCHRG", 1200)


@pytest.mark.parametrize(
    ("said", "value", "state"),
    [
        # all is well
        ((ON, ON, generator("standby"), switch("mains")), "mains", "ok"),
        ((ON, ON, generator("standby", mains=True), switch("mains", 127)), "mains", "ok"),
        # the mains go: battery until the generator carries the load
        ((OB, OB, generator("standby"), switch("mains", 0)), "battery", "warning"),
        ((OB, OB, generator("starting"), switch("none", 0)), "battery", "warning"),
        ((ON, ON, generator("running"), switch("generator")), "generator", "warning"),
        # one UPS is behind another fuse than the other
        ((OB, ON, generator("standby"), switch("mains")), "battery", "warning"),
        ((ON, OB, generator("running"), switch("generator")), "battery", "warning"),
        # nothing will come to the rescue
        ((OB, OB, generator("failed"), switch("none")), "battery", "critical"),
        ((OB, OB, generator("standby", automatic=False), switch("mains")), "battery", "critical"),
        # a UPS on battery that was lost, or that does not say how long
        ((LOST, ON, generator("standby"), switch("mains")), "battery", "critical"),
        ((ups("OB", None), ON, generator("standby"), switch("mains")), "battery", "critical"),
        # short
        ((ups("OB", 300), ON, generator("standby"), switch("mains")), "battery", "critical"),
        # a test run of the generator changes nothing
        ((ON, ON, generator("running"), switch("mains")), "mains", "ok"),
        # the switch gave no answer, the rest tells
        ((ON, ON, generator("standby"), DEAD), "mains", "ok"),
        ((ON, ON, generator("running"), DEAD), "generator", "warning"),
        ((ON, ON, generator("running", mains=False), DEAD), "generator", "warning"),
        ((ON, ON, generator("running", mains=True), DEAD), None, "unknown"),
        # the generator gave no answer
        ((ON, ON, DEAD, switch("mains")), "mains", "ok"),
        ((ON, ON, DEAD, DEAD), None, "unknown"),
        # one UPS gave no answer; all of them
        ((DEAD, ON, generator("standby"), switch("mains")), "mains", "ok"),
        ((DEAD, DEAD, generator("standby"), switch("mains")), None, "unknown"),
        ((DEAD, DEAD, generator("running"), switch("generator")), "generator", "warning"),
        ((DEAD, DEAD, generator("failed"), switch("none")), "none", "critical"),
        ((DEAD, DEAD, DEAD, DEAD), None, "unknown"),
        # dark
        ((OFF, OFF, generator("failed"), switch("none")), "none", "critical"),
        ((OFF, ON, generator("standby"), switch("mains")), "mains", "critical"),
        # contradictions: a person must look
        ((ON, ON, generator("standby"), switch("generator")), "generator", "warning"),
        ((ON, ON, generator("standby"), switch("none")), "mains", "warning"),
        # nothing but noise
        ((ups("WAIT"), ups("ALARM"), generator("standby"), switch("mains")), None, "unknown"),
    ],
)
def test_the_worst_that_somebody_saw_counts(
    said: tuple[Reading, Reading, Reading, Reading], value: str | None, state: str
) -> None:
    names = ("servidor", "enlace", "planta", "ats")
    reading = of(POWER, **dict(zip(names, said, strict=True)))
    assert (reading.value, reading.state) == (value, state)
    assert (reading.error is None) == (value is not None)


@pytest.mark.parametrize(
    ("power", "said", "value"),
    [
        (ONE_UPS, {"servidor": ON}, "mains"),
        (ONE_UPS, {"servidor": OB}, "battery"),
        (ONE_UPS, {"servidor": DEAD}, None),
        (ONE_UPS, {}, None),
        (Power(device=POWER.device[2:3]), {"planta": generator("standby")}, None),
        (Power(device=POWER.device[2:3]), {"planta": generator("standby", mains=True)}, "mains"),
        (Power(device=POWER.device[2:3]), {"planta": generator("standby", mains=False)}, None),
        (Power(device=POWER.device[2:3]), {"planta": generator("running")}, "generator"),
        (Power(device=POWER.device[3:]), {"ats": switch("mains")}, "mains"),
        (Power(device=POWER.device[3:]), {"ats": switch("none")}, "none"),
        (Power(device=POWER.device[3:]), {"ats": DEAD}, None),
    ],
)
def test_stations_with_fewer_instruments(
    power: Power, said: dict[str, Reading], value: str | None
) -> None:
    assert of(power, **said).value == value


def test_how_long_it_lasts_is_the_weakest_ups_and_whose_it_is() -> None:
    reading = of(NO_SWITCH, servidor=OB, enlace=ups("OB", 700), planta=generator("starting"))
    assert reading.detail["lasts_s"] == 700
    assert reading.detail["weakest"] == "enlace"
    assert reading.detail["weakest_feeds"] == "communications"
    assert reading.detail["basis"] == "battery"
    assert reading.detail["on_battery"] == "servidor enlace"
    assert reading.detail["generator"] == "starting"


def test_a_lost_ups_makes_the_rest_an_upper_bound() -> None:
    reading = of(NO_SWITCH, servidor=LOST, enlace=OB, planta=generator("standby"))
    assert (reading.detail["lasts_s"], reading.detail["basis"]) == (1200, "at most")
    assert (reading.detail["weakest"], reading.detail["lost"]) == ("servidor", "servidor")
    alone = of(ONE_UPS, servidor=LOST)
    assert (alone.detail["lasts_s"], alone.detail["basis"]) == (None, "unknown")


def test_on_mains_the_reserve_is_told_and_no_end() -> None:
    reading = of(NO_SWITCH, servidor=ON, enlace=ups("OL", 900), planta=generator("standby"))
    assert (reading.detail["lasts_s"], reading.detail["reserve_s"]) == (None, 900)
    assert (reading.detail["mains"], reading.detail["weakest"]) == (True, "enlace")


def test_on_the_generator_the_fuel_is_told_and_no_end() -> None:
    reading = of(NO_SWITCH, servidor=ON, enlace=ON, planta=generator("running", mains=False))
    assert (reading.detail["lasts_s"], reading.detail["basis"]) == (None, "fuel")
    assert (reading.detail["fuel_percent"], reading.detail["mains"]) == (71.0, False)


def test_from_mains_to_generator_the_way_leads_over_the_battery() -> None:
    """While its controller is silent, a UPS that never left the line is still on the mains."""
    before = of(NO_SWITCH, servidor=ON, enlace=ON, planta=generator("standby"))
    silent = of(NO_SWITCH, before, servidor=ON, enlace=ON, planta=DEAD)
    assert silent.value == "mains"
    battery = of(NO_SWITCH, silent, servidor=OB, enlace=OB, planta=DEAD)
    after = of(NO_SWITCH, battery, servidor=ON, enlace=ON, planta=DEAD)
    assert (battery.value, after.value) == ("battery", None)


def test_a_test_run_and_the_return_of_the_mains_are_told_apart_by_what_was() -> None:
    runs = generator("running", mains=True)
    on_mains = of(NO_SWITCH, servidor=ON, enlace=ON, planta=generator("standby", mains=True))
    assert of(NO_SWITCH, on_mains, servidor=ON, enlace=ON, planta=runs).value == "mains"
    on_generator = of(NO_SWITCH, servidor=ON, enlace=ON, planta=generator("running", mains=False))
    assert of(NO_SWITCH, on_generator, servidor=ON, enlace=ON, planta=runs).value == "generator"


def test_since_lasts_as_long_as_the_value() -> None:
    first = of(ONE_UPS, servidor=ON)
    later = chain.source(ONE_UPS, {"power.servidor": ON}, NOW + timedelta(minutes=5), first)
    assert later.detail["since"] == NOW.isoformat()
    lost = chain.source(ONE_UPS, {"power.servidor": OB}, NOW + timedelta(minutes=6), later)
    assert lost.detail["since"] == (NOW + timedelta(minutes=6)).isoformat()


def night(power: Power, *looks: tuple[float, dict[str, Reading]]) -> list[dict[str, Reading]]:
    """What follows from the looks, each at its second, as the engine asks for it."""
    found: list[dict[str, Reading]] = []
    before: Reading | None = None
    for at_s, said in looks:
        readings = {f"power.{name}": reading for name, reading in said.items()}
        found.append(chain.derived(power, readings, NOW + timedelta(seconds=at_s), before))
        before = found[-1][chain.NAME]
    return found


@pytest.mark.parametrize("value", ["standby", "starting"])
def test_a_generator_that_does_not_run_in_time_has_failed_to_start(value: str) -> None:
    out = {"servidor": OB, "enlace": OB, "planta": generator(value)}
    looks = night(NO_SWITCH, (0, out), (59, out), (60, out))
    assert [look.get("power.planta") for look in looks[:2]] == [None, None]
    failed = looks[2]["power.planta"]
    assert (failed.value, failed.state) == ("failed", "critical")
    assert looks[2][chain.NAME].detail["generator"] == "failed"
    assert looks[2][chain.NAME].state == "critical"


def test_one_that_a_person_took_out_of_automatic_has_not_failed_but_is_critical() -> None:
    out = {"servidor": OB, "enlace": OB, "planta": generator("standby", automatic=False)}
    looks = night(NO_SWITCH, (0, out), (90, out))
    assert (looks[0]["power.planta"].value, looks[0]["power.planta"].state) == (
        "standby",
        "critical",
    )
    assert looks[1]["power.planta"].value == "standby"


@pytest.mark.parametrize(
    "said",
    [
        {"servidor": ON, "enlace": ON, "planta": generator("standby", mains=False)},
        {"servidor": OB, "enlace": ON, "planta": generator("standby")},
        {"servidor": OB, "enlace": OB, "planta": generator("standby", mains=True)},
        {"servidor": ups("OL OB CAL"), "enlace": ups("OB TEST"), "planta": generator("standby")},
        {"servidor": DEAD, "enlace": DEAD, "planta": generator("standby")},
    ],
    ids=["unwired meter", "one fuse", "mains metered", "self test", "blind"],
)
def test_a_generator_that_need_not_run_has_not_failed(said: dict[str, Reading]) -> None:
    looks = night(NO_SWITCH, (0, said), (600, said))
    assert all("power.planta" not in look for look in looks)


def test_the_time_without_mains_goes_on_while_nobody_sees_and_ends_with_them() -> None:
    out = {"servidor": OB, "enlace": OB, "planta": generator("standby")}
    blind = {"servidor": DEAD, "enlace": DEAD, "planta": generator("standby")}
    back = {"servidor": ON, "enlace": ON, "planta": generator("standby")}
    looks = night(NO_SWITCH, (0, out), (40, blind), (70, out), (80, back), (85, out))
    assert looks[2]["power.planta"].value == "failed"
    assert "power.planta" not in looks[3]
    assert "power.planta" not in looks[4]


def test_an_engine_started_in_the_middle_of_it_takes_the_time_that_the_ups_tells() -> None:
    since = (NOW - timedelta(minutes=3)).isoformat()
    told = replace(OB, detail={**OB.detail, "on_battery_since": since})
    out = {"servidor": told, "enlace": OB, "planta": generator("standby")}
    assert night(NO_SWITCH, (0, out))[0]["power.planta"].value == "failed"


def test_no_device_no_reading() -> None:
    assert chain.derived(Power(), {}, NOW, None) == {}


STATUSES = st.sampled_from(
    ["OL", "OL CHRG", "OB", "OB LB", "OL OB", "OFF", "OL BYPASS", "ALARM", "", "OB CAL", "FSD OB"]
)
RUNTIMES = st.none() | st.floats(0, 1e6) | st.sampled_from([-1.0, float("nan"), float("inf")])
ANY_UPS = st.just(DEAD) | st.just(LOST) | st.builds(ups, STATUSES, RUNTIMES)
ANY_GENERATOR = st.just(DEAD) | st.builds(
    generator,
    st.sampled_from(["standby", "starting", "running", "failed"]),
    st.sampled_from([True, False, None]),
    st.sampled_from([True, False, None]),
)
ANY_SWITCH = st.just(DEAD) | st.builds(
    switch, st.sampled_from(["mains", "generator", "none"]), st.none() | st.floats(0, 250)
)
ANY_BEFORE = st.none() | st.sampled_from(["mains", "generator", "battery", "none"]).map(
    lambda value: Reading(value, "", "ok", NOW, detail={"since": "?", "mains_lost_at": "rubbish"})
)


@given(ANY_UPS, ANY_UPS, ANY_GENERATOR, ANY_SWITCH, ANY_BEFORE, st.sampled_from([POWER, NO_SWITCH]))
def test_never_mains_on_battery_and_never_longer_than_the_weakest(
    server: Reading,
    link: Reading,
    planta: Reading,
    ats: Reading,
    before: Reading | None,
    power: Power,
) -> None:
    said = {"servidor": server, "enlace": link, "planta": planta, "ats": ats}
    reading = of(power, before, **said)
    both = (server, link)
    on_battery = [
        r for r in both if r.detail.get("lost") or "OB" in str(r.detail.get("status") or "")
    ]
    if on_battery:
        assert reading.value == "battery"
        assert reading.state in ("warning", "critical")
        for one in on_battery:
            runtime_s = one.detail.get("runtime_s")
            if not one.detail.get("lost") and isinstance(runtime_s, float) and 0 <= runtime_s < 2e6:
                lasts_s = reading.detail["lasts_s"]
                assert isinstance(lasts_s, float)
                assert lasts_s <= runtime_s
    else:
        assert reading.detail["lasts_s"] is None
    if reading.value == "mains":
        assert any("OL" in str(r.detail.get("status") or "") for r in both)
    assert (reading.value is None) == (reading.state == "unknown") == (reading.error is not None)
    assert chain.derived(power, {f"power.{n}": r for n, r in said.items()}, NOW, before)


def test_a_device_whose_name_was_refused_is_not_waited_for() -> None:
    odd = Power(device=[PowerDevice(name="mi ups", role="ups", nut="a@h"), *ONE_UPS.device])
    refused = {f"{chain.REFUSED_NAME}1": DEAD, "power.servidor": DEAD}
    said = chain.source(odd, refused, NOW, None)
    assert "looked at yet" not in str(said.error)
    assert "looked at yet" in str(chain.source(odd, {"power.servidor": DEAD}, NOW, None).error)


def test_a_clock_set_back_does_not_put_the_loss_of_the_mains_into_the_future() -> None:
    before = of(ONE_UPS, servidor=ups("OB"))
    assert before.detail["mains_lost_at"] == NOW.isoformat()
    earlier = NOW - timedelta(hours=1)
    said = chain.source(ONE_UPS, {"power.servidor": ups("OB")}, earlier, before)
    assert said.detail["mains_lost_at"] == earlier.isoformat()
