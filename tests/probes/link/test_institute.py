"""The institute's sessions, against a real sshd and the kernel's own tables."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prep_console import config
from prep_console.drill.children import free_port
from prep_console.probes.link import probes
from prep_console.probes.link.institute import INSTITUTE, InstituteProbe, newest_change
from prep_console.probes.link.sessions import connected, networks
from prep_console.probes.probe import Misconfigured
from prep_console.snapshot import Reading
from tests import hostile
from tests.processes import ended, serves
from tests.waiting import wait_until

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name


@dataclass(frozen=True, slots=True)
class Sshd:
    port: int
    key: Path

    @contextlib.contextmanager
    def login(self) -> Iterator[None]:
        """A session of ours. Somebody else's of the same account may be there on this machine."""
        argv = ["ssh", "-F", "none", "-i", str(self.key), "-p", str(self.port), "-T"]
        argv += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        argv += ["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", f"{ACCOUNT}@127.0.0.1", "cat"]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, bufsize=0
        ) as session:
            assert session.stdin is not None
            assert session.stdout is not None
            session.stdin.write(b"here\n")
            assert session.stdout.readline() == b"here\n", "no session"
            yield
            session.stdin.close()


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    folder = tmp_path_factory.mktemp("sshd")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for name in ("host", "user"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(argv, check=True, timeout=20)
    (folder / "authorized").write_bytes((folder / "user.pub").read_bytes())
    port = free_port()
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\nPasswordAuthentication no\n"
    )
    argv = ["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")]
    child = subprocess.Popen(argv, stderr=(folder / "log").open("wb"))
    try:
        serves(child, port, complaints=(folder / "log").read_text)
        yield Sshd(port, folder / "user")
    finally:
        ended(child)


def settings(tmp_path: Path, port: int, *addresses: str, account: str = "") -> config.Settings:
    return config.Settings(
        station=config.Station(root=str(tmp_path)),
        institute=config.Institute(addresses=list(addresses), ssh_port=port, account=account),
    )


async def look(probe: InstituteProbe) -> Reading:
    async with asyncio.timeout(probe.deadline_s):
        return (await probe.read())[INSTITUTE]


async def test_a_real_session_comes_and_goes(sshd: Sshd, tmp_path: Path) -> None:
    asked = settings(tmp_path, sshd.port, "127.0.0.0/8", account=ACCOUNT)
    moment = [datetime(2024, 6, 2, 20, 0, tzinfo=UTC)]
    probe = InstituteProbe(asked, now=lambda: moment[0])
    wait_until(lambda: not connected(sshd.port, networks(["127.0.0.1"])), what="no session")
    before = await look(probe)
    assert (before.state, before.value, before.unit) == ("ok", 0, "sessions")
    assert before.detail["last_session_at"] is None
    with sshd.login():
        there = await look(probe)
        assert there.value == 1
        assert there.detail["from"] == "127.0.0.1"
        count = there.detail["logged_in"]
        assert isinstance(count, int)
        assert count >= 1
    wait_until(lambda: not connected(sshd.port, networks(["127.0.0.1"])), what="gone")
    moment[0] += timedelta(minutes=3)
    after = await look(probe)
    assert (after.value, after.detail["from"]) == (0, "127.0.0.1")
    assert after.detail["last_session_at"] == "2024-06-02T20:00:00+00:00"


async def test_sessions_from_elsewhere_are_not_the_institutes(sshd: Sshd, tmp_path: Path) -> None:
    with socket.create_connection(("127.0.0.1", sshd.port)):
        for address, count in (("192.0.2.0/24", 0), ("127.0.0.1", 1), ("::1", 0)):
            got = await look(InstituteProbe(settings(tmp_path, sshd.port, address)))
            assert got.value == count


async def test_without_addresses_the_account_tells(sshd: Sshd, tmp_path: Path) -> None:
    probe = InstituteProbe(settings(tmp_path, sshd.port, account=ACCOUNT))
    with sshd.login():
        count = (await look(probe)).value
        assert isinstance(count, int | float)
        assert count >= 1


def test_a_mapped_address_on_a_dual_socket_is_the_ipv4_one() -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("::1", port)):
            wait_until(lambda: len(connected(port, networks(["127.0.0.1", "::1"]))) == 2)
            assert [str(a) for a in connected(port, networks(["127.0.0.1"]))] == ["127.0.0.1"]
            assert [str(a) for a in connected(port, networks(["::1/128"]))] == ["::1"]


async def test_the_last_byte_is_the_newest_change_not_the_writers_date(tmp_path: Path) -> None:
    drop = tmp_path / "incoming" / "entrega"
    (drop / "deep").mkdir(parents=True)
    probe = InstituteProbe(settings(tmp_path, 22, "192.0.2.1"))
    assert (await look(probe)).detail["last_byte_at"] is None
    file = drop / "deep" / "a.zip"
    file.write_bytes(b"PK")
    os.utime(file, (0, 0))  # as rsync -t does
    (drop / "link").symlink_to("/etc")
    changed = datetime.fromtimestamp(file.stat().st_ctime, UTC)
    said = datetime.fromisoformat(str((await look(probe)).detail["last_byte_at"]))
    assert abs(said - changed) < timedelta(seconds=2)
    file.unlink()  # sealed, and taken away: what was seen stays known
    (drop / "link").unlink()
    kept = datetime.fromisoformat(str((await look(probe)).detail["last_byte_at"]))
    assert kept == said


def test_a_folder_full_of_rubbish_is_looked_at_only_so_far(tmp_path: Path) -> None:
    for i in range(50):
        (tmp_path / f"{i}").touch()
    assert newest_change(tmp_path, most=10) is not None
    assert newest_change(tmp_path / "nowhere") is None


async def test_a_table_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    probe = InstituteProbe(settings(tmp_path, 22, "192.0.2.1"), proc=tmp_path)
    assert (await look(probe)).state == "unknown"


def test_a_wrong_address_is_a_wrong_setting(tmp_path: Path) -> None:
    (made,) = probes(settings(tmp_path, 22, "192.0.2.300"))
    assert isinstance(made, Misconfigured)
    assert "institute.addresses" in made.reason


async def test_many_looks_leave_nothing(tmp_path: Path) -> None:
    probe = InstituteProbe(settings(tmp_path, 22, "192.0.2.1", account="nobody"))
    await look(probe)
    held, running = hostile.descriptors(), hostile.threads()
    for _ in range(50):
        await look(probe)
    wait_until(lambda: hostile.threads() <= running, what="threads")
    assert hostile.descriptors() <= held
