"""Whether the peer is silent, or we are at work."""

from __future__ import annotations

import asyncio
import threading

import pytest

from prep_console.intake.pull.flow import Flow


async def test_work_of_ours_is_no_silence_of_the_peer_and_is_waited_for_when_cancelled() -> None:
    going, goes_on, ended = Flow(lambda _: None), threading.Event(), threading.Event()
    began = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(began.set)
        goes_on.wait(20)
        ended.set()

    doing = asyncio.create_task(going.beside(work))
    await began.wait()
    assert going.silent_s() == 0.0  # though nobody has ever answered
    doing.cancel()
    await asyncio.sleep(0.05)
    assert not doing.done()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert ended.is_set()
    assert going.works == 0
    assert going.silent_s() < 20.0
