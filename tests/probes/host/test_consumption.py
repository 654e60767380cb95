"""How long a stock lasts: arithmetic on given samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_console.probes.host.consumption import Consumption


def noted(*samples: tuple[float, float], settled_s: float = 300.0) -> Consumption:
    consumption = Consumption(settled_s=settled_s)
    for at_s, left in samples:
        consumption.note(at_s, left)
    return consumption


def test_a_steady_consumption_lasts_as_long_as_it_divides() -> None:
    consumption = noted(*[(t, 40e9 - 1e6 * t) for t in range(0, 900, 5)])
    assert consumption.per_s() == pytest.approx(1e6)
    assert consumption.lasts_s() == pytest.approx((40e9 - 1e6 * 895) / 1e6)


def test_nothing_is_forecast_before_one_cadence_has_passed() -> None:
    assert noted().lasts_s() is None
    assert noted((0, 100), (299, 50)).lasts_s() is None
    assert noted((0, 100), (300, 50)).lasts_s() == pytest.approx(300)


def test_what_grows_or_stands_still_lasts() -> None:
    assert noted((0, 100), (600, 100)).lasts_s() is None
    assert noted((0, 100), (600, 200)).lasts_s() is None


def test_the_window_forgets_what_is_older_than_half_an_hour() -> None:
    steep_then_flat = [(float(t), 1000.0 - t) for t in range(0, 600, 10)]
    steep_then_flat += [(float(t), 400.0) for t in range(600, 3000, 10)]
    assert noted(*steep_then_flat).lasts_s() is None


@given(st.lists(st.floats(0, 1e12), min_size=2, max_size=50))
def test_a_forecast_is_never_negative(left: list[float]) -> None:
    lasts_s = noted(*[(60.0 * i, x) for i, x in enumerate(left)], settled_s=1.0).lasts_s()
    assert lasts_s is None or lasts_s >= 0
