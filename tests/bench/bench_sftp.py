"""Pulling over SFTP against OpenSSH's own sftp, from the same sshd: one large file, many small.

The large one is an archive, the small ones a tree; both clients write to the same disk. Ours runs
in its child, start-up and login included, as theirs does.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

from prep_console.intake.pull.puller import Puller
from tests.bench.figure import Figure, median_ratio, seconds, spread
from tests.bench.grounds import scratch
from tests.intake.pull.pulling import archive, of_sshd
from tests.sshd import Sshd, sshd

_LARGE = 1 << 30
_SMALL = 10_000
_ROUNDS = 3
_BOUND = 1.5
_NAME = "20240602_2005_PREP_DIP_LOC_QRO.zip"


def rows() -> list[Figure]:
    """Ratios, the median of several pairs."""
    with scratch() as folder, sshd(folder / "sshd") as server:
        large, small = folder / "large", folder / "small"
        archive(large, _NAME, _LARGE)
        for number in range(_SMALL):
            path = small / f"{number % 100}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(number.to_bytes(4, "big") * 512)
        return [
            _figure("SFTP pull of one file of 1 GB", server, large, "archives", _BOUND),
            _figure("SFTP pull of 10,000 files of 2 KB", server, small, "tree", _BOUND),
        ]


def _figure(name: str, server: Sshd, there: Path, layout: str, bound: float) -> Figure:
    pairs = []
    for _ in range(_ROUNDS):
        theirs = seconds(lambda: _sftp(server, there))
        ours = seconds(lambda: asyncio.run(_pull(server, there, layout)))
        pairs.append((ours, theirs))
    note = f"sftp {spread([theirs for _, theirs in pairs])} s"
    return Figure(name, median_ratio(pairs), bound, "x sftp", note)


def _sftp(server: Sshd, there: Path) -> None:
    into = server.folder / "theirs"
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir()
    options = ["-P", str(server.port), "-i", str(server.key), "-F", "none", "-q", "-r"]
    options += ["-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "BatchMode=yes"]
    subprocess.run(
        ["sftp", *options, f"root@127.0.0.1:{there}", str(into)],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


async def _pull(server: Sshd, there: Path, layout: str) -> None:
    into = server.folder / "ours"
    shutil.rmtree(into, ignore_errors=True)
    settings = of_sshd(into, server, there, layout=layout)
    puller = Puller(settings, settings.sources[0])
    pulled = await puller.pull({}, lambda _: None)
    await puller.close()
    assert pulled.state == "new"
