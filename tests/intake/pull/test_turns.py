"""However many names a source has, everything else in the child goes on meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import asyncssh
import pytest

from prep_console.intake.pull import flow, lists, sftp, tree
from prep_console.intake.pull.flow import Flow
from prep_console.intake.pull.job import Job, Progress
from prep_console.intake.pull.sftp import _InTurns
from tests.intake.pull.pulling import of_sshd
from tests.sshd import sshd

FILES = 1500


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is a turn of its own: how much fits into one depends on the machine."""
    monkeypatch.setattr(flow, "_TURN_S", 0.0)


class Beat:
    """Counts the turns of the loop, and of the steps that ``step`` notes those of the longest."""

    def __init__(self) -> None:
        self.turns = self.longest = self._steps = 0

    def step(self) -> None:
        self._steps += 1

    async def run(self) -> None:
        while True:
            self.turns += 1
            self.longest, self._steps = max(self.longest, self._steps), 0
            await asyncio.sleep(0)


@pytest.fixture
async def beat() -> AsyncIterator[Beat]:
    made = Beat()
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()


def fill(folder: Path) -> None:
    for number in range(FILES):
        path = folder / str(number % 7) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1e9, 1e9))


@pytest.mark.server
@pytest.mark.usefixtures("at_once")
async def test_a_tree_of_many_files_is_looked_at_and_deleted_in_turns(
    tmp_path: Path, beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done between two turns of the loop is counted, not how long it took."""

    def noting(real: object) -> object:
        def noted(*args: object, **more: object) -> object:
            beat.step()
            assert callable(real)
            return real(*args, **more)

        return noted

    there, into = tmp_path / "sitio", tmp_path / "into"
    fill(there)
    fill(into / tree.FOLDER)
    monkeypatch.setattr(tree, "_here", noting(tree._here))
    monkeypatch.setattr(Path, "unlink", noting(Path.unlink))
    monkeypatch.setattr(hashlib, "sha256", noting(hashlib.sha256))
    with sshd(tmp_path / "sshd") as server:
        source = of_sshd(tmp_path, server, there, layout="tree").sources[0]
        try:
            assert (await sftp.fetch(Job(source, into, {}), lambda _: None)).state == "new"
            there.rename(tmp_path / "before")
            there.mkdir()
            assert (await sftp.fetch(Job(source, into, {}), lambda _: None)).state == "new"
        finally:
            sftp._forget(sftp._kept[0])
    assert not list((into / tree.FOLDER).iterdir())
    assert beat.turns > FILES
    assert beat.longest < FILES / 10


@pytest.mark.usefixtures("at_once")
async def test_a_long_look_at_our_own_files_is_told_and_can_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "_BETWEEN_S", 0.0)
    fill(tmp_path)
    told: list[Progress] = []
    going = Flow(told.append)
    removing = asyncio.create_task(tree._remove(tmp_path, {}, going))
    while len(told) < FILES / 2:
        await asyncio.sleep(0)
    assert going.answered > 0  # the guard does not take it for the peer's silence
    removing.cancel()
    await asyncio.gather(removing, return_exceptions=True)
    assert removing.cancelled()
    assert any(path.is_file() for path in tmp_path.rglob("*"))


async def test_many_short_steps_are_a_long_one(beat: Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand folders, each looked through in no time at all."""
    seconds = itertools.count(1)
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds) * flow._TURN_S / 10)
    going, before = Flow(lambda _: None), beat.turns
    for _ in range(1000):
        async for _ in going.in_turns("ab"):
            pass
    assert beat.turns - before > 100


class Endless:
    """Whatever is asked for has come already."""

    async def readexactly(self, count: int) -> bytes:
        return bytes(count)


async def test_answers_that_came_together_are_not_worked_on_in_one_go(beat: Beat) -> None:
    reader = _InTurns(cast("asyncssh.SSHReader[bytes]", Endless()))
    before = beat.turns
    for _ in range(100):
        await reader.readexactly(16 << 10)
    assert beat.turns - before > 40


async def test_an_answer_that_openssh_would_not_take_is_refused() -> None:
    reader = _InTurns(cast("asyncssh.SSHReader[bytes]", Endless()))
    with pytest.raises(asyncssh.SFTPBadMessage):
        await reader.readexactly(1 << 20)


class Counted(dict[str, str]):
    """How often somebody goes through all of it."""

    times = 0

    def __iter__(self) -> Iterator[str]:
        self.times += 1
        return super().__iter__()


def test_the_lists_of_many_archives_are_found_in_one_look() -> None:
    names = [f"20240602_{h:02}{m:02}_PREP_AYUN_QRO.zip" for h, m in itertools.product(*HOURS)]
    there = Counted(dict.fromkeys(names, "1"))
    there |= {f"{name}.sha256": "2" for name in names}
    there |= {f"{names[0]}.md5": "3", "SHA256SUMS": "4", "Quer\udce9taro.zip.md5": "5"}
    there["Quer\udce9taro.zip"] = "6"
    states = lists.states(there)
    assert there.times <= 2
    assert states[names[0]] == f"1; {names[0]}.md5 3; {names[0]}.sha256 2"
    assert states[names[1]] == f"1; {names[1]}.sha256 2"


HOURS = range(24), range(60)
