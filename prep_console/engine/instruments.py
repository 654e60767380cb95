"""Every instrument of a station, room by room; one room that fails takes no other with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prep_console.config import Settings
from prep_console.engine.last_word import STALE_AFTER_S, read_now
from prep_console.engine.readings import Derive, nothing_follows
from prep_console.probes import clock, host, link, power, protection, site
from prep_console.probes.power import chain
from prep_console.probes.probe import Misconfigured, Probe, unknown, utc_now
from prep_console.publication.station import Station
from prep_console.snapshot import Reading

log = logging.getLogger(__name__)

_POWER_SOURCE = "power.source"
_MISSED = 3
"""Looks that may fail to come before a reading counts as none."""


@dataclass(frozen=True, slots=True)
class _Room:
    name: str
    build: Callable[[Settings, Station], list[Probe]]
    promised: Callable[[Settings], tuple[str, ...]]
    """The readings that are missed most when the room cannot be made."""


def instruments(settings: Settings, station: Station) -> list[Probe]:
    """All probes that the settings ask for. A setting that cannot work is named in the log."""
    made: list[Probe] = []
    for room in _ROOMS:
        try:
            made += room.build(settings, station)
        except Exception as error:  # whatever it is, the other rooms go on
            log.exception("the instruments of %s cannot be made", room.name)
            if names := room.promised(settings):
                made.append(Misconfigured(names, f"{room.name}: {type(error).__name__}: {error}"))
    for probe in made:
        if isinstance(probe, Misconfigured):
            log.error("%s: %s", ", ".join(probe.names), probe.reason)
    return made


def stale_after_s(probes: Iterable[Probe]) -> dict[str, float]:
    """How old a reading may get before it counts as none, where that is more than usual."""
    return {
        name: limit
        for probe in probes
        if (limit := _MISSED * probe.period_s + probe.deadline_s) > STALE_AFTER_S
        for name in probe.names
    }


def derived(settings: Settings) -> Derive:
    """What follows from several instruments at once: where the power comes from."""
    if not settings.power.device:
        return nothing_follows

    def follow(readings: Mapping[str, Reading]) -> Mapping[str, Reading]:
        try:
            before = readings.get(_POWER_SOURCE)
            return chain.derived(settings.power, readings, utc_now(), before)
        except Exception as error:
            log.exception("where the power comes from cannot be told")
            return unknown((_POWER_SOURCE,), f"{type(error).__name__}: {error}"[:200], utc_now())

    return follow


def _clock(settings: Settings, _: Station) -> list[Probe]:
    return clock.probes(settings)


def _power(settings: Settings, station: Station) -> list[Probe]:
    said = read_now(station.run / "now.json")
    return power.probes(settings, before=said.readings if said is not None else None)


def _host(settings: Settings, _: Station) -> list[Probe]:
    return host.probes(settings)


def _site(settings: Settings, station: Station) -> list[Probe]:
    return site.probes(settings, station)


def _link(settings: Settings, _: Station) -> list[Probe]:
    return link.probes(settings)


def _protection(settings: Settings, _: Station) -> list[Probe]:
    return protection.probes(settings)


_ROOMS = (
    _Room("clock", _clock, lambda s: ("clock.offset",) if s.clock.servers else ()),
    _Room("power", _power, lambda s: tuple(f"power.{d.name}" for d in s.power.device)),
    _Room("host", _host, lambda _: ("host.cpu", "host.memory", "host.disk", "host.network")),
    _Room("site", _site, lambda s: ("site.visitor",) if s.site.url else ()),
    _Room("link", _link, lambda _: ("link.interface",)),
    _Room("protection", _protection, lambda _: ()),
)
