"""The clock's probes against the real chronyd, and the rehearsal's own time server."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from prep_console.config import Settings
from prep_console.config.instruments import Clock
from prep_console.config.model import Station
from prep_console.drill.children import child, free_port
from prep_console.drill.peers import clock as peers
from prep_console.drill.peers.clock import TimeServer, time_server
from prep_console.probes.clock import OFFSET, STEP, TRACKING, probes
from prep_console.probes.clock.offset import OffsetProbe
from prep_console.probes.clock.tracking import TrackingProbe
from prep_console.probes.probe import Misconfigured, run_probe
from prep_console.snapshot import Reading
from tests import hostile
from tests.waiting import wait_until

pytestmark = pytest.mark.server


async def offset(*servers: str, answer_s: float = 3.0) -> Reading:
    probe = OffsetProbe(Clock(servers=list(servers)), answer_s=answer_s)
    return (await probe.read())[OFFSET]


def assert_measured(read: Reading, offset_s: float) -> None:
    """As near as can be told: busy machines are slow on the way there or on the way back."""
    assert isinstance(read.value, float)
    assert isinstance(read.detail["bound_s"], float)
    assert abs(read.value - offset_s) <= read.detail["bound_s"] + 0.02


async def tracking(peer: TimeServer) -> Reading:
    assert peer.chrony
    return (await TrackingProbe(Clock(chrony=peer.chrony, daemon="chrony")).read())[TRACKING]


async def test_a_real_server_on_time(tmp_path: Path) -> None:
    with time_server(tmp_path / "c") as peer:
        assert peer.real
        read, daemon = await offset(peer.address), await tracking(peer)
    assert (read.state, read.error) == ("ok", None)
    assert_measured(read, 0.0)
    assert (read.detail["stratum"], read.detail["server"]) == (2, peer.address)
    assert daemon.state == "ok"
    assert daemon.detail["synchronised"] is True
    assert daemon.detail["daemon"] == "chrony"


@pytest.mark.parametrize(
    ("offset_s", "state"),
    [(2.5, "critical"), (-2.5, "critical"), (0.3, "warning"), (-0.3, "warning")],
)
async def test_a_skewed_one_and_the_daemon_that_follows_it_have_one_sign(
    tmp_path: Path, offset_s: float, state: str
) -> None:
    """chronyd itself calls a clock slow (positive) that is behind: the same sign as ours."""
    with time_server(tmp_path / "c", offset_s) as peer:
        assert peer.real
        read, daemon = await offset(peer.address), await tracking(peer)
    assert (read.state, daemon.state) == (state, state)
    assert_measured(read, offset_s)
    assert daemon.value == pytest.approx(offset_s, abs=0.1)
    assert daemon.detail["reference"] == "127.0.0.1"
    assert daemon.detail["stratum"] == 3


async def test_one_skewed_by_faketime(tmp_path: Path) -> None:
    """FACTS: at +2.5 s chronyd gives up the kernel's true stamps of arrival for its own."""
    with faked(tmp_path / "c", "+2.5s") as address:
        read = await offset(address)
        assert read.state == "critical"
        assert_measured(read, 2.5)


@contextmanager
def faked(folder: Path, skew: str) -> Iterator[str]:
    faketime, chronyd = shutil.which("faketime"), shutil.which("chronyd", path="/usr/sbin")
    assert faketime is not None
    assert chronyd is not None
    port = free_port(socket.SOCK_DGRAM)
    folder.mkdir(mode=0o750)
    (folder / "chrony.conf").write_text(
        f"port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\ncmdport 0\n"
        f"bindcmdaddress {folder / 's'}\npidfile {folder / 'pid'}\nlocal stratum 2\n"
    )
    command = [faketime, "-f", skew, chronyd, "-x", "-d", "-u", "root"]
    with ExitStack() as ending:
        child([*command, "-f", str(folder / "chrony.conf")], ending, log=folder / "log")
        wait_until(lambda: peers._answers(port, synchronised=True), what="chronyd under faketime")
        yield f"127.0.0.1:{port}"


async def test_an_unsynchronised_server_is_unknown_and_its_daemon_critical(tmp_path: Path) -> None:
    with time_server(tmp_path / "c", synchronised=False) as peer:
        read, daemon = await offset(peer.address), await tracking(peer)
    assert (read.state, read.value) == ("unknown", None)
    assert read.error == "the server answers that it is not synchronised"
    assert daemon.state == "critical"
    assert daemon.detail["synchronised"] is False


