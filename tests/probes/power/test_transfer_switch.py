"""Automatic transfer switches, from NUT's variables and through a real upsd."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from prep_console.config import Power, PowerDevice, Settings, Station
from prep_console.drill.peers.nut import ups_server
from prep_console.probes.power import probes
from prep_console.probes.power.nut import NutError
from prep_console.probes.power.transfer_switch import judged
from prep_console.probes.probe import Probe
from prep_console.snapshot import Reading

ON_MAINS = {
    "device.type": "ats",
    "ups.status": "OL",
    "input.source": "1",
    "input.source.preferred": "1",
    "input.1.voltage": "127.3",
    "input.2.voltage": "0.0",
    "input.1.frequency": "60.0",
    "input.2.frequency": "0.0",
}


@pytest.mark.parametrize(
    ("changed", "value", "state"),
    [
        ({}, "mains", "ok"),
        ({"input.source": "2", "input.2.voltage": "127.0"}, "generator", "warning"),
        ({"input.1.voltage": "4.1"}, "none", "critical"),
        ({"input.source": "2"}, "none", "critical"),
        ({"input.source": "0"}, "none", "critical"),
        ({"ups.status": "OFF"}, "none", "critical"),
        ({"input.1.voltage": "nan"}, "mains", "ok"),
        ({"input.1.voltage": "1e999"}, "mains", "ok"),
        ({"input.1.voltage": "?"}, "mains", "ok"),
    ],
)
def test_what_feeds_the_load(changed: dict[str, str], value: str, state: str) -> None:
    reading = judged({**ON_MAINS, **changed})
    assert (reading.value, reading.state) == (value, state)


def test_its_inputs_are_told() -> None:
    assert dict(judged(ON_MAINS).detail) == {
        "role": "transfer-switch",
        "position": "mains",
        "preferred": "mains",
        "input_1_voltage_v": 127.3,
        "input_2_voltage_v": 0.0,
        "input_1_frequency_hz": 60.0,
        "input_2_frequency_hz": 0.0,
    }


@pytest.mark.parametrize("changed", [{"input.source": ""}, {"input.source": "3"}])
def test_a_switch_that_does_not_say_what_feeds_tells_nothing(changed: dict[str, str]) -> None:
    with pytest.raises(NutError, match="does not say"):
        judged({**ON_MAINS, **changed})


def test_a_ups_is_no_switch() -> None:
    with pytest.raises(NutError, match="no transfer switch"):
        judged({**ON_MAINS, "device.type": "ups"})


@pytest.mark.server
async def test_over_a_real_upsd_through_a_night(tmp_path: Path) -> None:
    with ups_server(tmp_path, {"ats": ON_MAINS}) as upsd:
        device = PowerDevice(name="ats", role="transfer-switch", nut=upsd.address("ats"))
        [probe] = probes(Settings(station=Station(root="/nowhere"), power=Power(device=[device])))
        assert (await _until(probe, "mains")).state == "ok"
        upsd.set("ats", **{"input.1.voltage": 0})
        await _until(probe, "none")
        upsd.set("ats", **{"input.source": 2, "input.2.voltage": 127.1})
        reading = await _until(probe, "generator")
        assert reading.detail["input_2_voltage_v"] == 127.1
        upsd.stop()
        reading = (await probe.read())["power.ats"]
        assert (reading.state, bool(reading.error)) == ("unknown", True)
        upsd.start()
        await _until(probe, "generator")
        await probe.close()


async def _until(probe: Probe, value: str) -> Reading:
    async with asyncio.timeout(15):
        while (said := (await probe.read())["power.ats"]).value != value:
            await asyncio.sleep(0.05)
        return said
