"""The bytes of one file over SFTP, in pieces small enough that a slow line is no silence."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import asyncssh

WINDOW = 128 << 10
"""Bytes asked for at once: at 5 KB/s they still come before a peer counts as stalled."""
_AHEAD = 32
"""Windows under way, 4 MiB, so that the line never waits for us."""
_TOGETHER = 8
"""Windows handed on at once, 1 MiB: three times as many are under way while they are written."""


def block_size(sftp: asyncssh.SFTPClient) -> int:
    """Of ``open``: a window is one request where the server answers that much, as OpenSSH does."""
    return 0 if sftp.limits.max_read_len >= WINDOW else -1


async def piece(file: asyncssh.SFTPClientFile, start: int, count: int) -> bytes:
    """The bytes from ``start`` on, in as many answers as the server makes of it; fewer at its end.

    One that answers more than it was asked for is taken at its word.
    """
    data: bytes = await file.read(count, start)
    while 0 < len(data) < count:
        more: bytes = await file.read(count - len(data), start + len(data))
        if not more:
            break
        data += more
    return data


async def windows(
    file: asyncssh.SFTPClientFile, start: int, size: int
) -> AsyncIterator[list[bytes]]:
    """The bytes from ``start`` up to ``size``, in order, others under way while some are written.

    As many pieces at once as have come: a quick line waits for few hand-overs, a slow one for none.
    Fewer bytes come when the file is shorter than it was said to be.
    """
    ahead: deque[asyncio.Task[bytes]] = deque()
    asked = start
    try:
        while start < size:
            while asked < size and len(ahead) < _AHEAD:
                ahead.append(_asked(file, asked, size))
                asked = min(asked + WINDOW, size)
            came: list[bytes] = []
            even = True
            while even and ahead and (not came or (len(came) < _TOGETHER and _has_come(ahead))):
                data = await ahead.popleft()
                even = len(data) == min(WINDOW, size - start)
                start += len(data)
                if data:
                    came.append(data)
            if not came:
                return
            yield came
            if not even:  # those that follow begin elsewhere
                await _dropped(ahead)
                asked = start
    finally:
        await _dropped(ahead)


def _has_come(ahead: deque[asyncio.Task[bytes]]) -> bool:
    """A fault waits until what came before it is kept."""
    return ahead[0].done() and ahead[0].exception() is None


async def _dropped(ahead: deque[asyncio.Task[bytes]]) -> None:
    for task in ahead:
        task.cancel()
    await asyncio.gather(*ahead, return_exceptions=True)
    ahead.clear()


def _asked(file: asyncssh.SFTPClientFile, start: int, size: int) -> asyncio.Task[bytes]:
    """A window under way."""
    return asyncio.create_task(piece(file, start, min(WINDOW, size - start)))
