"""Our own clock jumps between two decisions: each is carried out, and Apache sees each switch."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prep_console.journal import journal
from tests.proof import table, whole
from tests.proof.stations import STAMPS, place, receive_cuts

FIRST, SECOND, THIRD, *_ = STAMPS


@pytest.mark.parametrize("jump", ["+1h", "-1h", "+1d", "-1d"])
def test_a_clock_that_jumps_stops_no_decision(jump: str, tmp_path: Path) -> None:
    at = place(tmp_path / "at")
    receive_cuts(at, tmp_path / "deliveries", [FIRST, SECOND, THIRD])
    pointer = at.root / "public" / "live.map"
    fired = 0
    for command, live in ((["rollback"], SECOND), (["publish", THIRD], THIRD)):
        before = pointer.stat().st_mtime_ns
        done = subprocess.run(
            ["faketime", "-f", jump, *at.command(*command)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        told = journal.read(at.station.journal).lines[-1].time
        away_h = abs((told - datetime.now(UTC)).total_seconds()) / 3600
        fired += away_h > 0.9
        assert whole.faults(at) == []
        assert whole.facts(at).live == live
        # mod_rewrite keeps what it read until the file's time changes
        assert pointer.stat().st_mtime_ns > before
    assert fired == 2, "faketime did not reach the journal"
    said = at.run("publish", SECOND)  # and the clock is right again
    assert said.code == 0, said.err
    assert whole.faults(at) == []
    assert whole.live(at.root)[0] == SECOND
    table.record("clock jumps between decisions", tried=2, fired=fired)
