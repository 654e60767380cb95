"""Whether the engine still runs with what its settings file says.

The engine reads its settings once, at its start: a restart takes a second and costs the public
nothing, while one that had taken half of a change would be hard to reason about. So a change that
is not in force has to be seen, and so has a file with which the next start would fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from prep_console import config
from prep_console.config import Settings
from prep_console.config.origins import differing
from prep_console.engine.settings_of_then import as_told
from prep_console.probes.probe import Clock, OwnThread, utc_now
from prep_console.problems import Problem
from prep_console.snapshot import Reading
from prep_console.values import replace

NAME = "engine.settings"
IN_FORCE, CHANGED, WRONG = "in force", "changed", "wrong"
_TEXT = 400


class OwnSettings:
    """``engine.settings``: in force, changed since the start (``detail``: which), or wrong."""

    names = (NAME,)
    period_s = 15.0
    deadline_s = 4.0

    def __init__(self, settings: Settings, file: Path, *, now: Clock = utc_now) -> None:
        self._settings = settings
        self._file = file
        self._now = now
        self._thread: OwnThread[Mapping[str, Reading]] = OwnThread()
        self._seen: tuple[int, ...] | None = None
        """The file that was read last: reading it each time cost as much as all other looks."""
        self._judged = Reading(None, "", "unknown", now())

    async def read(self) -> Mapping[str, Reading]:
        """Look at the file again."""
        return await self._thread.run(self._look)

    def changed(self) -> bool:
        """Whether commands may go by other settings than this engine right now."""
        return self._look()[NAME].value == CHANGED

    async def close(self) -> None:
        """Nothing is held."""

    def _look(self) -> Mapping[str, Reading]:
        at, there = self._now(), config.version_of(self._file)
        if there is None or there != self._seen:
            self._judged = self._judge(at)
            self._seen = there
        return {NAME: replace(self._judged, observed_at=at)}

    def _judge(self, at: datetime) -> Reading:
        told = {"file": str(self._file), **as_told(self._settings)}
        try:
            keys = differing(self._settings, config.load(self._file))
        except Problem as problem:
            error = problem.what.in_("en")[:_TEXT]
            return Reading(WRONG, "", "warning", at, detail={**told, "error": error})
        if not keys:
            return Reading(IN_FORCE, "", "ok", at, detail=told)
        changed = ", ".join(keys)
        return Reading(CHANGED, "", "warning", at, detail={**told, "changed": changed})
