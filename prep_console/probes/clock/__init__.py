"""The clock: several time servers, the local daemon's own tracking, and steps of our clock.

Offsets are server - local throughout: positive means that our clock is slow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from prep_console.config import Settings
from prep_console.probes.clock.offset import OFFSET, OffsetProbe
from prep_console.probes.clock.steps import STEP, StepProbe, since_boot
from prep_console.probes.clock.tracking import TRACKING, TrackingProbe
from prep_console.probes.probe import Clock, Misconfigured, Probe, utc_now

log = logging.getLogger(__name__)

__all__ = ["OFFSET", "STEP", "TRACKING", "probes"]


def probes(
    settings: Settings, *, now: Clock = utc_now, monotonic: Callable[[], float] = since_boot
) -> list[Probe]:
    """What the settings ask for; steps of the local clock are looked for always.

    A daemon is asked where ``[clock]`` names servers, a daemon or a chrony host: a station that
    says nothing of its clock has nobody to miss. ``monotonic`` should count while the machine
    is suspended (as the default does), or waking up looks like a step.
    """
    clock = settings.clock
    found: list[Probe] = [StepProbe(now=now, elapsed=monotonic)]
    if clock.servers:
        try:
            offset = OffsetProbe(clock, now=now, monotonic=monotonic)
        except ValueError as none:
            found.append(Misconfigured((OFFSET,), f"clock.servers: {none}", now=now))
        else:
            found.append(offset)
            for wrong in offset.wrong.values():
                log.error("%s", wrong)
    if clock.daemon != "none" and (clock.servers or clock.chrony or clock.daemon != "auto"):
        found.append(TrackingProbe(clock, now=now))
    return found
