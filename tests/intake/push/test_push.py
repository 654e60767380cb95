"""The institute's account against a real sshd, rsync and sftp: it writes, and nothing else."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psutil
import pytest

from prep_console import config
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
        wait_until(lambda: alive(box), 60)
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
    ways = [["--inplace"], ["-z", "--partial"], ["--delay-updates"], []]
    chance = random.Random(11)
    folder = tmp_path / "night"
    folder.mkdir()
    with engine(box):
        wait_until(lambda: alive(box), 60)
        broken = 0
        for number in range(ROUNDS):
            stamp = f"{OPENING + number * timedelta(minutes=5):%Y%m%d_%H%M}"
            made = folder / stamp
            made.mkdir()
            cut = nights.two_archives(made, stamp=stamp, actas=400)
            size = sum(path.stat().st_size for path in cut.values())
            way = ways[number % len(ways)]
            slow = [*way, f"--bwlimit={max(size // 1024, 1)}"]
            push = rsync(server, "-a", *slow, *cut.values(), "root@127.0.0.1:")
            pushing = subprocess.Popen(push, stderr=subprocess.DEVNULL, start_new_session=True)
            point = chance.randrange(size)
            wait_until(partial(_came, box.settings, stamp, point, pushing), 30)
            broken += pushing.poll() is None
            with suppress(ProcessLookupError):  # it may have ended a moment ago
                os.killpg(pushing.pid, signal.SIGKILL)
            pushing.wait()
            done = run(rsync(server, "-a", *way, *cut.values(), "root@127.0.0.1:"))
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


def test_a_push_that_froze_keeps_the_next_one_out_of_nothing(
    box: Sandbox, server: Sshd, cut: dict[str, Path], tmp_path: Path
) -> None:
    """The institute's line died and it connects again; here its first session is still open."""
    big = tmp_path / "20240602_2005_PREP_DIP_LOC_QRO.bin"
    big.write_bytes(bytes(4 << 20))
    marks = marks_folder(box.settings.root)
    frozen = subprocess.Popen(
        rsync(server, "--bwlimit=100", big, "root@127.0.0.1:"), start_new_session=True
    )
    try:
        wait_until(lambda: any(session.open for session in sessions(marks)), 30)
        os.killpg(frozen.pid, signal.SIGSTOP)
        done = run(rsync(server, "-a", *cut.values(), "root@127.0.0.1:"))
        assert done.returncode == 0, done.stderr
        assert [session.open for session in sessions(marks)] == [True, False]
    finally:
        os.killpg(frozen.pid, signal.SIGKILL)
        frozen.wait()


@pytest.mark.slow
def test_two_push_at_once_while_the_engine_is_killed_again_and_again(
    box: Sandbox, server: Sshd, tmp_path: Path
) -> None:
    """Both send the same cut, one in place and one by rename; every byte is right in the end."""
    made = tmp_path / "night"
    made.mkdir()
    cut = nights.two_archives(made, stamp="20240602_2005", actas=400)
    slow = f"--bwlimit={max(sum(p.stat().st_size for p in cut.values()) // 6144, 1)}"
    pushing = [
        subprocess.Popen(rsync(server, *how, slow, *cut.values(), "root@127.0.0.1:"))
        for how in (["-a", "--inplace"], ["-az"])
    ]
    while any(push.poll() is None for push in pushing):
        running = box.start("engine")
        wait_until(lambda: alive(box) or all(push.poll() is not None for push in pushing), 60)
        running.kill()
        running.communicate(timeout=15)
    assert [push.returncode for push in pushing] == [0, 0]
    with engine(box):
        wait_until(partial(is_live, box, "20240602_2005"), 90)
    site = box.station.cuts / "20240602_2005" / "site"
    assert {path.name: path.read_bytes() for path in site.glob("*.zip")} == {
        path.name: path.read_bytes() for path in cut.values()
    }
    assert box.run("journal", "--verify").code == 0
    assert not [path for path in box.station.staging.iterdir() if path.name.startswith("d-")]


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
    wait_until(lambda: not _writers(box.settings.drop_folder), 10, "rsync dies with its wrapper")


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


