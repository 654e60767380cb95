"""The worst night, whole: few alarms, none that chatters, every fault in time."""

from __future__ import annotations

import pytest

from tests.alarms.worst_night import play


@pytest.mark.parametrize("seed", [1, 2])
def test_the_worst_night_is_bearable_and_hides_nothing(seed: int) -> None:
    night = play(seed)
    assert night.late == []
    assert len(night.told) >= 15
    assert len(night.raised) >= 15
    assert night.most_in_ten_minutes <= 10
    assert night.an_hour <= 6
    assert night.most_returns_in_a_minute < 3
    assert any(event.alarm.flapping for event in night.raised)