async def test_three_real_servers_with_one_liar(tmp_path: Path) -> None:
    with (
        time_server(tmp_path / "a") as one,
        time_server(tmp_path / "b", 2.5) as liar,
        time_server(tmp_path / "c") as two,
    ):
        read = await offset(one.address, liar.address, two.address)
        assert (read.state, read.detail["liars"]) == ("ok", liar.address)
        assert (read.detail["answered"], read.detail["agree"]) == (3, 2)
        unsure = await offset(one.address, liar.address)
    assert (unsure.state, unsure.value) == ("unknown", None)
    assert "disagree" in str(unsure.error)


async def test_a_frozen_server_and_daemon_are_unknown_and_come_back(tmp_path: Path) -> None:
    with time_server(tmp_path / "c") as peer:
        assert peer.pid is not None
        assert (await offset(peer.address)).state == "ok"
        os.kill(peer.pid, signal.SIGSTOP)
        began = time.monotonic()
        read, daemon = await asyncio.gather(offset(peer.address), tracking(peer))
        assert time.monotonic() - began < 9
        assert read.error == "the time server does not answer"
        assert (daemon.state, daemon.value) == ("unknown", None)
        assert daemon.error == "chronyc did not answer within 4.5 s"
        os.kill(peer.pid, signal.SIGCONT)
        assert (await offset(peer.address)).state == "ok"
        assert (await tracking(peer)).state == "ok"


async def test_a_killed_server_is_told_at_once_and_a_new_one_is_found(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    settings = Clock(servers=[f"127.0.0.1:{port}"], chrony=str(tmp_path / "c" / "chronyd.sock"))
    probe, daemon = OffsetProbe(settings), TrackingProbe(settings)
    for offset_s, state in ((0.0, "ok"), (2.5, "critical")):
        with time_server(tmp_path / "c", offset_s, port=port):
            assert (await probe.read())[OFFSET].state == state
            assert (await daemon.read())[TRACKING].state == state
        gone, silent = (await probe.read())[OFFSET], (await daemon.read())[TRACKING]
        assert "connection refused" in str(gone.error)
        assert "Could not open connection to daemon" in str(silent.error)


async def test_a_name_that_dns_does_not_know() -> None:
    before = hostile.threads()
    read = await offset("no-such-time-server.invalid", answer_s=2.0)
    assert read.state == "unknown"
    assert "no-such-time-server.invalid" in str(read.error)
    wait_until(lambda: hostile.threads() <= before + 1, what="no thread but one that still asks")


async def test_a_name_that_dns_knows_and_an_ipv6_address(tmp_path: Path) -> None:
    with time_server(tmp_path / "c") as peer:
        port = peer.address.rpartition(":")[2]
        assert (await offset(f"localhost:{port}")).state == "ok"
        assert "connection refused" in str((await offset(f"[::1]:{port}")).error)


async def test_dns_that_hangs_costs_one_thread_and_not_the_known_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, asked = threading.Event(), []

    def hang(*_: object, **__: object) -> None:
        asked.append(1)
        release.wait(20)
        raise OSError("too late")

    with time_server(tmp_path / "c") as peer:
        port = peer.address.rpartition(":")[2]
        moved = [0.0]
        probe = OffsetProbe(
            Clock(servers=[f"localhost:{port}"]),
            monotonic=lambda: time.monotonic() + moved[0],
            answer_s=3.0,
        )
        assert (await probe.read())[OFFSET].state == "ok"
        monkeypatch.setattr("socket.getaddrinfo", hang)
        moved[0] = 1000.0  # past the time that an address is trusted unasked
        for _ in range(3):
            assert (await probe.read())[OFFSET].state == "ok"
        assert len(asked) == 1
        unknown = await offset("elsewhere.invalid", answer_s=3.0)
        assert "DNS does not answer" in str(unknown.error)
    release.set()


async def test_the_loop_turns_a_server_that_dies_to_unknown_and_back(tmp_path: Path) -> None:
    """Through the loop that the engine runs, on loopback, where asking is quick."""
    states: list[str] = []
    port = free_port(socket.SOCK_DGRAM)
    probe = OffsetProbe(Clock(servers=[f"127.0.0.1:{port}"]))
    nudge = asyncio.Event()

    def deliver(readings: Mapping[str, Reading]) -> None:
        states.append(readings[OFFSET].state)

    async def until(state: str) -> None:
        async with asyncio.timeout(10):
            while not states or states[-1] != state:
                nudge.set()
                await asyncio.sleep(0.02)

    assert probe.period_s * 1.1 + probe.deadline_s < 15
    loop = asyncio.create_task(run_probe(probe, deliver, nudge=nudge))
    try:
        for _ in range(2):
            with time_server(tmp_path / "c", port=port):
                await until("ok")
            await until("unknown")
    finally:
        loop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loop


@pytest.mark.parametrize("offset_s", [0.0, 2.5, -0.3])
async def test_the_small_server_is_used_where_chrony_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offset_s: float
) -> None:
    monkeypatch.setattr(peers, "_PATH", str(tmp_path))
    before = hostile.descriptors(), hostile.threads()
    with time_server(tmp_path / "c", offset_s) as peer:
        assert not peer.real
        assert "our own" in peer.told.in_("en")
        read = await offset(peer.address)
        assert_measured(read, offset_s)
    with time_server(tmp_path / "c", synchronised=False) as peer:
        assert "not synchronised" in str((await offset(peer.address)).error)
    wait_until(lambda: hostile.descriptors() <= before[0] and hostile.threads() <= before[1])


