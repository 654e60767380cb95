"""What comes over one SFTP connection: how much, how fast, when the peer last answered; and the
bytes of one file in pieces small enough that a slow line is no silence."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import asyncssh

from prep_console.intake.pull.job import Progress, Told
from prep_console.wording import visible

WINDOW = 128 << 10
"""Bytes asked for at once: at 5 KB/s they still come before a peer counts as stalled."""
_AHEAD = 32
"""Windows under way, 4 MiB, so that the line never waits for us."""
_TOGETHER = 8
"""Windows handed on at once, 1 MiB: three times as many are under way while they are written."""
_BETWEEN_S = 0.2
"""Between two tellings of progress: of 10,000 small files most are not told."""
_TURN_S = 0.02
"""What is done here for many names lets everything else go on this often."""

T = TypeVar("T")


@dataclass(slots=True)
class Flow:
    """What has come, and when the peer last answered."""

    told: Told
    bytes: int = 0
    total_bytes: int | None = None
    files: int = 0
    files_total: int | None = None
    began: float = 0.0
    fetched: int = 0
    """Bytes of this try alone: the rate is made of them."""
    answered: float = 0.0
    told_at: float = 0.0
    listed_at: float = 0.0
    works: int = 0
    """What of ours is done beside the loop; meanwhile the peer need not answer."""
    turn_at: float = 0.0
    """When everything else last had its turn: of many short steps each alone is none too long."""

    def begin(self) -> None:
        self.began = self.answered = time.monotonic()

    def listed(self, folder: str, files: int) -> None:
        """The peer named one more file: a listing that goes on is told, or it looks hung."""
        self.answered = time.monotonic()
        self.listed_at = self.listed_at or self.answered  # however long the connecting took
        if self.answered - self.listed_at >= _BETWEEN_S:
            self.listed_at = self.answered
            self.told(Progress(visible(folder)[:200], self.bytes, None, files, None, 0.0))

    def busy(self) -> None:
        """We are at work here, or wait of our own will: that is no silence of the peer."""
        self.answered = time.monotonic()
        if self.answered - self.told_at >= _BETWEEN_S:
            self.told_at = self.answered
            self.told(Progress("", self.bytes, None, self.files, None, 0.0))

    async def beside(self, work: Callable[[], T]) -> T:
        """``work`` in a thread, and the line goes on meanwhile: that is no silence of the peer.

        Waited for even when this is cancelled: what it writes to is closed afterwards.
        """
        self.works += 1
        doing = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait([doing])
            raise
        finally:
            self.works -= 1
            self.answered = time.monotonic()

    def silent_s(self) -> float:
        """Seconds that we have waited for the peer."""
        return 0.0 if self.works else time.monotonic() - self.answered

    async def in_turns(self, items: Iterable[T]) -> AsyncIterator[T]:
        """``items``, with time in between for the connection, its guard and whoever cancels:
        200,000 files that are looked at or deleted in one go took that for many seconds.

        A disk that hangs still hangs us, and our parent ends us.
        """
        for item in items:
            if time.monotonic() - self.turn_at >= _TURN_S:
                self.busy()
                await asyncio.sleep(0)
                self.turn_at = time.monotonic()
            yield item

    def answer(self, name: str = "", count: int = 0) -> None:
        """The peer answered, with ``count`` bytes of the file ``name``."""
        self.answered = time.monotonic()
        self.bytes += count
        self.fetched += count
        if name and self.answered - self.told_at >= _BETWEEN_S:
            self.told_at = self.answered
            rate = self.fetched / max(self.answered - self.began, 0.001)
            shown = visible(name)[:200]
            self.told(
                Progress(shown, self.bytes, self.total_bytes, self.files, self.files_total, rate)
            )


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
            while not came or (len(came) < _TOGETHER and even and ahead and _has_come(ahead)):
                data = await ahead.popleft()
                even = len(data) == min(WINDOW, size - start)
                start += len(data)
                came.append(data)
            if came == [b""]:
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
