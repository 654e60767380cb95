"""Hostile terminals: the console and the wall neither spin, crash nor stay, and publishing goes on.

The installed program on a real station whose engine runs all the while; every trial ends with the
next cut delivered, and live.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest

from prep_console.journal.reading import verify
from tests import nights
from tests.console.terminals import Pty, Tmux
from tests.processes import cpu_s, ended, resident_bytes, running
from tests.proof import table
from tests.stations import PROGRAM, Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

RESIZES = 1000 if table.WHOLE else 100
SMALLEST, LARGEST = (20, 5), (400, 100)
BLOCKED_S = 60.0 if table.WHOLE else 5.0
"""How long nobody reads the terminal."""
REST_SHARE = 0.15
"""Of a core; at rest it takes less than 0.02, but the machine may be busy with other tests."""
GROWTH = 24 * 1024**2
"""The largest screen has fifteen times the cells of the smallest that a person uses."""
VIEWS = ("console", "wall")


@dataclass
class Night:
    """A station, its engine, and the deliveries that are still to come."""

    box: Sandbox
    folder: Path
    engine: subprocess.Popen[bytes]
    stamps: Iterator[str] = field(default_factory=lambda: iter(nights.stamps("20240602_2005", 200)))
    live: str = ""
    count: int = 0

    def publish(self) -> None:
        """The next cut comes and goes live, as if nobody looked on."""
        stamp = next(self.stamps)
        made = self.folder / stamp
        made.mkdir()
        for path in nights.two_archives(made, stamp, actas=4).values():
            shutil.copyfile(path, self.folder / path.name)
            (self.folder / path.name).rename(self.box.settings.drop_folder / path.name)
        wait_until(lambda: self.box.station.live().cut == stamp, 60, f"{stamp} is live")
        assert self.engine.poll() is None
        self.live = stamp
        self.count += 1

    def command(self, view: str) -> list[str | Path]:
        wall = ["--wall"] if view == "wall" else []
        return [PROGRAM, "--config", self.box.file, "--lang", "en", "console", *wall]

    @contextmanager
    def open(
        self,
        view: str,
        environment: Mapping[str, str | None] | None = None,
        *,
        controls: bool = False,
    ) -> Iterator[Pty]:
        """The view on a terminal, painted."""
        with Pty(self.command(view), environment=environment, controls=controls) as terminal:
            wait_until(lambda: self.shows(view, terminal.text), 120, "the first paint")
            terminal.forget_slave()
            yield terminal

    def shows(self, view: str, text: str) -> bool:
        """Whether the public cut is on screen: its hour, or on a wall, whose hours are drawn,
        how many cuts there were."""
        wanted = f"{self.count} cut" if view == "wall" else f"{self.live[9:11]}:{self.live[11:13]}"
        return wanted in text


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("night")
    box = sandbox(folder, {"clock": {"servers": [], "daemon": "none"}})
    box.station.prepare()
    with (folder / "engine.log").open("wb") as log:
        engine = subprocess.Popen(
            [PROGRAM, "--config", box.file, "engine"], stdin=subprocess.DEVNULL, stderr=log
        )
    try:
        made = Night(box, folder, engine)
        made.publish()
        yield made
        assert verify(box.station.journal).ok
    finally:
        ended(engine)


def used_at_rest(pid: int, seconds: float = 3.0) -> float:
    """Share of a core that the process takes from now on."""
    before, began = cpu_s(pid), time.monotonic()
    threading.Event().wait(seconds)
    return (cpu_s(pid) - before) / (time.monotonic() - began) if running(pid) else 0.0


def gone_without_spinning(pid: int, parent: subprocess.Popen[bytes] | None = None) -> float:
    """Seconds of processor time that its end took."""
    try:
        before = used = cpu_s(pid)
    except OSError:  # it was quicker than we: that is no spinning
        return 0.0

    def gone() -> bool:
        nonlocal used
        if parent is not None:
            parent.poll()
        if running(pid):
            with suppress(OSError):
                used = cpu_s(pid)
            return False
        return True

    wait_until(gone, 20, "the process is gone")
    return used - before


def clean(terminal: Pty) -> None:
    assert "Traceback" not in terminal.text, terminal.text[-2000:]


def tried(what: str, count: int = 1) -> None:
    table.record(f"terminal: {what}", tried=count, fired=count)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("how", ["dropped", "hung up", "hang-up ignored"])
def test_a_terminal_that_is_gone_takes_the_view_with_it(view: str, how: str, night: Night) -> None:
    """Without SIGHUP; with it, as a login's end; and where it is ignored."""
    command = night.command(view)
    if how == "hang-up ignored":
        command = ["/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh", *command]
    with Pty(command, controls=how != "dropped") as terminal:
        wait_until(lambda: night.shows(view, terminal.text), 120, "the first paint")
        terminal.forget_slave()
        terminal.drop()
        spent = gone_without_spinning(terminal.process.pid, terminal.process)
        assert spent < 1.0
        assert terminal.process.wait(5) == 128 + signal.SIGHUP
        clean(terminal)
    night.publish()
    tried("gone, with and without a signal")


