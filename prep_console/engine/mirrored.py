"""The drop folder as a tree that the institute mirrors in place: taken whole, never touched."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from prep_console.config import Settings
from prep_console.engine.worker import Worker
from prep_console.intake.push.sessions import marks_folder, sessions
from prep_console.intake.push.tree import MirroredTree
from prep_console.problems import Problem

log = logging.getLogger(__name__)

_REST_S = 2.0
_SHARE = 100
"""Of its time a look takes at most one part in this many: 6,000 files take 30 ms."""
_RETRY_S = 5.0
_PARKED_S = 30.0


async def take_trees(
    settings: Settings,
    worker: Worker,
    switched: asyncio.Event,
    clock_known: Callable[[], bool],
    connected: Callable[[], bool],
) -> None:
    """Take the tree whenever it stands still and is another one, for ever."""
    marks = marks_folder(settings.root)
    tree = MirroredTree(
        settings.drop_folder, settings.intake.settle_seconds, lambda: sessions(marks), connected
    )
    with suppress(Problem):
        await worker.warm()
    while True:
        began = time.monotonic()
        try:
            rest_s = await _round(settings, tree, worker, switched, clock_known)
        except (OSError, Problem) as error:
            log.error("intake: %s", error)
            rest_s = _RETRY_S
        except Exception:  # one tree never stops the next one, nor the engine
            log.exception("intake of the tree")
            tree.note_taken()
            rest_s = _RETRY_S
        await asyncio.sleep(max(rest_s, min(_PARKED_S, _SHARE * (time.monotonic() - began))))


async def _round(
    settings: Settings,
    tree: MirroredTree,
    worker: Worker,
    switched: asyncio.Event,
    clock_known: Callable[[], bool],
) -> float:
    if not await asyncio.to_thread(tree.ready):
        return _REST_S
    receipt = await worker.receive(
        settings.drop_folder, standing=tree.shape, clock_known=clock_known()
    )
    if receipt.result == "parked":
        return _PARKED_S
    if receipt.still_coming:
        return _REST_S
    tree.note_taken()
    if receipt.published is not None:
        switched.set()
    log.info("the tree: %s %s", receipt.result, receipt.cut or "")
    return _REST_S
