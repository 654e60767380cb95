"""``protection.address``: whether the site's name leads to its fixed public address.

Every address of both families must be one of the settings' and each of those must be there:
an address too many sends part of the public to somebody else.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from pathlib import Path

from prep_console import reasons
from prep_console.config import Settings
from prep_console.probes.probe import Clock, Misconfigured, OwnThread, Probe, utc_now
from prep_console.probes.protection.finding import Finding, ProtectionProbe, Unknown
from prep_console.problems import WrongUsage
from prep_console.publication.seen import target
from prep_console.wording import N_

NAME = "protection.address"

IN_HOSTS = N_("the site's name stands in /etc/hosts, so DNS is not asked for it")

_PERIOD_S = 300.0
_HOSTS = Path("/etc/hosts")
_GONE = {socket.EAI_NONAME, socket.EAI_NODATA}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], set[Address]]


def resolve(host: str) -> set[Address]:
    """All addresses of ``host``, by the machine's resolver; socket.gaierror. It can hang."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return {ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found}


def probes(
    settings: Settings,
    *,
    now: Clock = utc_now,
    resolve: Resolve = resolve,
    hosts: Path = _HOSTS,
) -> list[Probe]:
    """Only where ``protection.public_address`` and ``site.url`` are set."""
    wanted, site = settings.protection.public_address, settings.site
    if not wanted or not site.url:
        return []
    try:
        addresses = {ipaddress.ip_address(text) for text in re.split(r"[,\s]+", wanted.strip())}
    except ValueError as wrong:
        return [Misconfigured((NAME,), f"protection.public_address: {wrong}", now=now)]
    try:
        host = target(site).host
    except WrongUsage as wrong_url:
        return [Misconfigured((NAME,), str(wrong_url), now=now)]
    thread: OwnThread[set[Address]] = OwnThread()

    async def look() -> Finding:
        if _stands_in(hosts, host):
            raise Unknown(IN_HOSTS)
        try:
            found = await thread.run(lambda: resolve(host))
        except socket.gaierror as error:
            if error.errno not in _GONE:
                raise Unknown(reasons.DNS_SILENT.format(error=error.strerror)) from error
            found = set()
        return judged(found, addresses)

    return [ProtectionProbe(NAME, look, period_s=_PERIOD_S, now=now)]


def judged(found: set[Address], wanted: set[Address]) -> Finding:
    """``seen`` when DNS says exactly what the settings say."""
    detail = {"found": _listed(found), "public_address": _listed(wanted)}
    if found == wanted:
        return Finding("seen", "DNS", detail["found"], detail)
    strange, absent = found - wanted, wanted - found
    words = [f"leads elsewhere: {_listed(strange)}"] if strange else []
    words += [f"does not lead to {_listed(absent)}"] if absent else []
    return Finding("missing", "DNS", "; ".join(words), detail)


def _listed(addresses: set[Address]) -> str:
    return " ".join(str(one) for one in sorted(addresses, key=lambda a: (a.version, int(a)))[:16])


def _stands_in(hosts: Path, host: str) -> bool:
    try:
        lines = hosts.read_text(errors="replace").splitlines()
    except OSError:
        return False
    names = (line.partition("#")[0].split()[1:] for line in lines)
    return any(host.lower() in (name.lower() for name in line) for line in names)
