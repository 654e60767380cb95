"""The machine's readings: arithmetic on given samples, and one look at the real machine."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_console import config
from prep_console.probes.host import Consumption, HostProbe, Ticks, network_bytes


def settings(root: Path, host: config.Host | None = None) -> config.Settings:
    return config.Settings(station=config.Station(root=str(root)), host=host or config.Host())


def noted(*samples: tuple[float, float], settled_s: float = 300.0) -> Consumption:
    consumption = Consumption(settled_s=settled_s)
    for at_s, left in samples:
        consumption.note(at_s, left)
    return consumption


def test_a_steady_consumption_lasts_as_long_as_it_divides() -> None:
    consumption = noted(*[(t, 40e9 - 1e6 * t) for t in range(0, 900, 5)])
    assert consumption.per_s() == pytest.approx(1e6)
    assert consumption.lasts_s() == pytest.approx((40e9 - 1e6 * 895) / 1e6)


def test_nothing_is_forecast_before_one_cadence_has_passed() -> None:
    assert noted().lasts_s() is None
    assert noted((0, 100), (299, 50)).lasts_s() is None
    assert noted((0, 100), (300, 50)).lasts_s() == pytest.approx(300)


def test_what_grows_or_stands_still_lasts() -> None:
    assert noted((0, 100), (600, 100)).lasts_s() is None
    assert noted((0, 100), (600, 200)).lasts_s() is None


def test_the_window_forgets_what_is_older_than_half_an_hour() -> None:
    steep_then_flat = [(float(t), 1000.0 - t) for t in range(0, 600, 10)]
    steep_then_flat += [(float(t), 400.0) for t in range(600, 3000, 10)]
    assert noted(*steep_then_flat).lasts_s() is None


@given(st.lists(st.floats(0, 1e12), min_size=2, max_size=50))
def test_a_forecast_is_never_negative(left: list[float]) -> None:
    lasts_s = noted(*[(60.0 * i, x) for i, x in enumerate(left)], settled_s=1.0).lasts_s()
    assert lasts_s is None or lasts_s >= 0


def test_busy_share_of_a_processor() -> None:
    assert Ticks(30.0, 140.0).percent_since(Ticks(10.0, 100.0)) == 50.0
    assert Ticks(10.0, 100.0).percent_since(Ticks(10.0, 100.0)) == 0.0
    assert Ticks(9.0, 101.0).percent_since(Ticks(10.0, 100.0)) == 0.0


def test_only_real_cards_are_counted_where_there_are_any(tmp_path: Path) -> None:
    sent, received = network_bytes(tmp_path)  # no card there: all but loopback
    assert sent >= 0
    assert received >= 0
    (tmp_path / "lo" / "device").mkdir(parents=True)
    assert network_bytes(tmp_path) >= (sent, received)


async def test_a_look_at_this_machine(tmp_path: Path) -> None:
    easy = config.Host(min_free_bytes=1, min_cpus=1, min_memory_bytes=1)
    readings = await HostProbe(settings(tmp_path, easy)).read()
    assert set(readings) == set(HostProbe.names)
    assert {r.state for r in readings.values()} <= {"ok", "warning"}
    cpu, memory, disk = (readings[f"host.{n}"] for n in ("cpu", "memory", "disk"))
    assert isinstance(cpu.value, float)
    assert 0 <= cpu.value <= 100
    assert isinstance(memory.value, float)
    assert 0 < memory.value < 100
    assert disk.unit == "bytes"
    assert disk.detail["lasts_s"] is None
    assert msgspec.json.encode(readings)


@pytest.mark.parametrize(
    ("share_of_free", "state"), [(0.5, "ok"), (2.0, "warning"), (8.0, "critical")]
)
async def test_the_disk_is_judged_by_the_call(
    tmp_path: Path, share_of_free: float, state: str
) -> None:
    free = (await HostProbe(settings(tmp_path)).read())["host.disk"].value
    assert isinstance(free, int)
    limits = config.Host(min_free_bytes=int(free * share_of_free))
    assert (await HostProbe(settings(tmp_path, limits)).read())["host.disk"].state == state


async def test_a_small_machine_is_said_to_be_small(tmp_path: Path) -> None:
    readings = await HostProbe(
        settings(tmp_path, config.Host(min_cpus=1000, min_memory_bytes=2**60))
    ).read()
    assert readings["host.cpu"].state == "warning"
    assert readings["host.cpu"].detail["min_cpus"] == 1000
    assert readings["host.memory"].state == "warning"


async def test_the_disk_forecast_follows_the_injected_clock(tmp_path: Path) -> None:
    times = iter([0.0, 0.0, 0.0, 600.0, 600.0])
    probe = HostProbe(settings(tmp_path), monotonic=lambda: next(times))
    await probe.read()
    used = (await probe.read())["host.disk"].detail["used_bytes_per_s"]
    assert isinstance(used, float)


async def test_a_root_that_is_not_there_is_an_error_not_a_number(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await HostProbe(settings(tmp_path / "missing")).read()
