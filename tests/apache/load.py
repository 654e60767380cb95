"""The load harness: many visitors on keep-alive connections while the pointer switches.

Each answer must be whole and of the one cut that its own header names: the body's sha256 must be
that file's in that cut. Run against settings that are known to be wrong it must find faults.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

Expected = Mapping[str, Mapping[str, str]]
"""Cut id to URL path to sha256. A path that a cut lacks here must answer with the estado page."""

ESTADO_JSON = "/_prep/estado.json"
_BATCH = 25
_EXAMPLES = 5


@dataclass(slots=True)
class Tally:
    """What the visitors got."""

    requests: int = 0
    switches: int = 0
    seconds: float = 0.0
    cuts: set[str] = field(default_factory=set)
    truncated: int = 0
    empty: int = 0
    mixed: int = 0
    unnamed: int = 0
    not_200: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def broken(self) -> int:
        """Answers that said 200 and were not whole, or not of one cut."""
        return self.truncated + self.empty + self.mixed

    @property
    def faults(self) -> int:
        return self.broken + self.unnamed + self.not_200

    def add(self, other: Tally) -> None:
        self.requests += other.requests
        self.cuts |= other.cuts
        for kind in ("truncated", "empty", "mixed", "unnamed", "not_200"):
            setattr(self, kind, getattr(self, kind) + getattr(other, kind))
        self.examples = (self.examples + other.examples)[:_EXAMPLES]


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visitor process does."""

    port: int
    paths: Sequence[str]
    expected: Expected
    named: bool
    """False where the site under test has no header: the body must then be of some one cut."""
    seed: int


def drive(
    port: int,
    expected: Expected,
    paths: Sequence[str],
    switch: Callable[[], object],
    *,
    requests: int,
    switches: int,
    pause_s: float,
    deadline_s: float,
    visitors: int = 3,
    named: bool = True,
    stop_when_broken: bool = False,
) -> Tally:
    """Call ``switch`` every ``pause_s`` until both counts are reached, or the deadline.

    The visitors ask for ``paths`` at random all the while; a path that stands twice is asked for
    twice as often. AssertionError when a visitor ended without telling what it got.
    """
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    done, broken = context.Value("Q", 0), context.Value("Q", 0)
    crew = [
        _start(context, Visit(port, paths, expected, named, seed), stop, done, broken)
        for seed in range(visitors)
    ]
    tally = Tally()
    lost = 0
    pause = threading.Event()
    try:
        # The first answers come when the visitors' interpreters are up: switch only for them.
        end = time.monotonic() + deadline_s
        while done.value == 0 and time.monotonic() < end and all(p.is_alive() for p, _ in crew):
            pause.wait(0.02)
        began = time.monotonic()
        while time.monotonic() < end and (done.value < requests or tally.switches < switches):
            switch()
            tally.switches += 1
            if stop_when_broken and broken.value:
                break
            if pause_s:
                pause.wait(pause_s)
        tally.seconds = time.monotonic() - began
    finally:
        stop.set()
        for process, results in crew:
            try:
                tally.add(results.recv())
            except EOFError:
                lost += 1
            process.join(20)
    assert not lost, f"{lost} of {visitors} visitors ended without their tally: {tally}"
    return tally


def _start(
    context: SpawnContext,
    visit: Visit,
    stop: Event,
    done: Synchronized[int],
    broken: Synchronized[int],
) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_visit, args=(visit, stop, done, broken, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _visit(
    visit: Visit,
    stop: Event,
    done: Synchronized[int],
    broken: Synchronized[int],
    results: Connection,
) -> None:
    tally = Tally()
    choice = random.Random(visit.seed)
    reader: _Reader | None = None
    while not stop.is_set():
        before = tally.requests, tally.broken
        for path in choice.choices(visit.paths, k=_BATCH):
            tally.requests += 1
            try:
                if reader is None:
                    reader = _Reader(visit.port)
                status, cuts, body = reader.ask(path)
            except _CutOff as cut_off:
                tally.truncated += 1
                tally.examples.append(f"{path}: {cut_off}")
                if reader is not None:
                    reader.close()
                reader = None
                continue
            _judge(visit, tally, path, status, cuts, body)
            if reader.ends:
                reader.close()
                reader = None
        with done.get_lock():
            done.value += tally.requests - before[0]
        with broken.get_lock():
            broken.value += tally.broken - before[1]
        del tally.examples[_EXAMPLES:]
    results.send(tally)


def _judge(
    visit: Visit, tally: Tally, path: str, status: int, cuts: Sequence[str], body: bytes
) -> None:
    if status != 200:
        tally.not_200 += 1
        tally.examples.append(f"{path}: status {status}")
    elif not body:
        tally.empty += 1
        tally.examples.append(f"{path}: nothing")
    elif not visit.named:
        digest = hashlib.sha256(body).hexdigest()
        if all(files.get(path) != digest for files in visit.expected.values()):
            tally.mixed += 1
            tally.examples.append(f"{path}: {len(body)} bytes of no cut")
    elif len(cuts) != 1 or cuts[0] not in visit.expected:
        tally.unnamed += 1
        tally.examples.append(f"{path}: named {cuts}")
    else:
        tally.cuts.add(cuts[0])
        if not _is_of(visit.expected, cuts[0], path, body):
            tally.mixed += 1
            tally.examples.append(f"{path}: named {cuts[0]}, {len(body)} bytes of another")


def _is_of(expected: Expected, cut: str, path: str, body: bytes) -> bool:
    if path == ESTADO_JSON:
        try:
            return bool(json.loads(body)["cut"] == cut)
        except (ValueError, KeyError, TypeError):  # no JSON, or none that names a cut
            return False
    digest = expected[cut].get(path)
    if digest is None:  # the estado page: it says the cut's hour
        day, hour = cut[:8], cut[9:13]
        shown = f"{day[:4]}-{day[4:6]}-{day[6:]}T{hour[:2]}:{hour[2:]}"
        return f'<time datetime="{shown}'.encode() in body and body.endswith(b"</html>\n")
    return hashlib.sha256(body).hexdigest() == digest


class _CutOff(Exception):
    """The connection was refused, ended, or stood still before the answer was whole."""


class _Reader:
    """One keep-alive connection; http.client would take most of the visitors' time."""

    def __init__(self, port: int) -> None:
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), 10)
        except OSError as error:
            raise _CutOff(str(error)) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        self.ends = False

    def close(self) -> None:
        self._socket.close()

    def ask(self, path: str) -> tuple[int, list[str], bytes]:
        """Status, every X-Prep-Cut of the answer, body."""
        try:
            self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        except OSError as error:
            raise _CutOff(str(error)) from error
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._more()
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        headers = [(name.lower(), value) for name, _, value in (h.partition(": ") for h in lines)]
        try:
            length = int(next(value for name, value in headers if name == "content-length"))
            status = int(lines[0].split(" ")[1])
        except (StopIteration, ValueError, IndexError):
            raise _CutOff(f"no answer but {lines[0]!r}") from None
        while len(self._buffer) < length:
            self._more()
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self.ends = ("connection", "close") in headers
        return status, [value for name, value in headers if name == "x-prep-cut"], body

    def _more(self) -> None:
        try:
            received = self._socket.recv(262_144)
        except OSError as error:
            raise _CutOff(str(error)) from error
        if not received:
            raise _CutOff(f"ended after {len(self._buffer)} bytes")
        self._buffer += received
