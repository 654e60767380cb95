"""The disk: judged by the call, forecast, and what it is made of; a real one where it matters."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prep_console import config
from prep_console.probes.host.disk import DiskProbe
from prep_console.probes.host.medium import medium_of
from tests.proof import disks


def settings(root: Path, host: config.Host | None = None) -> config.Settings:
    return config.Settings(station=config.Station(root=str(root)), host=host or config.Host())


@pytest.mark.parametrize(
    ("share_of_free", "state"), [(0.5, "ok"), (2.0, "warning"), (8.0, "critical")]
)
async def test_the_disk_is_judged_by_the_call(
    tmp_path: Path, share_of_free: float, state: str
) -> None:
    free = (await DiskProbe(settings(tmp_path)).read())["host.disk"].value
    assert isinstance(free, int)
    limits = config.Host(min_free_bytes=int(free * share_of_free))
    assert (await DiskProbe(settings(tmp_path, limits)).read())["host.disk"].state == state


async def test_the_disk_forecast_follows_the_injected_clock(tmp_path: Path) -> None:
    times = iter([0.0, 600.0])
    probe = DiskProbe(settings(tmp_path), monotonic=lambda: next(times))
    await probe.read()
    used = (await probe.read())["host.disk"].detail["used_bytes_per_s"]
    assert isinstance(used, float)


async def test_a_root_that_is_not_there_is_an_error_not_a_number(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await DiskProbe(settings(tmp_path / "missing")).read()


async def test_a_disk_that_turned_read_only_is_critical(tmp_path: Path) -> None:
    assert disks.why_none() is None
    with disks.mounted(tmp_path) as disk:
        probe = DiskProbe(settings(disk.folder, config.Host(min_free_bytes=1)))
        look = (await probe.read())["host.disk"]
        assert (look.state, look.detail["read_only"], look.detail["medium"]) == (
            "ok",
            False,
            "virtual",
        )
        disk.read_only()
        look = (await probe.read())["host.disk"]
        assert (look.state, look.detail["read_only"]) == ("critical", True)
        disk.writable()
        disk.fill_inodes()
        look = (await probe.read())["host.disk"]
        assert (look.state, look.detail["inodes_free_percent"]) == ("critical", 0.0)


class Sys:
    """A /sys with one disk behind the test's own folder."""

    def __init__(self, folder: Path, path: str) -> None:
        self.root = folder / "sys"
        self.number = folder.stat().st_dev
        self.disk = self.add(path)
        entry = self.root / "dev/block" / f"{os.major(self.number)}:{os.minor(self.number)}"
        entry.parent.mkdir(parents=True)
        entry.symlink_to(self.disk)

    def add(self, path: str, rotational: str = "0", model: str = "") -> Path:
        disk = self.root / path
        (disk / "queue").mkdir(parents=True)
        (disk / "queue/rotational").write_text(rotational + "\n")
        (disk / "device").mkdir()
        (disk / "device/model").write_text(model + "\n")
        return disk


@pytest.mark.parametrize(
    ("path", "rotational", "model", "medium"),
    [
        ("devices/pci/ata1/block/sda", "0", "Samsung SSD 870", "SSD"),
        ("devices/pci/ata1/block/sda", "1", "WDC WD40", "HDD"),
        ("devices/pci/ata1/block/sda", "0", "QEMU HARDDISK", "virtual"),
        ("devices/pci/host0/block/sda", "0", "VMware Virtual S", "virtual"),
        ("devices/pci/nvme/nvme0/nvme0n1", "0", "Amazon Elastic Block Store", "virtual"),
        ("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1", "0", "KIOXIA", "SSD"),
        ("devices/pci0000:00/virtio1/block/vda", "1", "", "virtual"),
        ("devices/vbd-51712/block/xvda", "0", "", "virtual"),
    ],
)
def test_the_medium_is_named_as_it_is(
    tmp_path: Path, path: str, rotational: str, model: str, medium: str
) -> None:
    sys = Sys(tmp_path, path)
    (sys.disk / "queue/rotational").write_text(rotational)
    (sys.disk / "device/model").write_text(model)
    assert medium_of(tmp_path, sys=sys.root) == medium


def test_a_partition_is_its_disk(tmp_path: Path) -> None:
    sys = Sys(tmp_path, "devices/pci/ata1/block/sda/sda1")
    (sys.disk / "partition").write_text("1")
    disk = sys.disk.parent
    (disk / "queue").mkdir()
    (disk / "queue/rotational").write_text("1")
    assert medium_of(tmp_path, sys=sys.root) == "HDD"


@pytest.mark.parametrize(
    ("disks_below", "medium"),
    [
        (["0", "0"], "SSD"),
        (["0", "1"], "HDD"),
        (["0", "virtio"], "virtual"),
        (["0", "gone"], None),
    ],
)
def test_a_volume_is_its_slowest_disk(
    tmp_path: Path, disks_below: list[str], medium: str | None
) -> None:
    sys = Sys(tmp_path, "devices/virtual/block/dm-0")
    (sys.disk / "slaves").mkdir()
    for number, kind in enumerate(disks_below):
        bus = "virtio1" if kind == "virtio" else "ata1"
        rotational = "1" if kind == "1" else "0"
        disk = sys.add(f"devices/pci/{bus}/block/sd{number}", rotational)
        (sys.disk / f"slaves/sd{number}").symlink_to(disk if kind != "gone" else disk / "gone")
    assert medium_of(tmp_path, sys=sys.root) == medium


def test_a_file_system_in_memory_has_no_medium() -> None:
    assert medium_of(Path("/proc")) is None
