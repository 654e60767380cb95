"""What the kernel tells at once: given figures, and one look at the real machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
import pytest

from prep_console import config
from prep_console.probes.host.machine import HostProbe
from prep_console.probes.host.memory import memory, swap
from prep_console.probes.host.network import network_bytes
from prep_console.probes.host.pressure import NONE_KEPT, pressure
from prep_console.probes.host.processor import Ticks

AT = datetime(2024, 6, 3, 2, 5, tzinfo=UTC)


def settings(root: Path, host: config.Host | None = None) -> config.Settings:
    return config.Settings(station=config.Station(root=str(root)), host=host or config.Host())


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
    cpu, memory = readings["host.cpu"], readings["host.memory"]
    assert isinstance(cpu.value, float)
    assert 0 <= cpu.value <= 100
    assert isinstance(memory.value, float)
    assert 0 < memory.value < 100
    assert readings["host.load"].detail["cpus"] == cpu.detail["cpus"]
    assert {"cpu", "io", "memory", "full_io", "full_memory"} <= readings[
        "host.pressure"
    ].detail.keys()
    assert "used_bytes" in readings["host.swap"].detail
    assert msgspec.json.encode(readings)


async def test_a_small_machine_is_said_to_be_small(tmp_path: Path) -> None:
    readings = await HostProbe(
        settings(tmp_path, config.Host(min_cpus=1000, min_memory_bytes=2**60))
    ).read()
    assert readings["host.cpu"].state == "warning"
    assert readings["host.cpu"].detail["min_cpus"] == 1000
    assert readings["host.memory"].state == "warning"


def kept(folder: Path, **averages: float) -> Path:
    """A /proc/pressure of these minute averages (``full``: half of them)."""
    for name, value in averages.items():
        (folder / name).write_text(
            f"some avg10=99.00 avg60={value:.2f} avg300=0.00 total=1\n"
            f"full avg10=99.00 avg60={value / 2:.2f} avg300=0.00 total=1\n"
        )
    return folder


@pytest.mark.parametrize(
    ("cpu", "io", "ram", "state", "worst"),
    [
        (0.0, 0.0, 0.0, "ok", "cpu"),
        (20.0, 40.0, 2.0, "ok", "io"),
        (20.0, 60.0, 2.0, "warning", "io"),
        (20.0, 0.0, 12.0, "warning", "cpu"),
    ],
)
def test_pressure_is_the_worst_of_three(
    tmp_path: Path, cpu: float, io: float, ram: float, state: str, worst: str
) -> None:
    told = pressure(AT, kept(tmp_path, cpu=cpu, io=io, memory=ram))
    assert (told.value, told.state) == (max(cpu, io, ram), state)
    assert told.detail["worst"] == worst
    assert told.detail["full_io"] == io / 2


def test_a_kernel_without_pressure_figures_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="keeps no pressure figures"):
        pressure(AT, tmp_path / "none")
    (kept(tmp_path, cpu=1.0, memory=1.0) / "io").write_text("some avg60")
    with pytest.raises(ValueError, match="dictionary"):
        pressure(AT, tmp_path)


async def test_a_figure_that_fails_takes_no_other_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressure, "__defaults__", (tmp_path,))
    probe = HostProbe(settings(tmp_path))
    readings = await probe.read()
    assert set(readings) == set(probe.names)
    assert readings["host.pressure"].state == "unknown"
    assert readings["host.pressure"].error == NONE_KEPT
    assert readings["host.cpu"].state != "unknown"


def test_scarce_memory_and_swap_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Used:
        total, available, used, percent = 1000, 15, 900, 98.5

    monkeypatch.setattr(psutil, "virtual_memory", Used)
    monkeypatch.setattr(psutil, "swap_memory", Used)
    assert memory(1, AT).state == "critical"
    assert swap(AT).state == "warning"
