"""The line to the institute and to the world: is anybody there, and is there a way out.

A station whose site is on loopback only (a rehearsal, a test) has no line to watch.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from prep_console.config import Settings
from prep_console.probes.link.dns import DnsProbe
from prep_console.probes.link.institute import INSTITUTE, InstituteProbe
from prep_console.probes.link.route import INTERFACE, InterfaceProbe, RouteProbe
from prep_console.probes.probe import Clock, Misconfigured, Probe, utc_now
from prep_console.probes.resolver import is_address, is_loopback

__all__ = ["probes"]


def probes(
    settings: Settings,
    *,
    now: Clock = utc_now,
    proc: Path = Path("/proc"),
    sysfs: Path = Path("/sys"),
) -> list[Probe]:
    """What the settings give reason to look at."""
    found: list[Probe] = []
    if settings.institute.addresses or settings.institute.account:
        try:
            found.append(InstituteProbe(settings, now=now, proc=proc))
        except ValueError as wrong:
            found.append(Misconfigured((INSTITUTE,), f"institute.addresses: {wrong}", now=now))
    host = _host(settings)
    link = settings.link
    if not (link.interface or link.resolve or (host and not is_loopback(host))):
        return found
    try:
        found.append(InterfaceProbe(link.interface, now=now, proc=proc, sysfs=sysfs))
    except ValueError as wrong:
        found.append(Misconfigured((INTERFACE,), f"link.interface: {wrong}", now=now))
    name = link.resolve or host
    if name and not is_address(name) and (link.resolve or not is_loopback(name)):
        found.append(DnsProbe(name, now=now))
    found.append(RouteProbe(now=now, proc=proc))
    return found


def _host(settings: Settings) -> str:
    """The site's name; '' when it has none, or none that can be read."""
    try:
        return urlsplit(settings.site.url).hostname or ""
    except ValueError:
        return ""