def settings(clock: Clock) -> Settings:
    return Settings(station=Station(root="/nowhere"), clock=clock)


def test_only_what_is_configured_is_asked() -> None:
    def names(clock: Clock) -> list[str]:
        return [name for probe in probes(settings(clock)) for name in probe.names]

    assert names(Clock()) == [STEP]
    assert names(Clock(servers=["a", "b:123"])) == [STEP, OFFSET, TRACKING]
    assert names(Clock(servers=["a"], daemon="none")) == [STEP, OFFSET]
    assert names(Clock(daemon="ntpd")) == [STEP, TRACKING]
    assert names(Clock(chrony="/run/x")) == [STEP, TRACKING]


@pytest.mark.parametrize(
    "server",
    ["", "a:", "a:0", "a:65536", "a:b", "a b", ":123", "[::1", "[::1]x", "[a]:1", "a:1:2", "u@h",
     "h/p", "x" * 300, "::1:zz", "a\0b", "a\nb", "127.0.0.1%x", "::1%", "a%b"],
)  # fmt: skip
async def test_a_server_that_is_none_is_a_wrong_setting(server: str) -> None:
    found = {probe.names[0]: probe for probe in probes(settings(Clock(servers=[server])))}
    wrong = found[OFFSET]
    assert isinstance(wrong, Misconfigured)
    assert wrong.reason.startswith("wrong setting clock.servers: ")
    assert (await wrong.read())[OFFSET].state == "unknown"


async def test_a_wrong_server_takes_no_good_one_along(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock(servers=["127.0.0.1:1", "a:b"])
    found = {probe.names[0]: probe for probe in probes(settings(clock))}
    assert "wrong setting clock.servers: 'a:b'" in caplog.text
    said = (await found[OFFSET].read())[OFFSET]
    assert (said.state, said.detail["asked"]) == ("unknown", 2)
    assert "127.0.0.1:1: connection refused" in str(said.detail["failed"])
    assert "a:b: wrong setting" in str(said.detail["failed"])


@pytest.mark.parametrize("server", ["a", "a.b:123", "192.0.2.1", "::1", "[::1]", "[::1]:11123"])
def test_these_are_servers(server: str) -> None:
    assert isinstance(probes(settings(Clock(servers=[server])))[1], OffsetProbe)


def test_a_public_server_is_asked_politely() -> None:
    """With the loop's jitter of a tenth, never more often than every 16 s."""
    assert OffsetProbe(Clock(servers=["192.168.0.1", "127.0.0.1"])).period_s == 5.0
    for public in (["8.8.8.8"], ["127.0.0.1", "8.8.8.8"], ["cronos.cenam.mx"], ["2001:4860::1"]):
        assert OffsetProbe(Clock(servers=public)).period_s * 0.9 >= 16
