"""Pulling over SFTP against OpenSSH's own sftp, from the same sshd: one large file, many small.

The large one is an archive, the small ones a tree; both clients write to the same disk. Ours runs
in its child, start-up and login included, as theirs does. On loopback the processor decides, on a
line of 50 Mbit/s the line does, and with a delay the number of times that somebody waits for it.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from prep_console.intake.pull.puller import Puller
from tests.bench.figure import DID_NOT_RUN, Figure, median_ratio, seconds, spread
from tests.bench.grounds import scratch, warm_memory
from tests.bench.line import NoLine, line
from tests.intake.pull.pulling import archive, of_sshd
from tests.sshd import Sshd, sshd

_LARGE = 1 << 30
_LARGE_ON_LINE = 100_000_000
"""The line moves 6 MB a second: 1 GB would take an hour in all."""
_SMALL = 10_000
_SMALL_WITH_DELAY = 200
"""sftp asks for one file after the other and waits five times for each: 10,000 take 18 minutes."""
_ROUNDS = 3
_ROUNDS_OF_LARGE = 5
"""Of a gigabyte each: a disk that flushes in the middle of one decides it."""
_LOOPBACK_BOUND = 1.5
_LINE_BOUND = 1.05
_MBIT = 50
_DELAY_MS = 10
_NAME = "20240602_2005_PREP_DIP_LOC_QRO.zip"


def rows() -> Iterator[Figure]:
    """Ratios, the median of several pairs."""
    with scratch() as folder:
        yield from _on_loopback(folder)
        yield from _on_line(folder, 0, _SMALL)
        yield from _on_line(folder, _DELAY_MS, _SMALL_WITH_DELAY)


def _on_loopback(folder: Path) -> Iterator[Figure]:
    large, small = _large(folder / "large", _LARGE), _small(folder / "small", _SMALL)
    with sshd(folder / "sshd") as server:
        name = "SFTP pull of one file of 1 GB"
        yield _figure(name, server, large, "archives", _LOOPBACK_BOUND, _ROUNDS_OF_LARGE)
        name = f"SFTP pull of {_SMALL:,} files of 2 KB"
        yield _figure(name, server, small, "tree", _LOOPBACK_BOUND)


def _on_line(folder: Path, delay_ms: int, files: int) -> Iterator[Figure]:
    what = f"{_MBIT} Mbit/s" + (f", {delay_ms} ms each way" if delay_ms else "")
    names = (f"SFTP pull of 100 MB, {what}", f"SFTP pull of {files:,} files of 2 KB, {what}")
    own = folder / f"line-{delay_ms}"
    large, small = _large(own / "large", _LARGE_ON_LINE), _small(own / "small", files)
    try:
        with line(_MBIT, delay_ms) as made, ExitStack() as stack:
            with made.at(made.theirs):
                server = stack.enter_context(sshd(own / "sshd", address=made.address))
            with made.at(made.ours):
                yield _figure(names[0], server, large, "archives", _LINE_BOUND)
                yield _figure(names[1], server, small, "tree", _LINE_BOUND)
    except NoLine as reason:
        for name in names:
            yield Figure(name, DID_NOT_RUN, _LINE_BOUND, "x sftp", str(reason))


def _large(folder: Path, size: int) -> Path:
    archive(folder, _NAME, size)
    return folder


def _small(folder: Path, count: int) -> Path:
    for number in range(count):
        path = folder / f"{number // 100}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(number.to_bytes(4, "big") * 512)
    return folder


def _figure(
    name: str, server: Sshd, there: Path, layout: str, bound: float, rounds: int = _ROUNDS
) -> Figure:
    size = sum(path.stat().st_size for path in there.rglob("*") if path.is_file())

    def timed(pull: Callable[[], None]) -> float:
        for into in ("theirs", "ours"):
            shutil.rmtree(server.folder / into, ignore_errors=True)
        warm_memory(server.folder, size)
        return seconds(pull)

    pairs = []
    for _ in range(rounds):
        theirs = timed(lambda: _sftp(server, there))
        ours = timed(lambda: asyncio.run(_pull(server, there, layout)))
        pairs.append((ours, theirs))
    note = f"{spread([ours for ours, _ in pairs])} s : {spread([theirs for _, theirs in pairs])} s"
    return Figure(name, median_ratio(pairs), bound, "x sftp", note)


def _sftp(server: Sshd, there: Path) -> None:
    into = server.folder / "theirs"
    into.mkdir()
    options = ["-P", str(server.port), "-i", str(server.key), "-F", "none", "-q", "-r"]
    options += ["-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "BatchMode=yes"]
    subprocess.run(
        ["sftp", *options, f"root@{server.address}:{there}", str(into)],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


async def _pull(server: Sshd, there: Path, layout: str) -> None:
    settings = of_sshd(server.folder / "ours", server, there, layout=layout)
    puller = Puller(settings, settings.sources[0])
    pulled = await puller.pull({}, lambda _: None)
    await puller.close()
    assert pulled.state in {"new", "resting"}  # a tree is here, and not believed at once
