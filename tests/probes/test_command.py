"""A neighbour's program: real ones that answer, fail, babble, hang and refuse to die."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from prep_console.probes import command
from tests.hostile import held, no_more_than
from tests.waiting import wait_until


def python(source: str) -> list[str]:
    return [sys.executable, "-c", source]


def alive(pid: int, group: int | None = None) -> bool:
    """It runs (and is of that group): a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE and (
            group is None or os.getpgid(pid) == group
        )
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False


async def test_it_says_what_it_says() -> None:
    assert await command.output(["printf", "%s", "12:00 \xf1"], deadline_s=5) == "12:00 \xf1"


async def test_its_surroundings_are_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("LANG", "es_MX.UTF-8")
    said = await command.output(["env"], deadline_s=5)
    assert set(said.splitlines()) == {f"{k}={v}" for k, v in command.ENVIRONMENT.items()}
    told = python("import os, sys; print(os.getsid(0) == os.getpid(), sys.stdin.read() == '')")
    assert await command.output(told, deadline_s=5) == "True True\n"


async def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert await command.output(["printf", r"a\377b"], deadline_s=5) == "a�b"


@pytest.mark.parametrize("name", ["no-such-program", "/no/such/program"])
async def test_a_program_that_is_not_there(name: str) -> None:
    with pytest.raises(command.NotInstalled, match="program is not installed"):
        await command.output([name], deadline_s=5)


async def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    with pytest.raises(command.CommandError, match="text cannot be started: Permission denied"):
        await command.output([str(tmp_path / "text")], deadline_s=5)


async def test_an_exit_code_comes_with_its_words() -> None:
    with pytest.raises(command.EndedBadly) as ended:
        await command.output(python("import sys; sys.exit('no such\\n  UPS')"), deadline_s=5)
    assert ended.value.code == 1
    assert str(ended.value).endswith(": no such UPS")
    with pytest.raises(command.EndedBadly, match="signal 9"):
        await command.output(python("import os; os.kill(os.getpid(), 9)"), deadline_s=5)


async def test_a_megabyte_of_complaint_is_cut() -> None:
    source = "import sys; sys.stderr.write('x' * 10**6); sys.exit(3)"
    with pytest.raises(command.EndedBadly) as ended:
        await command.output(python(source), deadline_s=5)
    assert len(str(ended.value)) < 250
    assert len(ended.value.said) == 4096


async def test_what_fits_is_kept_and_what_does_not_is_an_error() -> None:
    source = "import sys; sys.stdout.write('x' * 100000)"
    assert len(await command.output(python(source), deadline_s=5, limit_bytes=100_000)) == 100_000
    with pytest.raises(command.TooMuch):
        await command.output(python(source), deadline_s=5, limit_bytes=99_999)


async def test_one_that_never_stops_talking_is_killed_at_once() -> None:
    before = held()
    started = time.monotonic()
    with pytest.raises(command.TooMuch):
        await command.output(["yes"], deadline_s=9)
    assert time.monotonic() - started < 8
    assert no_more_than(before)


_STUBBORN = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
if os.fork() == 0:
    signal.pause()
open(sys.argv[1], "w").write(" ".join(map(str, (os.getpid(), os.getpgid(0)))))
signal.pause()
"""


async def test_one_that_hangs_and_ignores_signals_dies_with_its_children(tmp_path: Path) -> None:
    before = held()
    started = time.monotonic()
    with pytest.raises(command.Late, match="did not answer within 5 s"):
        await command.output([*python(_STUBBORN), str(tmp_path / "pid")], deadline_s=5)
    assert time.monotonic() - started < 9
    group = int((tmp_path / "pid").read_text().split()[1])
    wait_until(lambda: not any(alive(p, group) for p in psutil.pids()))
    assert no_more_than(before)


async def test_a_cancelled_look_leaves_nothing(tmp_path: Path) -> None:
    before = held()
    look = asyncio.create_task(
        command.output([*python(_STUBBORN), str(tmp_path / "pid")], deadline_s=60)
    )
    await asyncio.to_thread(wait_until, lambda: (tmp_path / "pid").exists())
    look.cancel()
    with pytest.raises(asyncio.CancelledError):
        await look
    descriptors, _, children = before  # a thread of ours more: the one that waited
    async with asyncio.timeout(10):
        while held()[0] > descriptors or held()[2] > children:
            await asyncio.sleep(0.02)


async def test_what_it_leaves_in_the_background_is_ended(tmp_path: Path) -> None:
    source = (
        "import os, sys, signal\n"
        "if (pid := os.fork()):\n"
        "    open(sys.argv[1], 'w').write(str(pid)); print('done'); sys.exit()\n"
        "os.close(1); os.close(2); signal.pause()\n"
    )
    said = await command.output([*python(source), str(tmp_path / "pid")], deadline_s=5)
    assert said == "done\n"
    left = int((tmp_path / "pid").read_text())
    wait_until(lambda: not alive(left))


async def test_a_hundred_of_each_kind_leave_no_trace() -> None:
    await command.output(["true"], deadline_s=5)
    before = held()
    for _ in range(25):
        outcomes = await asyncio.gather(
            command.output(["true"], deadline_s=5),
            command.output(["false"], deadline_s=5),
            command.output(["yes"], deadline_s=5),
            command.output(["sleep", "9"], deadline_s=0.05),
            return_exceptions=True,
        )
        assert [type(o).__name__ for o in outcomes] == ["str", "EndedBadly", "TooMuch", "Late"]
    assert no_more_than(before)
