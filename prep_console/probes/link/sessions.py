"""Who is connected to the SSH server now: read from the kernel's own table of connections.

``/proc/net/tcp`` and ``tcp6`` need no root and cost microseconds for each connection
(``psutil.net_connections`` walks every process: 22 ms). Fields as in the kernel's
Documentation/networking/proc_net_tcp.rst.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_ESTABLISHED = b"01"
_TABLES = ("net/tcp", "net/tcp6")


def networks(addresses: Iterable[str]) -> list[Network]:
    """The addresses or networks of the settings; ValueError for what is neither."""
    return [ipaddress.ip_network(address.strip(), strict=False) for address in addresses]


def connected(port: int, known: Sequence[Network], proc: Path = Path("/proc")) -> list[Address]:
    """Far ends, in ``known``, of the established connections to the local ``port``.

    OSError when the table cannot be read.
    """
    found = []
    wanted = f":{port:04X}".encode()
    for table in _TABLES:
        try:
            lines = (proc / table).open("rb")
        except FileNotFoundError:  # no IPv6 here
            if table == _TABLES[0]:
                raise
            continue
        with lines:
            for line in lines:
                fields = line.split(None, 4)
                if len(fields) < 5 or fields[3] != _ESTABLISHED or not fields[1].endswith(wanted):
                    continue
                far = _address(fields[2].partition(b":")[0])
                if any(far in network for network in known):
                    found.append(far)
    return found


def _address(digits: bytes) -> Address:
    """An address as the kernel prints it: 32-bit words in the machine's own byte order."""
    words = [digits[i : i + 8] for i in range(0, len(digits), 8)]
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    if len(packed) == 4:
        return ipaddress.IPv4Address(packed)
    address = ipaddress.IPv6Address(packed)
    return address.ipv4_mapped or address


def logged_in(account: str, proc: Path = Path("/proc")) -> int:
    """Sessions of ``account``: sshd names the process of each ``sshd: ACCOUNT@…`` itself."""
    begins = f"sshd: {account}@".encode()
    newer = f"sshd-session: {account}@".encode()  # OpenSSH from 9.8 on
    count = 0
    for entry in os.scandir(proc):
        if entry.name.isdecimal():
            with suppress(OSError):  # it ended meanwhile, or is hidden from us
                if (proc / entry.name / "cmdline").read_bytes().startswith((begins, newer)):
                    count += 1
    return count
