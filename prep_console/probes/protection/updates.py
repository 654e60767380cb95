"""``protection.updates``: whether security updates wait to be installed.

Asked of apt on this machine alone, by simulating the upgrade over the lists it already has: no
network, no lock, nothing written. It costs a second or more of a processor, so it runs at the
lowest priority beside the look, and again only when the lists or the installed packages changed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from prep_console import reasons
from prep_console.config import Settings
from prep_console.probes import command
from prep_console.probes.probe import Clock, Probe, utc_now
from prep_console.probes.protection.finding import Finding, ProtectionProbe, Unknown
from prep_console.wording import N_

NAME = "protection.updates"
HOW = "apt-get -s dist-upgrade"

STILL = N_("apt is still working out what would be upgraded")
NO_LISTS = N_("apt has no package lists: apt-get update has never run")

_PERIOD_S = 600.0
_WAIT_S = 8.0
"""Of one look; the answer of a slower apt is told by the next one."""
_SIMULATION_S = 300.0
_OUTPUT_BYTES = 8 * 1024**2
_STALE = timedelta(days=3)
"""Debian's security archive changes nearly every day."""
_AGAIN = timedelta(hours=6)

_LISTS = Path("/var/lib/apt/lists")
_INSTALLED = Path("/var/lib/dpkg/status")
_STAMP = Path("/var/lib/apt/periodic/update-success-stamp")
_REBOOT = Path("/run/reboot-required")

_PRIORITY = ["nice", "-n", "19", "ionice", "-c", "3"]
_NOT_WRITTEN = ["Debug::NoLocking=true", "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache="]
_OPTIONS = [word for option in _NOT_WRITTEN for word in ("-o", option)]
SIMULATION = [*_PRIORITY, "apt-get", "-s", "-q", *_OPTIONS, "dist-upgrade"]
"""dist-upgrade, since a new kernel is a new package, which upgrade keeps back."""

_LINE = re.compile(r"Inst (\S+) (?:\[[^\]]*\] )?\(([^)]*)\)")


def probes(settings: Settings, *, now: Clock = utc_now) -> list[Probe]:
    """One; it knows no settings: apt's own are those of the machine."""
    look = Updates(now)
    return [ProtectionProbe(NAME, look, period_s=_PERIOD_S, close=look.close, now=now)]


class Updates:
    def __init__(
        self, now: Clock, *, simulation: Sequence[str] = SIMULATION, lists: Path = _LISTS
    ) -> None:
        self._now = now
        self._simulation = simulation
        self._lists = lists
        self._task: asyncio.Task[str] | None = None
        self._known: tuple[object, datetime, str] | None = None
        """What the files were like, when, and what apt said."""

    async def __call__(self) -> Finding:
        """Unknown while apt has not answered, and when its lists are too old to tell."""
        now = self._now()
        age = now - self._listed()
        said = await self._simulated(now)
        pending, security = waiting(said)
        detail = {
            "pending": pending,
            "security": len(security),
            "lists_age_h": round(age.total_seconds() / 3600),
            "reboot_required": _REBOOT.exists(),
            "unattended": Path("/usr/bin/unattended-upgrade").exists(),
        }
        if security:
            evidence = f"{len(security)}: {' '.join(security[:8])}"
            return Finding("missing", HOW, evidence, detail)
        if age > _STALE:
            raise Unknown(reasons.OLD_LISTS.format(days=age.days))
        return Finding("configured", HOW, "no security update waits", detail)

    async def close(self) -> None:
        """Ends an apt that is still at it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def _listed(self) -> datetime:
        """When the lists were last fetched; their own times are the archive's, not ours."""
        if not any(self._lists.glob("*_Packages*")):
            raise Unknown(NO_LISTS)
        times = []
        for path in (_STAMP, self._lists, self._lists / "partial"):
            with suppress(OSError):
                times.append(path.stat().st_mtime)
        return datetime.fromtimestamp(max(times), self._now().tzinfo)

    async def _simulated(self, now: datetime) -> str:
        like = _like(_INSTALLED), _like(self._lists)
        if self._known is not None and self._known[0] == like and now - self._known[1] < _AGAIN:
            return self._known[2]
        if self._task is None:
            self._task = asyncio.create_task(
                command.output(
                    self._simulation, deadline_s=_SIMULATION_S, limit_bytes=_OUTPUT_BYTES
                )
            )
        await asyncio.wait({self._task}, timeout=_WAIT_S)
        if not self._task.done():
            raise Unknown(STILL)
        task, self._task = self._task, None
        said = task.result()
        self._known = like, now, said
        return said


def waiting(said: str) -> tuple[int, list[str]]:
    """Upgrades that apt would install, and the names of those for security.

    ``Inst bash [5.2-2] (5.2-3 Debian-Security:12/stable-security [amd64])``: the archive is the
    part after the version, and those of Debian and Ubuntu end in ``-security``.
    """
    found = _LINE.findall(said)
    return len(found), [name for name, new in found if "-security" in new]


def _like(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
