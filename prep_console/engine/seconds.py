"""What the engine does each second begins in one moment.

Waking a process up costs more than most of what is then done: 0.2 ms of a core in a virtual
machine, so that five sleepers of a second each would take a tenth of a per cent by themselves.
"""

from __future__ import annotations

import asyncio


def to_next_second() -> float:
    """Seconds until the clock of the loop is at a whole one."""
    return 1.0 - asyncio.get_running_loop().time() % 1.0


async def next_second() -> None:
    """Sleep until then; what took longer than a second waits for the one after."""
    await asyncio.sleep(to_next_second())
