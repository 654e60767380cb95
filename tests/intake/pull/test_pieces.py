"""The pieces of one file on their way: in order whatever comes short, and none lost to a fault."""

from __future__ import annotations

import asyncio
import random
from typing import cast

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_console.intake.pull import pieces
from prep_console.intake.pull.pieces import WINDOW, windows


class Remote:
    """A file at a server: its answers come out of order, each short, too long or a fault."""

    def __init__(
        self, content: bytes, seed: int = 0, short: float = 0.0, long: float = 0.0
    ) -> None:
        self._content = content
        self._random = random.Random(seed)
        self._short, self._long = short, long
        self.fault_at: int | None = None
        self.asked = self.most_under_way = self._under_way = 0

    async def read(self, count: int, start: int) -> bytes:
        self.asked += 1
        self._under_way += 1
        self.most_under_way = max(self.most_under_way, self._under_way)
        try:
            for _ in range(self._random.randrange(4)):
                await asyncio.sleep(0)
            if self.fault_at is not None and start <= self.fault_at < start + count:
                raise asyncssh.SFTPFailure("a disk there")
            if self._random.random() < self._short:
                count = self._random.randrange(1, count + 1)
            elif self._random.random() < self._long:
                count += self._random.randrange(1, 3 * WINDOW)
            return self._content[start : start + count]
        finally:
            self._under_way -= 1


async def read_from(remote: Remote, start: int, size: int, had: bytearray) -> bytearray:
    """Into ``had``, which keeps what came before a fault."""
    async for came in windows(cast("asyncssh.SFTPClientFile", remote), start, size):
        assert all(came)
        had += b"".join(came)
    return had


@given(
    windows_long=st.floats(0, 50),
    start=st.integers(0, 3 * WINDOW),
    short=st.sampled_from([0.0, 0.1, 0.9]),
    long=st.sampled_from([0.0, 0.1]),
    seed=st.integers(0, 1000),
)
async def test_all_bytes_come_in_order(
    windows_long: float, start: int, short: float, long: float, seed: int
) -> None:
    content = random.Random(seed).randbytes(int(windows_long * WINDOW))
    remote = Remote(content, seed, short, long)
    assert await read_from(remote, start, len(content), bytearray()) == content[start:]
    assert remote.most_under_way <= 32


@pytest.mark.parametrize("more", [0, 7])
async def test_a_file_that_is_shorter_than_it_was_said_to_be_ends(more: int) -> None:
    content = random.Random(1).randbytes(5 * WINDOW + more)
    assert await read_from(Remote(content), 0, 40 * WINDOW, bytearray()) == content


async def test_what_came_before_a_fault_is_handed_on_first() -> None:
    content = random.Random(1).randbytes(20 * WINDOW)
    remote = Remote(content, seed=3)
    remote.fault_at = 17 * WINDOW + 5
    had = bytearray()
    with pytest.raises(asyncssh.SFTPFailure):
        await read_from(remote, 0, len(content), had)
    assert had == content[: 17 * WINDOW]


async def test_pieces_that_have_come_are_handed_on_together() -> None:
    remote = cast("asyncssh.SFTPClientFile", Remote(bytes(64 * WINDOW)))
    handed = list[int]()
    async for came in windows(remote, 0, 64 * WINDOW):
        handed.append(len(came))
        await asyncio.sleep(0.001)  # as writing them would take
    assert sum(handed) == 64
    assert max(handed) == pieces._TOGETHER
    assert len(handed) < 20
