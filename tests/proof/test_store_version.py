"""Upgrades: a newer program reads an older store, an older one leaves a newer store alone.

The newer program is a copy of this one that says so: a process of its own, found by PYTHONPATH.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prep_console.journal import chain, journal, store_version
from prep_console.journal.reading import verify
from tests import nights
from tests.apache.conftest import open_folder
from tests.apache.server import Apache
from tests.processes import LONG_S
from tests.proof import table, whole
from tests.proof.kills import frozen_program
from tests.proof.stations import STAMPS, Place, Said, deliveries, place, put_back, receive_cuts
from tests.waiting import wait_until

FIRST, SECOND, THIRD, *_ = STAMPS
NEWER = store_version.VERSION + 1
LATER_FIELDS = {"new_bytes", "expected", "checks", "why", "missing", "counted"}
"""Of ``sealed`` lines: each was added once, and an older line lacks it."""
LATER_IN_PARTS = {"results", "columns"}


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that writes the next version of the store."""
    folder = frozen_program(tmp_path_factory.mktemp("newer"))
    file = folder / "prep_console" / "journal" / "store_version.py"
    text = file.read_text("utf-8")
    assert text.count(f"\nVERSION = {store_version.VERSION}\n") == 1
    now = text.replace(f"\nVERSION = {store_version.VERSION}\n", f"\nVERSION = {NEWER}\n")
    file.write_text(now, "utf-8")
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two cuts and a decision."""
    folder = tmp_path_factory.mktemp("base")
    made = place(folder / "at")
    receive_cuts(made, folder / "deliveries", [FIRST, SECOND])
    for command in (["rollback", "--reason", "a reason"], ["publish", SECOND], ["release"]):
        assert made.call(*command).code == 0
    return made


@pytest.fixture
def at(base: Place, tmp_path: Path) -> Place:
    made = place(tmp_path / "at")
    put_back(base.root, made.root)
    return made


def by(program: Path, at: Place, *arguments: str) -> Said:
    """The command as that program carries it out."""
    done = subprocess.run(
        at.command(*arguments),
        env={**os.environ, "PYTHONPATH": str(program)},
        cwd=program,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def written(root: Path) -> dict[str, tuple[int, int, int, int, str]]:
    """Of everything in the store: inode, mode, size, mtime and bytes."""
    found = {}
    for path in sorted(root.rglob("*")):
        seen = path.lstat()
        plain = path.is_file() and not path.is_symlink()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if plain else ""
        name = str(path.relative_to(root))
        found[name] = seen.st_ino, seen.st_mode, seen.st_size, seen.st_mtime_ns, digest
    return found


def kinds(at: Place) -> list[str]:
    return [line.kind for line in journal.read(at.station.journal).lines]


def test_the_first_thing_a_newer_program_writes_says_so_once(at: Place, newer: Path) -> None:
    assert by(newer, at, "status").code == 0
    assert store_version.KIND not in kinds(at)  # looking is no reason
    before = len(kinds(at))
    assert by(newer, at, "hold", "--reason", "x").code == 0
    assert by(newer, at, "release").code == 0
    assert kinds(at)[before:] == [store_version.KIND, "hold", "release"]
    assert journal.read(at.station.journal).lines[before].data == {"version": NEWER}
    told = kinds(at).count(store_version.KIND)
    table.record("a newer program takes a store over", tried=1, fired=told)
    assert by(newer, at, "rollback", "--reason", "y").code == 0
    assert verify(at.station.journal).ok
    assert whole.live(at.root)[0] == FIRST


def test_a_fresh_start_keeps_the_version_and_says_it_again(at: Place, newer: Path) -> None:
    assert by(newer, at, "hold").code == 0
    assert by(newer, at, "station", "new", "--yes").code == 0
    assert kinds(at) == [store_version.KIND, "station"]
    assert at.run("status").code == 3


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status", "--json"),
    ("cuts",),
    ("check",),
    ("hold", "--reason", "x"),
    ("release",),
    ("rollback", "--reason", "x"),
    ("publish", FIRST),
    ("freeze", "--yes"),
    ("suspend", "--yes"),
    ("accept-from", FIRST, "--reason", "x", "--yes"),
    ("prune",),
    ("station", "new", "--yes"),
    ("resync",),
    ("handover",),
    ("alarms",),
    ("prove", "--out", "OUT"),
    ("minutes", "--out", "OUT"),
    ("engine",),
    ("console",),
    ("receive", "DELIVERY"),
)


def refuses(said: Said, command: tuple[str, ...]) -> bool:
    """Whether it names both versions and, but for the one line of ``check``, the public cut."""
    text = said.out if command == ("check",) else said.err
    public = command == ("check",) or SECOND in text
    return public and f"version {NEWER}" in text and f"up to {store_version.VERSION}" in text


@pytest.mark.slow
def test_an_older_program_refuses_a_newer_store_and_leaves_it_alone(
    at: Place, newer: Path, tmp_path: Path
) -> None:
    assert by(newer, at, "hold", "--reason", "x").code == 0
    delivery = str(deliveries(tmp_path, THIRD)[0])
    places = {"DELIVERY": delivery, "OUT": str(tmp_path / "out")}
    bad: list[object] = []
    refused = 0
    for checkpoint in (True, False):
        if not checkpoint:
            (at.root / "run" / "state.json").unlink(missing_ok=True)
        before = written(at.root)
        for command in COMMANDS:
            said = at.run(*(places.get(part, part) for part in command))
            if said.code != 3 or not refuses(said, command):
                bad.append((command, said))
            else:
                refused += 1
            if written(at.root) != before:
                bad.append((command, "changed the store"))
                before = written(at.root)
    tried = 2 * len(COMMANDS)
    table.record("an older program on a newer store", tried=tried, fired=refused, bad=len(bad))
    assert bad == []
    assert at.run("journal", "--verify").code == 0  # anybody may check the chain
    said = at.run("info", "--json")
    assert said.code == 0, said
    info = json.loads(said.out)
    assert (info["store"], info["store_known"]) == (NEWER, store_version.VERSION)


@pytest.mark.slow
@pytest.mark.server
def test_an_engine_ends_when_somebody_upgrades_and_apache_goes_on_serving(newer: Path) -> None:
    with open_folder() as scratch, contextlib.ExitStack() as ending:
        at = place(scratch / "at")
        receive_cuts(at, scratch / "deliveries", [FIRST, SECOND])
        apache = ending.enter_context(Apache(at.settings, scratch / "apache"))
        page = "/_prep/estado.json"
        before = apache.get(page)
        engine = ending.enter_context(_engine(at))
        assert by(newer, at, "hold", "--reason", "upgraded").code == 0
        ended = engine.wait(30)
        assert ended == 3
        store = written(at.root)
        again = ending.enter_context(_engine(at, leads=False))
        ended_too = again.wait(30)
        assert ended_too == 3
        assert written(at.root) == store
        after = apache.get(page)
        assert (after.status, after.cut) == (200, before.cut) == (200, SECOND)
        archive = f"/{deliveries(scratch, SECOND)[0].name}"
        assert apache.get(archive).body == deliveries(scratch, SECOND)[0].read_bytes()
        ends = [ended, ended_too].count(3)
        table.record("an engine on a store that was upgraded", tried=2, fired=ends)


@contextlib.contextmanager
def _engine(at: Place, *, leads: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        at.command("engine"), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        if leads:
            wait_until(lambda: (at.root / "run" / "now.json").exists(), LONG_S, "the engine leads")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


# -- an older store --------------------------------------------------------------------------


def make_older(at: Place) -> None:
    """The same station as an earlier program would have left it.

    Manifests and lines without what was added later, the chain bound anew, a checkpoint of other
    fields, an engine's last word and a telemetry file of that time.
    """
    manifests = {}
    for folder in (at.root / "cuts").iterdir():
        file = folder / "cut.json"
        said = json.loads(file.read_bytes())
        for later in ("new_bytes", "extra"):
            said.pop(later, None)
        for part in said["parts"]:
            for later in LATER_IN_PARTS:
                part.pop(later, None)
        folder.chmod(0o755)
        file.chmod(0o644)
        file.write_text(json.dumps(said), "utf-8")
        file.chmod(0o444)
        folder.chmod(0o555)
        manifests[folder.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    at.station.journal.write_bytes(b"".join(_older_lines(at, manifests)))
    run = at.root / "run"
    (run / "state.json").write_text('{"position":{"offset":1},"mode":"frozen","cuts":{}}')
    (run / "now.json").write_text('{"schema":1,"pid":1,"at":"2024-06-03T02:00:00Z"}')
    (at.root / "telemetry.db").write_bytes(b"SQLite format 3\0" + b"\0" * 4080)


def _older_lines(at: Place, manifests: dict[str, str]) -> Iterator[bytes]:
    head = chain.GENESIS
    for line in journal.read(at.station.journal).lines:
        data: dict[str, Any] = dict(line.data)
        if line.kind == "sealed":
            data = {key: value for key, value in data.items() if key not in LATER_FIELDS}
            data["manifest"] = manifests[data["cut"]]
        made, raw = chain.compose(line.seq, line.time, line.actor, line.kind, data, head)
        head = made.hash
        yield raw


@pytest.mark.parametrize("program", ["this", "newer"])
def test_an_older_store_is_read_and_goes_on(
    program: str, at: Place, newer: Path, tmp_path: Path
) -> None:
    make_older(at)
    done: list[str] = []
    ours = frozen_program(tmp_path / "this") if program == "this" else newer

    def run(*arguments: str) -> Said:
        said = by(ours, at, *arguments)
        assert said.code == 0, (arguments, said)
        done.append(arguments[0])
        return said

    status = json.loads(run("status", "--json").out)
    assert (status["mode"], status["live"]["id"]) == ("auto", SECOND)
    assert "journal.broken" not in {alarm["id"] for alarm in status["alarms"]}
    listed = json.loads(run("cuts", "--json").out)["cuts"]
    assert {cut["id"] for cut in listed} == {FIRST, SECOND}
    run("diff", FIRST, SECOND)
    run("rollback", "--reason", "x")
    assert whole.live(at.root)[0] == FIRST
    run("publish", SECOND)
    run("release")
    for path in deliveries(tmp_path, THIRD, seed=nights.SEED):
        run("receive", str(path))
    assert whole.live(at.root)[0] == THIRD
    run("freeze", "--yes")
    run("prove", THIRD, "--out", str(tmp_path / "proof"))
    run("minutes", "--out", str(tmp_path / "minutes.html"))
    run("journal", "--verify")
    assert (store_version.KIND in kinds(at)) == (program == "newer")
    state = at.station.found_state()
    assert (state.mode, state.live) == ("frozen", THIRD)
    table.record("commands on a store of an earlier program", tried=12, fired=len(done))
