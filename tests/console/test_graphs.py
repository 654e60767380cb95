"""Graphs: fixed scales, thresholds, gaps where nothing was read, states in a lane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len

from prep_console.console import histories
from prep_console.snapshot import Reading, ReadingState
from prep_console.values import replace
from prep_console.widgets.history_graph import Bounds, Sample, Window, graph, scale_of
from prep_console.widgets.lines import text_of
from prep_console.widgets.look import Look
from tests.console.nights import NOW, night
from tests.console.stations import EQUIPPED, equipped
from tests.stations import sandbox

pytestmark = pytest.mark.usefixtures("in_english")

WINDOW = Window(NOW - timedelta(hours=6), NOW)
CLOCK = Bounds(0.05, 1.0, signed=True)


def samples(
    values: Sequence[float | None], state: ReadingState = "ok", window: Window = WINDOW
) -> list[Sample]:
    """One value after the other, evenly over the window."""
    step = (window.until - window.since) / len(values)
    return [
        Sample(window.since + step * y, v, v, v, state if v is not None else "unknown")
        for y, v in enumerate(values)
    ]


def drawn(
    name: str, kept: Sequence[Sample] | None, bounds: Bounds, size: tuple[int, int] = (80, 20)
) -> list[str]:
    lines = graph(equipped(), name, kept, bounds, WINDOW, *size)
    assert len(lines) == size[1]
    assert {cell_len(text_of(one)) for one in lines} == {size[0]}
    return [text_of(one) for one in lines]


def dots(rows: Sequence[str]) -> list[int]:
    """Columns of the screen in which anything is drawn in braille."""
    return sorted({x for row in rows for x, c in enumerate(row) if "\u2801" <= c <= "\u28ff"})


@pytest.mark.parametrize(
    ("unit", "values", "bounds", "scale"),
    [
        ("%", [3.0, 40.0], Bounds(), (0.0, 100.0)),
        ("%", [3.0, 180.0], Bounds(), (0.0, 200.0)),
        ("s", [0.001, -0.002], CLOCK, (-0.1, 0.1)),
        ("s", [0.001, -0.7], CLOCK, (-1.0, 1.0)),
        ("s", [0.03, 0.05], Bounds(2.0), (0.0, 5.0)),
        ("bytes", [41e9, 40e9], Bounds(21e9, 5e9, top=200e9), (0.0, 200e9)),
        ("", [0.0, 0.0], Bounds(), (0.0, 0.001)),
        ("", [7.0], Bounds(), (0.0, 10.0)),
    ],
)
def test_the_scale_belongs_to_the_reading_and_not_to_the_values(
    unit: str, values: list[float], bounds: Bounds, scale: tuple[float, float]
) -> None:
    low, high = scale_of(unit, values, bounds)
    assert (low, high) == pytest.approx(scale)


def test_a_clock_has_its_thresholds_both_ways_and_its_zero() -> None:
    rows = drawn("clock.offset", samples([0.02 * math.sin(n / 9) for n in range(200)]), CLOCK)
    text = "\n".join(rows)
    for label in ("+100 ms ┤", "+50 ms ┤╌", "0 ms ┤", "-50 ms ┤╌", "-100 ms ┤"):
        assert label in text
    assert "lowest -20 ms" in text
    assert "highest 20 ms" in text
    assert "our clock is 3 ms slow" in rows[0]


def test_nothing_read_is_a_gap_and_no_line_across_it() -> None:
    values = [30.0] * 80 + [None] * 80 + [30.0] * 80
    columns = dots(drawn("host.cpu", samples(values), Bounds(), (89, 20)))
    missing = [x for x in range(9, 88) if x not in columns]
    assert 22 <= len(missing) <= 30
    assert missing == list(range(missing[0], missing[-1] + 1))
    lane = drawn("host.cpu", samples(values), Bounds(), (89, 20))
    assert any("?????" in row and "─────" in row for row in lane)
    text = "\n".join(lane)
    assert "? not read 33 %" in text


def test_an_engine_that_was_down_leaves_the_lane_empty() -> None:
    kept = samples([30.0] * 240)
    rows = drawn("host.cpu", [*kept[:80], *kept[160:]], Bounds(), (89, 20))
    lane = rows[-3]
    assert lane.strip().startswith("─")
    assert " " * 20 in lane.strip()


def test_few_samples_stand_until_the_next_one() -> None:
    """A reading every 15 minutes is a line over six hours, not single dots."""
    columns = dots(drawn("site.certificate", samples([61.0] * 24), Bounds(14, 3, top=90)))
    assert len(columns) >= 68


def test_states_have_a_sign_in_the_lane_and_a_share() -> None:
    kept = [*samples([95.0] * 100, "critical"), *samples([20.0] * 100)[50:]]
    kept.sort(key=lambda one: one.at)
    rows = drawn("host.cpu", kept, Bounds())
    assert "✖" in rows[-3]
    assert "✖ critical 67 %" in rows[-1]


def test_a_reading_without_a_number_shows_its_states() -> None:
    kept = [
        Sample(one.at, None, None, None, "critical" if y > 90 else "ok")
        for y, one in enumerate(samples([1.0] * 100))
    ]
    text = "\n".join(drawn("power.planta", kept, Bounds()))
    assert "No number: only its states are kept." in text
    assert "─✖" in text


@pytest.mark.parametrize("size", [(40, 9), (80, 20), (120, 36), (240, 66)])
@pytest.mark.parametrize(
    "values",
    [
        [],
        [0.0],
        [1e15, -1e15],
        [float("nan"), float("inf"), 1.0],
        [None, None],
        [1e-300, 2e-300],
        [5.0] * 25_000,
    ],
    ids=["none", "one", "huge", "nan", "unknown", "tiny", "many"],
)
def test_no_values_break_it(values: list[float | None], size: tuple[int, int]) -> None:
    kept = samples(values) if values else []
    for bounds in (Bounds(), CLOCK, Bounds(1e9, 1.0, top=5e8)):
        for name in ("clock.offset", "host.disk", "no.such.reading"):
            drawn(name, kept, bounds, size)


def test_while_it_is_read_it_says_so() -> None:
    assert "reading the history…" in "\n".join(drawn("host.cpu", None, Bounds()))
    assert "Nothing was kept in this time." in "\n".join(drawn("host.cpu", [], Bounds()))


@pytest.mark.parametrize("letters", ["ascii", "iso-8859-1"])
def test_twins_for_terminals_without_braille(letters: str) -> None:
    look = Look(signs=False, letters=letters)
    for row in drawn("clock.offset", samples([0.02] * 50 + [-0.06] * 50, "warning"), CLOCK):
        told = look.shown(row)
        assert len(told) == cell_len(row)
        told.encode(letters)


def test_without_telemetry_the_minutes_of_the_engine_are_drawn() -> None:
    snapshot = night()
    kept = histories.kept_by_engine(snapshot, "host.cpu")
    assert len(kept) == 60
    assert kept[-1].at == snapshot.observed_at
    assert kept[1].at - kept[0].at == timedelta(seconds=60)
    assert histories.kept_by_engine(snapshot, "no.such.reading") == []


def test_thresholds_come_from_the_settings(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"clock": {"warning_ms": 40, "critical_ms": 500}})
    snapshot = EQUIPPED["equipped"]
    assert histories.bounds(box.settings, "clock.offset", snapshot) == Bounds(0.04, 0.5, True)
    disk = histories.bounds(box.settings, "host.disk", snapshot)
    assert disk.top == 200e9
    assert histories.bounds(box.settings, "power.servidor", snapshot).critical == 30
    assert histories.bounds(box.settings, "host.cpu", snapshot) == Bounds()
    broken = Reading(1.0, "bytes", "ok", NOW, detail={"total_bytes": "\x1b[2J"})
    odd = replace(snapshot, readings={"host.disk": broken})
    assert histories.bounds(box.settings, "host.disk", odd).top is None


def test_a_station_without_telemetry_has_no_history(tmp_path: Path) -> None:
    assert histories.of_station(tmp_path, "host.cpu", *WINDOW, 100) == []
