"""The demo from the outside: the tour runs, says what is real, finds faults, leaves nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from prep_console.cuts.stamps import Stamp
from prep_console.drill import demo, sandbox, tour
from prep_console.drill.institute import deliver
from prep_console.drill.nights import Night
from prep_console.drill.peers import clock, nut
from prep_console.problems import Failed, Refused, WrongUsage
from tests.waiting import wait_until

pytestmark = pytest.mark.server


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder that Apache's children may pass through; pytest closes its own at every start."""
    with tempfile.TemporaryDirectory(prefix="drill-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder


def started_in(folder: Path) -> list[str]:
    """Processes whose command line names ``folder``."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(folder) in line:
            found.append(line)
    return found


def _hears_interrupts() -> None:
    """What a shell runs in the background ignores SIGINT, and so do its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def running(scratch: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "prep_console", "--lang", "en", "demo", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
        preexec_fn=_hears_interrupts,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_tour_does_the_whole_job_behind_apache_and_leaves_nothing(scratch: Path) -> None:
    # no terminal: the tour without being asked for
    with running(scratch, "--lose-mains", "0") as process:
        told, wrong = process.communicate(timeout=400)
    assert (process.returncode, wrong) == (0, "")
    assert "SIMULACRO" in told
    assert "web server: a real Apache" in told
    assert "institute: simulated" in told
    for peer in ("the real upsd", "GenComm", "the real chronyd"):
        assert peer in told, told
    seen = [told.index(event) for event in ("on battery, seen", "generator runs", "are back")]
    assert seen == sorted(seen), told
    for event in ("503", "refused (archive.", "rollback: ", "release: ", "freeze: ", "verifies"):
        assert event in told, told
    public = re.findall(r"^(\d{8}_\d{4}) is public", told, re.MULTILINE)
    assert len(public) == 4, told
    assert public == sorted(public)
    assert list(scratch.iterdir()) == []
    assert started_in(scratch) == []


def test_it_says_so_when_the_web_server_is_not_apache_and_keeps_a_named_folder(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sandbox, "find_apache", lambda: None)
    monkeypatch.setattr(nut, "installed", lambda: False)
    monkeypatch.setattr(clock, "_PATH", str(scratch))
    kept = scratch / "kept"
    assert demo.run(language="en", screen=False, folder=kept, cuts=2) == 0
    told = capsys.readouterr().out
    assert "NOT Apache: none is installed" in told
    assert "in the place of NUT" in told
    assert "chrony is not installed" in told
    assert "power from the mains" in told
    assert "kept in" in told
    assert (kept / "config.toml").stat().st_mode & 0o077 == 0
    assert 'phase = "simulacro"' in (kept / "config.toml").read_text()
    newest = max((kept / "station/public/estado").glob("[0-9]*.json"), key=lambda p: int(p.stem))
    said = json.loads(newest.read_text())
    assert (said["phase"], said["final"]) == ("simulacro", True)
    assert started_in(scratch) == []


@pytest.mark.real_data
def test_a_real_final_cut_is_shown_as_derived(
    real_data: Path, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = real_data / "qroo_2019" / "20190603_0547_PREP_DIP_QROO.zip"
    kept = scratch / "kept"
    assert demo.run(language="en", screen=False, source=source, folder=kept, cuts=2) == 0
    told = capsys.readouterr().out
    assert f"DERIVED from {source.name}" in told
    assert re.search(r"^20190602_\d{4} is public", told, re.MULTILINE)
    newest = max((kept / "station/public/estado").glob("[0-9]*.json"), key=lambda p: int(p.stem))
    assert source.name in json.loads(newest.read_text())["title"]


def test_the_tour_fails_when_the_public_gets_other_bytes(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def altered(folder: Path, night: Night, stamp: Stamp, **named: Any) -> Mapping[str, bytes]:
        files = deliver(folder, night, stamp, **named)
        return {name: data + b"\n" for name, data in files.items()}  # we say it was something else

    monkeypatch.setattr(tour, "deliver", altered)
    with pytest.raises(Failed, match="not served as delivered"):
        demo.run(language="en", screen=False, folder=scratch / "kept", cuts=2)
    assert started_in(scratch) == []


def test_the_tour_fails_when_an_action_does_nothing(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def idle(station: sandbox.Sandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
        if arguments[0] != "rollback":
            return real(station, *arguments)
        _, older, *_ = json.loads(real(station, "cuts", "--json").stdout)["cuts"]
        claim = json.dumps({"to": older["id"], "from": None, "mode": "hold"})
        return subprocess.CompletedProcess(arguments, 0, claim, "")

    real = sandbox.Sandbox.call
    monkeypatch.setattr(sandbox.Sandbox, "call", idle)
    with pytest.raises(Failed, match="not served as delivered"):
        demo.run(language="en", screen=False, folder=scratch / "kept", cuts=2)
    assert started_in(scratch) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_demo_that_is_told_to_end_stops_everything(scratch: Path, number: signal.Signals) -> None:
    with running(scratch, "--headless", "--cuts", "90") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "is public" in line:
                break
        assert started_in(scratch)
        process.send_signal(number)
        process.wait(30)
    assert process.returncode == 128 + number
    wait_until(lambda: not started_in(scratch), 5)
    assert list(scratch.iterdir()) == []


def test_a_demo_that_is_killed_takes_its_children_along(scratch: Path) -> None:
    with running(scratch, "--headless", "--cuts", "90") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "is public" in line:
                break
        assert started_in(scratch)
        process.kill()
        process.wait(10)
        wait_until(lambda: not started_in(scratch), 15)


def test_on_a_terminal_it_is_the_real_console_over_arriving_cuts(scratch: Path) -> None:
    name = f"demo{os.getpid()}"
    tmux = ["tmux", "-L", name, "-f", "/dev/null"]
    command = f"TMPDIR={scratch} {sys.executable} -m prep_console --lang en demo --speed 600"

    def pane() -> str:
        shown = subprocess.run(
            [*tmux, "capture-pane", "-p"], capture_output=True, text=True, check=False
        )
        return shown.stdout

    subprocess.run(
        [*tmux, "new-session", "-d", "-x", "120", "-y", "40", f"{command}; echo ended=$?; cat"],
        check=True,
    )
    try:
        wait_until(lambda: "SIMULACRO" in pane() and pane().count("kept") >= 2, 180, "three cuts")
        assert started_in(scratch)
        subprocess.run([*tmux, "send-keys", "q"], check=True)
        wait_until(lambda: "ended=0" in pane(), 30, "the demo has ended")
        assert "institute: simulated" in pane(), "what is real stays on the terminal"
        wait_until(lambda: not started_in(scratch / "prep-console-demo-"), 5)
        assert list(scratch.iterdir()) == []
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


def test_what_it_cannot_do_it_refuses_before_anything_starts(scratch: Path) -> None:
    (scratch / "mine").write_text("x")
    junk = scratch / "junk.zip"
    junk.write_bytes(b"junk")
    with pytest.raises(Refused, match="not empty"):
        demo.run(language="en", screen=False, folder=scratch)
    with pytest.raises(WrongUsage, match="too few"):
        demo.run(language="en", screen=False, cuts=1)
    with pytest.raises(WrongUsage, match="speed"):
        demo.run(language="en", screen=False, speed=0)
    with pytest.raises(WrongUsage, match="no night"):
        demo.run(language="en", screen=False, source=junk)
    with pytest.raises(WrongUsage, match="cannot be read"):
        demo.run(language="en", screen=False, source=scratch / "none.zip")
    assert (scratch / "mine").read_text() == "x"


def test_an_engine_that_somebody_started_from_the_console_ends_with_the_demo(
    scratch: Path,
) -> None:
    with sandbox.sandbox(
        folder=scratch / "kept",
        language="en",
        title="",
        state="QRO",
        elections=["DIP_LOC", "AYUN"],
        port=None,
    ) as station:
        ours = station.status()["engine"]["pid"]
        other = subprocess.Popen(station.command("engine"), start_new_session=True)
        os.kill(ours, signal.SIGTERM)
        wait_until(lambda: station.status()["engine"]["pid"] == other.pid, 20)
    assert other.wait(5) is not None
    assert started_in(scratch) == []
