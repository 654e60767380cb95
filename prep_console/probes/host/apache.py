"""Apache: whether its master runs, its processes, and how busy its workers are."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
import psutil

from prep_console import reasons
from prep_console.config import Settings
from prep_console.probes.host.processes import others_hidden, pid_in, process, processes
from prep_console.probes.probe import Clock, OwnThread, reading, unknown, utc_now
from prep_console.snapshot import Detail, Reading
from prep_console.values import replace
from prep_console.wording import N_

COMMANDS = ("apache2", "httpd")

Master = Literal["running", "frozen", "stopped", "unseen"]
"""``frozen``: stopped by a signal. ``unseen``: no pid file that can be read names it."""

NOT_STATUS = N_("the address answered something that is not Apache's server-status")
NO_PID_FILE = N_("no pid file of Apache can be read and no server-status is configured")
WRONG_PID_FILE = N_("the pid file does not name the Apache that answers")

_FILE_S = 0.5
"""For the pid file and the processes; a disk that hangs leaves its time to server-status."""
_ANSWER_BYTES = 65536
_MOST = 10**15
"""No counter of a real Apache is larger."""


@dataclass(frozen=True, slots=True)
class Status:
    """What ``server-status?auto`` says."""

    busy: int
    workers: int
    """Places for workers, busy, idle or not started."""
    accesses: int | None
    """Requests since start; None when ExtendedStatus is off."""
    uptime_s: int | None


def master(pid_file: Path) -> tuple[Master, int | None]:
    """What became of Apache's master, by its pid file: Apache removes it when it ends well."""
    try:
        pid = pid_in(pid_file)
    except (OSError, ValueError):
        return "unseen", None
    found = process(pid)
    if found is None and others_hidden():
        return "unseen", None
    if found is None or found.comm not in COMMANDS or found.state in "ZX":
        return "stopped", None  # or its number is another program's by now
    return ("running", pid) if found.running else ("frozen", pid)


def orphaned(pid_file: Path, ran: int | None) -> bool:
    """Whether those who answer are children that outlive the master in the pid file.

    They go on for a while, but nobody starts new ones. It was seen to run (``ran``), or there
    are processes of its group: a master leads one, unless it was started in the foreground.
    """
    try:
        gone = pid_in(pid_file)
    except (OSError, ValueError):
        return False
    if gone == ran:
        return True
    return any(found.comm in COMMANDS and _group(found.pid) == gone for found in processes())


def status_of(text: str) -> Status:
    """ValueError for anything that is not a whole answer of mod_status."""
    said = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)

    def number(key: str) -> int | None:
        if key not in said:
            return None
        if not said[key].isascii() or not said[key].isdigit() or int(said[key][:16]) > _MOST:
            raise ValueError(NOT_STATUS)
        return int(said[key])

    busy, idle, board = number("BusyWorkers"), number("IdleWorkers"), said.get("Scoreboard")
    if busy is None or idle is None or not board:
        raise ValueError(NOT_STATUS)
    return Status(
        busy=busy,
        workers=max(len(board), busy + idle),
        accesses=number("Total Accesses"),
        uptime_s=number("ServerUptimeSeconds"),
    )


