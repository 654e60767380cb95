"""A mirrored tree: taken when its session ended well, whole, and never touched."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from prep_console import config
from prep_console.intake import staging
from prep_console.intake.push.account import key_options
from prep_console.intake.push.sessions import Session, marks_folder, sessions
from prep_console.intake.push.tree import LONG_REST_S, MirroredTree, looked
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
        lambda: (session(5, 20),),
        lambda: (session(5), session(None, None)),
        lambda: (session(5), session(None, None, is_open=True)),
        lambda: (session(None, None),),
        lambda: (session(-30),),
    ],
    ids=["ended badly", "a later one was killed", "one is open", "killed", "written since"],
)
def test_no_other_session_is(marks: Callable[[], tuple[Session, ...]], tmp_path: Path) -> None:
    assert not tree_of(tmp_path, *marks()).ready(0.0)


@pytest.mark.parametrize("code", [1, 2, 127])
def test_a_session_that_was_turned_away_holds_nothing_up(code: int, tmp_path: Path) -> None:
    """A monitor that tries the account each minute, an option that is not allowed."""
    assert tree_of(tmp_path, session(5), session(6, code)).ready(0.0)
    assert tree_of(tmp_path, session(6, code), session(5)).ready(0.0)


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
        wait_until(lambda: alive(box), 60)
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
        wait_until(lambda: alive(box), 60)
        slow = rsync(server, "-a", "--bwlimit=200", f"{site}/", "root@127.0.0.1:")
        pushing = subprocess.Popen(slow, stderr=subprocess.DEVNULL, start_new_session=True)
        there = box.settings.drop_folder
        wait_until(lambda: set(sent) <= {str(p.relative_to(there)) for p in there.rglob("*")}, 60)
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
    mark(box, -1, 1)
    ran = box.run("resync", "--json")
    assert ran.json["received"] == ["20240602_2005"]
    assert contents(box.settings.drop_folder) == sent
    assert box.run("resync", "--json").json["received"] == []


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """``act`` once, when staging has copied its first file."""
    copy, left = staging._copy, [act]

    def copied(source: int, target: Path, most: int) -> tuple[int, str]:
        made = copy(source, target, most)
        while left:
            left.pop()()
        return made

    monkeypatch.setattr(staging, "_copy", copied)


def one_cut(folder: Path) -> set[str]:
    """The hours that a site of :func:`put` speaks of."""
    names = {path.name[:13] for path in (folder / "descargas").iterdir()}
    return names | {(folder / "index.html").read_text()[3:16]}


def test_a_tree_whose_later_folder_was_written_before_it_was_reached_is_not_taken(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that was copied moved: what came and went between is of the next cut."""
    folder = box.settings.drop_folder
    put(folder, "20240602_2005", tmp_path / "made")

    def next_cut() -> None:
        put(tmp_path / "next", "20240602_2010", tmp_path / "made2")
        for old in (folder / "descargas").iterdir():
            old.unlink()
        for new in (tmp_path / "next/descargas").iterdir():
            new.rename(folder / "descargas" / new.name)

    meanwhile(monkeypatch, next_cut)
    receipt = receive(box.station, folder, actor=program("test"), dropped=True)
    assert receipt.still_coming, receipt.cut
    assert live(box) is None


