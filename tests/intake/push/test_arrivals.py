"""What is arriving is shown while it arrives, and as stalled when it stands still."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from prep_console import config
from prep_console.engine.arrivals import reading
from prep_console.intake.push import arrivals
from prep_console.intake.push.account import key_options
from prep_console.intake.push.arrivals import Arrivals
from prep_console.intake.push.sessions import marks_folder
from prep_console.intake.whole import End, end_of
from tests.engine.test_engine import alive, engine
from tests.intake.push.test_push import rsync
from tests.processes import LONG_S
from tests.sshd import sshd
from tests.stations import sandbox
from tests.waiting import wait_until


def test_a_file_that_grows_has_its_bytes_its_rate_and_its_rest(tmp_path: Path) -> None:
    seen = Arrivals(tmp_path)
    assert seen.look(0.0) is None
    file = tmp_path / ".a.zip.Xq3fT1"
    file.write_bytes(bytes(100))
    seen.look(10.0)
    file.write_bytes(bytes(300))
    growing = seen.look(12.0)
    assert growing is not None
    assert (growing.bytes, growing.bytes_per_s, growing.quiet_s) == (300, 100.0, 0.0)
    resting = seen.look(40.0)
    assert resting is not None
    assert resting.quiet_s == 28.0
    file.rename(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{}")
    assert seen.look(41.0) is None


def test_an_archive_without_its_end_is_still_coming(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a\x1b[31m.zip").write_bytes(b"PK\x03\x04" + bytes(500))
    (tmp_path / "link").symlink_to("/dev/zero")
    arriving = Arrivals(tmp_path).look()
    assert arriving is not None
    assert "\x1b" not in arriving.file


def test_what_may_not_be_read_is_told_before_what_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``chmod 600`` by its sender; put right, it is as any other."""
    box = sandbox(tmp_path)
    box.station.prepare()
    drop = box.settings.drop_folder
    (drop / "a.json").write_text("{}")
    (drop / "b.zip").write_bytes(b"PK\x03\x04")
    real = end_of

    def refused(path: Path) -> End:
        if path.name == "a.json":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    seen = Arrivals(drop)
    with monkeypatch.context() as patch:  # root may read everything
        patch.setattr(arrivals, "end_of", refused)
        told = reading(box.settings, seen.look(1.0))
    assert (told.value, told.state, told.detail["file"]) == ("unreadable", "warning", "a.json")
    told = reading(box.settings, seen.look(2.0))
    assert (told.value, told.detail["file"]) == ("arriving", "b.zip")


def test_a_folder_that_keeps_what_was_taken_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = sandbox(tmp_path)
    box.station.prepare()
    assert reading(box.settings, None).value == "waiting"
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everything
    assert reading(box.settings, None).value == "undeletable"


def test_a_tree_whose_last_session_broke_off_says_so(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    with box.file.open("a") as file:
        file.write('[[intake.source]]\nkind = "drop"\nlayout = "tree"\n')
    settings = config.load(box.file)
    box.station.prepare()
    marks = marks_folder(settings.root)
    marks.mkdir()
    for second, code, value in ((1, 0, "waiting"), (2, 20, "broken off"), (3, 1, "broken off")):
        at = f"2024-06-02T20:00:0{second}+00:00"
        said = {"started_at": at, "ended_at": at, "exit_code": code}
        (marks / f"{second}.json").write_text(json.dumps(said))
        assert reading(settings, None).value == value


@pytest.mark.server
def test_a_push_that_freezes_is_told_as_stalled_and_goes_on(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"intake": {"settle_seconds": 0.5}})
    with box.file.open("a") as file:
        file.write('[[intake.source]]\nkind = "drop"\nstall_seconds = 2\n')
    box.station.prepare()
    marks_folder(box.settings.root).mkdir()
    big = tmp_path / "20240602_2005_PREP_AYUN_QRO.zip"
    big.write_bytes(b"PK\x03\x04" + bytes(8 << 20))

    def said() -> Any:
        return box.run("status", "--json").json["readings"].get("source.drop", {})

    with sshd(tmp_path / "sshd", options=key_options(box.settings)) as server, engine(box):
        wait_until(lambda: alive(box), 60)
        wait_until(lambda: said().get("value") == "waiting", LONG_S)
        push = rsync(server, "--bwlimit=100", big, "root@127.0.0.1:")
        pushing = subprocess.Popen(push, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: said().get("value") == "arriving", LONG_S)
            wait_until(lambda: said()["detail"]["bytes_per_s"] > 0, LONG_S)
            assert said()["detail"]["sessions"] == 1
            for process in psutil.Process(pushing.pid).children(recursive=True):
                process.send_signal(signal.SIGSTOP)
            pushing.send_signal(signal.SIGSTOP)
            wait_until(lambda: said().get("value") == "stalled", LONG_S)
            assert said()["state"] == "warning"
            for process in psutil.Process(pushing.pid).children(recursive=True):
                process.send_signal(signal.SIGCONT)
            pushing.send_signal(signal.SIGCONT)
            wait_until(lambda: said().get("value") == "arriving", LONG_S)
        finally:
            pushing.kill()
            pushing.wait()
