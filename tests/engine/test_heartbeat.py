"""What the engine does each ten seconds while it beats each second."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from prep_console.engine.heartbeat import Heartbeat
from prep_console.engine.readings import Readings
from tests.stations import sandbox


class _Enough(Exception):
    pass


async def test_a_sample_is_kept_each_ten_seconds_though_a_beat_may_come_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late beat and one in time are not quite ten seconds apart."""
    station, readings = sandbox(tmp_path).station, Readings()
    station.prepare()
    station.leader_lock.touch()
    late = [0.0, 0.003, 0.0004, 0.02, 0.0003, 0.0]
    beats = iter([100.4, *(n + late[n % len(late)] for n in range(101, 152))])
    now, sampled = next(beats), []

    async def next_second() -> None:
        nonlocal now
        now = next(beats, 0.0)
        if not now:
            raise _Enough

    monkeypatch.setattr("prep_console.engine.heartbeat.next_second", next_second)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    monkeypatch.setattr(readings, "sample", lambda: sampled.append(int(now)))
    with pytest.raises(_Enough):
        await Heartbeat(station, readings, asyncio.Event()).run()
    assert sampled == [100, 110, 120, 130, 140, 150]
