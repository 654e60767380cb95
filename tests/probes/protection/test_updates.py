"""Security updates: a real apt on this machine, and programs that stand in for it."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prep_console import config
from prep_console.probes import command
from prep_console.probes.probe import run_probe
from prep_console.probes.protection import updates
from prep_console.probes.protection.finding import ProtectionProbe, Unknown
from prep_console.snapshot import Reading
from tests import hostile
from tests.waiting import wait_until

NOW = datetime.now(UTC)


def lists(folder: Path, age: timedelta = timedelta(hours=1)) -> Path:
    """Package lists that were fetched so long ago."""
    there = folder / "lists"
    there.mkdir()
    (there / "deb.debian.org_debian_main_binary-amd64_Packages.lz4").write_text("")
    fetched = (NOW - age).timestamp()
    os.utime(there, (fetched, fetched))
    return there


def says(text: str) -> list[str]:
    return ["printf", "%s", text]


QUIET = "Reading package lists...\n0 upgraded, 0 newly installed\n"
PENDING = (
    "Inst bash [5.2.15-2+b8] (5.2.15-2+b13 Debian:12.15/oldstable [amd64])\n"
    "Inst libgcrypt20 [1.10.1-3] (1.10.1-3+deb12u1 Debian:12.15/oldstable, "
    "Debian-Security:12/oldstable-security [amd64]) []\n"
    "Inst linux-image-6.1.0-40 (6.1.153-1 Debian-Security:12/oldstable-security [amd64])\n"
    "Inst openssl [3.0.2] (3.0.3 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64])\n"
    "Conf libgcrypt20 (1.10.1-3+deb12u1 Debian-Security:12/oldstable-security [amd64])\n"
)


async def test_none_waiting_is_configured(tmp_path: Path) -> None:
    found = await updates.Updates(lambda: NOW, simulation=says(QUIET), lists=lists(tmp_path))()
    assert found.label == "configured"
    assert (found.detail["pending"], found.detail["security"]) == (0, 0)
    assert found.detail["lists_age_h"] == 1


async def test_those_for_security_are_counted_and_named(tmp_path: Path) -> None:
    found = await updates.Updates(lambda: NOW, simulation=says(PENDING), lists=lists(tmp_path))()
    assert found.label == "missing"
    assert (found.detail["pending"], found.detail["security"]) == (4, 3)
    assert found.evidence == "3: libgcrypt20 linux-image-6.1.0-40 openssl"


async def test_old_lists_know_nothing_of_new_updates(tmp_path: Path) -> None:
    old = lists(tmp_path, timedelta(days=9))
    with pytest.raises(Unknown, match="9 days old"):
        await updates.Updates(lambda: NOW, simulation=says(QUIET), lists=old)()
    found = await updates.Updates(lambda: NOW, simulation=says(PENDING), lists=old)()
    assert found.label == "missing"
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unknown, match="has never run"):
        await updates.Updates(lambda: NOW, simulation=says(QUIET), lists=tmp_path / "empty")()


async def test_apt_failing_or_absent_is_told(tmp_path: Path) -> None:
    fetched = lists(tmp_path)
    failing = [sys.executable, "-c", "import sys; sys.exit('E: dpkg was interrupted')"]
    with pytest.raises(command.EndedBadly, match="dpkg was interrupted"):
        await updates.Updates(lambda: NOW, simulation=failing, lists=fetched)()
    with pytest.raises(command.NotInstalled):
        await updates.Updates(lambda: NOW, simulation=["no-apt"], lists=fetched)()


async def test_it_is_asked_again_only_when_something_changed(tmp_path: Path) -> None:
    count = tmp_path / "count"
    counting = [sys.executable, "-c", f"open({str(count)!r}, 'a').write('x')"]
    now = [NOW]
    fetched = lists(tmp_path)
    asked = updates.Updates(lambda: now[0], simulation=counting, lists=fetched)
    await asked()
    await asked()
    assert count.read_text() == "x"
    os.utime(fetched, (NOW.timestamp(), NOW.timestamp()))
    await asked()
    assert count.read_text() == "xx"
    now[0] += timedelta(hours=7)
    await asked()
    assert count.read_text() == "xxx"


async def test_a_slow_apt_is_unknown_first_and_told_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, "_WAIT_S", 0.1)
    known = [child.pid for child in hostile.children()]
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    slow = ["cat", str(gate)]
    asked = updates.Updates(lambda: NOW, simulation=slow, lists=lists(tmp_path))
    for _ in range(3):
        with pytest.raises(Unknown, match="still working"):
            await asked()
    assert len(hostile.children(known)) == 1
    await asyncio.to_thread(gate.write_text, QUIET)
    monkeypatch.setattr(updates, "_WAIT_S", 5.0)
    assert (await asked()).label == "configured"


async def test_a_hung_apt_ends_with_its_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, "_WAIT_S", 0.1)
    known = [child.pid for child in hostile.children()]
    asked = updates.Updates(lambda: NOW, simulation=["sleep", "60"], lists=lists(tmp_path))
    probe = ProtectionProbe(updates.NAME, asked, period_s=60, close=asked.close)
    told: list[Reading] = []
    loop = asyncio.create_task(run_probe(probe, lambda r: told.extend(r.values())))
    await asyncio.to_thread(wait_until, lambda: told)
    assert told[0].state == "unknown"
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    assert hostile.children(known) == []


async def test_the_real_apt_of_this_machine() -> None:
    station = config.Settings(station=config.Station(root="/nowhere"))
    (probe,) = updates.probes(station)
    told = (await probe.read())[updates.NAME]
    await probe.close()
    if told.state == "unknown":
        assert told.error
    else:
        assert told.value in {"configured", "missing"}
        assert isinstance(told.detail["security"], int)
