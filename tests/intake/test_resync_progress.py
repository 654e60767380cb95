"""A running resync as others see it: the commands, and a wall that may not look at its lock."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from prep_console.intake import resync_progress
from prep_console.intake.resync_progress import Teller
from prep_console.publication import lock
from prep_console.publication.station import Station
from tests.stations import Sandbox, sandbox


def fetching(box: Sandbox) -> Path:
    """The file in which a resync says that it fetches."""
    box.station.prepare()
    Teller(box.station, lambda _: None).now("fetching", "respaldo", "a.zip")
    return box.station.run / "resync.json"


def test_status_shows_it_and_its_end_is_asked_for_as_json(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    fetching(box)
    with lock.held(resync_progress.lock_of(box.station), "resync"):
        assert "A resync is running: fetching respaldo a.zip\n" in box.run("status").out
        spanish = box.run("status", lang="es").out
        assert "Resincronización en curso: descargando respaldo a.zip\n" in spanish
        asked = box.run("resync", "--cancel", "--json")
    assert (asked.code, asked.json) == (0, {"schema": 1, "asked_to_stop": True})
    assert "resync" not in box.run("status").out


def test_what_a_killed_one_left_is_shown_on_a_wall_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = sandbox(tmp_path)
    file = fetching(box)

    def seen(station: Station, held: bool | None) -> bool:
        monkeypatch.setattr(lock, "is_held", lambda path: held)
        return resync_progress.read(station) is not None

    whole = {held: seen(box.station, held) for held in (True, None, False)}
    assert whole == {True: True, None: True, False: False}
    long_ago = time.time() - 2 * resync_progress.SILENT_S
    os.utime(file, (long_ago, long_ago))
    old = {held: seen(box.station, held) for held in (True, None, False)}
    assert old == {True: True, None: False, False: False}
