"""The loop around a probe: deadlines, hanging, ignored cancellation, jitter."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import pytest

from prep_console.probes.probe import Misconfigured, OwnThread, reading, run_probe
from prep_console.snapshot import Reading

AT = datetime(2024, 6, 3, 2, 5, tzinfo=UTC)


@dataclass
class Scripted:
    """A probe whose looks do what the script says, the last step for ever."""

    script: list[str]
    names: tuple[str, ...] = ("x.one", "x.two")
    period_s: float = 0.01
    deadline_s: float = 0.05
    looks: int = 0
    closed: bool = False
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> Mapping[str, Reading]:
        step = self.script[min(self.looks, len(self.script) - 1)]
        self.looks += 1
        if step == "hang":
            await self.release.wait()
        while step == "ignore cancellation" and not self.release.is_set():
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                continue
        if step == "fail":
            raise ConnectionRefusedError("nobody listens")
        return {name: reading(1.0, "s", AT) for name in self.names}

    async def close(self) -> None:
        self.closed = True


async def collect(probe: Scripted, wanted: int, timeout_s: float = 5.0) -> list[Reading]:
    """The first ``wanted`` deliveries of ``x.one``, then the loop is cancelled."""
    got: list[Reading] = []
    enough = asyncio.Event()

    def deliver(readings: Mapping[str, Reading]) -> None:
        assert set(readings) == set(probe.names)
        got.append(readings["x.one"])
        if len(got) >= wanted:
            enough.set()

    loop = asyncio.create_task(run_probe(probe, deliver, now=lambda: AT))
    try:
        async with asyncio.timeout(timeout_s):
            await enough.wait()
    finally:
        loop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loop
    return got


async def test_readings_come_every_period_and_the_probe_is_closed_at_the_end() -> None:
    probe = Scripted(["good"])
    assert [r.state for r in await collect(probe, 5)] == ["ok"] * 5
    assert probe.closed


async def test_a_failure_is_unknown_with_its_reason_and_the_next_look_counts() -> None:
    first, second = await collect(Scripted(["fail", "good"]), 2)
    assert (first.state, first.value) == ("unknown", None)
    assert first.error == "ConnectionRefusedError: nobody listens"
    assert first.observed_at == AT
    assert second.state == "ok"


async def test_a_hung_look_is_unknown_at_its_deadline_and_the_next_one_counts() -> None:
    first, second = await collect(Scripted(["hang", "good"]), 2)
    assert first.error == "no answer within 0.05 s"
    assert second.state == "ok"


async def test_a_look_that_ignores_cancellation_is_never_joined_by_a_second_one() -> None:
    probe = Scripted(["ignore cancellation", "good"])
    got = await collect(probe, 4)
    assert [r.error for r in got[1:]] == ["the look before still hangs"] * 3
    assert probe.looks == 1
    probe.release.set()
    assert (await collect(probe, 1))[0].state == "ok"


async def test_a_hung_probe_delays_no_other() -> None:
    stuck, good = Scripted(["ignore cancellation"], deadline_s=3.0), Scripted(["good"])
    _, got = await asyncio.gather(
        asyncio.wait_for(asyncio.shield(asyncio.create_task(stuck.release.wait())), 5),
        _collect_then_release(good, stuck.release),
    )
    assert [r.state for r in got] == ["ok"] * 10


async def _collect_then_release(probe: Scripted, release: asyncio.Event) -> list[Reading]:
    got = await collect(probe, 10)
    release.set()
    return got


async def test_a_nudge_asks_for_a_look_at_once() -> None:
    probe = Scripted(["good"], period_s=3600)
    nudge, looked = asyncio.Event(), asyncio.Queue[None]()
    loop = asyncio.create_task(
        run_probe(probe, lambda _: looked.put_nowait(None), nudge=nudge, chance=lambda: 0.0)
    )
    for _ in range(3):
        async with asyncio.timeout(2):
            await looked.get()
        nudge.set()
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


async def test_a_blocked_thread_is_waited_for_once_and_not_joined_by_another() -> None:
    thread: OwnThread[str] = OwnThread()
    release = threading.Event()
    before = threading.active_count()

    def blocked() -> str:
        release.wait(10)
        return "late"

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await thread.run(blocked)
    for _ in range(3):
        with pytest.raises(TimeoutError, match="still hangs"):
            await thread.run(blocked)
    assert threading.active_count() <= before + 1
    release.set()
    async with asyncio.timeout(5):
        while True:
            try:
                assert await thread.run(lambda: "good") == "good"
            except TimeoutError:
                await asyncio.sleep(0)
                continue
            break


async def test_a_thread_hands_its_exception_on() -> None:
    thread: OwnThread[int] = OwnThread()
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    assert await thread.run(lambda: 7) == 7


async def test_a_thread_stays_between_calls_and_ends_with_its_owner() -> None:
    thread: OwnThread[threading.Thread] = OwnThread()
    first = await thread.run(threading.current_thread)
    assert await thread.run(threading.current_thread) is first
    del thread
    gc.collect()
    await asyncio.to_thread(first.join, 10)
    assert not first.is_alive()


async def test_a_wrong_setting_is_unknown_with_its_name_at_every_look() -> None:
    probe = Misconfigured(("power.a",), "power.device.nut: 'x' is not UPS@HOST", now=lambda: AT)
    for _ in range(2):
        read = (await probe.read())["power.a"]
        assert (read.state, read.value, read.observed_at) == ("unknown", None, AT)
        assert read.error == "wrong setting power.device.nut: 'x' is not UPS@HOST"
    again = Misconfigured(("power.a",), "wrong setting clock.servers: ''", now=lambda: AT)
    assert (await again.read())["power.a"].error == "wrong setting clock.servers: ''"


async def test_a_receiver_that_fails_does_not_end_the_looks() -> None:
    probe, looked = Scripted(["good"]), asyncio.Event()

    def deliver(_: Mapping[str, Reading]) -> None:
        if probe.looks >= 3:
            looked.set()
        raise RuntimeError("full")

    loop = asyncio.create_task(run_probe(probe, deliver))
    async with asyncio.timeout(5):
        await looked.wait()
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


@dataclass
class Clinging(Scripted):
    """Does not let go at the end, whatever is done to it."""

    async def close(self) -> None:
        while not self.release.is_set():
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                continue


async def test_a_probe_that_never_closes_does_not_hold_up_the_end() -> None:
    probe, looked = Clinging(["good"]), asyncio.Event()
    loop = asyncio.create_task(run_probe(probe, lambda _: looked.set()))
    async with asyncio.timeout(5):
        await looked.wait()
    loop.cancel()
    began = asyncio.get_running_loop().time()
    with pytest.raises(asyncio.CancelledError):
        await loop
    assert asyncio.get_running_loop().time() - began < 5.0
    probe.release.set()


async def test_a_storm_of_nudges_makes_no_storm_of_looks() -> None:
    probe, nudge = Scripted(["good"], period_s=3600), asyncio.Event()
    loop = asyncio.create_task(run_probe(probe, lambda _: nudge.set(), nudge=nudge))
    nudge.set()
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(5):
        while probe.looks < 4:
            nudge.set()
            await asyncio.sleep(0)
    assert asyncio.get_running_loop().time() - began > 3 * 0.19
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


@dataclass
class Odd(Scripted):
    """Brings one reading of two, one that nobody asked for, and a megabyte in each text."""

    async def read(self) -> Mapping[str, Reading]:
        self.looks += 1
        megabyte = "é" * 500_000
        odd = Reading(megabyte, "", "ok", AT, error=megabyte, detail={"name": megabyte, "n": 1})
        return {"x.one": odd, "y.unasked": odd}


async def test_only_what_was_promised_is_taken_and_never_a_megabyte_of_it() -> None:
    got: asyncio.Queue[Mapping[str, Reading]] = asyncio.Queue()
    loop = asyncio.create_task(run_probe(Odd(["good"]), got.put_nowait, now=lambda: AT))
    async with asyncio.timeout(5):
        readings = await got.get()
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
    assert set(readings) == {"x.one", "x.two"}
    assert readings["x.two"].error == "the look brought no such reading"
    one = readings["x.one"]
    assert len(str(one.value)) == len(str(one.detail["name"])) == 1000
    assert (len(one.error or ""), one.detail["n"]) == (200, 1)


class Hostile(Scripted):
    """Brings what a defaced page says."""

    async def read(self) -> Mapping[str, Reading]:
        text = "\ud800\x1b[2J\u202e\x00x"
        return {name: Reading(text, "", "ok", AT, detail={"cut": text}) for name in self.names}


async def test_foreign_text_is_visible_text_before_anybody_gets_it() -> None:
    (said,) = await collect(Hostile(["good"]), 1)
    for text in (said.value, said.detail["cut"]):
        assert isinstance(text, str)
        assert text.isprintable()
        text.encode()
    assert msgspec.json.encode(said)
