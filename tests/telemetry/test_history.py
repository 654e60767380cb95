"""Reading the samples as somebody else: nothing there, nonsense there, no right to write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prep_console import telemetry
from prep_console.probes.probe import reading
from prep_console.telemetry.store import Bounds, Store

AT = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

AS_NOBODY = """
import json, os, sys
from datetime import datetime, UTC, timedelta
from pathlib import Path
from prep_console import telemetry
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
at = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)
found = telemetry.read_history(Path(sys.argv[1]), "a", at, at + timedelta(hours=1), 360)
print(json.dumps([[p.mean for p in found.points], found.error]))
"""


def filled(folder: Path) -> Store:
    store = Store(folder / "telemetry.db", Bounds(10**9, 10**9))
    for n in range(3):
        store.add(AT + timedelta(seconds=10 * n), {"a": reading(float(n), "", AT)})
    return store


def test_nothing_recorded_is_nothing_and_says_so(tmp_path: Path) -> None:
    found = telemetry.read_history(tmp_path, "a", AT, AT + HOUR, 60)
    assert (found.points, found.error) == ((), "nothing was recorded yet")
    assert telemetry.history(tmp_path / "none", "a", AT, AT + HOUR, 60) == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"SQLite format 3\0", os.urandom(50_000)],
    ids=["nothing", "a byte", "a head alone", "noise"],
)
def test_nonsense_is_nothing_and_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "telemetry.db").write_bytes(content)
    found = telemetry.read_history(tmp_path, "a", AT, AT + HOUR, 60)
    assert found.points == ()
    assert found.error is not None


def test_a_pipe_and_a_folder_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "telemetry.db")
    assert telemetry.read_history(tmp_path, "a", AT, AT + HOUR, 60).error is not None
    (tmp_path / "telemetry.db").unlink()
    (tmp_path / "telemetry.db").mkdir()
    assert telemetry.read_history(tmp_path, "a", AT, AT + HOUR, 60).error is not None


@pytest.mark.parametrize(("until", "points"), [(AT, 60), (AT - HOUR, 60), (AT + HOUR, 0)])
def test_odd_questions_raise_nothing(tmp_path: Path, until: datetime, points: int) -> None:
    filled(tmp_path).close()
    assert len(telemetry.history(tmp_path, "a", AT, until, points)) <= 1
    assert telemetry.history(tmp_path, "b'; DROP TABLE sample; --", AT, AT + HOUR, 60) == ()


@pytest.mark.parametrize("ended", [False, True])
def test_a_viewer_without_a_right_to_write_reads(tmp_path: Path, ended: bool) -> None:
    folder = Path(tempfile.mkdtemp(prefix="viewed-"))  # pytest's own is for one uid alone
    folder.chmod(0o755)
    try:
        store = filled(folder)
        if ended:
            store.close()
        ran = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, folder],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert json.loads(ran.stdout) == [[0.0, 1.0, 2.0], None]
        store.close()
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
