"""The disk that the station lies on: space, inodes, how long it lasts, what it is made of."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from prep_console.config import Settings
from prep_console.probes.host.consumption import Consumption
from prep_console.probes.host.medium import Medium, medium_of
from prep_console.probes.probe import Clock, OwnThread, reading, utc_now
from prep_console.snapshot import Reading

_SCARCE_INODES = 0.05


class DiskProbe:
    """``host.disk``: free bytes. A probe of its own, since a dead disk hangs in the kernel."""

    names = ("host.disk",)
    period_s = 5.0
    deadline_s = 4.0

    def __init__(
        self,
        settings: Settings,
        *,
        now: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._min_free = settings.host.min_free_bytes
        self._root = settings.root
        self._now = now
        self._monotonic = monotonic
        self._thread: OwnThread[Mapping[str, Reading]] = OwnThread()
        self._free = Consumption(settled_s=settings.election.cadence_minutes * 60.0)
        self._medium: tuple[int, Medium | None] | None = None

    async def read(self) -> Mapping[str, Reading]:
        """OSError where the root is not there; statvfs can hang, hence the thread."""
        return await self._thread.run(self._look)

    async def close(self) -> None:
        """Nothing is held."""

    def _look(self) -> Mapping[str, Reading]:
        disk = os.statvfs(self._root)
        free = disk.f_bavail * disk.f_frsize
        self._free.note(self._monotonic(), free)
        # file systems without a fixed number of inodes (btrfs) report 0 of 0
        inodes = disk.f_favail / disk.f_files if disk.f_files else 1.0
        read_only = bool(disk.f_flag & os.ST_RDONLY)
        lasts_s, rate = self._free.lasts_s(), self._free.per_s()
        found = reading(
            free,
            "bytes",
            self._now(),
            warning=free < self._min_free or inodes < _SCARCE_INODES,
            critical=free < self._min_free / 4 or inodes < _SCARCE_INODES / 5 or read_only,
            total_bytes=disk.f_blocks * disk.f_frsize,
            min_free_bytes=self._min_free,
            inodes_free_percent=round(100 * inodes, 1),
            read_only=read_only,
            medium=self._made_of(),
            used_bytes_per_s=None if rate is None else round(rate, 1),
            lasts_s=None if lasts_s is None else round(lasts_s),
        )
        return {"host.disk": found}

    def _made_of(self) -> Medium | None:
        """Looked up once for each file system: another may be mounted here while we run."""
        device = self._root.stat().st_dev
        if self._medium is None or self._medium[0] != device:
            made_of = None
            with suppress(OSError, ValueError):
                made_of = medium_of(self._root)
            self._medium = (device, made_of)
        return self._medium[1]
