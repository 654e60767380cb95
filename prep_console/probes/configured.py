"""Which probes a station has, from its settings."""

from __future__ import annotations

from collections.abc import Callable

from prep_console.config import Settings
from prep_console.probes.host import HostProbe
from prep_console.probes.probe import Clock, Probe, utc_now
from prep_console.probes.site import SiteProbe


def configured(
    settings: Settings, live: Callable[[], str | None], *, now: Clock = utc_now
) -> list[Probe]:
    """One probe per neighbour that the settings name; ``live`` says which cut should be public."""
    probes: list[Probe] = [HostProbe(settings, now=now)]
    if settings.site.url:
        probes.append(SiteProbe(settings, live, now=now))
    return probes
