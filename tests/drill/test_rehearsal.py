"""The night of a rehearsal, quickened: what the institute delivers while a fault lasts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from prep_console.drill import rehearsal
from prep_console.drill.institute import stamps_of
from prep_console.drill.nights import cut_files, synthetic_night
from prep_console.drill.rehearsal import Rehearsal
from prep_console.drill.sandbox import Answer, Sandbox
from prep_console.drill.scenario import load, shipped


@pytest.mark.parametrize(("kind", "bad"), [("test-data", 1), ("totals-fall", 1), ("corrupt", 2)])
def test_of_a_fault_that_is_one_cut_there_is_one(
    kind: str, bad: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 20 and at 25 minutes a cut comes, and the fault is over after both."""
    clock = [0.0]  # a stall of a second would be five minutes of the night

    def pass_by(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(rehearsal, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(rehearsal, "_pause", pass_by)
    monkeypatch.setattr(rehearsal, "_ENDING_S", 0.0)
    text = shipped()["corrupt-zip"].read_text("utf-8")
    text = text.replace('kind = "corrupt"', f'kind = "{kind}"').replace(
        "minutes = 60", "minutes = 35"
    )
    text = text.replace("at = 20", "at = 20\nminutes = 8")
    file = tmp_path / "mine.toml"
    file.write_text(text, "utf-8")
    drop = tmp_path / "drop"
    drop.mkdir()
    station = SimpleNamespace(
        folder=tmp_path,
        settings=SimpleNamespace(drop_folder=drop),
        visit=lambda: Answer(503, None, b""),
    )
    night = synthetic_night(datetime.fromisoformat("2024-06-02T20:00"), actas=100)
    told = Rehearsal(cast(Sandbox, station), night, load(str(file)), 300.0).run(lambda: True)
    assert told.faults
    came: dict[str, dict[str, bytes]] = {}
    for file in drop.iterdir():
        came.setdefault(file.name[:13], {})[file.name] = file.read_bytes()
    assert len(came) >= 5
    good = {str(stamp): dict(cut_files(night, stamp)) for stamp in stamps_of(night)}
    assert len([stamp for stamp, files in came.items() if files != good[stamp]]) == bad
