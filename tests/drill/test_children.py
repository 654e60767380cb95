"""A port for a server that a rehearsal or a test starts, stops and starts again."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from prep_console.drill import children
from prep_console.drill.children import free_port


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_the_kernel_gives_it_to_nobody_who_asks_for_any(kind: socket.SocketKind) -> None:
    given = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()
    for _ in range(100):
        assert free_port(kind) < int(given[0])


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_one_that_is_held_is_passed_over(
    kind: socket.SocketKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = free_port(kind)
    monkeypatch.setattr(children, "_PORTS", (first, first + 3))
    with ExitStack() as held:
        taken = []
        for _ in range(2):
            taken.append(free_port(kind))
            one = held.enter_context(socket.socket(socket.AF_INET, kind))
            one.bind(("127.0.0.1", taken[-1]))
            if kind == socket.SOCK_STREAM:
                one.listen()
        assert len({*taken, free_port(kind)}) == 3
