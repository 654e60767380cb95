"""A mirrored tree: taken when its session ended well, whole, and never touched."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from prep_console import config
from prep_console.intake.push.account import key_options
from prep_console.intake.push.sessions import Session, marks_folder
from prep_console.intake.push.tree import LONG_REST_S, MirroredTree
from prep_console.intake.receive import receive
from prep_console.journal.actor import program
from tests import nights
from tests.engine.test_engine import alive, engine, live
from tests.intake.push.test_push import is_live, rsync, run
from tests.sshd import sshd
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until


def session(ended_s: float | None, code: int | None = 0, *, is_open: bool = False) -> Session:
    """One that ended so many seconds from now."""
    now = datetime.now(UTC)
    ended = None if ended_s is None else now + timedelta(seconds=ended_s)
    return Session(now - timedelta(seconds=60), ended, code, is_open)


def tree_of(folder: Path, *marks: Session, connected: bool = False) -> MirroredTree:
    (folder / "json").mkdir(exist_ok=True)
    (folder / "json/corte.json").write_text("{}")
    return MirroredTree(folder, 0.5, lambda: marks, lambda: connected)


def test_a_session_that_ended_well_after_the_last_change_is_the_mark(tmp_path: Path) -> None:
    assert tree_of(tmp_path, session(5)).ready(0.0)


@pytest.mark.parametrize(
    "marks",
    [
        (session(5, 20),),
        (session(5), session(None, None)),
        (session(5), session(None, None, is_open=True)),
        (session(None, None),),
        (session(-30),),
    ],
    ids=["ended badly", "a later one was killed", "one is open", "killed", "written since"],
)
def test_no_other_session_is(marks: tuple[Session, ...], tmp_path: Path) -> None:
    assert not tree_of(tmp_path, *marks).ready(0.0)


def test_without_marks_only_a_long_rest_counts(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    assert not tree.ready(0.0)
    assert not tree.ready(LONG_REST_S - 1)
    (tmp_path / "a").write_text("x")
    assert not tree.ready(LONG_REST_S)
    assert tree.ready(2 * LONG_REST_S + 1)
    tree.note_taken()
    assert not tree.ready(9 * LONG_REST_S)
    (tmp_path / "a").write_text("y")
    assert not tree.ready(9 * LONG_REST_S)
    assert tree.ready(11 * LONG_REST_S)


def test_a_temporary_file_or_somebody_connected_is_no_rest(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    (tmp_path / ".a.zip.Xq3fT1").write_text("x")
    tree.ready(0.0)
    assert not tree.ready(99.0)
    (tmp_path / ".a.zip.Xq3fT1").unlink()
    busy = tree_of(tmp_path, connected=True)
    busy.ready(0.0)
    assert not busy.ready(99.0)


def test_an_empty_folder_is_no_tree(tmp_path: Path) -> None:
    tree = MirroredTree(tmp_path, 0.5, lambda: (session(5),), lambda: False)
    assert not tree.ready(0.0)


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    made = sandbox(tmp_path, {"intake": {"settle_seconds": 0.5}})
    with made.file.open("a") as file:
        file.write('[[intake.source]]\nkind = "drop"\nlayout = "tree"\n')
    made = Sandbox(made.file, config.load(made.file))
    made.station.prepare()
    marks_folder(made.settings.root).mkdir()
    return made


def put(folder: Path, stamp: str, made: Path) -> dict[str, bytes]:
    """A site of one cut in ``folder``; path to bytes."""
    made.mkdir(parents=True)
    (folder / "descargas").mkdir(parents=True, exist_ok=True)
    for old in (folder / "descargas").iterdir():
        old.unlink()
    for path in nights.two_archives(made, stamp=stamp, actas=5).values():
        (folder / "descargas" / path.name).write_bytes(path.read_bytes())
    (folder / "index.html").write_text(f"<p>{stamp}</p>")
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.server
def test_a_mirrored_site_goes_live_cut_after_cut_and_stays_as_it_is(
    box: Sandbox, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    with sshd(tmp_path / "sshd", options=key_options(box.settings)) as server, engine(box):
        wait_until(lambda: alive(box), 15)
        for stamp in ("20240602_2005", "20240602_2010"):
            sent = put(site, stamp, tmp_path / "made" / stamp)
            done = run(rsync(server, "-a", "--delete", f"{site}/", "root@127.0.0.1:"))
            assert done.returncode == 0, done.stderr
            wait_until(partial(is_live, box, stamp), 60)
            assert contents(box.station.cuts / stamp / "site") == sent
            assert contents(box.settings.drop_folder) == sent


@pytest.mark.server
def test_a_push_of_a_tree_that_is_killed_is_not_taken_until_one_ends_well(
    box: Sandbox, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    sent = put(site, "20240602_2005", tmp_path / "made")
    (site / "zz.bin").write_bytes(bytes(1 << 20))
    with sshd(tmp_path / "sshd", options=key_options(box.settings)) as server, engine(box):
        wait_until(lambda: alive(box), 15)
        slow = rsync(server, "-a", "--bwlimit=200", f"{site}/", "root@127.0.0.1:")
        pushing = subprocess.Popen(slow, stderr=subprocess.DEVNULL, start_new_session=True)
        wait_until(lambda: len(contents(box.settings.drop_folder)) >= len(sent), 20)
        os.killpg(pushing.pid, 9)
        pushing.wait()
        told = box.run("status", "--json").json
        assert told["live"] is None
        done = run(rsync(server, "-a", "--delete", f"{site}/", "root@127.0.0.1:"))
        assert done.returncode == 0
        wait_until(lambda: live(box) == "20240602_2005", 30)
        assert contents(box.station.cuts / "20240602_2005" / "site") == contents(site)


def test_a_tree_that_is_written_while_it_is_staged_is_not_taken(
    box: Sandbox, tmp_path: Path
) -> None:
    folder = box.settings.drop_folder
    put(folder, "20240602_2005", tmp_path / "made")
    big = folder / "zz.bin"
    big.write_bytes(bytes(200 << 20))
    writer = subprocess.Popen(
        [
            "sh",
            "-c",
            f"while :; do echo x > {folder}/index.html; done",
        ]
    )
    try:
        receipt = receive(box.station, folder, actor=program("test"), dropped=True)
    finally:
        writer.kill()
        writer.wait()
    assert receipt.still_coming, receipt.examination.findings
    assert receipt.cut is None
    assert not list(box.station.staging.glob("d-*"))
    assert not list((box.settings.root / "quarantine").iterdir())


def test_resync_takes_a_tree_and_leaves_it(box: Sandbox, tmp_path: Path) -> None:
    sent = put(box.settings.drop_folder, "20240602_2005", tmp_path / "made")
    ran = box.run("resync", "--json")
    assert ran.json["received"] == ["20240602_2005"]
    assert contents(box.settings.drop_folder) == sent
    assert box.run("resync", "--json").json["received"] == []
