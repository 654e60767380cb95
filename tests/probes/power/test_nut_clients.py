"""One contract for both libraries, against NUT's own upsd and against the embedded one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from prep_console.drill.peers.nut import UpsServer, ups_server
from prep_console.probes.power import nut
from tests.probes.power.asking import LIBRARIES, Library, answer, client, eventually, reason, status

pytestmark = pytest.mark.server

UPSES = {
    "servidor": {"ups.status": "OL", "battery.charge": 100, "ups.model": "Smart UPS 1500"},
    "enlace": {"ups.status": "OL CHRG", "battery.charge": 55},
    "ats": {"ups.status": "OL", "device.type": "ats", "input.source": 1},
}


@pytest.fixture(scope="module", params=["real", "embedded"])
def peer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[UpsServer]:
    real = request.param == "real"
    with ups_server(tmp_path_factory.mktemp("nut"), UPSES, real=real, max_age_s=2) as running:
        assert running.real is real
        yield running


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Library:
    chosen: Library = request.param
    return chosen


async def test_it_reads_what_the_driver_says_now(peer: UpsServer, library: Library) -> None:
    there = client(library, peer.address("servidor"))
    said = await eventually(there, lambda said: status(said) == "OL")
    assert not isinstance(said, nut.NutError)
    assert said["battery.charge"] == "100"
    assert said["ups.model"] == "Smart UPS 1500"
    peer.set("servidor", **{"ups.status": "OB DISCHRG", "ups.alarm": "Replace it"})
    said = await eventually(there, lambda said: status(said) == "OB DISCHRG")
    assert not isinstance(said, nut.NutError)
    assert said["ups.alarm"] == "Replace it"  # not there at the first look
    peer.set("servidor", **{"ups.status": "OL"})
    await eventually(there, lambda said: status(said) == "OL")
    ats = await eventually(there, lambda said: status(said) == "OL", "ats")
    assert not isinstance(ats, nut.NutError)
    assert ats["input.source"] == "1"
    await there.close()


async def test_a_ups_that_is_not_there_hides_no_other(peer: UpsServer, library: Library) -> None:
    there = client(library, peer.address("servidor"))
    nobody = await answer(there, "nadie")
    assert isinstance(nobody, nut.UpsdRefused)
    assert nobody.word == "UNKNOWN-UPS"
    peer.lose("enlace")
    await eventually(there, lambda said: "DRIVER-NOT-CONNECTED" in reason(said), "enlace")
    assert status(await answer(there))
    peer.restore("enlace")
    await eventually(there, lambda said: status(said) == "OL CHRG", "enlace")
    await there.close()


async def test_what_is_old_is_an_error_and_never_a_value(peer: UpsServer, library: Library) -> None:
    there = client(library, peer.address("servidor"))
    peer.stall("enlace")
    stale = await eventually(there, lambda said: bool(reason(said)), "enlace")
    assert isinstance(stale, nut.UpsdRefused)
    assert stale.word == "DATA-STALE"
    peer.restore("enlace")
    await eventually(there, lambda said: status(said) == "OL CHRG", "enlace")
    await there.close()


async def test_an_upsd_that_hangs_is_known_in_time_and_comes_back(
    peer: UpsServer, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = client(library, peer.address("servidor"))
    await eventually(there, lambda said: status(said) == "OL")
    monkeypatch.setattr(nut, "ANSWER_S", 1.2)
    monkeypatch.setattr(nut, "LOOK_S", 3.0)
    peer.freeze()
    began_s = time.monotonic()
    silent = await answer(there)
    took_s = time.monotonic() - began_s
    peer.thaw()
    assert isinstance(silent, nut.NoAnswer)
    assert took_s <= nut.LOOK_S + 3
    await eventually(there, lambda said: status(said) == "OL")
    await there.close()


async def test_an_upsd_that_dies_is_known_at_once_and_comes_back(
    peer: UpsServer, library: Library
) -> None:
    there = client(library, peer.address("servidor"))
    await eventually(there, lambda said: status(said) == "OL")
    peer.stop()
    began_s = time.monotonic()
    gone = await answer(there)
    assert time.monotonic() - began_s < nut.LOOK_S
    assert isinstance(gone, nut.Unreachable)
    assert "not running" in str(gone)
    peer.start()
    await eventually(there, lambda said: status(said) == "OL")
    await there.close()


async def test_a_host_without_an_address_is_told(library: Library) -> None:
    there = client(library, "servidor@no-such-host.invalid")
    problem = await answer(there)
    assert isinstance(problem, nut.Unreachable)
    assert "not found" in str(problem)
    await there.close()


async def test_a_name_with_several_addresses_is_tried_at_each(
    peer: UpsServer, library: Library
) -> None:
    """localhost is ::1 too, where this upsd does not listen."""
    there = client(library, f"servidor@localhost:{peer.port}")
    await eventually(there, lambda said: status(said) == "OL")
    await there.close()


async def test_pynut3_is_never_imported_into_this_process(peer: UpsServer) -> None:
    there = client("pynut3", peer.address("servidor"))
    await eventually(there, lambda said: status(said) == "OL")
    await there.close()
    assert not {"pynut3", "pexpect"} & set(sys.modules)
