"""Is the institute there: its SSH sessions now, its last one, and the last byte that it left.

What was last seen is kept in memory: after a restart of the engine it begins anew.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prep_console import reasons
from prep_console.config import Settings
from prep_console.probes.link.sessions import connected, logged_in, networks
from prep_console.probes.probe import Clock, OwnThread, unknown, utc_now
from prep_console.snapshot import Detail, Reading

INSTITUTE = "link.institute"

_LOOKED_AT = 4000
"""Entries of the drop folder that one look sees at most."""
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class _Seen:
    sessions: int
    sources: tuple[str, ...]
    logged_in: int | None
    """Sessions of the institute's account; None when the settings name none."""
    last_byte: float | None
    """Unix time of the newest change of a file in the drop folder."""


class InstituteProbe:
    """Counts connections from the institute's addresses, or its account's sessions."""

    names = (INSTITUTE,)
    period_s = 5.0
    deadline_s = 8.0

    def __init__(
        self, settings: Settings, *, now: Clock = utc_now, proc: Path = Path("/proc")
    ) -> None:
        """ValueError when an address of the institute is none."""
        self._networks = networks(settings.institute.addresses)
        self._institute = settings.institute
        self._drop = settings.drop_folder
        self._now = now
        self._proc = proc
        self._thread: OwnThread[_Seen] = OwnThread()
        self._last_session: datetime | None = None
        self._last_byte: datetime | None = None
        self._from = ""

    async def read(self) -> Mapping[str, Reading]:
        """Unknown, with the reason, when the kernel's table cannot be read."""
        try:
            seen = await self._thread.run(self._look)
        except OSError as error:
            return unknown(self.names, reasons.CONNECTIONS_UNREAD.format(error=error), self._now())
        at = self._now()
        if seen.sessions:
            self._last_session = at
            self._from = " ".join(seen.sources)[:_SHOWN]
        if seen.last_byte is not None:
            changed = min(at, datetime.fromtimestamp(seen.last_byte, UTC))
            self._last_byte = max(changed, self._last_byte or changed)
        detail: dict[str, Detail] = {
            "sessions": seen.sessions,
            "logged_in": seen.logged_in,
            "last_session_at": _text(self._last_session),
            "last_byte_at": _text(self._last_byte),
            "from": self._from or None,
        }
        return {INSTITUTE: Reading(seen.sessions, "sessions", "ok", at, detail=detail)}

    async def close(self) -> None:
        """Nothing is held between two looks."""

    def _look(self) -> _Seen:
        institute = self._institute
        account = logged_in(institute.account, self._proc) if institute.account else None
        ends = connected(institute.ssh_port, self._networks, self._proc) if self._networks else []
        sessions = len(ends) if self._networks else account or 0
        sources = tuple(sorted({str(end) for end in ends}))
        return _Seen(sessions, sources, account, newest_change(self._drop))


def newest_change(folder: Path, most: int = _LOOKED_AT) -> float | None:
    """Unix time of the newest change of a file under ``folder``; None without one.

    By ctime: who writes a file can set its mtime (rsync does), never this. Breadth first and
    bounded, since the folder is the institute's to fill; nothing in it is opened or followed.
    """
    newest, seen = None, 0
    folders = deque([os.fspath(folder)])
    while folders and seen < most:
        try:
            entries = os.scandir(folders.popleft())
        except OSError:
            continue
        with entries:
            for entry in entries:
                if (seen := seen + 1) > most:
                    break
                try:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                        continue
                    changed = entry.stat(follow_symlinks=False).st_ctime
                except OSError:  # taken away meanwhile
                    continue
                newest = changed if newest is None else max(newest, changed)
    return newest


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
