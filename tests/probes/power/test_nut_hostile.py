"""What is no upsd, or a bad one: told within the deadline, nothing gathered, nothing left open."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from prep_console.probes.power import nut
from tests import hostile
from tests.probes.power.asking import LIBRARIES, Library, answer, client, status
from tests.waiting import wait_until

pytestmark = pytest.mark.server

LISTED = b'BEGIN LIST VAR servidor\nVAR servidor ups.status "OL"\nEND LIST VAR servidor\n'
HELP = b"Commands: HELP VER GET LIST SET INSTCMD LOGIN LOGOUT USERNAME PASSWORD STARTTLS\n"


def upsd(request: bytes) -> bytes:
    return HELP if request == b"HELP\n" else LISTED


def setting(peer: hostile.Peer) -> str:
    return f"servidor@127.0.0.1:{peer.port}"


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Library:
    chosen: Library = request.param
    return chosen


LEEWAY_S = 3.0
"""For a machine that is busy with others, after a wait that is forced."""


@contextmanager
def impatience() -> Iterator[None]:
    """A look takes three seconds at most meanwhile: for what will not answer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nut, "ANSWER_S", 1.2)
        patch.setattr(nut, "LOOK_S", 3.0)
        yield


EXPECTED: dict[hostile.Behaviour, type[nut.NutError]] = {
    "refuse": nut.Unreachable,
    "hang": nut.NoAnswer,
    "close": nut.BadAnswer,
    "reset": nut.BadAnswer,
    "garbage": nut.BadAnswer,
    "half": nut.BadAnswer,
    "megabyte": nut.BadAnswer,
    "endless": nut.BadAnswer,
    "drip": nut.NoAnswer,
}


@pytest.mark.parametrize("fault", hostile.TCP_FAULTS)
async def test_a_hostile_peer_is_an_error_of_the_right_kind_and_may_mend(
    fault: hostile.Behaviour, library: Library
) -> None:
    with hostile.tcp("answers", upsd) as peer:
        there = client(library, setting(peer))
        assert status(await answer(there)) == "OL"
        peer.become(fault)
        with impatience():
            began_s = time.monotonic()
            said = await answer(there)
            assert isinstance(said, EXPECTED[fault]), repr(said)
            assert time.monotonic() - began_s < nut.LOOK_S + LEEWAY_S
        peer.become("answers")
        assert status(await answer(there)) == "OL"
        await there.close()


@pytest.mark.parametrize(
    "listed",
    [
        b"BEGIN LIST VAR otro\nEND LIST VAR otro\n",
        b"BEGIN LIST VAR servidor\nVAR servidor\nEND LIST VAR servidor\n",
        b'BEGIN LIST VAR servidor\nVAR servidor ups.status "\xf1\xff"\nEND LIST VAR servidor\n',
        b"OK\n",
        b"\n",
        b"ERR\n",
        b"ERR \x1b[31m" + b"x" * 5000 + b"\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"BEGIN LIST VAR servidor\n" + b'VAR servidor a.b "c"\n' * 100_000,
        b'BEGIN LIST VAR servidor\nVAR servidor a "' + b"c" * 2_000_000 + b'"\n',
    ],
    ids=[
        "another UPS",
        "no value",
        "not ASCII",
        "OK",
        "empty line",
        "ERR alone",
        "a long ERR",
        "HTTP",
        "a list of 2 MB",
        "a value of 2 MB",
    ],
)
async def test_an_answer_that_upsd_would_not_give(listed: bytes, library: Library) -> None:
    with (
        impatience(),
        hostile.tcp("answers", lambda asked: HELP if asked == b"HELP\n" else listed) as peer,
    ):
        there = client(library, setting(peer))
        said = await answer(there)
        await there.close()
    assert isinstance(said, nut.BadAnswer | nut.UpsdRefused | nut.NoAnswer) or not status(said)
    if isinstance(said, nut.NutError):
        assert len(str(said)) < 300
        assert str(said).isprintable()


async def test_values_are_bounded(library: Library) -> None:
    listed = LISTED.replace(b"OL", b"OL " + b"X" * 10_000)
    with hostile.tcp("answers", lambda asked: HELP if asked == b"HELP\n" else listed) as peer:
        there = client(library, setting(peer))
        said = await answer(there)
        await there.close()
    assert len(status(said)) == nut.VALUE_CHARACTERS


