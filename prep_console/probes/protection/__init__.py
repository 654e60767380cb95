"""Readings of what protects the site: SSH, firewall, request rate, updates, public address."""

from __future__ import annotations

import time
from collections.abc import Callable

from prep_console.config import Settings
from prep_console.probes.probe import Clock, Probe, utc_now
from prep_console.probes.protection import address, rate, ssh, updates, waf

__all__ = ["probes"]


def probes(
    settings: Settings,
    *,
    now: Clock = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Probe]:
    """Those that the settings give cause for, each asked seldom.

    SSH where the institute's addresses are set; the address where a public one is; firewall and
    rate where Apache must run here or its settings are named; updates where any service must run
    here: a rehearsal on somebody's desk is not the server.
    """
    found = [*ssh.probes(settings, now=now), *address.probes(settings, now=now)]
    if "apache" in settings.host.services or settings.protection.apache_config:
        found += waf.probes(settings, now=now, monotonic=monotonic)
        found += rate.probes(settings, now=now)
    if settings.host.services:
        found += updates.probes(settings, now=now)
    return found
