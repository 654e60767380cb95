"""What a folder's bytes lie on: SSD, HDD, or something virtual that will not say.

The kernel says ``rotational`` of each disk, but a virtual disk's answer is what its hypervisor
chose (virtio says 1): such a one is called virtual. A RAID or LVM volume is what its disks are.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

Medium = Literal["SSD", "HDD", "virtual"]

SYS = Path("/sys")
MOUNTS = Path("/proc/self/mountinfo")

_VIRTUAL_BUSES = ("/virtio", "/vbd-", "/VMBUS:", "/vmbus", "/devices/virtual/block/")
"""In the path of a device: KVM, Xen, Hyper-V; and the kernel's own: loop, zram, network disks.
Not all of /devices/virtual: a real NVMe disk with two ways to it stands there too."""
_VIRTUAL_MAKERS = (
    "qemu",
    "vmware",
    "vbox",
    "virtual",
    "msft",
    "amazon",
    "google",
    "nutanix",
    "xen",
    "0x1af4",
)
"""In vendor or model as the disk shows itself; 0x1af4 is virtio's PCI number."""
_DEEPEST = 8


def medium_of(folder: Path, *, sys: Path = SYS, mounts: Path = MOUNTS) -> Medium | None:
    """The medium under ``folder``; None for one that has no disk of its own to be seen.

    That is so with tmpfs, network file systems and a container's overlay.
    """
    device = folder.stat().st_dev
    if os.major(device) == 0:  # btrfs and others number their volumes themselves
        device = _source(device, mounts)
    return _of_device((sys / "dev/block" / f"{os.major(device)}:{os.minor(device)}"), _DEEPEST)


def _source(device: int, mounts: Path) -> int:
    """Number of the disk that a mount without a number of its own says it comes from, or 0."""
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.read_text(errors="replace").splitlines():
        fields, _, source = line.partition(" - ")
        if fields.split()[2:3] == [number] and len(source.split()) > 1:
            with suppress(OSError):
                if (path := source.split()[1]).startswith("/dev/"):
                    return Path(path).stat().st_rdev
    return 0


def _of_device(entry: Path, depth: int) -> Medium | None:
    if depth == 0 or not entry.exists():
        return None
    device = entry.resolve()
    if (device / "partition").exists():
        device = device.parent
    below = sorted((device / "slaves").glob("*"))
    if below:  # RAID, LVM, encryption: as slow as its slowest disk
        found = {_of_device(disk, depth - 1) for disk in below}
        worst: tuple[Medium | None, ...] = ("HDD", "virtual", None, "SSD")
        return next(medium for medium in worst if medium in found)
    if _virtual(device):
        return "virtual"
    try:
        rotates = (device / "queue/rotational").read_text("ascii").strip()
    except OSError:
        return None
    return "HDD" if rotates == "1" else "SSD"


def _virtual(device: Path) -> bool:
    if any(bus in f"{device}/" for bus in _VIRTUAL_BUSES):
        return True
    shown = ""
    for name in ("device/vendor", "device/model", "device/device/vendor"):
        with suppress(OSError):
            shown += (device / name).read_text(errors="replace").lower()
    return any(maker in shown for maker in _VIRTUAL_MAKERS)
