"""Every shipped scenario at 120 times to its end in a real terminal: who acts scores, who sleeps
does not. A run of all takes an hour; `make test` has a sample.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from prep_console.drill.scenario import load, shipped
from prep_console.journal import journal
from tests.conftest import SHARED_DATA
from tests.drill.rehearsing import faults, points, rehearse
from tests.proof import table

pytestmark = [pytest.mark.slow, pytest.mark.server]

AWAKE = tuple(shipped()) if table.WHOLE else ("mains-lost", "totals-fall")
ASLEEP = ("apache-dies", "defaced", "test-data", "totals-fall") if table.WHOLE else ("defaced",)
"""Those that mend themselves in the end, which is nobody's merit."""
FINAL = {
    "qroo": (SHARED_DATA / "qroo_2019" / "20190603_0547_PREP_DIP_QROO.zip", "late-cuts"),
    "puebla": (SHARED_DATA / "puebla_2018_gob" / "20180702_2000_PREP_GOB_PUE", "corrupt-zip"),
}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="drill-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def checked(name: str, report: Path) -> str:
    """The report is whole: every fault happened, its picture is there, and its record."""
    told = (report / "simulacro.txt").read_text("utf-8")
    page = (report / "simulacro.html").read_text("utf-8")
    lines = journal.read(report / "journal.jsonl")
    wanted = len(load(name).fault)
    fired = faults(report)
    table.record("drills to their end in a terminal: faults", tried=wanted, fired=fired)
    assert fired == wanted, told
    assert lines.breaks == ()
    assert lines.lines[-1].hash in page
    assert lines.lines[-1].hash in told
    assert page.count("<svg") == 1
    return told


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", AWAKE)
def test_an_awake_operator_scores_in(name: str, folder: Path) -> None:
    report = rehearse(name, folder, awake=True)
    told = checked(name, report)
    print(told)
    if any(reaction.alarms for reaction in load(name).reaction):
        assert "announced by the station: after" in told
    assert ": never" not in told
    assert points(report) >= 50, told


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ASLEEP)
def test_a_sleeping_operator_has_no_points_in(name: str, folder: Path) -> None:
    report = rehearse(name, folder, awake=False)
    told = checked(name, report)
    print(told)
    assert points(report) == 0, told
    assert re.search(r"noticed: never", told)


@pytest.mark.real_data
@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", FINAL if table.WHOLE else ("puebla",))
def test_a_night_derived_from_a_real_final_cut(place: str, folder: Path) -> None:
    source, name = FINAL[place]
    report = rehearse(name, folder, awake=True, source=source)
    told = checked(name, report)
    print(told)
    assert points(report) >= 50, told
