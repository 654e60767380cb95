"""The control room's session in a real tmux, and a second user who may look and cannot act."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.console.terminals import Pty
from tests.nights import two_archives
from tests.stations import Ran, Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server
VIEWER = "nobody"
AS_VIEWER = ("setpriv", "--reuid", VIEWER, "--regid", "nogroup", "--clear-groups")


@pytest.fixture
def folder() -> Iterator[Path]:
    """One with a blank and quotes in its name, which other users may pass."""
    with tempfile.TemporaryDirectory(prefix="prep-muro-") as name:
        odd = Path(name, 'sala d\'el "muro" #{q} $HOME')
        odd.mkdir()
        for path in (Path(name), odd):
            path.chmod(0o755)
        yield odd


def tmux(socket: Path, *arguments: str, as_viewer: bool = False) -> Ran:
    """One tmux command, as ourselves or as the viewer."""
    done = subprocess.run(
        [*(AS_VIEWER if as_viewer else []), "tmux", "-S", str(socket), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={"LANG": "C.UTF-8", "PATH": os.environ["PATH"], "TERM": "xterm-256color"},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@contextmanager
def session(box: Sandbox, folder: Path, *options: str) -> Iterator[Path]:
    """The printed session, running."""
    conf, socket = folder / "muro.conf", folder / "s"
    printed = box.run("tmux-config", *options)
    assert printed.code == 0, printed.err
    conf.write_text(printed.out)
    begun = tmux(socket, "-f", str(conf), "start-server", ";", "list-sessions")
    try:
        assert "prep: 3 windows" in begun.out, begun
        yield socket
    finally:
        tmux(socket, "kill-server")


def shown(socket: Path, window: int, **more: bool) -> str:
    return tmux(socket, "capture-pane", "-p", "-t", f"prep:{window}", **more).out


@pytest.fixture
def box(folder: Path) -> Sandbox:
    made = sandbox(folder)
    for path in two_archives(folder).values():
        assert made.run("receive", path).code == 0
    return made


def test_its_windows_show_wall_record_and_console(box: Sandbox, folder: Path) -> None:
    with session(box, folder) as socket:
        wait_until(lambda: "ENGINE STOPPED" in shown(socket, 0), 30, "the wall is drawn")
        wait_until(lambda: "20240602_2005" in shown(socket, 1), 30, "the record runs")
        wait_until(lambda: "CUTS" in shown(socket, 2), 30, "the console is drawn")
        assert tmux(socket, "show", "-sv", "escape-time").out.strip() == "10"


def test_a_window_whose_program_ended_starts_again(box: Sandbox, folder: Path) -> None:
    with session(box, folder) as socket:
        wait_until(lambda: "20240602_2005" in shown(socket, 1), 30, "the record runs")
        shell = int(tmux(socket, "display-message", "-p", "-t", "prep:1", "#{pane_pid}").out)
        (before,) = psutil.Process(shell).children()
        before.kill()
        wait_until(lambda: not before.is_running(), 10, "the record has ended")

        def again() -> bool:
            running = psutil.Process(shell).children()
            return any("journal" in process.cmdline() for process in running)

        wait_until(again, 30, "the record runs again")


def test_a_viewer_looks_and_cannot_act(box: Sandbox, folder: Path) -> None:
    assert os.getuid() == 0, "another user's part can be played by root alone"
    with session(box, folder, "--viewer", VIEWER) as socket:
        wait_until(lambda: "ENGINE STOPPED" in shown(socket, 0), 30, "the wall is drawn")
        assert socket.stat().st_mode & 0o777 == 0o660
        os.chown(socket, -1, 65534)  # as the folder's set-group bit does on a station
        attach = [*AS_VIEWER, "tmux", "-S", str(socket), "attach"]
        with Pty(attach, (100, 40), {"TERM": "xterm-256color"}) as looking:
            looking.forget_slave()
            wait_until(lambda: "ENGINE" in looking.text, 20, "the viewer sees the wall")
            for key in (b"q", b"\x02&", b"y", b"\x02:", b"kill-server", b"\r", b"\x02c"):
                looking.write(key)  # none is heeded; in one burst they would be a paste
                threading.Event().wait(0.2)

            def detached() -> bool:
                looking.write(b"\x02d")
                threading.Event().wait(0.5)
                return looking.process.poll() is not None

            wait_until(detached, 20, "the viewer has left")
        assert "detached" in looking.text
        for order in (
            ("send-keys", "-t", "prep:2", "q"),
            ("kill-server",),
            ("kill-session", "-t", "prep"),
            ("respawn-pane", "-k", "-t", "prep:0", "sh"),
            ("new-window", "-t", "prep", "sh"),
            ("run-shell", "touch /tmp/acted"),
            ("server-access", "-a", "-w", VIEWER),
        ):
            refused = tmux(socket, *order, as_viewer=True)
            assert refused.code != 0, order
        assert tmux(socket, "list-sessions").out.startswith("prep: 3 windows")
        assert "ENGINE STOPPED" in shown(socket, 0)
        assert not Path("/tmp/acted").exists()


def test_wrong_usage(box: Sandbox) -> None:
    for name in ("", "a b", "-r", "root;kill-server", "Ana"):
        ran = box.run("tmux-config", "--viewer", name)
        assert ran.code == 2
        assert "user's name" in ran.err
