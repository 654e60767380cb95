"""The institute's account against a real sshd, rsync and sftp: it writes, and nothing else."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psutil
import pytest

from prep_console.config import Settings
from prep_console.intake.push.account import account_lines, key_options
from prep_console.intake.push.sessions import marks_folder, sessions
from tests import nights
from tests.engine.test_engine import alive, engine, live
from tests.proof import table
from tests.sshd import Sshd, sshd
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server

ROUNDS = int(os.environ.get("PREP_PROOF_ROUNDS", "10"))
OPENING = datetime(2024, 6, 2, 20, 0, tzinfo=UTC)


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    made = sandbox(
        tmp_path,
        {"institute": {"addresses": ["127.0.0.1"]}, "intake": {"settle_seconds": 0.5}},
    )
    made.station.prepare()
    marks_folder(made.settings.root).mkdir()
    return made


@pytest.fixture
def server(box: Sandbox, tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "sshd", options=key_options(box.settings)) as running:
        yield running


@pytest.fixture
def cut(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "made"
    folder.mkdir()
    return nights.two_archives(folder, stamp="20240602_2005", actas=5)


def ssh(server: Sshd) -> list[str]:
    return [
        "ssh",
        *("-p", str(server.port), "-i", str(server.key), "-F", "none"),
        *("-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "BatchMode=yes"),
        *("-o", "ServerAliveInterval=1", "-o", "ConnectTimeout=10"),
    ]


def rsync(server: Sshd, *arguments: str | Path) -> list[str]:
    return ["rsync", "-e", " ".join(ssh(server)), *map(str, arguments)]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_pushed_cut_goes_live_and_its_session_leaves_a_mark(
    box: Sandbox, server: Sshd, cut: dict[str, Path]
) -> None:
    with engine(box):
        wait_until(lambda: alive(box), 15)
        done = run(rsync(server, "-a", *cut.values(), "root@127.0.0.1:"))
        assert done.returncode == 0, done.stderr
        wait_until(lambda: live(box) == "20240602_2005", 20)
    (session,) = sessions(marks_folder(box.settings.root))
    assert session.whole
    assert not session.open


def test_the_account_reads_nothing_and_leaves_its_folder_nowhere(
    box: Sandbox, server: Sshd, tmp_path: Path
) -> None:
    secret = box.settings.drop_folder / "a.txt"
    secret.write_text("x")
    got = tmp_path / "got"
    assert run(rsync(server, "root@127.0.0.1:a.txt", got)).returncode != 0
    assert run(rsync(server, secret, "root@127.0.0.1:../../escaped")).returncode != 0
    assert run([*ssh(server), "root@127.0.0.1", "id"]).returncode != 0
    assert run([*ssh(server), "root@127.0.0.1"]).returncode != 0
    forward = [*ssh(server), "-W", "127.0.0.1:22", "root@127.0.0.1"]
    assert run(forward).returncode != 0
    assert not got.exists()
    assert not list(tmp_path.rglob("escaped"))
    assert all(not session.whole for session in sessions(marks_folder(box.settings.root)))


def test_another_address_gets_no_further_than_the_door(
    box: Sandbox, tmp_path: Path, cut: dict[str, Path]
) -> None:
    options = key_options(box.settings).replace("127.0.0.1", "203.0.113.7", 1)
    with sshd(tmp_path / "other", options=options) as server:
        done = run(rsync(server, cut["AYUN"], "root@127.0.0.1:"))
    assert done.returncode != 0
    assert "Permission denied" in done.stderr


@pytest.mark.slow
def test_killed_at_any_point_a_push_is_never_taken_for_a_whole_one(
    box: Sandbox, server: Sshd, tmp_path: Path
) -> None:
    """``--inplace`` writes under the final name, as the worst client would."""
    chance = random.Random(11)
    folder = tmp_path / "night"
    folder.mkdir()
    with engine(box):
        wait_until(lambda: alive(box), 15)
        broken = 0
        for number in range(ROUNDS):
            stamp = f"{OPENING + number * timedelta(minutes=5):%Y%m%d_%H%M}"
            made = folder / stamp
            made.mkdir()
            cut = nights.two_archives(made, stamp=stamp, actas=400)
            size = sum(path.stat().st_size for path in cut.values())
            slow = ["--inplace", f"--bwlimit={max(size // 1024, 1)}"]
            push = rsync(server, "-a", *slow, *cut.values(), "root@127.0.0.1:")
            pushing = subprocess.Popen(push, stderr=subprocess.DEVNULL, start_new_session=True)
            point = chance.randrange(size)
            wait_until(partial(_came, box.settings, point, pushing), 30)
            broken += pushing.poll() is None
            with suppress(ProcessLookupError):  # it may have ended a moment ago
                os.killpg(pushing.pid, signal.SIGKILL)
            pushing.wait()
            done = run(rsync(server, "-a", "--inplace", *cut.values(), "root@127.0.0.1:"))
            assert done.returncode == 0, done.stderr
            wait_until(partial(is_live, box, stamp), 60)
            site = box.station.cuts / stamp / "site"
            for path in cut.values():
                assert (site / path.name).read_bytes() == path.read_bytes()
        assert broken >= ROUNDS / 5
    marks = sessions(marks_folder(box.settings.root))
    assert sum(session.whole for session in marks) >= ROUNDS / 2
    assert any(not session.whole for session in marks)
    table.record("kill in the transfer: push over rsync", tried=ROUNDS, fired=broken)


def test_a_wrapper_that_is_killed_shows_as_no_end_and_nobody_there(
    box: Sandbox, server: Sshd, tmp_path: Path
) -> None:
    big = tmp_path / "big.bin"
    big.write_bytes(bytes(4 << 20))
    marks = marks_folder(box.settings.root)
    pushing = subprocess.Popen(
        rsync(server, "--bwlimit=500", big, "root@127.0.0.1:"), stderr=subprocess.DEVNULL
    )
    wait_until(lambda: any(session.open for session in sessions(marks)), 20)
    for process in psutil.Process(server.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "wrapper" in " ".join(process.cmdline()) or "session" in process.name():
                process.kill()
    wait_until(lambda: not any(session.open for session in sessions(marks)), 10)
    pushing.kill()
    pushing.wait()
    (session,) = sessions(marks)
    assert session.ended_at is None
    assert not session.whole


@pytest.mark.parametrize(
    "mark",
    [
        b"",
        b"{",
        b"[1]",
        b'{"started_at": 5}',
        b'{"started_at": "2024-06-02T20:00:00"}',
        b"x" * 9999,
    ],
)
def test_a_mark_that_makes_no_sense_counts_for_nothing(mark: bytes, tmp_path: Path) -> None:
    (tmp_path / "1.json").write_bytes(mark)
    os.mkfifo(tmp_path / "2.json")
    (tmp_path / "3.json").symlink_to("/dev/zero")
    assert sessions(tmp_path) == []
    assert sessions(tmp_path / "nowhere") == []


def test_sshd_takes_the_lines_for_sftp(box: Sandbox, tmp_path: Path) -> None:
    printed = box.run("ssh-config")
    assert printed.code == 0
    block = printed.out[printed.out.index("Match User") :]
    with sshd(tmp_path / "sftp", *block.splitlines()) as server:
        config = server.folder / "sshd_config"

        def said(user: str, address: str) -> str:
            who = f"user={user},addr={address},host=x,laddr=127.0.0.1,lport=22"
            return run(["/usr/sbin/sshd", "-T", "-C", who, "-f", str(config)]).stdout

        own = said("entrega", "127.0.0.1")
        assert f"chrootdirectory {box.settings.drop_folder.parent}" in own
        assert "forcecommand internal-sftp" in own
        assert "disableforwarding yes" in own
        assert "pubkeyauthentication yes" in own
        assert "pubkeyauthentication no" in said("entrega", "198.51.100.9")
        assert "forcecommand none" in said("root", "127.0.0.1")


def test_it_says_what_is_missing_and_in_both_languages(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    assert "[institute] addresses" in box.run("ssh-config").out
    assert "sesiones dejan marcas" in box.run("ssh-config", lang="es").out
    assert 'from="' not in account_lines(box.settings)


def _came(settings: Settings, point: int, pushing: subprocess.Popen[bytes]) -> bool:
    return _bytes(settings) > point or pushing.poll() is not None


def is_live(box: Sandbox, stamp: str) -> bool:
    return live(box) == stamp


def _bytes(settings: Settings) -> int:
    total = 0
    for path in settings.drop_folder.iterdir():
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total
