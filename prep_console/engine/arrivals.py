"""The drop folder's own reading: what arrives there now, and whether it stands still."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from prep_console.config import Settings
from prep_console.intake.push.arrivals import Arrivals, Arriving
from prep_console.intake.push.sessions import broken_off, marks_folder, sessions
from prep_console.snapshot import Detail, Reading

_QUICK_S = 1.0
_IDLE_S = 5.0

Deliver = Callable[[Mapping[str, Reading]], None]


async def watch_arrivals(settings: Settings, moved: asyncio.Event, deliver: Deliver) -> None:
    """Tell what arrives, for ever: each second while something does.

    ``moved`` is set whenever something happens in the drop folder.
    """
    name = f"source.{settings.drop.label}"
    arrivals = Arrivals(settings.drop_folder)
    while True:
        arriving = await asyncio.to_thread(arrivals.look)
        deliver({name: reading(settings, arriving)})
        moved.clear()
        if arriving is not None:
            await asyncio.sleep(_QUICK_S)
            continue
        with suppress(TimeoutError):
            async with asyncio.timeout(_IDLE_S):
                await moved.wait()


def reading(settings: Settings, arriving: Arriving | None) -> Reading:
    """In words of :mod:`prep_console.snapshot`."""
    now = datetime.now(UTC)
    known = sessions(marks_folder(settings.root))
    detail: dict[str, Detail] = {"kind": "drop", "layout": settings.drop.layout}
    if known:
        detail["sessions"] = sum(session.open for session in known)
    if arriving is None:
        tree = settings.drop.layout == "tree"
        if tree and broken_off(known):
            return Reading("broken off", "", "warning", now, detail=detail)
        if not tree and not os.access(settings.drop_folder, os.W_OK | os.X_OK):
            return Reading("undeletable", "", "warning", now, detail=detail)
        return Reading("waiting", "", "ok", now, detail=detail)
    detail |= {
        "file": arriving.file,
        "bytes": arriving.bytes,
        "total_bytes": None,
        "bytes_per_s": round(arriving.bytes_per_s, 1),
        "quiet_s": round(arriving.quiet_s, 1),
    }
    if arriving.closed:
        return Reading("unreadable", "", "warning", now, detail=detail)
    if arriving.quiet_s >= settings.drop.stall_seconds:
        return Reading("stalled", "", "warning", now, detail=detail)
    return Reading("arriving", "", "ok", now, detail=detail)
