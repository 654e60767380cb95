"""A station whose only source is pulled, and pulls from it as the engine makes them."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from prep_console import config
from prep_console.config import Settings
from prep_console.intake.pull.job import Progress, Pulled
from prep_console.intake.pull.puller import Puller
from tests.sshd import Sshd


def settings_of(folder: Path, source: Mapping[str, object]) -> Settings:
    """Settings with one source."""
    lines = [f"{key} = {value!r}" for key, value in source.items()]
    text = "\n".join(
        [
            "[station]",
            f"root = '{folder / 'root'}'",
            "[election]",
            "elections = ['DIP_LOC', 'AYUN']",
            "[[intake.source]]",
            *lines,
        ]
    )
    return config.parse(text, "here")


def of_sshd(folder: Path, server: Sshd, path: Path, **more: object) -> Settings:
    """A station that pulls ``path`` from ``server``."""
    source = {
        "kind": "sftp",
        "host": f"{server.address}:{server.port}",
        "user": "root",
        "key_file": str(server.key),
        "known_hosts": str(server.known_hosts),
        "path": str(path),
        **more,
    }
    return settings_of(folder, source)


async def pulled(
    settings: Settings,
    marks: Mapping[str, str] | None = None,
    *,
    again: bool = False,
    told: list[Progress] | None = None,
    rest_s: float = 0.0,
) -> Pulled:
    """One pull by a child of its own."""
    puller = Puller(settings, settings.sources[0], rest_s=rest_s)
    told = [] if told is None else told
    try:
        return await puller.pull(marks or {}, told.append, again=again)
    finally:
        await puller.close()


_SLOWLY = """
import os, select
while data := os.read(0, {at_once}):
    select.select([], [], [], 0.01)
    os.write(1, data)
"""


def slow_line(folder: Path, at_once: int) -> str:
    """A line of sshd_config: what its SFTP server says passes ``at_once`` bytes a hundredth."""
    program = folder / "slow.py"
    program.write_text(_SLOWLY.format(at_once=at_once))
    return f"ForceCommand /usr/lib/openssh/sftp-server | {sys.executable} {program}"


def bytes_of(paths: Sequence[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in paths}


def archive(folder: Path, name: str, size: int, seed: int = 1) -> bytes:
    """Bytes that end as a zip does, so that they look whole; written under ``name``."""
    body = b"PK\x05\x06" + bytes(18)
    block = random.Random(seed).randbytes(min(size, 1 << 20))
    content = (block * (size // len(block) + 1))[: max(0, size - len(body))] + body
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return content


def pulling_children() -> list[psutil.Process]:
    """The children of this process that fetch, and have not ended."""
    return [child for child in psutil.Process().children() if _fetches(child)]


def _fetches(child: psutil.Process) -> bool:
    try:
        return "prep_console.intake.pull.child" in child.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):  # it ended, or this very moment
        return False


async def until(condition: object, timeout_s: float = 60.0) -> None:
    """Wait in a loop for a condition, as tests.waiting does without one."""
    assert callable(condition)
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)
