"""The way out: default route and the interface that it uses, as the kernel has them."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prep_console.probes.probe import Clock, reading, unknown, utc_now
from prep_console.snapshot import Reading
from prep_console.wording import N_

ROUTE = "link.route"
INTERFACE = "link.interface"
NO_ROUTE = N_("there is no default route")
NO_INTERFACE = N_("there is no default route that names the interface")

_UP, _REJECT = 0x0001, 0x0200  # linux/route.h; rejecting routes stand in the IPv6 table too


@dataclass(frozen=True, slots=True)
class Route:
    """A default route."""

    interface: str
    gateway: str
    """'' when the way out needs none (a point-to-point line)."""


def default_route(proc: Path = Path("/proc")) -> Route | None:
    """That of IPv4 with the lowest metric, else that of IPv6; OSError, ValueError unreadable."""
    return _ipv4(proc) or _ipv6(proc)


def _ipv4(proc: Path) -> Route | None:
    found = []
    for line in (proc / "net/route").read_text("ascii").splitlines()[1:]:
        name, to, gateway, flags, _, _, metric, mask, *_ = line.split()
        if to == mask == "00000000" and int(flags, 16) & (_UP | _REJECT) == _UP:
            found.append((int(metric), name, int(gateway, 16).to_bytes(4, sys.byteorder)))
    if not found:
        return None
    _, name, packed = min(found)
    return Route(name, str(ipaddress.IPv4Address(packed)) if any(packed) else "")


def _ipv6(proc: Path) -> Route | None:
    try:
        lines = (proc / "net/ipv6_route").read_text("ascii").splitlines()
    except FileNotFoundError:  # no IPv6 here
        return None
    found = []
    for line in lines:
        to, length, _, _, gateway, metric, _, _, flags, name = line.split()
        if int(to, 16) == 0 and length == "00" and int(flags, 16) & (_UP | _REJECT) == _UP:
            found.append((int(metric, 16), name, int(gateway, 16)))
    if not found:
        return None
    _, name, number = min(found)
    return Route(name, str(ipaddress.IPv6Address(number)) if number else "")


class RouteProbe:
    """``link.route``: the gateway; ``none`` is critical."""

    names = (ROUTE,)
    period_s = 10.0
    deadline_s = 2.0

    def __init__(self, *, now: Clock = utc_now, proc: Path = Path("/proc")) -> None:
        self._now = now
        self._proc = proc

    async def read(self) -> Mapping[str, Reading]:
        """OSError and ValueError when the kernel's table cannot be read."""
        route = default_route(self._proc)
        if route is None:
            found = reading("none", "", self._now(), critical=True, interface=None, fault=NO_ROUTE)
        else:
            value = route.gateway or route.interface
            found = reading(value, "", self._now(), interface=route.interface)
        return {ROUTE: found}

    async def close(self) -> None:
        """Nothing is held between two looks."""


class InterfaceProbe:
    """``link.interface``: ``up`` or ``down``, of the named one or of the default route's."""

    names = (INTERFACE,)
    period_s = 5.0
    deadline_s = 2.0

    def __init__(
        self,
        interface: str,
        *,
        now: Clock = utc_now,
        proc: Path = Path("/proc"),
        sysfs: Path = Path("/sys"),
    ) -> None:
        """ValueError when the name of the interface cannot be one."""
        if "/" in interface or interface in {".", ".."} or len(interface) > 15:
            raise ValueError(f"{interface!r} is no name of an interface")
        self._named = interface
        self._name = interface
        self._now = now
        self._proc = proc
        self._sysfs = sysfs

    async def read(self) -> Mapping[str, Reading]:
        """Unknown as long as neither the settings nor a default route named one."""
        route = None if self._named else default_route(self._proc)
        if route is not None:
            self._name = route.interface  # remembered: an interface that goes takes its route
        if not self._name:
            return unknown(self.names, NO_INTERFACE, self._now())
        folder = self._sysfs / "class/net" / self._name
        up = is_up(folder)
        return {
            INTERFACE: reading(
                "up" if up else "down",
                "",
                self._now(),
                critical=not up,
                name=self._name,
                there=folder.exists(),
                speed_mbit=_speed(folder),
            )
        }

    async def close(self) -> None:
        """Nothing is held between two looks."""


def is_up(folder: Path) -> bool:
    """Whether the interface of this folder carries; a virtual one may not know its own state."""
    state = _said(folder / "operstate")
    return state == "up" or (state == "unknown" and _said(folder / "carrier") == "1")


def _speed(folder: Path) -> int | None:
    """Megabits per second; None for virtual and unplugged ones (-1, or an error)."""
    said = _said(folder / "speed")
    return int(said) if said.isdecimal() else None


def _said(file: Path) -> str:
    try:
        return file.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
