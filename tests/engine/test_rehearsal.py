"""A quickened rehearsal on the screens: late and lost by its own measure, not by the day's."""

from __future__ import annotations

from pathlib import Path

from prep_console.engine.view import read_snapshot
from tests.nights import two_archives
from tests.stations import sandbox


def test_a_quickened_rehearsal_is_timed_by_its_own_cadence_and_loses_no_cut_by_it(
    tmp_path: Path,
) -> None:
    """Its cuts bear stamps five minutes apart, and come every half minute."""
    quick = sandbox(tmp_path, {"station": {"phase": "simulacro", "rehearsal_speed": 10.0}})
    for stamp in ("20240602_2005", "20240602_2010", "20240602_2020"):
        for path in two_archives(tmp_path, stamp).values():
            assert quick.run("receive", path).code == 0
    seen = read_snapshot(quick.settings)
    assert seen.cadence_s == 30.0
    assert seen.cuts_missed == 1  # 20:15
