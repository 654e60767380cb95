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
import weakref
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

from prep_console import reasons
from prep_console.snapshot import Detail, Reading, ReadingState
from prep_console.values import replace
from prep_console.wording import visible

log = logging.getLogger(__name__)

T = TypeVar("T")
Deliver = Callable[[Mapping[str, Reading]], None]
Clock = Callable[[], datetime]

WRONG_SETTING = "wrong setting"
"""How the reason of a reading begins that a setting keeps from being taken."""
_JITTER = 0.1
"""Share of a period that each start moves by, so that probes do not all start together."""
_NUDGED_S = 0.2
"""The soonest that one look follows another, however often it is asked for."""
_CLOSE_S = 0.5
"""A probe that takes longer to give back what it holds is left behind."""
_REASON = 200
_TEXT = 1000
"""Longest reason, and longest text in a value or detail: a neighbour may answer a megabyte."""


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

    ``nudge`` set by another task asks for a look at once (after a switch, say); a storm of them
    makes no more looks than one each ``_NUDGED_S``.
    """
    look = _Look(probe, now)
    nudge = nudge or asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        await _pause(nudge, chance() * min(1.0, probe.period_s * _JITTER))
        while True:
            started = loop.time()
            nudge.clear()
            _hand_over(deliver, await look.take(), probe)
            period_s = probe.period_s * (1 + _JITTER * (2 * chance() - 1))
            await asyncio.sleep(min(period_s, started + _NUDGED_S - loop.time()))
            await _pause(nudge, started + period_s - loop.time())
    finally:
        look.abandon()
        await _close(probe)


def _hand_over(deliver: Deliver, readings: Mapping[str, Reading], probe: Probe) -> None:
    """What the receiver makes of a reading is no reason to look no more."""
    try:
        deliver(readings)
    except Exception:
        log.exception("what %s read was not taken", ", ".join(probe.names))


async def _close(probe: Probe) -> None:
    """A neighbour that hangs may hang at the end as well: the engine does not wait for it."""
    closing = asyncio.ensure_future(probe.close())
    try:
        # shielded and not joined: one that ignores its cancellation must not hold up the end
        await asyncio.wait({closing}, timeout=_CLOSE_S)
    finally:
        if not closing.done():
            log.warning("what looks at %s does not close", ", ".join(probe.names))
            closing.cancel()
        closing.add_done_callback(_closed)


def _closed(closing: asyncio.Task[None]) -> None:
    if not closing.cancelled() and (problem := closing.exception()) is not None:
        log.warning("closing a probe failed", exc_info=problem)


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
            return self._unknown(reasons.HANGS)
        self._task = asyncio.ensure_future(_read(self._probe))
        # not asyncio.timeout: that waits for the cancelled task, which may never end
        await asyncio.wait({self._task}, timeout=self._probe.deadline_s)
        if not self._task.done():
            self.abandon()
            return self._unknown(reasons.NO_ANSWER.format(seconds=f"{self._probe.deadline_s:g}"))
        if self._task.cancelled():
            return self._unknown(reasons.CANCELLED)
        problem = self._task.exception()
        if problem is None:
            self._logged = ""
            return self._promised(self._task.result())
        reason = f"{type(problem).__name__}: {problem}".rstrip(": ")[:_REASON]
        if reason != self._logged:  # once, not every few seconds for a whole night
            log.warning("probe of %s failed", ", ".join(self._probe.names), exc_info=problem)
        self._logged = reason
        return self._unknown(reason)

    def abandon(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._task.add_done_callback(_retrieve)

    def _promised(self, readings: Mapping[str, Reading]) -> dict[str, Reading]:
        """Every reading that was promised and no other, each of a bounded size."""
        missing = tuple(name for name in self._probe.names if name not in readings)
        taken = {name: _bounded(readings[name]) for name in self._probe.names if name in readings}
        return {**taken, **unknown(missing, reasons.NOT_BROUGHT, self._now())}

    def _unknown(self, reason: str) -> dict[str, Reading]:
        return unknown(self._probe.names, reason, self._now())


def _bounded(taken: Reading) -> Reading:
    """The reading with its texts as they may go to any screen and file.

    They are foreign: control and direction marks, and what is no Unicode at all, are written out;
    what is longer than a screen wants is cut off.
    """
    return replace(
        taken,
        value=_told(taken.value),
        error=None if taken.error is None else visible(taken.error[:_REASON])[:_REASON],
        detail={name: _told(value) for name, value in taken.detail.items()},
    )


def _told(value: T) -> T | str:
    return visible(value[:_TEXT])[:_TEXT] if isinstance(value, str) else value


async def _read(probe: Probe) -> Mapping[str, Reading]:
    return await probe.read()


def _retrieve(task: asyncio.Task[Mapping[str, Reading]]) -> None:
    """Take note of how an abandoned look ended, or asyncio complains about it on stderr."""
    if not task.cancelled():
        task.exception()


class OwnThread(Generic[T]):
    """Runs one blocking call at a time in a daemon thread of its own.

    The default executor's threads are few and hold up the exit; a call stuck in a dead disk must
    do neither. While it is stuck no second thread is spent on it. The thread stays between the
    calls: to start one costs more than most of them, and an engine makes three each second.
    """

    def __init__(self) -> None:
        self._last: concurrent.futures.Future[T] | None = None
        self._works: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    async def run(self, call: Callable[[], T]) -> T:
        """What ``call`` returns or raises; TimeoutError while the call before still hangs."""
        if self._last is not None and not self._last.done():
            raise TimeoutError(reasons.HANGS_IN_KERNEL)
        done: concurrent.futures.Future[T] = concurrent.futures.Future()
        done.set_running_or_notify_cancel()  # from here on a cancelled waiter leaves it alone

        def work() -> None:
            try:
                done.set_result(call())
            except Exception as exc:
                done.set_exception(exc)

        if self._last is None:
            self._start()
        self._last = done
        self._works.put(work)
        return await asyncio.wrap_future(done)

    def _start(self) -> None:
        thread = threading.Thread(target=_serve, args=(self._works,), daemon=True, name="probe")
        thread.start()
        weakref.finalize(self, self._works.put, None)  # nobody can ask any more: it ends


def _serve(works: SimpleQueue[Callable[[], None] | None]) -> None:
    while (work := works.get()) is not None:
        work()
        del work  # nothing of it is kept while the next one is waited for
