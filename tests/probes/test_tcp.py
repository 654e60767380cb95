"""The sockets at a port: what sock_diag says, what /proc says, and one when the other does not."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from prep_console.probes import tcp
from tests import hostile

NOBODY = [ipaddress.ip_address("0.0.0.0")]
V4, V6 = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")

Way = Callable[[int, tcp.State], list[tcp.Address]]
WAYS: dict[str, Way] = {
    "sock_diag": lambda port, state: list(tcp._asked(port, state)),
    "/proc": lambda port, state: list(tcp._read(port, state, tcp.PROC)),
    "either": tcp.far_ends,
}


@pytest.fixture(params=WAYS)
def ends(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


@pytest.fixture
def both_families() -> Iterator[int]:
    """A port at which a socket listens that takes IPv4 as well."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        yield server.getsockname()[1]


def test_who_listens(ends: Way, both_families: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ends(port, "listening") == NOBODY
        assert ends(port, "established") == []
    assert ends(port, "listening") == []
    assert ends(both_families, "listening") == [ipaddress.ip_address("::")]


def test_who_is_connected(ends: Way, both_families: int) -> None:
    with ExitStack() as open_until:
        for address in ("127.0.0.1", "::1", "127.0.0.1"):
            open_until.enter_context(socket.create_connection((address, both_families)))
        assert sorted(map(str, ends(both_families, "established"))) == [
            "127.0.0.1",  # as it is, and not as ::ffff:127.0.0.1
            "127.0.0.1",
            "::1",
        ]
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = server.getsockname()
        with socket.create_connection(there) as one:
            # our own end has the server's port at its far end, and is none of its sockets
            assert ends(there[1], "established") == [V4]
            assert ends(one.getsockname()[1], "established") == [V4]


def test_more_than_one_answer_of_the_kernel_holds(ends: Way) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=400) as server, ExitStack() as open_until:
        for _ in range(400):
            open_until.enter_context(socket.create_connection(server.getsockname()))
        assert ends(server.getsockname()[1], "established") == [V4] * 400


def test_where_there_is_no_sock_diag_the_table_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "_NETLINK_SOCK_DIAG", 31)  # no such family: refused at once
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(OSError, match="not supported"):
            list(tcp._asked(port, "listening"))
        assert tcp.far_ends(port, "listening") == NOBODY


def test_a_kernel_whose_sock_diag_knows_no_tcp_does_not_say_that_nobody_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(socket, "IPPROTO_TCP", 99)  # this kernel has no list of its sockets
        with pytest.raises(FileNotFoundError):
            list(tcp._asked(server.getsockname()[1], "listening"))
        assert tcp.far_ends(server.getsockname()[1], "listening") == NOBODY


@pytest.mark.parametrize("kind", [2, 3], ids=["instead of an answer", "at the end of one"])
def test_an_error_of_the_kernel_is_one(kind: int) -> None:
    ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernel:
        kernel.send(struct.pack("=IHHIIi", 36, kind, 0, 1, 0, -errno.EPERM) + bytes(16))
        with pytest.raises(PermissionError):
            list(tcp._told(ours))


def test_without_any_table_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tcp.far_ends(22, "listening", tmp_path)


def test_a_table_of_a_machine_without_ipv6(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/tcp").write_text(
        "  sl  local_address rem_address   st tx_queue\n"
        "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000\n"
        "   1: 0100007F:0016 0200A8C0:D431 01 00000000:00000000\n"
        "   2: 0100007F:1600 0200A8C0:D432 01 00000000:00000000\n"
        "   3: half\n"
    )
    assert tcp.far_ends(22, "listening", tmp_path) == NOBODY
    assert tcp.far_ends(22, "established", tmp_path) == [ipaddress.ip_address("192.168.0.2")]


def test_nothing_is_left_open() -> None:
    before = hostile.held()
    for _ in range(50):
        tcp.far_ends(22, "listening")
    assert hostile.no_more_than(before)
