"""The works of each second begin together."""

from __future__ import annotations

import asyncio
import math

from prep_console.engine.seconds import next_second, to_next_second


async def test_who_sleeps_wakes_at_the_next_whole_second() -> None:
    clock = asyncio.get_running_loop().time
    for _ in range(2):
        began = clock()
        await next_second()
        assert clock() >= math.floor(began) + 1


async def test_those_who_began_apart_wake_at_one_time() -> None:
    clock = asyncio.get_running_loop().time
    await next_second()
    began = math.floor(clock())
    woken = []

    async def sleeper(after: float) -> None:
        await asyncio.sleep(after)
        aim = clock() + to_next_second()
        await next_second()
        woken.append(round(aim, 3))

    await asyncio.gather(*(sleeper(n / 1000) for n in (0, 1, 5)))
    assert len(woken) == 3
    assert all(aim == math.floor(aim) > began for aim in woken), woken
