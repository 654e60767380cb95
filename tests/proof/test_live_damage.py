"""Journal and telemetry are harmed while the engine runs: cuts go public all the same."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from prep_console.journal import journal
from tests.proof import table, whole
from tests.proof.stations import STAMPS, Place, deliveries, place, receive_cuts
from tests.stations import Sandbox
from tests.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture
def led(tmp_path: Path) -> Iterator[tuple[Place, Path]]:
    """A station with two cuts, whose engine runs."""
    at = place(tmp_path / "at")
    receive_cuts(at, tmp_path / "deliveries", STAMPS[:2])
    engine = Sandbox(at.settings_file, at.settings).start("engine")
    try:
        wait_until(lambda: _said(at).get("pid") == engine.pid, 60, "the engine leads")
        yield at, tmp_path
        assert engine.poll() is None
    finally:
        engine.send_signal(signal.SIGTERM)
        engine.communicate(timeout=30)


def _said(at: Place) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads((at.root / "run" / "now.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found


def is_live(at: Place, stamp: str) -> bool:
    return whole.live(at.root)[0] == stamp


def is_stored(at: Place, stamp: str) -> bool:
    return stamp in at.station.state().cuts


def deliver(at: Place, folder: Path, stamp: str) -> None:
    for path in deliveries(folder, stamp):
        path.rename(at.settings.drop_folder / path.name)


def torn(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[-1][:40]]


def cut_off(lines: list[bytes]) -> list[bytes]:
    return lines[:-2]


def swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[1], lines[0], *lines[2:]]


def empty(lines: list[bytes]) -> list[bytes]:
    return []


@pytest.mark.parametrize("harm", [torn, cut_off, swapped, empty])
def test_a_journal_harmed_under_the_engine_loses_no_cut(
    harm: Callable[[list[bytes]], list[bytes]], led: tuple[Place, Path]
) -> None:
    at, folder = led
    file = at.station.journal
    kept = journal.read(file).position  # as somebody may have it from syslog
    harmed = b"".join(harm(file.read_bytes().splitlines(keepends=True)))
    with file.open("r+b") as open_file:  # the same file, as a disk or a hand would change it
        open_file.write(harmed)
        open_file.truncate()
    lost = harm in {cut_off, empty}
    deliver(at, folder, STAMPS[2])
    if lost:  # the pointer names what the journal no longer explains: a person decides
        wait_until(partial(is_stored, at, STAMPS[2]), 90, f"{STAMPS[2]} is stored")
        assert is_live(at, STAMPS[1])
        assert at.station.state().mode == "hold"
        assert at.run("release", "--reason", "looked at").code == 0
    wait_until(partial(is_live, at, STAMPS[2]), 90, f"{STAMPS[2]} is live")
    deliver(at, folder, STAMPS[3])
    wait_until(partial(is_live, at, STAMPS[3]), 90, f"{STAMPS[3]} is live")
    status = json.loads(at.run("status", "--json").out)
    assert (status["live"]["id"], status["mode"]) == (STAMPS[3], "auto")
    kinds = [line.kind for line in journal.read(file).lines]
    head = f"{kept.seq}:{kept.hash}"
    verified = at.run("journal", "--verify", "--head", head).code
    assert verified == (0 if harm is torn else 1)
    assert (harm is torn) == ("recovered" in kinds)
    assert (harm is torn) != ("segment" in kinds)
    broken = {alarm["id"] for alarm in status["alarms"]} & {"journal.broken"}
    assert bool(broken) == (harm is not torn)
    table.record("a journal harmed under a running engine", tried=1, fired=1)


@pytest.mark.parametrize("harm", ["gone", "garbage", "cut off"])
def test_telemetry_harmed_under_the_engine_is_made_anew(harm: str, led: tuple[Place, Path]) -> None:
    at, folder = led
    file = at.root / "telemetry.db"
    wait_until(file.exists, 60, "samples are kept")
    if harm == "gone":
        file.unlink()
    elif harm == "garbage":
        with file.open("r+b") as open_file:
            open_file.write(os.urandom(8192))
    else:
        os.truncate(file, 100)
    deliver(at, folder, STAMPS[2])
    wait_until(partial(is_live, at, STAMPS[2]), 90, "the cut is live")
    wait_until(partial(_is_sound, file), 60, "it is made anew")
    table.record("telemetry harmed under a running engine", tried=1, fired=1)


def _is_sound(file: Path) -> bool:
    """A whole database with samples in it. By its content: a new file may get the old inode."""
    try:
        if file.stat().st_size < 4096 or file.read_bytes()[:15] != b"SQLite format 3":
            return False
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            (checked,) = database.execute("PRAGMA quick_check(1)").fetchone()
            (samples,) = database.execute("SELECT count(*) FROM sample").fetchone()
    except (OSError, sqlite3.Error):
        return False
    return bool(checked == "ok" and samples > 0)
