"""Every shipped scenario at 60 times to its end in a real terminal: who acts scores, who sleeps
does not. They run some at a time, since a drill mostly waits; `make test` has a sample.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from prep_console.drill.scenario import load, shipped
from prep_console.journal import journal
from tests.conftest import SHARED_DATA
from tests.drill.rehearsing import faults, points, rehearse
from tests.proof import table

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.xdist_group("drills"),  # they begin together, so in one process
]


@dataclass(frozen=True, slots=True)
class Night:
    """One drill."""

    scenario: str
    awake: bool
    final: Path | None = None
    """The real final cut that it is derived from."""

    def __str__(self) -> str:
        return f"{self.scenario}{'' if self.awake else ', asleep'}"


AWAKE = tuple(shipped()) if table.WHOLE else ("mains-lost", "totals-fall")
ASLEEP = ("apache-dies", "defaced", "test-data", "totals-fall") if table.WHOLE else ("defaced",)
"""Those that mend themselves in the end, which is nobody's merit."""
_QROO = SHARED_DATA / "qroo_2019" / "20190603_0547_PREP_DIP_QROO.zip"
_PUEBLA = SHARED_DATA / "puebla_2018_gob" / "20180702_2000_PREP_GOB_PUE"
SCORING = [Night(name, True) for name in AWAKE]
SLEEPING = [Night(name, False) for name in ASLEEP]
REAL = [Night("corrupt-zip", True, _PUEBLA), Night("late-cuts", True, _QROO)]
if not table.WHOLE:
    del REAL[1:]
_AT_ONCE = 6
"""Each takes a minute or two, one of them eight, and mostly waits."""


@pytest.fixture(scope="module")
def reports(request: pytest.FixtureRequest) -> Iterator[Mapping[Night, Future[Path]]]:
    """The kept report of each drill that was chosen, as it comes."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    chosen = [i.callspec.params["night"] for i in items if i.module is request.module]
    nights = [night for night in chosen if isinstance(night, Night)]
    with (
        tempfile.TemporaryDirectory(prefix="drill-") as made,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        Path(made).chmod(0o755)
        try:
            yield {
                night: pool.submit(_held, night, Path(made, str(number)))
                for number, night in enumerate(nights)
            }
        finally:
            pool.shutdown(cancel_futures=True)


def _held(night: Night, folder: Path) -> Path:
    folder.mkdir(mode=0o755)
    return rehearse(night.scenario, folder, awake=night.awake, source=night.final)


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
@pytest.mark.parametrize("night", SCORING, ids=str)
def test_an_awake_operator_scores_in(night: Night, reports: Mapping[Night, Future[Path]]) -> None:
    report = reports[night].result()
    told = checked(night.scenario, report)
    print(told)
    if any(reaction.alarms for reaction in load(night.scenario).reaction):
        assert "announced by the station: after" in told
    assert ": never" not in told
    assert points(report) >= 50, told


@pytest.mark.timeout(900)
@pytest.mark.parametrize("night", SLEEPING, ids=str)
def test_a_sleeping_operator_has_no_points_in(
    night: Night, reports: Mapping[Night, Future[Path]]
) -> None:
    report = reports[night].result()
    told = checked(night.scenario, report)
    print(told)
    assert points(report) == 0, told
    assert re.search(r"noticed: never", told)


@pytest.mark.real_data
@pytest.mark.timeout(900)
@pytest.mark.parametrize("night", REAL, ids=str)
def test_a_night_derived_from_a_real_final_cut(
    night: Night, reports: Mapping[Night, Future[Path]]
) -> None:
    report = reports[night].result()
    told = checked(night.scenario, report)
    print(told)
    assert points(report) >= 50, told
