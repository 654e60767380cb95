"""Drills to their end in a real terminal: who acts scores, who sleeps does not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from prep_console.journal import journal
from tests.drill.rehearsing import points, rehearse

pytestmark = pytest.mark.server


@pytest.fixture
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="drill-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_an_operator_who_acknowledges_scores(scratch: Path) -> None:
    report = rehearse("corrupt-zip", scratch, awake=True)
    assert points(report) >= 80
    page = (report / "simulacro.html").read_text("utf-8")
    start, end = page.index("<svg"), page.index("</svg>") + 6
    picture = page[start:end]
    assert picture.count("<rect") >= 2
    assert picture.count("<circle") > 5
    assert "SIMULACRO" in page
    lines = journal.read(report / "journal.jsonl").lines
    assert lines[-1].hash in page
    assert "acknowledged" in {line.kind for line in lines}


def test_a_sleeping_operator_has_no_points(scratch: Path) -> None:
    report = rehearse("corrupt-zip", scratch, awake=False)
    assert points(report) == 0
    assert "acknowledged: never" in (report / "simulacro.txt").read_text("utf-8")