def test_nothing_of_the_account_leads_out(box: Sandbox, server: Sshd, tmp_path: Path) -> None:
    """Links that a push brings, options that name places, other commands."""
    drop, marks = box.settings.drop_folder, marks_folder(box.settings.root)
    (tmp_path / "links").mkdir()
    (tmp_path / "links/s").symlink_to("../sessions")
    (tmp_path / "links/etc").symlink_to("/etc")
    forged = tmp_path / "src/s/99990101T000000.000000-1.json"
    forged.parent.mkdir(parents=True)
    forged.write_text("{}")
    here, there = f"{tmp_path}/src/", "root@127.0.0.1:"
    assert run(rsync(server, "-a", f"{tmp_path}/links/", there)).returncode == 0
    assert (drop / "s").readlink() != Path("../sessions")  # it leads nowhere
    for arguments in (
        ["-a", forged, f"{there}s/"],
        ["-a", forged, f"{there}s/x.json"],
        ["-aK", here, there],
        ["-a", "--temp-dir=../sessions", here, there],
        ["-ab", "--backup-dir=../sessions", here, there],
        ["-a", "--copy-dest=/etc", here, there],
        ["-a", "--remote-option=--log-file=../sessions/x.json", here, there],
        ["-a", "--files-from=:/etc/passwd", here, there],
        ["-a", "--rsync-path=rsync --daemon; rsync", here, there],
        ["-a", "--mkpath", here, f"{there}../../x/"],
    ):
        run(rsync(server, *arguments))
    for command in (
        "rsync --server --sender -e.LsfxCIvu . .",
        "rsync --server --daemon .",
        f"rsync --server -e.LsfxCIvu . {marks}",
        "internal-sftp",
        "sh",
    ):
        assert run([*ssh(server), "root@127.0.0.1", command]).returncode != 0
    assert not [path for path in marks.iterdir() if path.name.startswith(("9999", "x"))]
    assert not (box.settings.root / "x").exists()
    assert {path.name for path in drop.iterdir()} <= {"s", "etc"}


def test_a_session_without_a_place_for_its_mark_says_so_and_writes_nothing(
    box: Sandbox, server: Sshd, cut: dict[str, Path]
) -> None:
    marks_folder(box.settings.root).rmdir()
    done = run(rsync(server, "-a", *cut.values(), "root@127.0.0.1:"))
    assert done.returncode != 0
    assert "sessions: No such file" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(box.settings.drop_folder.iterdir())


