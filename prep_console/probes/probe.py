"""The one shape of every probe, and the loop that keeps one going.

A probe may fail, hang or ignore its own cancellation: whatever it does, its readings turn
*unknown* with the reason at its deadline, and no other probe waits for it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from prep_console.snapshot import Detail, Reading, ReadingState

log = logging.getLogger(__name__)

T = TypeVar("T")
Deliver = Callable[[Mapping[str, Reading]], None]
Clock = Callable[[], datetime]

WRONG_SETTING = "wrong setting"
"""How the reason of a reading begins that a setting keeps from being taken."""
_JITTER = 0.1
"""Share of a period that each start moves by, so that probes do not all start together."""


def utc_now() -> datetime:
    """The time that facts are stamped with; the default wherever a clock is injected."""
    return datetime.now(UTC)


class Probe(Protocol):
    """Something that is looked at now and then. Make one per neighbour and keep it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every reading that :meth:`read` returns: what turns unknown when it fails."""

    @property
    def period_s(self) -> float:
        """From the start of one look to the start of the next."""

    @property
    def deadline_s(self) -> float:
        """After this long a look counts as failed."""

    async def read(self) -> Mapping[str, Reading]:
        """Look once. Any exception means that nothing was learned."""

    async def close(self) -> None:
        """Give back what it holds; called once, when its loop ends."""


class Misconfigured:
    """Stands for a probe whose setting cannot work: unknown for ever, and it says which one."""

    period_s = 10.0
    deadline_s = 1.0

    def __init__(self, names: tuple[str, ...], reason: str, *, now: Clock = utc_now) -> None:
        """``reason`` names the setting: ``power.device.nut: 'ups' is not UPS@HOST``."""
        self.names = names
        self.reason = f"{WRONG_SETTING} {reason.removeprefix(WRONG_SETTING).strip()}"
        self._now = now

    async def read(self) -> Mapping[str, Reading]:
        """Unknown, with the reason."""
        return unknown(self.names, self.reason, self._now())

    async def close(self) -> None:
        """Nothing is held."""


def unknown(names: tuple[str, ...], reason: str, at: datetime) -> dict[str, Reading]:
    """Readings that say they could not be taken, and why (English)."""
    return {name: Reading(None, "", "unknown", at, error=reason) for name in names}


def reading(
    value: float | str,
    unit: str,
    at: datetime,
    *,
    warning: bool = False,
    critical: bool = False,
    **detail: Detail,
) -> Reading:
    """A reading that was taken: critical beats warning beats ok."""
    state: ReadingState = "critical" if critical else "warning" if warning else "ok"
    return Reading(value, unit, state, at, detail=detail)


async def run_probe(
    probe: Probe,
    deliver: Deliver,
    *,
    nudge: asyncio.Event | None = None,
    now: Clock = utc_now,
    chance: Callable[[], float] = random.random,
) -> None:
    """Look at ``probe`` every period until cancelled, and ``deliver`` what it reads.

    ``nudge`` set by another task asks for a look at once (after a switch, say).
    """
    look = _Look(probe, now)
    nudge = nudge or asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        await _pause(nudge, chance() * min(1.0, probe.period_s * _JITTER))
        while True:
            started = loop.time()
            nudge.clear()
            deliver(await look.take())
            period_s = probe.period_s * (1 + _JITTER * (2 * chance() - 1))
            await _pause(nudge, started + period_s - loop.time())
    finally:
        look.abandon()
        await probe.close()


async def _pause(nudge: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await nudge.wait()
    except TimeoutError:
        return


class _Look:
    """One look at a time. A look that outlives its cancellation is not joined by a second one."""

    def __init__(self, probe: Probe, now: Clock) -> None:
        self._probe = probe
        self._now = now
        self._task: asyncio.Task[Mapping[str, Reading]] | None = None
        self._logged = ""

    async def take(self) -> Mapping[str, Reading]:
        if self._task is not None and not self._task.done():
            return self._unknown("the look before still hangs")
        self._task = asyncio.ensure_future(_read(self._probe))
        # not asyncio.timeout: that waits for the cancelled task, which may never end
        await asyncio.wait({self._task}, timeout=self._probe.deadline_s)
        if not self._task.done():
            self.abandon()
            return self._unknown(f"no answer within {self._probe.deadline_s:g} s")
        if self._task.cancelled():
            return self._unknown("the look was cancelled")
        problem = self._task.exception()
        if problem is None:
            self._logged = ""
            return self._task.result()
        reason = f"{type(problem).__name__}: {problem}".rstrip(": ")
        if reason != self._logged:  # once, not every few seconds for a whole night
            log.warning("probe of %s failed", ", ".join(self._probe.names), exc_info=problem)
        self._logged = reason
        return self._unknown(reason)

    def abandon(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._task.add_done_callback(_retrieve)

    def _unknown(self, reason: str) -> dict[str, Reading]:
        return unknown(self._probe.names, reason, self._now())


async def _read(probe: Probe) -> Mapping[str, Reading]:
    return await probe.read()


def _retrieve(task: asyncio.Task[Mapping[str, Reading]]) -> None:
    """Take note of how an abandoned look ended, or asyncio complains about it on stderr."""
    if not task.cancelled():
        task.exception()


class OwnThread(Generic[T]):
    """Runs one blocking call at a time in a daemon thread of its own.

    The default executor's threads are few and hold up the exit; a call stuck in a dead disk must
    do neither. While it is stuck no second thread is spent on it.
    """

    def __init__(self) -> None:
        self._last: concurrent.futures.Future[T] | None = None

    async def run(self, call: Callable[[], T]) -> T:
        """What ``call`` returns or raises; TimeoutError while the call before still hangs."""
        if self._last is not None and not self._last.done():
            raise TimeoutError("the call before still hangs in the kernel")
        done: concurrent.futures.Future[T] = concurrent.futures.Future()
        done.set_running_or_notify_cancel()  # from here on a cancelled waiter leaves it alone

        def work() -> None:
            try:
                done.set_result(call())
            except Exception as exc:
                done.set_exception(exc)

        self._last = done
        threading.Thread(target=work, daemon=True, name="probe").start()
        return await asyncio.wrap_future(done)
