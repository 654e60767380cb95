"""Resync against real servers: the first source that has a cut, in the order of the settings."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from prep_console import config
from prep_console.engine.view import read_snapshot
from prep_console.intake import resync_progress
from prep_console.intake.pull.puller import lock_of
from prep_console.intake.resync import resync
from prep_console.intake.resync_progress import ResyncProgress
from prep_console.journal.actor import program
from prep_console.problems import Refused
from prep_console.publication import lock
from tests import nights
from tests.engine.test_engine import alive, engine
from tests.intake.pull.pulling import archive, pulling_children, slow_line
from tests.sshd import Sshd, sshd
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server

PERSON = program("test")


@dataclass(frozen=True, slots=True)
class Ground:
    """A station with two SFTP sources, the second one a mirror of the same server."""

    box: Sandbox
    server: Sshd
    first: Path
    second: Path

    def put(self, folder: Path, stamp: str, actas: int = 5) -> dict[str, bytes]:
        made = folder.parent / f"made-{folder.name}-{stamp}-{actas}"
        made.mkdir()
        paths = nights.two_archives(made, stamp=stamp, actas=actas).values()
        return {p.name: Path(shutil.copy(p, folder / p.name)).read_bytes() for p in paths}


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with two_sources(tmp_path) as made:
        yield made


@pytest.fixture
def slow_ground(tmp_path: Path) -> Iterator[Ground]:
    """Some 6 MB/s, and much patience: whoever looks finds it fetching, on any machine."""
    with two_sources(tmp_path, slow_line(tmp_path, 1 << 16), stall_seconds=60) as made:
        yield made


@contextmanager
def two_sources(tmp_path: Path, line: str = "", stall_seconds: int = 2) -> Iterator[Ground]:
    with sshd(tmp_path / "sshd", line) as server:
        made = sandbox(tmp_path)
        for name in ("uno", "dos"):
            folder = tmp_path / name
            folder.mkdir()
            source = {
                "kind": "sftp",
                "name": name,
                "host": f"127.0.0.1:{server.port}",
                "user": "root",
                "key_file": str(server.key),
                "known_hosts": str(server.known_hosts),
                "path": str(folder),
                "stall_seconds": stall_seconds,
            }
            with made.file.open("a") as file:
                lines = [f"{key} = {value!r}" for key, value in source.items()]
                file.write("\n".join(["[[intake.source]]", *lines, ""]))
        box = Sandbox(made.file, config.load(made.file))
        yield Ground(box, server, tmp_path / "uno", tmp_path / "dos")


def test_the_first_source_that_has_a_cut_gives_it(ground: Ground) -> None:
    sent = ground.put(ground.second, "20240602_2005")
    ran = ground.box.run("resync", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["received"] == ["20240602_2005"]
    assert [(s["source"], s["said"]) for s in ran.json["sources"]] == [
        ("drop", "nothing"),
        ("uno", "nothing"),
        ("dos", "cut"),
    ]
    site = ground.box.station.cuts / "20240602_2005" / "site"
    assert {p.name: p.read_bytes() for p in site.glob("*.zip")} == sent
    ground.put(ground.first, "20240602_2010")
    assert ground.box.run("resync", "--json").json["received"] == ["20240602_2010"]
    assert ground.box.station.live().cut == "20240602_2010"


def test_the_same_cut_again_repairs_the_live_one(ground: Ground) -> None:
    ground.put(ground.first, "20240602_2005")
    ground.box.run("resync")
    victim = sorted((ground.box.station.cuts / "20240602_2005" / "site").glob("*.zip"))[0]
    good = victim.read_bytes()
    victim.chmod(0o644)
    victim.write_bytes(b"x" + good[1:])
    ran = ground.box.run("resync", "--json")
    assert ran.code == 0
    assert ran.json["compared"]["repaired"] == [victim.name]
    assert ran.json["received"] == []
    assert victim.read_bytes() == good


def test_other_bytes_under_the_live_stamp_wait_as_a_correction(ground: Ground) -> None:
    ground.put(ground.first, "20240602_2005")
    ground.box.run("resync")
    ground.put(ground.first, "20240602_2005", actas=6)
    ran = ground.box.run("resync", "--json")
    assert ran.json["received"]
    assert all(cut.startswith("20240602_2005.") for cut in ran.json["received"])
    assert ground.box.station.live().cut == "20240602_2005"


def test_an_older_source_is_not_believed(ground: Ground) -> None:
    ground.put(ground.first, "20240602_2005")
    ground.box.run("resync")
    for path in ground.first.iterdir():
        path.unlink()
    ground.put(ground.first, "20240602_2000")
    ran = ground.box.run("resync")
    assert ran.code == 0
    assert "older cut 20240602_2000" in ran.out
    assert ground.box.station.live().cut == "20240602_2005"


def test_one_election_of_a_newer_cut_is_not_called_nothing(ground: Ground) -> None:
    """It came, and waits for the other one: also when it is asked for once more."""
    ground.put(ground.first, "20240602_2005")
    ground.box.run("resync")
    for name in ground.put(ground.first, "20240602_2010"):
        if "AYUN" in name:
            (ground.first / name).unlink()
    for _ in range(2):
        ran = ground.box.run("resync")
        assert (ran.code, ran.out) == (0, "accepted; the cut waits for AYUN\n")
        assert ground.box.run("resync", "--json").json["waiting_for"] == ["AYUN"]


def test_no_source_that_answers_is_said_and_the_live_cut_is_compared(ground: Ground) -> None:
    ground.put(ground.first, "20240602_2005")
    ground.box.run("resync")
    ground.server.kill()
    ran = ground.box.run("resync")
    assert ran.code == 1
    assert "no source answered: uno: unreachable" in ran.err
    assert ran.err.count(" — ") == 2
    assert ": uno: inalcanzable: conexión rechazada (" in ground.box.run("resync", lang="es").err
    assert ground.box.run("resync", "--json").json["compared"]["files"] > 0
    ground.server.start()


def test_it_is_cancelled_while_it_fetches_and_goes_on_the_next_time(slow_ground: Ground) -> None:
    ground = slow_ground
    name = "20240602_2005_PREP_DIP_LOC_QRO.zip"
    archive(ground.first, name, 300 << 20)
    station = ground.box.station
    seen: list[ResyncProgress] = []
    told: list[BaseException] = []

    def run() -> None:
        try:
            resync(station, actor=PERSON, shown=seen.append)
        except Refused as refused:
            told.append(refused)

    running = threading.Thread(target=run)
    running.start()
    watcher = ground.box.station
    wait_until(lambda: (p := resync_progress.read(watcher)) and p.bytes > 1 << 20, 20)
    now = read_snapshot(ground.box.settings).readings["resync"]
    assert (now.value, now.detail["source"]) == ("fetching", "uno")
    assert resync_progress.cancel(watcher)
    running.join(10)
    assert told
    assert not pulling_children()
    assert resync_progress.read(watcher) is None
    assert list((station.root / "fetched" / "uno").glob(".*.part"))
    assert {p.state for p in seen} == {"asking", "fetching"}
    assert all(p.total_bytes == 300 << 20 for p in seen if p.state == "fetching")


def test_it_never_runs_twice_at_once(ground: Ground) -> None:
    station = ground.box.station
    station.prepare()
    with lock.held(resync_progress.lock_of(station), "resync"):
        (station.run / "resync.json").write_text('{"source": "uno", "state": "asking"}')
        ran = ground.box.run("resync")
        asked = ground.box.run("resync", "--cancel")
    assert ran.code == 1
    assert "(resync)" in ran.err
    assert (asked.code, "asked to stop" in asked.out) == (0, True)
    nobody = ground.box.run("resync", "--cancel")
    assert (nobody.code, "no resync runs" in nobody.err) == (1, True)


def test_interrupted_it_says_what_stays_and_leaves_nobody(ground: Ground) -> None:
    archive(ground.first, "20240602_2005_PREP_DIP_LOC_QRO.zip", 300 << 20)
    for number in (signal.SIGINT, signal.SIGTERM):
        running = ground.box.start("--lang", "en", "resync")
        wait_until(lambda: resync_progress.read(ground.box.station) is not None, 20)
        running.send_signal(number)
        _, error = running.communicate(timeout=15)
        assert running.returncode == 1, error
        assert b"cancelled" in error
        shutil.rmtree(
            ground.box.settings.root / "fetched", ignore_errors=True
        )  # or the rest comes in no time


def test_ctrl_z_stops_nobody_else(slow_ground: Ground) -> None:
    """Suspended, it would keep its locks: the engine would ask no source any more."""
    ground = slow_ground
    archive(ground.first, "20240602_2005_PREP_DIP_LOC_QRO.zip", 300 << 20)
    running = ground.box.start("--lang", "en", "resync")
    wait_until(lambda: resync_progress.read(ground.box.station) is not None, 30)
    ground.server.freeze()
    for number in (signal.SIGTSTP, signal.SIGTTOU):
        running.send_signal(number)
        assert psutil.Process(running.pid).status() != psutil.STATUS_STOPPED
    assert ground.box.run("resync", "--cancel").code == 0
    ground.server.thaw()
    wait_until(lambda: lock.is_held(resync_progress.lock_of(ground.box.station)) is False, 30)
    running.send_signal(signal.SIGCONT)
    running.communicate(timeout=30)


def test_what_lies_in_the_drop_folder_and_is_no_cut_hides_no_source(ground: Ground) -> None:
    sent = ground.put(ground.first, "20240602_2005")
    ground.box.station.prepare()
    junk = ground.box.settings.drop_folder / "20240602_2010_PREP_DIP_LOC_QRO.zip"
    junk.write_bytes(b"PK\x05\x06" + bytes(18))
    os.utime(junk, (1e9, 1e9))
    ran = ground.box.run("resync", "--json")
    assert len(ran.json["refused"]) == 1
    assert ran.json["received"] == ["20240602_2005"], ran.json
    site = ground.box.station.cuts / "20240602_2005" / "site"
    assert {p.name: p.read_bytes() for p in site.glob("*.zip")} == sent


def test_a_resync_that_was_stopped_shows_at_the_source_that_it_holds(ground: Ground) -> None:
    archive(ground.first, "20240602_2005_PREP_DIP_LOC_QRO.zip", 300 << 20)
    with engine(ground.box):
        wait_until(lambda: alive(ground.box), 60)
        ground.server.freeze()
        running = ground.box.start("resync")
        try:
            wait_until(lambda: holds(ground.box, running.pid), 60)
            os.kill(running.pid, signal.SIGSTOP)
            wait_until(lambda: f"process {running.pid}" in error_of(ground.box, "uno"), 60)
        finally:
            os.kill(running.pid, signal.SIGKILL)
            ground.server.thaw()
            running.communicate(timeout=30)
        wait_until(lambda: f"process {running.pid}" not in error_of(ground.box, "uno"), 60)


def holds(box: Sandbox, pid: int) -> bool:
    """Whether the process holds the first source."""
    path = lock_of(box.settings.root, box.settings.sources[0])
    holder = lock.holder_of(path)
    return lock.is_held(path) is True and holder is not None and holder.pid == pid


def error_of(box: Sandbox, source: str) -> str:
    reading = read_snapshot(box.settings).readings.get(f"source.{source}")
    return (reading.error or "") if reading is not None else ""


def damaged(ground: Ground) -> tuple[Path, bytes, bytes]:
    """A file of the live cut that was changed: where, and its bytes before and now."""
    live = ground.box.station.live().cut
    assert live is not None
    victim = sorted((ground.box.station.cuts / live / "site").glob("*.zip"))[0]
    good = victim.read_bytes()
    bad = b"x" + good[1:]
    victim.chmod(0o644)
    victim.write_bytes(bad)
    return victim, good, bad


def test_a_frozen_source_is_given_up_and_the_next_one_asked(ground: Ground, tmp_path: Path) -> None:
    sent = ground.put(ground.second, "20240602_2005")
    with sshd(tmp_path / "other") as other:
        text = ground.box.file.read_text()
        ours = f"127.0.0.1:{ground.server.port}"
        text = text.replace(ours, f"127.0.0.1:{other.port}", 1)
        ground.box.file.write_text(text)
        other.freeze()
        ran = ground.box.run("resync", "--json")
        other.thaw()
    said = {s["source"]: s for s in ran.json["sources"]}
    assert not said["uno"]["answered"]
    assert said["dos"]["said"] == "cut"
    site = ground.box.station.cuts / "20240602_2005" / "site"
    assert {p.name: p.read_bytes() for p in site.glob("*.zip")} == sent


def test_a_cut_that_is_refused_makes_way_for_that_of_the_next_source(ground: Ground) -> None:
    bad = ground.first / "20240602_2010_PREP_DIP_LOC_QRO.zip"
    bad.write_bytes(b"PK\x05\x06" + bytes(18))
    ground.put(ground.second, "20240602_2005")
    ran = ground.box.run("resync", "--json")
    assert len(ran.json["refused"]) == 1
    assert ran.json["received"] == ["20240602_2005"]


def test_a_drop_folder_that_cannot_be_read_keeps_no_other_source_out(ground: Ground) -> None:
    ground.put(ground.first, "20240602_2005")
    ground.box.station.prepare()
    ground.box.settings.drop_folder.rmdir()
    ground.box.settings.drop_folder.write_bytes(b"a file in its place")
    ran = ground.box.run("resync", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["received"] == ["20240602_2005"]
    assert not ran.json["sources"][0]["answered"]


def test_repaired_from_a_source_while_a_push_waits_and_a_visitor_reads(
    ground: Ground, tmp_path: Path
) -> None:
    ground.put(ground.second, "20240602_2005")
    ground.box.run("resync")
    victim, good, bad = damaged(ground)
    made = tmp_path / "pushed"
    made.mkdir()
    for path in nights.two_archives(made, stamp="20240602_2010", actas=5).values():
        shutil.copy(path, ground.box.settings.drop_folder)
    arriving = ground.box.settings.drop_folder / "20240602_2015_PREP_DIP_LOC_QRO.zip"
    arriving.write_bytes(path.read_bytes()[:1000])
    answers: list[bytes] = []
    stop = threading.Event()

    def visit() -> None:
        while not stop.is_set():
            answers.append(victim.read_bytes())

    visitor = threading.Thread(target=visit)
    visitor.start()
    ran = ground.box.run("resync", "--json")
    stop.set()
    visitor.join(5)
    assert ran.code == 0, ran.err
    assert ran.json["compared"]["repaired"] == [victim.name]
    assert ran.json["received"] == ["20240602_2010"]
    assert [(s["source"], s["said"]) for s in ran.json["sources"]] == [
        ("drop", "cut"),
        ("uno", "nothing"),
        ("dos", "cut"),
    ]
    assert set(answers) == {bad, good}
    assert answers[0] == bad
    assert answers[answers.index(good) :] == [good] * answers.count(good)
    assert arriving.stat().st_size == 1000


def test_cancelled_while_it_compares_nothing_is_taken(ground: Ground) -> None:
    ground.put(ground.first, "20240602_2005")
    ground.box.run("resync")
    ground.put(ground.first, "20240602_2010")

    def stop(progress: ResyncProgress) -> None:
        if progress.state == "comparing":
            resync_progress.cancel(ground.box.station)

    with pytest.raises(Refused, match="cancelled"):
        resync(ground.box.station, actor=PERSON, shown=stop)
    assert ground.box.station.live().cut == "20240602_2005"
    ran = ground.box.run("resync", "--json")
    assert ran.json["received"] == ["20240602_2010"]


@pytest.mark.parametrize("layout", ["archives", "tree"])
def test_cancelled_while_it_waits_for_what_is_arriving(layout: str, tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    with box.file.open("a") as file:
        file.write(f'[[intake.source]]\nkind = "drop"\nlayout = "{layout}"\n')
    box = Sandbox(box.file, config.load(box.file))
    box.station.prepare()
    (box.settings.drop_folder / "20240602_2005_PREP_AYUN_QRO.zip").write_bytes(b"PK\x03\x04")
    running = box.start("--lang", "en", "resync", "--wait")
    wait_until(lambda: (now := resync_progress.read(box.station)) and now.state == "taking", 60)
    assert resync_progress.cancel(box.station)
    _, error = running.communicate(timeout=20)
    assert b"the resync was cancelled" in error


def test_beside_an_engine_that_pulls_from_the_same_source(ground: Ground) -> None:
    with engine(ground.box):
        ground.put(ground.first, "20240602_2005")
        assert ground.box.run("resync").code == 0
        wait_until(lambda: ground.box.station.live().cut == "20240602_2005", 20)
        victim, good, _ = damaged(ground)
        assert ground.box.run("resync").code == 0
        assert victim.read_bytes() == good
    assert ground.box.run("journal", "--verify").code == 0
