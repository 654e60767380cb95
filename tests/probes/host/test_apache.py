"""A real Apache: busy, idle, frozen, killed, stopped; and peers that only pretend to be one."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from prep_console import config
from prep_console.probes import host
from prep_console.probes.host import apache
from prep_console.probes.host.processes import pid_in, process
from prep_console.probes.probe import Misconfigured
from prep_console.snapshot import Reading
from tests import hostile
from tests.apache.server import Apache
from tests.waiting import wait_until

AUTO = (
    "127.0.0.1\nServerVersion: Apache/2.4.71 (Debian)\nServerUptimeSeconds: 77\n"
    "Total Accesses: 120\nTotal kBytes: 9\nBusyWorkers: 3\nIdleWorkers: 47\n"
    "Scoreboard: __W_K.R...\n"
)


def http(body: str) -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nContent-Type: text/plain\r\n\r\n{body}"
    ).encode()


def settings(root: Path, pid_file: Path | str = "", status: str = "") -> config.Settings:
    return config.Settings(
        station=config.Station(root=str(root)),
        host=config.Host(apache_pid_file=str(pid_file), apache_status=status),
    )


async def look(probe: apache.ApacheProbe) -> Reading:
    return (await probe.read())["host.apache"]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Apache]:
    monkeypatch.setattr(apache, "_FILE_S", 10.0)  # the file is there, the machine may be busy
    root = tmp_path / "station"
    for folder in ("cuts", "public", "run"):
        (root / folder).mkdir(parents=True)
    tmp_path.chmod(0o755)
    with Apache(settings(root), tmp_path / "apache") as running:
        wait_until(lambda: pid_file(running).exists())  # it listens a moment before
        yield running


def pid_file(server: Apache) -> Path:
    found = [
        Path(line.split(None, 1)[1].strip().strip('"'))
        for line in server.conf.read_text().splitlines()
        if line.strip().startswith("PidFile")
    ]
    return found[0]


def probe_of(server: Apache, status: bool = True) -> apache.ApacheProbe:
    url = f"{server.url}/_prep/server-status" if status else ""
    return apache.ApacheProbe(settings(server.into, pid_file(server), url))


async def test_a_real_one_is_read(server: Apache) -> None:
    probe = probe_of(server)
    first = await look(probe)
    assert first.state == "ok", first
    assert isinstance(first.value, int)
    assert first.value >= 1  # the one that answers us
    assert first.detail["requests_per_s"] is None
    for _ in range(5):
        await asyncio.to_thread(server.get, "/")
    second = await look(probe)
    assert isinstance(second.detail["requests_per_s"], float)
    assert second.detail["requests_per_s"] > 0
    assert second.detail["running"] is True
    processes, memory, workers = (
        second.detail[key] for key in ("processes", "memory_bytes", "workers")
    )
    assert isinstance(processes, int)
    assert isinstance(memory, int)
    assert isinstance(workers, int)
    assert processes >= 2
    assert 2**20 < memory < 2**30
    assert isinstance(second.value, int)
    assert workers >= second.value
    await probe.close()


async def test_without_server_status_it_is_told_to_run(server: Apache) -> None:
    told = await look(probe_of(server, status=False))
    assert (told.value, told.state, told.detail["running"]) == ("running", "ok", True)


async def test_frozen_woken_killed_and_started_again(server: Apache) -> None:
    probe = probe_of(server)
    pid = pid_in(pid_file(server))
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: (p := process(pid)) and p.state == "T")
    told = await look(probe)
    assert (told.value, told.state) == ("frozen", "critical")
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: (p := process(pid)) and p.running)
    assert (await look(probe)).state == "ok"
    group = [pid, *(int(c) for c in _children(pid))]
    os.kill(pid, signal.SIGKILL)  # its children go on serving for a while
    wait_until(lambda: (p := process(pid)) is None or p.state == "Z")
    told = await look(probe)
    assert (told.value, told.state, told.detail["running"]) == ("stopped", "critical", False)
    for child in group[1:]:
        os.kill(child, signal.SIGKILL)
    for child in group[1:]:  # while one listens, a new master does not start
        await asyncio.to_thread(wait_until, partial(_ended, child))
    server.stop()
    with server:
        wait_until(lambda: pid_in(pid_file(server)) != pid)
        assert (await look(probe)).state == "ok"
    told = await look(probe)  # ended well: the pid file is gone and nobody listens
    assert (told.value, told.state) == ("stopped", "critical")
    await probe.close()


def _ended(pid: int) -> bool:
    found = process(pid)
    return found is None or found.state == "Z"


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


async def test_hung_workers_read_unknown_in_time_and_recover(server: Apache) -> None:
    probe = probe_of(server)
    assert (await look(probe)).state == "ok"
    children = [int(child) for child in _children(pid_in(pid_file(server)))]
    for child in children:
        os.kill(child, signal.SIGSTOP)
    started = time.monotonic()
    told = await look(probe)
    for child in children:
        os.kill(child, signal.SIGCONT)
    assert told.state == "unknown"
    assert told.error == "server-status did not answer within 4 s"
    assert time.monotonic() - started < 8
    assert (await look(probe)).state == "ok"
    await probe.close()


@pytest.mark.parametrize("fault", hostile.TCP_FAULTS)
async def test_a_peer_that_is_no_apache_reads_unknown_and_leaks_nothing(
    tmp_path: Path, fault: hostile.Behaviour
) -> None:
    with hostile.tcp("answers", http(AUTO)) as peer:
        url = f"http://{peer.host}:{peer.port}/server-status?auto"
        (tmp_path / "pid").write_text("not a number")
        probe = apache.ApacheProbe(settings(tmp_path, tmp_path / "pid", url))
        good = await look(probe)
        assert (good.value, good.detail["workers"], good.detail["uptime_s"]) == (3, 50, 77)
        before = hostile.descriptors()
        peer.become(fault)
        for _ in range(1 if fault in {"hang", "drip", "garbage"} else 5):
            started = time.monotonic()
            told = await look(probe)
            assert time.monotonic() - started < 8
            if fault == "refuse":
                assert (told.value, told.state) == ("stopped", "critical")
            else:
                assert told.state == "unknown"
                assert told.value is None
                assert told.error
                assert len(told.error) <= 200
        peer.become("answers")
        assert (await look(probe)).value == 3
        await asyncio.to_thread(wait_until, lambda: hostile.descriptors() <= before + 2)
        await probe.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BusyWorkers: 3",
        AUTO.replace("BusyWorkers: 3", "BusyWorkers: three"),
        AUTO.replace("BusyWorkers: 3", "BusyWorkers: -3"),
        AUTO.replace("BusyWorkers: 3", "BusyWorkers: " + "9" * 5000),
        AUTO.replace("Scoreboard: __W_K.R...", "Scoreboard: "),
        "<html>It works!</html>",
    ],
)
def test_what_is_not_a_status_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not Apache's server-status"):
        apache.status_of(text)


async def test_every_place_taken_is_a_warning(tmp_path: Path) -> None:
    full = AUTO.replace("BusyWorkers: 3", "BusyWorkers: 150").replace("kers: 47", "kers: 0")
    with hostile.tcp("answers", http(full)) as peer:
        url = f"http://{peer.host}:{peer.port}/server-status"
        probe = apache.ApacheProbe(settings(tmp_path, "", url))
        assert (await look(probe)).state == "warning"
        await probe.close()


async def test_another_status_and_another_place_are_told(tmp_path: Path) -> None:
    with hostile.tcp("answers", b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n") as peer:
        url = f"http://{peer.host}:{peer.port}/server-status"
        probe = apache.ApacheProbe(settings(tmp_path, "", url))
        assert (await look(probe)).error == "server-status answers with status 403"
        await probe.close()


async def test_a_stale_pid_file_names_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(str(os.getpid()))
    told = await look(apache.ApacheProbe(settings(tmp_path, tmp_path / "pid")))
    assert (told.value, told.state) == ("stopped", "critical")


@pytest.mark.parametrize("named", ["another program", "nobody"])
async def test_a_stale_pid_file_of_an_apache_that_answers_is_a_warning(
    server: Apache, tmp_path: Path, named: str
) -> None:
    stale = tmp_path / "stale.pid"
    stale.write_text(str(os.getpid()) if named == "another program" else str(2**22 + 1))
    url = f"{server.url}/_prep/server-status"
    probe = apache.ApacheProbe(settings(server.into, stale, url))
    told = await look(probe)
    assert (told.state, told.detail["running"]) == ("warning", True)
    assert told.detail["pid_file"] == apache.WRONG_PID_FILE
    assert isinstance(told.value, int)
    server.stop()
    told = await look(probe)
    assert (told.value, told.state, told.detail["running"]) == ("stopped", "critical", False)
    await probe.close()


async def test_a_pid_file_that_hangs_holds_up_nothing(server: Apache, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.pid"
    os.mkfifo(pipe)
    bare = apache.ApacheProbe(settings(server.into, pipe))
    asked = apache.ApacheProbe(settings(server.into, pipe, f"{server.url}/_prep/server-status"))
    threads = threading.active_count()
    for _ in range(3):
        turns = 0
        looking = asyncio.gather(look(bare), look(asked))
        while not looking.done():
            await asyncio.sleep(0.02)
            turns += 1
        without, told = looking.result()
        assert turns > 0
        assert (without.state, without.error) == ("unknown", apache.NO_PID_FILE)
        assert told.state == "ok"
        assert threading.active_count() <= threads + 2
    right = pid_file(server).read_bytes()
    with pipe.open("wb") as end:  # one of those who read goes on, the other finds its end
        end.write(right)
    pipe.unlink()
    pipe.write_bytes(right)
    for probe in (bare, asked):
        async with asyncio.timeout(10):
            while (await look(probe)).state != "ok":
                await asyncio.sleep(0.02)
        await probe.close()


def test_apache_is_looked_at_only_where_there_is_cause(tmp_path: Path) -> None:
    def names(found: config.Settings) -> set[str]:
        return {name for probe in host.probes(found) for name in probe.names}

    nowhere = tmp_path / "none"
    assert "host.apache" not in names(settings(tmp_path, nowhere))
    assert "host.apache" in names(settings(tmp_path, nowhere, "http://127.0.0.1/server-status"))
    demanded = config.Host(services=["apache"], apache_pid_file=str(nowhere))
    station = config.Station(root=str(tmp_path))
    assert "host.apache" in names(config.Settings(station=station, host=demanded))
    nowhere.write_text("1")
    assert "host.apache" in names(settings(tmp_path, nowhere))


async def test_a_wrong_address_is_named(tmp_path: Path) -> None:
    wrong = [
        probe
        for probe in host.probes(settings(tmp_path, "", "127.0.0.1/server-status"))
        if isinstance(probe, Misconfigured)
    ]
    told = (await wrong[0].read())["host.apache"]
    assert told.error is not None
    assert "wrong setting host.apache_status" in told.error