@pytest.fixture
def chrooted() -> Iterator[Path]:
    """A folder above which all belongs to root, as sshd demands it."""
    folder = Path(tempfile.mkdtemp(prefix="prep-tests-", dir="/run"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@dataclass(frozen=True, slots=True)
class BySftp:
    """The institute's account behind the lines that are printed for SFTP."""

    box: Sandbox
    server: Sshd

    def __call__(self, *commands: str) -> subprocess.CompletedProcess[str]:
        server = self.server
        program = [
            "sftp",
            *("-P", str(server.port), "-i", str(server.key), "-F", "none", "-b", "-"),
            *("-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "BatchMode=yes"),
            "games@127.0.0.1",
        ]
        batch = "\n".join([*commands, ""])
        return subprocess.run(
            program, input=batch, capture_output=True, text=True, check=False, timeout=60
        )

    def put(self, path: Path, name: str) -> None:
        """Under another name first, then in its place, as careful clients do."""
        done = self(f"put {path} .{name}.tmp", f"rename .{name}.tmp {name}")
        assert done.returncode == 0, done.stderr


@pytest.fixture
def by_sftp(chrooted: Path, tmp_path: Path) -> Iterator[BySftp]:
    drop = chrooted / "entrega"
    drop.mkdir()
    user = pwd.getpwnam("games")  # every Debian has it
    os.chown(drop, user.pw_uid, user.pw_gid)
    made = sandbox(
        tmp_path,
        {
            "institute": {"addresses": ["127.0.0.1"], "account": "games"},
            "intake": {"settle_seconds": 0.5},
        },
    )
    with made.file.open("a") as file:
        file.write(f'[[intake.source]]\nkind = "drop"\npath = "{drop}"\n')
    box = Sandbox(made.file, config.load(made.file))
    box.station.prepare()
    printed = account_lines(box.settings)
    block = printed[printed.index("Match User") :].splitlines()
    with sshd(chrooted / "sshd", *block) as server:
        (server.folder / "authorized_keys").chmod(0o644)
        yield BySftp(box, server)


def test_by_sftp_a_file_takes_the_place_of_an_older_one(
    by_sftp: BySftp, cut: dict[str, Path]
) -> None:
    """In one step: between the two the older one is what lies there."""
    drop = by_sftp.box.settings.drop_folder
    for path in cut.values():
        by_sftp.put(path, "corte.zip")
        assert (drop / "corte.zip").read_bytes() == path.read_bytes()
    assert stat.S_IMODE((drop / "corte.zip").stat().st_mode) & 0o007 == 0


def test_by_sftp_a_cut_goes_live_however_it_is_put(by_sftp: BySftp, cut: dict[str, Path]) -> None:
    """Renamed, in place, and in place after an earlier try broke off."""
    box = by_sftp.box
    first, second = cut.values()
    half = box.settings.drop_folder / second.name
    with engine(box):
        wait_until(lambda: alive(box), 60)
        by_sftp.put(first, first.name)
        part = box.file.with_name("half.zip")
        part.write_bytes(second.read_bytes()[:700])
        assert by_sftp(f"put {part} {second.name}").returncode == 0
        wait_until(lambda: box.run("status", "--json").json["waiting_for"] == ["AYUN"], 30)
        assert half.stat().st_size == 700
        assert by_sftp(f"reput {second} {second.name}").returncode == 0
        wait_until(lambda: live(box) == "20240602_2005", 30)
    site = box.station.cuts / "20240602_2005" / "site"
    assert {path.name: path.read_bytes() for path in site.glob("*.zip")} == {
        path.name: path.read_bytes() for path in cut.values()
    }


def test_by_sftp_the_account_writes_and_does_nothing_else(
    by_sftp: BySftp, cut: dict[str, Path], tmp_path: Path
) -> None:
    path = cut["AYUN"]
    by_sftp.put(path, path.name)
    drop = by_sftp.box.settings.drop_folder
    for command in (
        f"get {path.name} {tmp_path}/got",
        "ls ..",
        "symlink /etc l",
        f"ln {path.name} k",
        f"put {path} ../x.zip",
        f"put {path} /x.zip",
        f"put {path} ../../x.zip",
    ):
        assert by_sftp(command).returncode != 0, command
    assert [found.name for found in drop.iterdir()] == [path.name]
    assert [found.name for found in drop.parent.iterdir() if found.name != "sshd"] == ["entrega"]
    to = [*ssh(by_sftp.server), "games@127.0.0.1"]
    assert run([*to, "id"]).returncode != 0
    assert run([*to[:1], "-W", "127.0.0.1:22", *to[1:]]).returncode != 0


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
        assert "clientaliveinterval 15" in own
        assert "pubkeyauthentication yes" in own
        assert "pubkeyauthentication no" in said("entrega", "198.51.100.9")
        assert "forcecommand none" in said("root", "127.0.0.1")


def test_it_says_what_is_missing_and_in_both_languages(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    assert "[institute] addresses" in box.run("ssh-config").out
    assert "sesiones dejan marcas" in box.run("ssh-config", lang="es").out
    assert 'from="' not in account_lines(box.settings)


def _came(settings: Settings, stamp: str, point: int, pushing: subprocess.Popen[bytes]) -> bool:
    return _bytes(settings, stamp) > point or pushing.poll() is not None


def is_live(box: Sandbox, stamp: str) -> bool:
    return live(box) == stamp


def _bytes(settings: Settings, stamp: str) -> int:
    """What has come of this cut: the one before may still lie there for a moment."""
    total = 0
    for folder, _, names in os.walk(settings.drop_folder):  # rsync's own folders come and go
        for name in names:
            if stamp in name:
                with suppress(FileNotFoundError):
                    total += Path(folder, name).stat().st_size
    return total


def _writers(folder: Path) -> list[int]:
    """Processes that work in the folder."""
    found = []
    for process in psutil.process_iter(["cwd"]):
        if process.info["cwd"] == str(folder):
            found.append(process.pid)
    return found
