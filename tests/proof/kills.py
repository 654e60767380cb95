"""SIGKILL at one system call of a real command: strace counts, injects, and says that it fired.

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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import prep_console

_MUTATING = (
    "open openat creat write pwrite64 writev pwritev pwritev2 sendfile copy_file_range splice "
    "rename renameat renameat2 link linkat symlink symlinkat mknod mknodat unlink unlinkat mkdir "
    "mkdirat rmdir truncate ftruncate chmod fchmod fchmodat chown fchown lchown fchownat utime "
    "utimes utimensat futimesat setxattr fsetxattr fsync fdatasync sync syncfs msync fallocate"
)
_TRACE = "?" + _MUTATING.replace(" ", ",?")  # "?": not every machine has every call
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
    code: int
    calls: tuple[Point, ...]
    """Every call that could change something under the station, in order."""
    told: str
    """Output and errors, for a failing test."""


def run(command: Sequence[str], root: Path, program: Path, at: Point | None = None) -> Run:
    """Run ``command`` of the ``program`` copy; with ``at``, kill it as it enters that call."""
    environment = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.NamedTemporaryFile(prefix="prep-strace-") as trace:
        strace = [_strace(), "-f", "-qq", "-y", "-s", "0", "-o", trace.name]
        strace += ["-e", f"trace={_TRACE}", "-e", "signal=none"]
        if at is not None:
            strace += ["-e", f"inject={at.call}:signal=KILL:when={at.nth}"]
        done = subprocess.run(
            [*strace, *command],
            cwd=root.parent,
            env={**os.environ, **environment, "PYTHONPATH": str(program)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        calls = _calls(Path(trace.name).read_text("utf-8", "surrogateescape"), root)
    # strace ends the way its child ended: by the same signal
    killed = done.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}
    return Run(killed, done.returncode, calls, done.stdout + done.stderr)


def points(command: Sequence[str], root: Path, program: Path) -> tuple[tuple[Point, ...], Run]:
    """Every mutating call of ``command`` on ``root``, from a run that nothing interrupts."""
    whole = run(command, root, program)
    assert not whole.killed, whole.told
    return whole.calls, whole


def fired(killed: Run, at: Point) -> bool:
    """Whether the process died, in the very call that was meant."""
    return killed.killed and bool(killed.calls) and killed.calls[-1] == at


def _strace() -> str:
    found = shutil.which("strace")
    assert found, "strace is not installed: apt-get install strace"
    return found


def _calls(trace: str, root: Path) -> tuple[Point, ...]:
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
        if call in _OPENING and not re.search(r"O_(CREAT|TRUNC|WRONLY|RDWR)", rest):
            continue
        found.append(Point(call, count[call], _on(rest, root)))
    assert len(pids) <= 1, f"strace counts per process, and there were {len(pids)}"
    return tuple(found)


def _on(rest: str, root: Path) -> str:
    """The files of a call in words that are the same in each run: no ids of processes."""
    arguments = rest.partition(" = ")[0].partition("<unfinished")[0]
    names = re.findall(r'[<"]([^<>"]*)[>"]', arguments)
    inside = [
        name.removeprefix(f"{root}").lstrip("/") or "."
        for name in names
        if name.startswith(str(root)) or not name.startswith("/")
    ]
    plain = (re.sub(r"\b([cd])-\d+-\d+-(\d+)", r"\1-\2", name) for name in inside if name)
    steady = (re.sub(r"\.\d{3,}$", ".PID", name) for name in plain)
    nameless = (re.sub(r"/#\d+$", "/UNNAMED", name) for name in steady)
    timeless = (re.sub(r"\d{8}T\d{6,}Z", "TIME", name) for name in nameless)
    return " ".join(dict.fromkeys(timeless))
