"""Steps of the local clock against the time that simply passes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from prep_console.probes.clock.steps import StepProbe
from prep_console.snapshot import Reading

BEGAN = datetime(2024, 6, 3, 2, 5, tzinfo=UTC)


@dataclass
class Clocks:
    passed_s: float = 0.0
    stepped_s: float = 0.0

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.passed_s + self.stepped_s)

    def elapsed(self) -> float:
        return 1000.0 + self.passed_s


async def look(probe: StepProbe) -> Reading:
    return (await probe.read())["clock.step"]


def watching(clocks: Clocks) -> StepProbe:
    return StepProbe(now=clocks.now, elapsed=clocks.elapsed)


@pytest.mark.parametrize(
    ("step_s", "state"),
    [(0.02, "ok"), (-0.3, "ok"), (0.5, "warning"), (-2.5, "warning"), (3e8, "warning")],
)
async def test_a_step_is_told_for_ten_minutes(step_s: float, state: str) -> None:
    clocks = Clocks()
    probe = watching(clocks)
    clocks.passed_s = 5
    assert (await look(probe)).value == 0.0
    clocks.stepped_s = step_s
    stepped = await look(probe)
    assert stepped.value == pytest.approx(step_s, abs=0.001)
    assert (stepped.state, stepped.unit) == (state, "s")
    assert stepped.detail["at"] == clocks.now().isoformat()
    clocks.passed_s += 595
    assert (await look(probe)).value == stepped.value
    clocks.passed_s += 10
    past = await look(probe)
    assert (past.value, past.state, past.detail["at"]) == (0.0, "ok", None)


async def test_the_largest_of_several_is_told() -> None:
    clocks = Clocks()
    probe = watching(clocks)
    for size_s in (0.02, 5.0, -0.03):
        clocks.passed_s += 5
        clocks.stepped_s += size_s
        last = await look(probe)
    assert last.value == pytest.approx(5.0)
    assert last.detail["steps"] == 3


async def test_what_lies_in_the_deadband_is_no_step_and_adds_up() -> None:
    clocks = Clocks()
    probe = watching(clocks)
    clocks.stepped_s = 0.006
    assert (await look(probe)).value == 0.0
    clocks.stepped_s = 0.012
    assert (await look(probe)).value == pytest.approx(0.012, abs=1e-3)


async def test_a_clock_that_jumps_for_ever_takes_no_memory() -> None:
    clocks = Clocks()
    probe = watching(clocks)
    for _ in range(500):
        clocks.stepped_s += 1
        last = await look(probe)
    assert last.detail["steps"] == 100


async def test_the_real_clocks_stand_still_against_one_another() -> None:
    probe = StepProbe()
    for _ in range(200):
        read = await look(probe)
        assert (read.value, read.state) == (0.0, "ok")
