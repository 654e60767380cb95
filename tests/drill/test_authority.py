"""Certificates of a rehearsal's own: trusted by who is told to, and they end when they should."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prep_console.drill.authority import Authority
from prep_console.drill.embedded_server import serving
from tests.stations import Sandbox, sandbox

pytestmark = pytest.mark.server


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    made = sandbox(tmp_path)
    made.station.prepare()
    return made


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def port(box: Sandbox, authority: Authority, tmp_path: Path) -> Iterator[int]:
    authority.issue(tmp_path / "site", 365)
    with serving(box.settings, certificate=tmp_path / "site" / "certificate.pem") as served:
        yield served


def days_left(port: int, trusted: Path) -> int:
    """Of the certificate that a visitor is met with; ssl.SSLError when it is not trusted."""
    context = ssl.create_default_context(cafile=str(trusted))
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as visitor,
    ):
        visitor.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert visitor.recv(12) == b"HTTP/1.1 503"
        ends = ssl.cert_time_to_seconds(str((visitor.getpeercert() or {})["notAfter"]))
    return round((ends - datetime.now(UTC).timestamp()) / 86400)


def test_a_renewed_certificate_is_met_by_the_next_visitor(
    port: int, authority: Authority, tmp_path: Path
) -> None:
    assert days_left(port, authority.file) == 365
    authority.issue(tmp_path / "site", 2)
    assert days_left(port, authority.file) == 2


def test_nobody_else_trusts_it(port: int, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        days_left(port, other.file)


def test_the_keys_are_their_owners_alone(authority: Authority, tmp_path: Path) -> None:
    authority.issue(tmp_path / "site", 2)
    keys = [tmp_path / "site" / "key.pem", tmp_path / "authority" / "authority.key"]
    assert [path.stat().st_mode & 0o777 for path in keys] == [0o600, 0o600]


def test_a_visitor_who_never_shakes_hands_holds_up_nobody(port: int, authority: Authority) -> None:
    with socket.create_connection(("127.0.0.1", port), 10):
        assert days_left(port, authority.file) == 365