class ApacheProbe:
    """``host.apache``: busy workers, or ``running`` where server-status is not configured."""

    names = ("host.apache",)
    period_s = 5.0
    deadline_s = 5.0

    def __init__(
        self,
        settings: Settings,
        *,
        now: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``host.apache_status`` may lack its ``?auto``. ValueError when it is no http(s) URL."""
        self._pid_file = Path(settings.host.apache_pid_file)
        self._url = _auto(settings.host.apache_status)
        self._now = now
        self._monotonic = monotonic
        self._thread: OwnThread[tuple[Master, int | None, Mapping[str, Detail]]] = OwnThread()
        self._ran: int | None = None
        """The master that was seen to run last."""
        self._client: httpx.AsyncClient | None = None
        self._before: tuple[float, int] | None = None
        """When and how many requests were counted at the look before."""

    async def read(self) -> Mapping[str, Reading]:
        """Unknown with the reason where neither processes nor status tell."""
        state, seen = await self._seen()
        if state == "frozen" or (state == "stopped" and not (self._url and seen["running"])):
            self._before = None
            return self._told(state, {"running": False})
        if not self._url:
            if state == "unseen":
                return unknown(self.names, NO_PID_FILE, self._now())
            return self._told("running", seen)
        try:
            async with asyncio.timeout(self.deadline_s - 1):
                status = status_of(await self._ask())
        except (httpx.HTTPError, OSError, ValueError, TimeoutError) as error:
            self._before = None
            if state == "stopped" or (state == "unseen" and _refused(error)):
                return self._told("stopped", {"running": False})
            return unknown(self.names, self._reason(error), self._now())
        if state == "stopped":
            seen = {**seen, "pid_file": WRONG_PID_FILE}
        return {"host.apache": self._judged(status, seen)}

    async def close(self) -> None:
        """Gives the connection back."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _seen(self) -> tuple[Master, Mapping[str, Detail]]:
        """What pid file and processes tell; a file that cannot be read in time tells nothing.

        ``running`` is False where only children of a killed master are left.
        """
        try:
            async with asyncio.timeout(_FILE_S):
                look = self._thread.run(lambda: _look(self._pid_file, self._ran))
                state, self._ran, seen = await look
                return state, seen
        except TimeoutError:
            return "unseen", {"running": True, **_processes(None)}

    def _told(self, state: str, detail: Mapping[str, Detail]) -> Mapping[str, Reading]:
        told = reading(state, "", self._now(), critical=state != "running")
        return {"host.apache": replace(told, detail=detail)}

    def _judged(self, status: Status, seen: Mapping[str, Detail]) -> Reading:
        detail: dict[str, Detail] = {
            "workers": status.workers,
            "requests_per_s": self._rate(status.accesses),
            "uptime_s": status.uptime_s,
            **seen,
        }
        caution = status.busy >= status.workers or "pid_file" in seen
        return replace(reading(status.busy, "", self._now(), warning=caution), detail=detail)

    def _rate(self, accesses: int | None) -> float | None:
        """Requests per second since the look before; None after a start."""
        before, at_s = self._before, self._monotonic()
        self._before = None if accesses is None else (at_s, accesses)
        if before is None or accesses is None or accesses < before[1] or at_s <= before[0]:
            return None
        return round((accesses - before[1]) / (at_s - before[0]), 2)

    async def _ask(self) -> str:
        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=ssl.create_default_context(),  # 17 ms: once
                trust_env=False,
                follow_redirects=False,
                timeout=self.deadline_s,
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
                headers={"User-Agent": "prep-console", "Accept-Encoding": "identity"},
            )
        async with self._client.stream("GET", self._url) as response:
            if response.status_code != 200:
                raise ValueError(reasons.STATUS_ANSWER.format(status=response.status_code))
            body = b""
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _ANSWER_BYTES:
                    raise ValueError(NOT_STATUS)
        return body.decode("latin-1")

    def _reason(self, error: Exception) -> str:
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return f"server-status did not answer within {self.deadline_s - 1:g} s"
        return str(error)[:200] or type(error).__name__


def _look(pid_file: Path, ran: int | None) -> tuple[Master, int | None, Mapping[str, Detail]]:
    """Blocks. ``ran`` is the master of the look before, and the second of what is returned."""
    state, pid = master(pid_file)
    orphans = state == "stopped" and orphaned(pid_file, ran)
    return state, pid or ran, {"running": not orphans, **_processes(pid)}


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:
        return None


def _refused(error: BaseException | None) -> bool:
    """Whether nobody listens there, which httpx and what is below it wrap several times."""
    while error is not None and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__ or error.__context__
    return error is not None


def _auto(url: str) -> str:
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"host.apache_status: {url[:200]!r} is no address")
    return url if parts.query else f"{url}?auto"


def _processes(pid: int | None) -> dict[str, Detail]:
    """Number of processes under the master, and their memory with shared pages counted once."""
    if pid is None:
        return {"processes": None, "memory_bytes": None}
    try:
        family = [psutil.Process(pid)]
        family += family[0].children(recursive=True)
        used = [member.memory_info() for member in family]
    except psutil.Error:  # one of them ended while it was looked at
        return {"processes": None, "memory_bytes": None}
    shared = max(memory.shared for memory in used)
    return {
        "processes": len(family),
        "memory_bytes": sum(memory.rss - memory.shared for memory in used) + shared,
    }
