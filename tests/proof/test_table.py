"""The table adds up what proofs recorded, and is never better than the run."""

from __future__ import annotations

import pytest

from tests.proof import table


def test_rows_of_one_name_are_added_up_and_failures_and_gaps_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table, "_new", [])
    monkeypatch.setattr(table, "_rows", [])
    assert list(table.lines()) == []
    table.record("killed", tried=3, fired=3)
    table.record("killed", tried=2, fired=1, bad=1)
    table.walked("days", 7)
    table.walked("days", 7)
    table.take(table.handed_over())
    assert table.handed_over() == []
    head, days, killed, failed, together, gap = table.lines(["a test"], ["power cut"])
    assert head.split()[-3:] == ["tried", "fired", "bad"]
    assert killed.split() == ["killed", "5", "4", "1"]
    assert days.split() == ["days", "14", "-", "0"]
    assert failed.split() == ["FAILED", "a", "test", "0", "0", "1"]
    assert together.split()[-3:] == ["5", "4", "2"]
    assert gap.endswith("power cut")
    assert "NOT" in gap


def test_what_never_happened_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_rows", [])
    table.take([("a rare order", 0, 0, 0), ("a rare order", 2, 2, 0), ("another", 0, 0, 0)])
    assert [line for line in table.lines() if "never happened" in line] == [
        "never happened, so nothing is shown of it: another"
    ]


@pytest.mark.parametrize(
    ("whole", "left_out", "fired", "short"),
    [
        (True, ["power cut"], 1, True),
        (True, [], 1, False),
        (True, [], 0, True),
        (False, ["power cut"], 0, False),
    ],
)
def test_a_whole_run_that_left_something_out_has_failed(
    whole: bool, left_out: list[str], fired: int, short: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "WHOLE", whole)
    monkeypatch.setattr(table, "not_run", left_out)
    monkeypatch.setattr(table, "_rows", [table.Row("a rare order", fired, fired, 0)])
    assert table.is_short() == short
