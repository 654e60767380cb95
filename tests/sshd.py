"""A private, real sshd on loopback, with an account key of its own, from a scratch folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from prep_console.drill.children import free_port
from tests.processes import serves, stands_still
from tests.waiting import wait_until


@dataclass(slots=True)
class Sshd:
    """A running server; whoever holds ``key`` gets in as root."""

    folder: Path
    port: int
    key: Path
    known_hosts: Path
    process: subprocess.Popen[bytes]
    address: str = "127.0.0.1"

    def start(self) -> None:
        """Start it (again), on the same port."""
        self.process = _started(self.folder, self.port, self.address)

    def kill(self) -> None:
        """As a crash would: the server and every session at once."""
        self._signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)
        wait_until(lambda: stands_still(self.process.pid), what="it stands still")

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        family = psutil.Process(self.process.pid)
        for process in [family, *family.children(recursive=True)]:
            if process.is_running():
                process.send_signal(number)


@contextmanager
def sshd(
    folder: Path, *lines: str, options: str = "", address: str = "127.0.0.1"
) -> Iterator[Sshd]:
    """Start one under ``folder``. ``lines`` go into sshd_config, ``options`` before the key."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    host_key, key = folder / "host", folder / "key"
    for path in (host_key, key):
        make_key(path)
    public = key.with_suffix(".pub").read_text()
    (folder / "authorized_keys").write_text(f"{options} {public}".lstrip())
    port = free_port()
    known_hosts = folder / "known_hosts"
    host_public = " ".join(host_key.with_suffix(".pub").read_text().split()[:2])
    known_hosts.write_text(f"[{address}]:{port} {host_public}\n")
    (folder / "sshd_config").write_text(
        "\n".join(
            (
                f"HostKey {host_key}",
                f"ListenAddress {address}",
                f"AuthorizedKeysFile {folder / 'authorized_keys'}",
                f"PidFile {folder / 'pid'}",
                "StrictModes no",
                "UsePAM no",
                "PasswordAuthentication no",
                "Subsystem sftp internal-sftp",
                *lines,
                "",
            )
        )
    )
    process = _started(folder, port, address)
    server = Sshd(folder, port, key, known_hosts, process, address)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def make_key(path: Path) -> None:
    """A new key pair without a passphrase."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def _started(folder: Path, port: int, address: str) -> subprocess.Popen[bytes]:
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "openssh-server is needed"
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [program, "-D", "-e", "-p", str(port), "-f", str(folder / "sshd_config")],
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
    serves(process, port, address, complaints=(folder / "log").read_text)
    return process
