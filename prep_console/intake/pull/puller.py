"""One source that is asked: its child process, started when needed and killed when it hangs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from prep_console import reasons
from prep_console.config import Settings
from prep_console.config.model import Source
from prep_console.intake.pull.child import Told as Line
from prep_console.intake.pull.job import Job, Pulled, PullFailed, Told, decode, encode
from prep_console.intake.push.tree import LONG_REST_S

_GRACE_S = 10.0
"""The child's own deadline is ``stall_seconds``; past this much more it hangs itself."""
_LONGEST_LINE = 1 << 20


def fetched_folder(root: Path, source: Source) -> Path:
    """Where a source's downloads lie until they are sealed."""
    return root / "fetched" / source.label


def lock_of(root: Path, source: Source) -> Path:
    """Held while somebody asks a source and takes what came: nothing is fetched twice."""
    return root / "run" / f"pull-{source.label}.lock"


class Puller:
    """Asks one source. One pull at a time."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        grace_s: float = _GRACE_S,
        rest_s: float = LONG_REST_S,
    ) -> None:
        """``rest_s``: how long a mirrored tree must stand still, ``settle_seconds`` if longer."""
        self.source = source
        self._into = fetched_folder(settings.root, source)
        self._hung_s = source.stall_seconds + grace_s
        self._rest_s = max(rest_s, settings.intake.settle_seconds) if rest_s else 0.0
        self._settings = settings
        self._child: asyncio.subprocess.Process | None = None

    async def pull(self, marks: Mapping[str, str], told: Told, *, again: bool = False) -> Pulled:
        """The newest cut of the source, if it is newer than ``marks``. PullFailed.

        Cancelled, it kills the child at once: what was fetched stays for the next try.
        """
        settings = self._settings
        job = Job(
            self.source,
            self._into,
            dict(marks),
            again,
            self._rest_s,
            settings.station.timezone,
            tuple(settings.election.elections),
            settings.election.cadence_minutes,
            settings.intake.max_total_bytes,
        )
        try:
            return await self._ask(job, told)
        except TimeoutError as error:
            await self._end()
            raise PullFailed("stalled", reasons.FETCH_HUNG) from error
        except (OSError, EOFError, ValueError) as error:
            await self._end()
            raise PullFailed("unreachable", reasons.FETCH_DIED.format(error=error)) from error
        except asyncio.CancelledError:
            await self._end()
            raise

    async def close(self) -> None:
        """End the child. Never raises."""
        await self._end()

    async def _ask(self, job: Job, told: Told) -> Pulled:
        child = await self._started()
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(encode(job))
        await child.stdin.drain()
        while True:
            async with asyncio.timeout(self._hung_s):
                line = await child.stdout.readline()
            if not line.endswith(b"\n"):
                raise EOFError(f"exit code {child.returncode}")
            said = decode(line, Line)
            if said.progress is not None:
                told(said.progress)
            elif said.pulled is not None:
                return said.pulled
            elif said.failed:
                raise PullFailed(said.failed, said.reason)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "prep_console.intake.pull.child",
                str(os.getpid()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=_LONGEST_LINE,
                start_new_session=True,
            )
        return self._child

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(ProcessLookupError):
            child.kill()  # frozen or not; the part files stay
        await asyncio.shield(child.wait())
