"""SIGKILL, or an error, at one system call of a real command; strace says whether it fired.

A command is first run whole under strace; every call of it that may change something under the
station's folder is a point. Each point is then tried on a fresh copy of the station: the same
command, killed as it enters that call. strace counts N per system call, start-up of Python
included, so a point is (call, N), and a kill only counts when the trace of the killed run ends in
the very call, on the very file, that was meant.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import prep_console
from tests.proof.stations import put_back
from tests.waiting import wait_until

_MUTATING = (
    "open openat creat write pwrite64 writev pwritev pwritev2 sendfile copy_file_range splice "
    "rename renameat renameat2 link linkat symlink symlinkat mknod mknodat unlink unlinkat mkdir "
    "mkdirat rmdir truncate ftruncate chmod fchmod fchmodat chown fchown lchown fchownat utime "
    "utimes utimensat futimesat setxattr fsetxattr fsync fdatasync sync syncfs msync fallocate"
)
_READING = "open openat read pread64 readv preadv preadv2 getdents64"
_OPENING = {"open", "openat", "creat"}
_PROGRAM = Path(prep_console.__file__).parent
_LINE = re.compile(r"^(?P<pid>\d+) +(?P<call>\w+)\((?P<rest>.*)$")


def frozen_program(folder: Path) -> Path:
    """A compiled copy of the program, to be found by PYTHONPATH.

    Start-up must open the same files in the same order each time, while somebody edits too.
    """
    copy = folder / "prep_console"
    shutil.copytree(_PROGRAM, copy, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(copy)], check=True)
    return folder


@dataclass(frozen=True, slots=True)
class Point:
    """The ``nth`` call of this kind, counted from 1 as strace does."""

    call: str
    nth: int
    on: str
    """What it works on, relative to the station, without process ids: to know it again."""

    def __str__(self) -> str:
        return f"{self.call}#{self.nth} {self.on}"


@dataclass(frozen=True, slots=True)
class Run:
    """A command run to its end under strace, killed or not."""

    killed: bool
    injected: bool
    """Whether strace made a call return something else, in the very call that was meant."""
    code: int
    calls: tuple[Point, ...]
    """Every call that could change something under the station, or that reads it, in order."""
    told: str
    """Output and errors, for a failing test."""


KILL = "signal=KILL"


def run(
    command: Sequence[str],
    root: Path,
    program: Path,
    at: Point | None = None,
    fault: str = KILL,
    *,
    reads: bool = False,
) -> Run:
    """Run ``command`` of the ``program`` copy; with ``at``, the ``fault`` as it enters that call.

    ``fault`` in strace's words: ``error=EIO`` and ``retval=0`` answer in the place of the kernel,
    which does nothing.
    """
    with tempfile.NamedTemporaryFile(prefix="prep-strace-") as trace:
        inject = ["-e", f"inject={at.call}:{fault}:when={at.nth}"] if at is not None else []
        done = subprocess.run(
            [*_strace(trace.name, _READING if reads else _MUTATING), *inject, *command],
            cwd=root.parent,
            env=_environment(program),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        traced = Path(trace.name).read_text("utf-8", "surrogateescape")
        calls = _calls(traced, root, reads=reads)
    # strace ends the way its child ended: by the same signal
    killed = done.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}
    answered = [line for line in traced.splitlines() if line.endswith("(INJECTED)")]
    injected = at is not None and [_calls_on(line, root) for line in answered] == [at.on]
    return Run(killed, injected, done.returncode, calls, done.stdout + done.stderr)


def points(
    command: Sequence[str], root: Path, program: Path, *, reads: bool = False
) -> tuple[tuple[Point, ...], Run]:
    """Every mutating call of ``command`` on ``root``, from a run that nothing interrupts.

    ``reads``: in their place those that open something for reading only, and that read.
    """
    whole = run(command, root, program, reads=reads)
    assert not whole.killed, whole.told
    return whole.calls, whole


@contextmanager
def stopped_at(
    command: Sequence[str], root: Path, program: Path, call: str, where: str
) -> Iterator[int]:
    """``command`` hangs for the block after its first ``call`` on a path with ``where``; its pid.

    (A stop, unlike a kill, waits for the call's end.)
    """
    before = root.with_name("before")
    put_back(root, before)
    found, _ = points(command, root, program)
    put_back(before, root)
    point = next(p for p in found if p.call == call and where in p.on)
    with tempfile.NamedTemporaryFile(prefix="prep-strace-") as trace:
        inject = f"inject={point.call}:signal=STOP:when={point.nth}"
        process = subprocess.Popen(
            [*_strace(trace.name, _MUTATING), "-e", inject, *command],
            cwd=root.parent,
            env=_environment(program),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        said = Path(trace.name)
        try:
            wait_until(lambda: "stopped by SIGSTOP" in said.read_text("utf-8"), 20, str(point))
            pid = int(said.read_text("utf-8").split()[0])
            itself = os.pidfd_open(pid)
            try:
                yield pid
            finally:  # one that nobody ended would stay stopped for good
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(itself, signal.SIGKILL)
                os.close(itself)
        finally:
            process.kill()
            process.wait()


def fired(killed: Run, at: Point) -> bool:
    """Whether the process died, in the very call that was meant."""
    return killed.killed and bool(killed.calls) and killed.calls[-1] == at


def _strace(trace: str, calls: str) -> list[str]:
    """Not with --seccomp-bpf: then an injected kill never fires (strace 6.1)."""
    found = shutil.which("strace")
    assert found, "strace is not installed: apt-get install strace"
    seen = ["-e", "trace=?" + calls.replace(" ", ",?")]  # "?": not every machine has every call
    return [found, "-f", "-qq", "-y", "-s", "0", "-o", trace, *seen]


def _environment(program: Path) -> dict[str, str]:
    """The same calls in each run: no random order of sets, and nothing compiled on the way."""
    steady = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **steady, "PYTHONPATH": str(program)}


def _calls(trace: str, root: Path, *, reads: bool) -> tuple[Point, ...]:
    """The calls of one process (these commands start no other) that touch ``root``."""
    count: Counter[str] = Counter()
    found: list[Point] = []
    pids: set[str] = set()
    for line in trace.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        pids.add(match["pid"])
        call, rest = match["call"], match["rest"]
        count[call] += 1
        if f"{root}/" not in rest and f"{root}>" not in rest and f'{root}"' not in rest:
            continue
        if call in _OPENING and reads == bool(re.search(r"O_(CREAT|TRUNC|WRONLY|RDWR)", rest)):
            continue
        found.append(Point(call, count[call], _on(rest, root)))
    assert len(pids) <= 1, f"strace counts per process, and there were {len(pids)}"
    return tuple(found)


def _calls_on(line: str, root: Path) -> str:
    match = _LINE.match(line)
    return _on(match["rest"], root) if match else ""


def _on(rest: str, root: Path) -> str:
    """The files of a call in words that are the same in each run: no ids of processes."""
    arguments = rest.partition(" = ")[0].partition("<unfinished")[0]
    names = re.findall(r'[<"]([^<>"]*)[>"]', arguments)
    inside = [
        name.removeprefix(f"{root}").lstrip("/") or "."
        for name in names
        if name and (name.startswith(str(root)) or not name.startswith("/"))
    ]
    plain = (re.sub(r"\b([cd])-\d+-\d+-(\d+)", r"\1-\2", name) for name in inside if name)
    made = (re.sub(r"\brepair-\d+-\d+-\w+", "repair-ID", name) for name in plain)
    steady = (re.sub(r"\.\d{3,}$", ".PID", name) for name in made)
    nameless = (re.sub(r"/#\d+$", "/UNNAMED", name) for name in steady)
    timeless = (re.sub(r"\d{8}T\d{6,}Z", "TIME", name) for name in nameless)
    return " ".join(dict.fromkeys(timeless))
