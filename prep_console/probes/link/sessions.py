"""Who is connected to the SSH server now, and how many sessions an account has."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from prep_console.probes import tcp

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(addresses: Iterable[str]) -> list[Network]:
    """The addresses or networks of the settings; ValueError for what is neither."""
    return [ipaddress.ip_network(address.strip(), strict=False) for address in addresses]


def connected(port: int, known: Sequence[Network], proc: Path = Path("/proc")) -> list[tcp.Address]:
    """Far ends, in ``known``, of the established connections to the local ``port``.

    OSError when the kernel does not tell.
    """
    ends = tcp.far_ends(port, "established", proc)
    return [end for end in ends if any(end in network for network in known)]


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
