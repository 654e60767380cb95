"""Dry contacts, and devices whose settings cannot work."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from prep_console.config import Power, PowerDevice, Settings, Station
from prep_console.drill.peers.nut import ups_server
from prep_console.probes.power import probes
from prep_console.probes.power.contacts import Contact, contact
from prep_console.probes.power.nut import NutError
from prep_console.probes.probe import Misconfigured, Probe
from prep_console.snapshot import Reading

STATUS = "ambient.1.contacts.1.status"
ALARM = "ambient.1.contacts.2.status"


def made(*devices: PowerDevice) -> list[Probe]:
    return probes(Settings(station=Station(root="/nowhere"), power=Power(device=list(devices))))


async def look(probe: Probe) -> Reading:
    return (await probe.read())[probe.names[0]]


def test_a_contact_is_taken_apart() -> None:
    assert contact(f"{STATUS} = Active") == Contact(STATUS, "Active")


@pytest.mark.parametrize(
    "text", ["", STATUS, f"{STATUS}=", "=active", "no dots=1", "a=1", "a..b=1"]
)
def test_a_contact_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="VARIABLE=VALUE"):
        contact(text)


def test_a_contact_is_made_when_its_variable_says_so() -> None:
    said = contact(f"{STATUS}=active")
    assert said.made({STATUS: "Active "})
    assert not said.made({STATUS: "inactive"})
    with pytest.raises(NutError, match=STATUS):
        said.made({ALARM: "active"})


@pytest.mark.server
async def test_a_generator_known_by_its_contacts(tmp_path: Path) -> None:
    sensor = {"ups.status": "OL", STATUS: "inactive", ALARM: "inactive"}
    with ups_server(tmp_path, {"sensor": sensor}) as upsd:
        [probe] = made(
            PowerDevice(
                name="planta",
                role="generator",
                nut=upsd.address("sensor"),
                running=f"{STATUS}=active",
                failed=f"{ALARM}=active",
            )
        )
        said = await look(probe)
        assert (said.value, said.state) == ("standby", "ok")
        assert (said.detail["role"], said.detail["automatic"]) == ("generator", None)
        upsd.set("sensor", **{STATUS: "active"})
        await _until(probe, "running")
        upsd.set("sensor", **{ALARM: "active"})
        assert (await _until(probe, "failed")).state == "critical"
        upsd.stop()
        said = await look(probe)
        assert (said.state, bool(said.error)) == ("unknown", True)
        upsd.start()
        await _until(probe, "failed")
        await probe.close()


@pytest.mark.server
async def test_a_contact_that_the_sensor_has_not_got_is_named(tmp_path: Path) -> None:
    with ups_server(tmp_path, {"sensor": {"ups.status": "OL"}}) as upsd:
        [probe] = made(
            PowerDevice(
                name="planta",
                role="generator",
                nut=upsd.address("sensor"),
                running=f"{STATUS}=active",
            )
        )
        assert (await look(probe)).error == f"this UPS has no {STATUS}"


async def _until(probe: Probe, value: str) -> Reading:
    async with asyncio.timeout(15):
        while (said := await look(probe)).value != value:
            await asyncio.sleep(0.05)
        return said


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (PowerDevice(name="a"), "power.device.nut: missing"),
        (PowerDevice(name="a", role="generator"), "power.device.nut or modbus: missing"),
        (PowerDevice(name="a", role="transfer-switch"), "power.device.nut: missing"),
        (PowerDevice(name="a", nut="ups"), "power.device.nut: 'ups' is not UPS@HOST"),
        (PowerDevice(name="a", modbus="h"), "power.device.modbus: is for generators"),
        (
            PowerDevice(name="a", role="generator", modbus="h", nut="u@h"),
            "power.device.modbus: and nut",
        ),
        (PowerDevice(name="a", role="generator", modbus="h:x"), "power.device.modbus: 'h:x'"),
        (PowerDevice(name="a", role="generator", modbus="h", unit=300), "300 is not a unit"),
        (PowerDevice(name="a", role="generator", modbus="h", map="x"), "power.device.map: no 'x'"),
        (PowerDevice(name="a", role="generator", nut="u@h"), "power.device.running: ''"),
        (
            PowerDevice(name="a", role="generator", nut="u@h", running="a.b=1", failed="x"),
            "power.device.failed: 'x'",
        ),
    ],
)
async def test_a_setting_that_cannot_work_is_named_by_its_own_reading(
    device: PowerDevice, said: str
) -> None:
    good = PowerDevice(name="b", nut="u@127.0.0.1:1")
    wrong, other = made(device, good)
    reading = await look(wrong)
    assert wrong.names == ("power.a",)
    assert (reading.state, other.names) == ("unknown", ("power.b",))
    assert reading.error is not None
    assert reading.error.startswith("wrong setting power.device.")
    assert said in reading.error
    assert not isinstance(other, Misconfigured)


@pytest.mark.parametrize("name", ["", "source", "a b", "a.b", "ñ", "x" * 33, "-a", "a\n"])
async def test_a_name_that_cannot_be_one_is_told_by_its_number(name: str) -> None:
    [probe] = made(PowerDevice(name=name, nut="u@h"))
    assert probe.names == ("power.device-1",)
    assert "power.device.name: " in ((await look(probe)).error or "")


async def test_two_of_one_name_are_one_reading_that_says_so() -> None:
    twins = made(PowerDevice(name="a", nut="u@h"), PowerDevice(name="a", nut="v@h"))
    assert [probe.names for probe in twins] == [("power.a",)]
    assert "several devices" in ((await look(twins[0])).error or "")


def test_no_device_no_probe() -> None:
    assert made() == []
