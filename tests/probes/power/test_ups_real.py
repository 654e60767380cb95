"""The probe in its loop against NUT's own upsd and driver, through a night's faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from prep_console.config import Power, PowerDevice
from prep_console.drill.peers.nut import UpsServer, ups_server
from prep_console.probes.power import nut, nut_client
from prep_console.probes.power.ups import UpsProbe
from prep_console.probes.probe import run_probe
from prep_console.snapshot import Reading
from tests.probes.power.asking import Library

pytestmark = pytest.mark.server


class Watched:
    """The last reading through one library, and waiting for one."""

    def __init__(self) -> None:
        self.reading: Reading | None = None
        self.nudge = asyncio.Event()

    def deliver(self, readings: Mapping[str, Reading]) -> None:
        (self.reading,) = readings.values()

    async def until(self, so: Callable[[Reading], object], within_s: float = 15.0) -> Reading:
        end_s = time.monotonic() + within_s
        while self.reading is None or not so(self.reading):
            assert time.monotonic() < end_s, f"still {self.reading}"
            self.nudge.set()
            await asyncio.sleep(0.1)
        return self.reading


@asynccontextmanager
async def watching(peer: UpsServer, library: Library) -> AsyncIterator[Watched]:
    device = PowerDevice(name="servidor", nut=peer.address("servidor"))
    power = Power(client=library)
    probe = UpsProbe(device, power, nut_client.client(power, nut.address(device.nut)))
    watched = Watched()
    loop = asyncio.ensure_future(run_probe(probe, watched.deliver, nudge=watched.nudge))
    try:
        yield watched
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


async def test_a_night_of_a_ups_through_both_libraries(tmp_path: Path) -> None:
    full = {"ups.status": "OL", "battery.charge": 100, "battery.runtime": 2520}
    with ups_server(tmp_path, {"servidor": full}, real=True, max_age_s=2) as peer:
        async with watching(peer, "aionut") as one, watching(peer, "pynut3") as other:

            async def both(so: Callable[[Reading], object]) -> Reading:
                first, second = await asyncio.gather(one.until(so), other.until(so))
                assert (first.value, first.state, first.error) == (
                    second.value,
                    second.state,
                    second.error,
                )
                return first

            on_mains = await both(lambda r: r.state == "ok")
            assert (on_mains.value, on_mains.unit) == (100.0, "%")

            peer.set("servidor", **{"ups.status": "OB DISCHRG", "battery.charge": 80})
            on_battery = await both(lambda r: r.state == "warning")
            assert (on_battery.value, on_battery.detail["on_battery"]) == (80.0, True)
            since = on_battery.detail["on_battery_since"]

            peer.set("servidor", **{"ups.status": "OB DISCHRG LB", "battery.charge": 12})
            low = await both(lambda r: r.state == "critical")
            assert (low.value, low.detail["low_battery"]) == (12.0, True)
            assert low.detail["on_battery_since"] == since

            peer.lose("servidor")  # the driver dies while on battery
            lost = await both(lambda r: r.value is None)
            assert (lost.state, lost.detail["lost"]) == ("critical", True)
            assert lost.detail["last_status"] == "OB DISCHRG LB"
            assert "DRIVER-NOT-CONNECTED" in str(lost.error)

            peer.set("servidor", **full)
            peer.restore("servidor")
            await both(lambda r: r.state == "ok")

            peer.stall("servidor")  # the driver hangs on mains
            stale = await both(lambda r: r.state == "unknown")
            assert "DATA-STALE" in str(stale.error)
            peer.restore("servidor")
            await both(lambda r: r.state == "ok")

            peer.freeze()  # upsd hangs
            began_s = time.monotonic()
            silent = await both(lambda r: r.state == "unknown")
            assert "does not answer" in str(silent.error)
            assert time.monotonic() - began_s < 15
            peer.thaw()
            await both(lambda r: r.state == "ok")

            peer.stop()  # upsd is killed
            dead = await both(lambda r: r.state == "unknown")
            assert "not running" in str(dead.error)
            peer.start()
            await both(lambda r: r.state == "ok")