def test_a_file_or_a_folder_that_vanishes_while_it_is_staged_is_no_failure(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = box.settings.drop_folder
    put(folder, "20240602_2005", tmp_path / "made")
    (folder / "zz").mkdir()
    (folder / "zz/a.txt").write_text("x")
    for gone in (folder / "zz/a.txt", folder / "zz", folder / "index.html"):

        def vanish(path: Path = gone) -> None:
            path.rename(tmp_path / f"gone-{path.name}")

        meanwhile(monkeypatch, vanish)
        receipt = receive(box.station, folder, actor=program("test"), dropped=True)
        assert receipt.still_coming, gone
    assert "failed" not in box.run("journal", "--json").out


def test_what_was_looked_at_is_what_is_taken(box: Sandbox, tmp_path: Path) -> None:
    """A session that began after the look and stalls half-way stands still, and is no whole cut."""
    folder = box.settings.drop_folder
    put(folder, "20240602_2005", tmp_path / "made")
    tree = MirroredTree(folder, 0.0, lambda: (session(5),), lambda: False)
    assert tree.ready(0.0)
    (folder / "index.html").write_text("<p>20240602_2010</p>")
    receipt = receive(box.station, folder, actor=program("test"), dropped=True, standing=tree.shape)
    assert receipt.still_coming
    assert tree.ready(1.0)
    receipt = receive(box.station, folder, actor=program("test"), dropped=True, standing=tree.shape)
    assert receipt.cut == "20240602_2005"


@pytest.mark.parametrize("working", [".~tmp~", ".rsync-partial"])
def test_what_a_killed_rsync_left_in_its_own_folders_is_no_part_of_the_tree(
    box: Sandbox, tmp_path: Path, working: str
) -> None:
    folder = box.settings.drop_folder
    sent = put(folder, "20240602_2010", tmp_path / "made")
    left = folder / "descargas" / working
    left.mkdir()
    (left / "index.html").write_text("<p>20240602_2005</p>")
    receipt = receive(
        box.station,
        folder,
        actor=program("test"),
        dropped=True,
        standing=looked(folder).shape,
    )
    assert receipt.cut == "20240602_2010"
    assert contents(box.station.cuts / "20240602_2010" / "site") == sent


@pytest.mark.slow
def test_resync_waits_for_the_rest_of_a_tree_without_marks(box: Sandbox, tmp_path: Path) -> None:
    """An SFTP client that stops half-way leaves the same picture as one that is done."""
    folder = box.settings.drop_folder
    marks_folder(box.settings.root).rmdir()
    put(folder, "20240602_2005", tmp_path / "made")
    early = box.run("resync")
    assert "still being written" in early.out
    assert live(box) is None
    assert box.run("resync", "--json", "--wait").json["received"] == ["20240602_2005"]


def mark(box: Sandbox, began_s: float, ended_s: float | None, code: int = 0) -> Path:
    """As the wrapper writes it; seconds from now."""
    now = datetime.now(UTC)
    said: dict[str, object] = {"started_at": (now + timedelta(seconds=began_s)).isoformat()}
    if ended_s is not None:
        said |= {"ended_at": (now + timedelta(seconds=ended_s)).isoformat(), "exit_code": code}
    name = f"{now + timedelta(seconds=began_s):%Y%m%dT%H%M%S.%f}-1.json"
    path = marks_folder(box.settings.root) / name
    path.write_text(json.dumps(said))
    return path


def test_a_broken_session_is_made_good_only_by_one_that_began_after_it(
    box: Sandbox, tmp_path: Path
) -> None:
    """Two at once: the one that ended well last says nothing of what the other one lacks."""
    put(box.settings.drop_folder, "20240602_2005", tmp_path / "made")
    marks = marks_folder(box.settings.root)
    tree = MirroredTree(box.settings.drop_folder, 0, lambda: sessions(marks), lambda: False)
    mark(box, -9, -2, 20)
    mark(box, -8, 1)
    assert not tree.ready(0.0)
    mark(box, -1, 2)
    assert tree.ready(0.0)
    killed = mark(box, -9, None)
    with killed.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not tree.ready(0.0)
    assert not tree.ready(0.0)  # killed a moment ago: who knows what it was writing
    assert not tree.ready(99.0)
    mark(box, 1, 3)
    assert tree.ready(0.0)


def test_a_session_of_a_clock_that_was_put_back_hides_no_later_one(
    box: Sandbox, tmp_path: Path
) -> None:
    put(box.settings.drop_folder, "20240602_2005", tmp_path / "made")
    marks = marks_folder(box.settings.root)
    mark(box, 3600, None)
    mark(box, -1, 1)
    tree = MirroredTree(box.settings.drop_folder, 0, lambda: sessions(marks), lambda: False)
    assert tree.ready(0.0)


@pytest.mark.slow
def test_two_cuts_are_never_mixed_whatever_the_writer_does(box: Sandbox, tmp_path: Path) -> None:
    """From cut to cut without a rest, in place or by rename; its sessions are a moment apart."""
    folder = box.settings.drop_folder
    hours = nights.stamps("20240602_2005", 40)
    for stamp in hours:
        put(tmp_path / "sites" / stamp, stamp, tmp_path / "made" / stamp)
    marks = marks_folder(box.settings.root)
    (folder / "descargas").mkdir()
    tree = MirroredTree(folder, 0.0, lambda: sessions(marks), lambda: False)
    rounds = int(os.environ.get("PREP_PROOF_ROUNDS", "10")) * 20
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path / "sites"), str(folder), str(marks)]
    )
    taken, moved, tried = set[str](), 0, 0
    try:
        while tried < rounds or moved < rounds / 20:
            tried += 1
            wait_until(tree.ready, 30)
            receipt = receive(
                box.station, folder, actor=program("test"), dropped=True, standing=tree.shape
            )
            moved += receipt.still_coming
            assert receipt.still_coming or receipt.cut, receipt.examination.findings
            if receipt.cut is not None:
                taken.add(receipt.cut)
                (hour,) = one_cut(box.station.cuts / receipt.cut / "site")
                assert receipt.cut == hour
    finally:
        writer.kill()
        writer.wait()
    assert len(taken) >= 3


_WRITER = """
import itertools, pathlib, random, select, sys
from prep_console.intake.push import wrapper
sites, folder, marks = map(pathlib.Path, sys.argv[1:])
chance = random.Random(4)

def rest(seconds):
    select.select([], [], [], seconds)

def session(site):
    def written(command):
        files = [p for p in site.rglob("*") if p.is_file()]
        chance.shuffle(files)
        for path in files:
            target = folder / path.relative_to(site)
            if chance.random() < 0.5:
                target.write_bytes(path.read_bytes())
            else:
                beside = target.with_name(f".{target.name}.Xq3fT1")
                beside.write_bytes(path.read_bytes())
                beside.rename(target)
            rest(chance.random() / 50)
        for old in (folder / "descargas").iterdir():
            if not (site / "descargas" / old.name).exists():
                old.unlink()
        return 0
    return written

sites = sorted(sites.iterdir())
for site in sites:
    for _ in itertools.count() if site == sites[-1] else range(8):
        wrapper._run = session(site)
        wrapper.main([str(folder), str(marks)])
        rest(chance.random() / 60)
"""