@pytest.mark.parametrize("view", VIEWS)
def test_a_killed_parent_leaves_nothing_behind(view: str, night: Night) -> None:
    """The shell above is killed, as when sshd dies; then its terminal goes."""
    with Pty(["/bin/sh", "-c", '"$@"; :', "sh", *night.command(view)]) as terminal:
        wait_until(lambda: night.shows(view, terminal.text), 120, "the first paint")
        (child,) = psutil.Process(terminal.process.pid).children()
        pid = child.pid
        terminal.process.kill()
        terminal.process.wait(5)
        assert running(pid)  # it still has its terminal
        night.publish()
        terminal.forget_slave()
        terminal.drop()
        assert gone_without_spinning(pid) < 1.0
        clean(terminal)
    tried("its parent killed")


@pytest.mark.parametrize("view", VIEWS)
def test_a_killed_tmux_server_leaves_nothing_behind(view: str, night: Night) -> None:
    socket = night.folder / f"{view}.tmux"
    with Tmux(socket, night.command(view), (120, 40)) as screen:
        wait_until(lambda: night.shows(view, screen.text()), 120, "the first paint")
        pid = screen.pid
        server = int(screen.tmux("display-message", "-p", "#{pid}"))
        os.kill(server, signal.SIGKILL)
        assert gone_without_spinning(pid) < 1.0
    night.publish()
    tried("tmux's server killed")


def painted(view: str, terminal: Pty) -> bool:
    """Whether all of its very size was painted: as many lines of just this width, the header up
    to the right edge; the console's rules too, with as many panes, and the keys at its foot."""
    width, height = terminal.size
    lines = terminal.painted()
    if not lines:
        return False
    if view == "wall":  # its letters are up to four cells wide, and three lines high
        header = max(len(one.rstrip()) for one in lines[:3])
        return header >= width - 12 and any(one.strip() for one in lines[-3:])
    rules = [one.rstrip() for one in lines if one.startswith("─ CUTS ─")]
    heads = [(len(one), one.count("┬")) for one in rules]
    panes = heads == [(width, (width >= 100) + (width >= 190))] and "? help" in lines[-1]
    return len(lines[0].rstrip()) >= width - 2 and (panes or height < 30)


def sizes(count: int) -> Iterator[tuple[int, int]]:
    """Both ends, and whatever lies between."""
    chance = random.Random(20240602)
    for n in range(count):
        if n % 10 in (0, 1):
            yield (SMALLEST, LARGEST)[n % 10]
        else:
            yield (
                chance.randint(SMALLEST[0], LARGEST[0]),
                chance.randint(SMALLEST[1], LARGEST[1]),
            )


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("view", VIEWS)
def test_resizing_without_end_breaks_nothing(view: str, night: Night) -> None:
    with night.open(view, controls=True) as terminal:
        pid = terminal.process.pid
        settled = 0
        for n, size in enumerate(sizes(RESIZES)):
            clean(terminal)
            del terminal.received[:]
            terminal.resize(size)
            if n % 3:  # some come in one burst, most are waited for
                wait_until(partial(painted, view, terminal), 60, f"{view} at {size}")
            assert terminal.process.poll() is None
            if n == RESIZES // 2:
                wait_until(lambda: used_at_rest(pid, 1.0) < REST_SHARE, 120, "all are painted")
                settled = resident_bytes(pid)
                night.publish()
        wait_until(lambda: used_at_rest(pid, 1.0) < REST_SHARE, 120, "all are painted")
        assert resident_bytes(pid) <= settled + GROWTH
        del terminal.received[:]
        terminal.resize((81, 25))
        wait_until(lambda: night.shows(view, terminal.text), 30, "the whole screen at a usual size")
        clean(terminal)
        terminal.process.terminate()
        assert terminal.process.wait(15) == 128 + signal.SIGTERM
    tried("resized between 20x5 and 400x100", RESIZES)


