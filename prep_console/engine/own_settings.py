"""Whether the engine still runs with what its settings file says.

The engine reads its settings once, at its start: a restart takes a second and costs the public
nothing, while one that had taken half of a change would be hard to reason about. So a change that
is not in force has to be seen, and so has a file with which the next start would fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prep_console import config
from prep_console.config import Settings
from prep_console.config.origins import differing
from prep_console.probes.probe import Clock, OwnThread, reading, utc_now
from prep_console.problems import Problem
from prep_console.snapshot import Reading

NAME = "engine.settings"
IN_FORCE, CHANGED, WRONG = "in force", "changed", "wrong"
_TEXT = 400


class OwnSettings:
    """``engine.settings``: in force, changed since the start (``detail``: which), or wrong."""

    names = (NAME,)
    period_s = 5.0
    deadline_s = 4.0

    def __init__(self, settings: Settings, file: Path, *, now: Clock = utc_now) -> None:
        self._settings = settings
        self._file = file
        self._now = now
        self._thread: OwnThread[Mapping[str, Reading]] = OwnThread()

    async def read(self) -> Mapping[str, Reading]:
        """Look at the file again."""
        return await self._thread.run(self._look)

    async def close(self) -> None:
        """Nothing is held."""

    def _look(self) -> Mapping[str, Reading]:
        at, file = self._now(), str(self._file)
        try:
            keys = differing(self._settings, config.load(self._file))
        except Problem as problem:
            error = problem.what.in_("en")[:_TEXT]
            return {NAME: reading(WRONG, "", at, warning=True, file=file, error=error)}
        if not keys:
            return {NAME: reading(IN_FORCE, "", at, file=file)}
        return {NAME: reading(CHANGED, "", at, warning=True, file=file, changed=", ".join(keys))}
