"""The TCP sockets at one port of this machine, as the kernel knows them.

sock_diag(7) is asked, which needs no root: it looks through its table itself and hands over what
was asked for. ``/proc/net/tcp`` and ``tcp6`` tell the same ten times as slowly, line by line,
whoever is connected; they are read where a kernel has no sock_diag. (``psutil.net_connections``
walks every process beside: 22 ms.)
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
State = Literal["established", "listening"]

PROC = Path("/proc")

_NUMBERS: dict[State, int] = {"established": 1, "listening": 10}
"""As in the kernel's tcp_states.h."""

_NETLINK_SOCK_DIAG = 4
_BY_FAMILY = 20
_REQUEST_DUMP = 0x301
_ERROR, _DONE = 2, 3
_HEAD = struct.Struct("=IHHII")
"""nlmsghdr: length, type, flags, sequence, port."""
_ASKED = struct.Struct("=BBBxIHH44x")
"""inet_diag_req_v2: family, protocol, extensions, states; then the socket looked for, of which
only the local port matters."""
_FAMILY_AND_FAR_END = struct.Struct("=B3x4x16x16s")
"""Of an inet_diag_msg."""
_ERRNO = struct.Struct("=i")
_BUFFER = 65_536
_PATIENCE_S = 2.0


def far_ends(port: int, state: State, proc: Path = PROC) -> list[Address]:
    """Who is at the other end of each socket in ``state`` at the local ``port``.

    A socket that listens has an end of zeros. OSError when the kernel does not tell.
    """
    if proc == PROC:
        with suppress(OSError):
            return list(_asked(port, state))
    return list(_read(port, state, proc))


def _asked(port: int, state: State) -> Iterator[Address]:
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(_PATIENCE_S)
        for family in (socket.AF_INET, socket.AF_INET6):
            states = 1 << _NUMBERS[state]
            question = _ASKED.pack(family, socket.IPPROTO_TCP, 0, states, socket.htons(port), 0)
            head = _HEAD.pack(_HEAD.size + len(question), _BY_FAMILY, _REQUEST_DUMP, 1, 0)
            kernel.send(head + question)
            yield from _told(kernel)


def _told(kernel: socket.socket) -> Iterator[Address]:
    while True:
        said, at = kernel.recv(_BUFFER), 0
        while at < len(said):
            length, kind, *_ = _HEAD.unpack_from(said, at)
            if kind in {_ERROR, _DONE}:  # a dump that fails says so in its end
                (number,) = _ERRNO.unpack_from(said, at + _HEAD.size)
                if number < 0:
                    raise OSError(-number, os.strerror(-number))
                return
            family, far = _FAMILY_AND_FAR_END.unpack_from(said, at + _HEAD.size)
            yield _address(far[:4] if family == socket.AF_INET else far)
            at += (length + 3) & ~3


def _read(port: int, state: State, proc: Path) -> Iterator[Address]:
    """Fields as in the kernel's Documentation/networking/proc_net_tcp.rst."""
    wanted, number = f":{port:04X}".encode(), f"{_NUMBERS[state]:02X}".encode()
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (proc / table).open("rb")
        except FileNotFoundError:  # no IPv6 here
            if table == "net/tcp":
                raise
            continue
        with lines:
            for line in lines:
                fields = line.split(None, 4)
                if len(fields) < 5 or fields[3] != number or not fields[1].endswith(wanted):
                    continue
                digits = fields[2].partition(b":")[0]  # 32-bit words in the machine's byte order
                words = (digits[i : i + 8] for i in range(0, len(digits), 8))
                yield _address(b"".join(int(w, 16).to_bytes(4, sys.byteorder) for w in words))


def _address(packed: bytes) -> Address:
    if len(packed) == 4:
        return ipaddress.IPv4Address(packed)
    address = ipaddress.IPv6Address(packed)
    return address.ipv4_mapped or address
