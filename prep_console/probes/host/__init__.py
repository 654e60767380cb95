"""Readings of the machine itself, of its disk, of Apache and of the services it must run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from prep_console.config import Settings
from prep_console.probes.host.apache import ApacheProbe
from prep_console.probes.host.disk import DiskProbe
from prep_console.probes.host.machine import HostProbe
from prep_console.probes.host.network import HOURLY_BYTES
from prep_console.probes.host.services import ServicesProbe
from prep_console.probes.probe import Clock, Misconfigured, Probe, utc_now

__all__ = ["HOURLY_BYTES", "HostProbe", "probes"]


def probes(
    settings: Settings,
    *,
    now: Clock = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Probe]:
    """One for each thing that can hang by itself.

    Apache's only where there is one to look at: its pid file is there now, its server-status is
    configured, or it is a service that must run.
    """
    found: list[Probe] = [
        HostProbe(settings, now=now, monotonic=monotonic),
        DiskProbe(settings, now=now, monotonic=monotonic),
        ServicesProbe(settings, now=now),
    ]
    host = settings.host
    there = os.access(host.apache_pid_file, os.R_OK)
    if host.apache_status or "apache" in host.services or there:
        try:
            found.append(ApacheProbe(settings, now=now, monotonic=monotonic))
        except ValueError as wrong:
            found.append(Misconfigured(ApacheProbe.names, str(wrong), now=now))
    return found
