"""What comes over one SFTP connection: how much, how fast, and when the peer last answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from prep_console.intake.pull.job import Progress, Told
from prep_console.wording import visible

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
