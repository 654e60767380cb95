"""A line of a known rate and delay between two network namespaces that are made for it.

The namespaces have no name and live as long as their descriptors are open, so whatever becomes of
the run nothing is left behind; no traffic leaves them. The rate is the kernel's own (``tc`` with a
token bucket on both ends). A delay is made by a process that hands packets from one end to the
other and holds each one back, because ``netem`` is not in every kernel.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_HERE, _THERE = "10.77.0.1", "10.77.0.2"
_BURST = "64kb"
_QUEUE = "50ms"
"""What waits in the bucket's queue at most: the buffer of an ordinary router."""


class NoLine(Exception):
    """It cannot be made here; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """Both ends; processes that are started :func:`at` one of them stay there."""

    ours: int
    theirs: int
    address: str
    """Of the other end."""

    @contextmanager
    def at(self, end: int) -> Iterator[None]:
        """This thread, and what it starts, is at that end for the block."""
        with _namespace() as before:
            _enter(end)
            try:
                yield
            finally:
                _enter(before)


@contextmanager
def line(mbit: int, delay_ms: int = 0) -> Iterator[Line]:
    """Make it. ``delay_ms`` each way. NoLine where this machine does not let us."""
    if os.geteuid() != 0:
        raise NoLine("only root makes network namespaces")
    with ExitStack() as stack:
        try:
            made = Line(stack.enter_context(_new()), stack.enter_context(_new()), _THERE)
            if delay_ms:
                _delayed(stack, made, delay_ms)
            else:
                _veth(made)
            for end, own, other in ((made.ours, _HERE, _THERE), (made.theirs, _THERE, _HERE)):
                with made.at(end):
                    _do("ip", "address", "add", own, "peer", other, "dev", "line")
                    for device in ("lo", "line"):
                        _do("ip", "link", "set", device, "up")
                    rate = ("rate", f"{mbit}mbit", "burst", _BURST, "latency", _QUEUE)
                    _do("tc", "qdisc", "add", "dev", "line", "root", "tbf", *rate)
        except OSError as error:
            raise NoLine(f"{error.strerror or error}") from error
        except subprocess.CalledProcessError as error:
            raise NoLine(f"{error.cmd[0]}: {error.stderr.strip()[:200]}") from error
        yield made


def _do(*command: str) -> None:
    subprocess.run(
        command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20
    )


def _veth(made: Line) -> None:
    peer = f"/proc/{os.getpid()}/fd/{made.theirs}"
    with made.at(made.ours):
        _do(
            *("ip", "link", "add", "name", "line", "type", "veth"),
            *("peer", "name", "line", "netns", peer),
        )


def _delayed(stack: ExitStack, made: Line, delay_ms: int) -> None:
    ends = [stack.enter_context(_tun(made, end)) for end in (made.ours, made.theirs)]
    command = [sys.executable, "-m", "tests.bench.relay", *map(str, ends), str(delay_ms)]
    relay = subprocess.Popen(command, pass_fds=ends, stdin=subprocess.DEVNULL)
    stack.callback(relay.wait)
    stack.callback(relay.kill)


@contextmanager
def _tun(made: Line, end: int) -> Iterator[int]:
    """What is sent at that end is read here, and what is written here arrives there."""
    with made.at(end):  # the device is made where this was opened
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", b"line", _IFF_TUN | _IFF_NO_PI))
        yield tun
    finally:
        os.close(tun)


@contextmanager
def _namespace() -> Iterator[int]:
    """A descriptor of the one that this thread is in."""
    descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _new() -> Iterator[int]:
    """A namespace of our own, which this thread does not stay in."""
    with _namespace() as before:
        _checked(ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET))
        try:
            made = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            _enter(before)
    try:
        yield made
    finally:
        os.close(made)


def _enter(namespace: int) -> None:
    _checked(ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET))


def _checked(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