async def test_failing_looks_leak_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nut, "ANSWER_S", 0.03)
    monkeypatch.setattr(nut, "LOOK_S", 0.08)  # for pynut3's process: often killed while it starts
    with hostile.tcp("hang", upsd) as peer:
        there = client(library, setting(peer))
        await answer(there)
        await there.close()
        before = hostile.held()
        for fault in hostile.TCP_FAULTS:
            peer.become(fault)
            for _ in range(6):
                assert isinstance(await answer(there), nut.NutError)
        peer.become("hang")
        await there.close()
        await _until(lambda: hostile.no_more_than(before), f"{hostile.held()} from {before}")
        assert not [child for child in psutil.Process().children() if child.status() == "zombie"]


async def test_cancelled_looks_leak_nothing(library: Library) -> None:
    with hostile.tcp("hang", upsd) as peer:
        there = client(library, setting(peer))
        before = hostile.held()
        for n in range(12):
            look = asyncio.ensure_future(there.variables("servidor"))
            await asyncio.sleep(0.01 * n)
            look.cancel()
            with pytest.raises(asyncio.CancelledError):
                await look
        peer.become("answers")
        assert status(await answer(there)) == "OL"
        await there.close()
        await _until(lambda: hostile.no_more_than(before), "more is held than before")


async def test_pynut3s_process_is_killed_when_it_hangs_and_started_again() -> None:
    known = [child.pid for child in hostile.children()]
    with hostile.tcp("answers", upsd) as peer:
        there = client("pynut3", setting(peer))
        assert status(await answer(there)) == "OL"
        (child,) = hostile.children(known)
        child.suspend()
        with impatience():
            began_s = time.monotonic()
            assert isinstance(await answer(there), nut.NoAnswer)
            assert time.monotonic() - began_s < nut.LOOK_S + LEEWAY_S
        assert not child.is_running()
        assert status(await answer(there)) == "OL"
        (second,) = hostile.children(known)
        second.kill()
        assert isinstance(await answer(there), nut.NutError | dict)  # it may be noticed in time
        assert status(await answer(there)) == "OL"
        await there.close()


async def test_pynut3s_process_keeps_its_size_and_descriptors() -> None:
    known = [child.pid for child in hostile.children()]
    long = b"BEGIN LIST VAR servidor\n" + b'VAR servidor a.b "c"\n' * 100_000
    with hostile.tcp("answers", lambda asked: HELP if asked == b"HELP\n" else long) as peer:
        there = client("pynut3", setting(peer))
        for _ in range(3):
            assert isinstance(await answer(there), nut.BadAnswer)
        (child,) = hostile.children(known)
        before = child.memory_info().rss, child.num_fds()
        for _ in range(30):
            assert isinstance(await answer(there), nut.BadAnswer)
        assert child.num_fds() <= before[1]
        assert child.memory_info().rss < before[0] + 2 * 1024**2
        await there.close()


def test_pynut3s_process_dies_with_the_one_that_asks(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    with hostile.tcp("hang", upsd) as peer:
        program = (
            "import asyncio, pathlib, psutil\n"
            "from prep_console.probes.power.pynut3_client import Pynut3Client\n"
            "async def main():\n"
            f"    look = asyncio.ensure_future(Pynut3Client('127.0.0.1', {peer.port})"
            ".variables('servidor'))\n"
            "    while not (children := psutil.Process().children()):\n"
            "        await asyncio.sleep(0.02)\n"
            f"    pathlib.Path({str(told)!r}).write_text(str(children[0].pid))\n"
            "    await look\n"
            "asyncio.run(main())\n"
        )
        with subprocess.Popen([sys.executable, "-c", program]) as asking:
            wait_until(lambda: told.exists() and told.read_text(), what="the child's pid")
            child = int(told.read_text())
            wait_until(lambda: peer.asked, what="its question")
            os.kill(asking.pid, signal.SIGKILL)
            wait_until(lambda: not _runs(child), what="its end")


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _until(condition: object, what: str) -> None:
    assert callable(condition)
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(what)
