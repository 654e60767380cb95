"""The installed program in a real tmux: a real station, a real Apache, driven by keys."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import nights
from tests.apache.server import Apache
from tests.console.terminals import Tmux
from tests.processes import running
from tests.stations import PROGRAM, Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server

STAMPS = nights.stamps("20240602_2005", 4)
OLDEST, OLDER, NEWEST, NEXT = STAMPS


@dataclass(frozen=True, slots=True)
class Night:
    """A station with three cuts behind an Apache that answers."""

    box: Sandbox
    apache: Apache
    folder: Path

    @property
    def public(self) -> str | None:
        """The cut that a visitor gets."""
        return self.apache.get("/").cut

    @property
    def mode(self) -> str:
        return self.box.station.state().mode

    def receive(self, stamp: str) -> None:
        made = self.folder / stamp
        made.mkdir()
        for archive in nights.two_archives(made, stamp, actas=5).values():
            done = self.box.run("receive", archive)
            assert done.code == 0, done.err

    def console(self, name: str = "a", size: tuple[int, int] = (80, 24), *more: str) -> Tmux:
        command = [PROGRAM, "--config", self.box.file, "--lang", "en", "console", *more]
        return Tmux(self.folder / f"{name}.tmux", command, size)

    @contextlib.contextmanager
    def engine(self) -> Iterator[None]:
        with self.box.engine():
            wait_until(lambda: self.box.run("status", "--json").json["engine"]["alive"], 20)
            yield


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    bare = sandbox(tmp_path)
    bare.station.prepare()
    with Apache(bare.settings, tmp_path / "apache") as apache:
        box = sandbox(tmp_path, {"site": {"url": apache.url + "/"}})
        made = Night(box, apache, tmp_path)
        for stamp in (OLDEST, OLDER, NEWEST):
            made.receive(stamp)
        yield made


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_night_by_keys(night: Night, size: tuple[int, int]) -> None:
    """Rollback, hold kept, a new cut waiting, release, hold, freeze: each seen by a visitor."""
    with night.engine(), night.console("a", size) as screen:
        screen.see("UP TO DATE")
        screen.see("20:15 public")
        assert len(screen.rows()) == size[1]

        screen.keys("b")
        screen.see(f"would be 20:10 {OLDER}")
        screen.keys("1")
        screen.see("yes, roll back to")
        screen.keys("y")
        screen.see("Seen over HTTP")  # meanwhile, where it took over two seconds
        assert night.public == OLDER
        assert night.mode == "hold"
        screen.keys("Enter")
        screen.see("it holds test data")
        screen.see("withdrawn")

        night.receive(NEXT)
        screen.see("1 new cut waits")
        assert night.public == OLDER

        screen.keys("h")
        screen.see(f"would be 20:20 {NEXT}")
        screen.keys("1", "y")
        screen.see("Seen over HTTP")  # meanwhile, where it took over two seconds
        assert (night.public, night.mode) == (NEXT, "auto")
        screen.keys("Enter")
        screen.see("UP TO DATE")

        screen.keys("h")
        screen.see("HOLD PUBLISHING")
        screen.keys("1", "y")
        screen.see("Publishing is on hold.")
        assert night.mode == "hold"
        screen.keys("Enter")

        screen.see("ON HOLD: since")
        screen.keys("f")
        screen.see("Type the hour of this cut")
        screen.keys("2", "0", "2", "0", "Enter")
        screen.see("Why? Press a number")
        screen.keys("1", "y")
        screen.see("is frozen as the final one")
        screen.keys("Enter")
        screen.see("FROZEN: since")
        assert (night.public, night.mode) == (NEXT, "frozen")

        pid = screen.pid
        screen.keys("q")
        wait_until(lambda: not running(pid), 5)
    assert night.public == NEXT


def test_two_consoles_one_acts_and_the_other_shows_it_within_a_second(night: Night) -> None:
    with night.console("a") as acting, night.console("b", (120, 40)) as watching:
        acting.see("20:15 public")
        watching.see("20:15 public")
        acting.keys("h")
        acting.see("HOLD PUBLISHING")
        acting.keys("1")
        acting.see("yes, hold")
        acting.keys("y")
        wait_until(lambda: night.mode == "hold", 5)
        watching.see("a cut is being reviewed", 1.5)


def test_the_dialog_starts_over_when_a_command_was_faster(night: Night) -> None:
    with night.console() as screen:
        screen.see("20:15 public")
        screen.keys("b", "1")
        screen.see("yes, roll back to")
        assert night.box.run("rollback", "--yes", "--reason", "faster").code == 0
        screen.see("The station changed meanwhile. Look again and start over.")
        screen.keys("y")
        screen.see(f"would be 20:05 {OLDEST}")
        assert night.public == OLDER


def test_no_engine_then_started_from_the_console(night: Night) -> None:
    started: int | None = None
    try:
        with night.console() as screen:
            screen.see("no engine has ever run here")
            screen.keys("m")
            screen.see("START THE ENGINE")
            screen.keys("y")
            screen.see("The engine is running.", 20)
            started = night.box.run("status", "--json").json["engine"]["pid"]
            screen.keys("Enter")
            screen.see("UP TO DATE", 20)
            screen.keys("q")
        assert started is not None
        assert running(started), "the engine outlives the console"
    finally:
        if started is not None:
            os.kill(started, signal.SIGTERM)
            wait_until(lambda: not running(started or 0), 15)


def test_sighup_ends_it_and_leaves_publishing_alone(night: Night) -> None:
    with night.console() as screen:
        screen.see("20:15 public")
        screen.keys("b", "1")
        screen.see("yes, roll back to")
        pid = screen.pid
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: not running(pid), 5)
    assert (night.public, night.mode) == (NEWEST, "auto")
    assert night.box.run("journal", "--verify").code == 0


def test_a_killed_tmux_takes_the_console_with_it(night: Night) -> None:
    with night.console() as screen:
        screen.see("20:15 public")
        pid = screen.pid
        screen.tmux("kill-server")
        wait_until(lambda: not running(pid), 6)
    assert night.public == NEWEST


def test_a_wall_shows_it_all_and_takes_no_key(night: Night) -> None:
    with night.engine(), night.console("wall", (120, 40), "--wall") as screen:
        screen.see("UP TO DATE")
        screen.see("arrived")
        screen.keys("b", "h", "q", "Escape")
        screen.see("UP TO DATE")
        assert night.mode == "auto"


def test_a_read_only_console_decides_nothing(night: Night) -> None:
    with night.console("ro", (80, 24), "--read-only") as screen:
        screen.see("20:15 public")
        screen.keys("b", "1", "y", "h", "1", "y", "m", "y")
        screen.keys("?")
        screen.see("HELP")
        assert night.mode == "auto"
        assert night.public == NEWEST


def test_the_state_of_spanish_screens(night: Night) -> None:
    command = [PROGRAM, "--config", night.box.file, "console"]
    with Tmux(night.folder / "es.tmux", command) as screen:
        screen.see("MOTOR DETENIDO")
        screen.keys("b")
        screen.see("REGRESAR AL CORTE ANTERIOR")
        screen.keys("1", "s")
        screen.see("Visto por HTTP")
        assert night.public == OLDER


def test_it_needs_a_terminal(night: Night) -> None:
    done = night.box.run("console")
    assert done.code == 2
    assert "terminal" in done.err


def test_an_alarm_is_acknowledged_by_keys_and_everybody_sees_who_did(night: Night) -> None:
    """Without an engine: the record itself tells it, to the command and to another console."""
    with night.console("a") as acting, night.console("b", (120, 40)) as watching:
        acting.see("No engine is running")
        acting.keys("a")
        acting.see("what to do")
        acting.keys("a")
        acting.see("Acknowledged.")
        acting.see("seen by")
        alarms = night.box.run("status", "--json").json["alarms"]
        (stopped,) = [one for one in alarms if one["id"] == "engine.stopped"]
        assert stopped["acknowledged_by"]
        watching.see(f"seen by {stopped['acknowledged_by']}", 5)
        acting.keys("s")
        acting.see("This alarm cannot be shelved")
        acting.keys("q")
        acting.see("CUTS")
        acting.keys("l")
        acting.see("RECORD")
    assert night.box.run("journal", "--verify").code == 0


def test_instruments_and_graphs_of_a_living_engine(night: Night) -> None:
    with night.engine(), night.console("a", (120, 40)) as screen:
        screen.see("UP TO DATE")
        screen.keys("i")
        screen.see("SERVER")
        screen.see("read just now")
        screen.keys("q")
        screen.see("CUTS")
        screen.keys("g")
        screen.see("HISTORY")
        screen.see("┤", 30)
        screen.keys("Escape")
        screen.see("CUTS")