TERMS: tuple[str | None, ...] = (
    *("linux", "screen", "tmux-256color", "vt100", "xterm", "xterm-256color", "dumb"),
    *("", "no-such-terminal", None),
)
COLOURS: tuple[Mapping[str, str | None], ...] = (
    {},
    {"NO_COLOR": "1"},
    {"COLORTERM": "truecolor"},
)


@pytest.mark.parametrize("view", VIEWS)
def test_every_kind_of_terminal_gets_its_screen(view: str, night: Night) -> None:
    trials = list(itertools.product(TERMS, COLOURS))
    if not table.WHOLE:  # every kind once, with and without colour
        some = TERMS if view == "console" else TERMS[::3]
        trials = [(term, COLOURS[n % 2]) for n, term in enumerate(some)]
    for term, colours in trials:
        with night.open(view, {"TERM": term, **colours}) as terminal:
            clean(terminal)
            if "NO_COLOR" in colours:
                styles = re.findall(rb"\x1b\[([0-9;]*)m", bytes(terminal.received))
                codes = {int(code) for style in styles for code in style.split(b";") if code}
                assert codes <= {0, 1, 2, 4, 7, 39, 49}, (term, codes)
            terminal.process.terminate()
            assert terminal.process.wait(15) == 128 + signal.SIGTERM, term
            clean(terminal)
    night.publish()
    tried("kinds of TERM and colour", len(trials))


@pytest.mark.parametrize("view", VIEWS)
def test_a_reader_that_stops_for_a_while_sees_the_present_again(view: str, night: Night) -> None:
    with night.open(view) as terminal:
        pid = terminal.process.pid
        terminal.stop_reading()
        fill(terminal, view)
        wait_until(lambda: used_at_rest(pid, 1.0) < REST_SHARE, 60, "it paints no more")
        assert used_at_rest(pid, BLOCKED_S) < REST_SHARE
        assert terminal.process.poll() is None
        night.publish()
        del terminal.received[:]
        terminal.read_on()
        terminal.resize((120, 40))  # asks for a whole screen
        terminal.process.send_signal(signal.SIGWINCH)
        wait_until(lambda: night.shows(view, terminal.text), 60, "the cut that came meanwhile")
        wait_until(lambda: used_at_rest(pid, 1.0) < REST_SHARE, 60, "all is painted")
        clean(terminal)
        terminal.process.terminate()
        assert terminal.process.wait(15) == 128 + signal.SIGTERM
    tried("nobody reads for a while")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("end", ["dropped", "terminated"])
def test_a_reader_that_stops_for_ever_holds_nobody(view: str, end: str, night: Night) -> None:
    with night.open(view) as terminal:
        pid = terminal.process.pid
        terminal.stop_reading()
        fill(terminal, view)
        wait_until(lambda: used_at_rest(pid, 1.0) < REST_SHARE, 60, "it paints no more")
        assert used_at_rest(pid, BLOCKED_S / 2) < REST_SHARE
        night.publish()
        if end == "dropped":
            terminal.abandon()
        else:
            terminal.process.terminate()
        assert gone_without_spinning(pid, terminal.process) < 1.0
    tried("nobody reads any more")


def fill(terminal: Pty, view: str) -> None:
    """Enough to paint that the line is full: each size asks for a whole screen."""
    for n in range(60):
        terminal.resize((200 + n % 2, 60))
        terminal.process.send_signal(signal.SIGWINCH)
        if view == "console":
            terminal.write(b"?\x1b\x1b")
        threading.Event().wait(0.02)
    wait_until(terminal.is_full, 30, "the line is full")


def test_without_a_terminal_it_says_so(night: Night) -> None:
    """Its output goes into a pipe that nobody empties, or that is closed."""
    for closed in (False, True):
        reading, writing = os.pipe()
        if closed:
            os.close(reading)
        ran = subprocess.run(
            night.command("wall"), stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE
        )
        assert ran.returncode == 2
        assert b"needs a terminal" in ran.stderr
        os.close(writing)
        if not closed:
            os.close(reading)
        tried("none at all, and a pipe in its place")
