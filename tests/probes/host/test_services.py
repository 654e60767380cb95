"""Services that must run: real processes started, frozen, killed; and a /proc of our own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from prep_console import config
from prep_console.probes.host import processes, services
from prep_console.snapshot import Reading
from tests.waiting import wait_until


@contextlib.contextmanager
def running(folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of that name that does nothing."""
    sleep = shutil.which("sleep")
    assert sleep is not None
    program = folder / name
    program.symlink_to(sleep)
    child = subprocess.Popen([str(program), "600"])
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def probe(
    folder: Path, *demanded: str, port: int = 22, proc: Path = processes.PROC
) -> services.ServicesProbe:
    settings = config.Settings(
        station=config.Station(root=str(folder)),
        host=config.Host(services=list(demanded), apache_pid_file=str(folder / "apache.pid")),
        institute=config.Institute(ssh_port=port),
    )
    return services.ServicesProbe(settings, proc=proc)


async def look(probe: services.ServicesProbe) -> Reading:
    return (await probe.read())["host.services"]


async def test_nothing_demanded_is_only_told(tmp_path: Path) -> None:
    told = await look(probe(tmp_path))
    assert told.state == "ok"
    assert (told.detail["demanded"], told.detail["missing"]) == ("", "")
    assert {"apache", "ssh", "ntp", "nut"} <= told.detail.keys()


async def test_a_demanded_process_started_frozen_woken_and_killed(tmp_path: Path) -> None:
    name = "transmisor-de-cortes"  # longer than the kernel keeps
    asked = probe(tmp_path, name)
    absent = await look(asked)
    assert (absent.state, absent.detail[name], absent.detail["missing"]) == (
        "critical",
        "stopped",
        name,
    )
    with running(tmp_path, name) as child:
        wait_until(lambda: (p := processes.process(child.pid)) and p.comm == name[:15])
        there = await look(asked)
        assert (there.state, there.detail[name]) == ("ok", "running")

        child.send_signal(signal.SIGSTOP)
        wait_until(lambda: (p := processes.process(child.pid)) and p.state == "T")
        assert (await look(asked)).detail["missing"] == name
        child.send_signal(signal.SIGCONT)
        wait_until(lambda: (p := processes.process(child.pid)) and p.running)
        assert (await look(asked)).state == "ok"

        child.kill()  # not waited for: a zombie of that name is left
        wait_until(lambda: (p := processes.process(child.pid)) and p.state == "Z")
        assert (await look(asked)).detail[name] == "stopped"


async def test_its_successor_is_found(tmp_path: Path) -> None:
    asked = probe(tmp_path, "relevo")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with running(tmp_path / "a", "relevo") as first:
        wait_until(lambda: (p := processes.process(first.pid)) and p.comm == "relevo")
        assert (await look(asked)).state == "ok"
    with running(tmp_path / "b", "relevo") as second:
        wait_until(lambda: (p := processes.process(second.pid)) and p.comm == "relevo")
        assert (await look(asked)).state == "ok"


def fake(proc: Path, pid: int, comm: str, state: str = "S", started: int = 7) -> None:
    (proc / str(pid)).mkdir(parents=True, exist_ok=True)
    fields = " ".join(["0"] * 18 + [str(started), "0"])
    (proc / str(pid) / "stat").write_text(f"{pid} ({comm}) {state} {fields}\n")


def listens(proc: Path, *ports: int, connections: int = 0) -> None:
    (proc / "net").mkdir(parents=True, exist_ok=True)
    line = "   0: 00000000:{:04X} 00000000:0000 {} 00000000:00000000 00:00000000 00000000 0 0 1\n"
    lines = [line.format(port, "0A") for port in ports]
    lines += [line.format(4660, "01")] * connections
    (proc / "net/tcp").write_text("  sl  local_address rem_address   st\n" + "".join(lines))


@pytest.mark.parametrize(
    ("sshd", "ports", "state"),
    [
        ("S", [80, 2222], "running"),
        ("S", [80], "stopped"),  # a session that outlived its server
        (None, [2222], "running"),  # systemd listens for it
        ("T", [2222], "stopped"),
        (None, [], "stopped"),
        ("S", None, "running"),  # no table: the process alone tells
        (None, None, "stopped"),
    ],
)
async def test_ssh_is_its_listening_port_as_well(
    tmp_path: Path, sshd: str | None, ports: list[int] | None, state: str
) -> None:
    fake(tmp_path, 1, "systemd")
    if sshd is not None:
        fake(tmp_path, 40, "sshd", sshd)
    if ports is not None:
        listens(tmp_path, *ports, connections=9)
    told = await look(probe(tmp_path, "ssh", port=2222, proc=tmp_path))
    assert told.detail["ssh"] == state
    assert told.state == ("ok" if state == "running" else "critical")


async def test_a_number_that_is_another_program_now_is_not_taken_for_it(tmp_path: Path) -> None:
    fake(tmp_path, 1, "systemd")
    fake(tmp_path, 40, "upsd")
    asked = probe(tmp_path, "nut", proc=tmp_path)
    assert (await look(asked)).state == "ok"
    fake(tmp_path, 40, "bash", started=99)
    assert (await look(asked)).detail["missing"] == "nut"


async def test_where_processes_are_hidden_nothing_is_called_stopped(tmp_path: Path) -> None:
    told = await look(probe(tmp_path, "nut", proc=tmp_path))
    assert (told.state, told.value, told.error) == ("unknown", None, services.HIDDEN)
    assert told.detail["nut"] == "unknown"


@pytest.mark.parametrize(
    ("comm", "known_as"), [("chronyd", "ntp"), ("systemd-timesyn", "ntp"), ("ntpd", "ntp")]
)
async def test_every_time_server_counts(tmp_path: Path, comm: str, known_as: str) -> None:
    fake(tmp_path, 1, "systemd")
    fake(tmp_path, 40, comm)
    assert (await look(probe(tmp_path, known_as, proc=tmp_path))).state == "ok"


def test_a_name_with_brackets_and_blanks_is_read_whole(tmp_path: Path) -> None:
    fake(tmp_path, 40, "a) R (b")
    found = processes.process(40, tmp_path)
    assert found == processes.Process(40, "a) R (b", "S", 7)
    (tmp_path / "40/stat").write_text("40 (half")
    assert processes.process(40, tmp_path) is None


@pytest.mark.parametrize("said", ["", "x", "0", "1", "-5", "99 garbage", "\0" * 40])
def test_a_pid_file_with_something_else(tmp_path: Path, said: str) -> None:
    (tmp_path / "pid").write_text(said)
    with pytest.raises(ValueError, match=r"literal|no process"):
        processes.pid_in(tmp_path / "pid")
    (tmp_path / "pid").write_text(f" {os.getpid()}\n")
    assert processes.pid_in(tmp_path / "pid") == os.getpid()


async def test_a_look_costs_little(tmp_path: Path) -> None:
    with running(tmp_path, "relojero") as child:
        wait_until(lambda: (p := processes.process(child.pid)) and p.comm == "relojero")
        asked = probe(tmp_path, "relojero")
        await asked.read()
        before = os.times()
        for _ in range(20):
            await asked.read()
        after = os.times()
    spent = after.user + after.system - before.user - before.system
    assert spent / 20 < 0.05
