"""The words of instruments, in both languages."""

from __future__ import annotations

import pytest

from prep_console import status_words

pytestmark = pytest.mark.usefixtures("in_english")


def test_flags_in_words_in_their_order_each_once() -> None:
    assert status_words.ups_status("OB DISCHRG LB OB") == "on battery, discharging, battery low"
    assert status_words.ups_flags("") == ()


def test_a_flag_that_nobody_foresaw_is_shown_as_it_is_but_harmless() -> None:
    assert status_words.ups_status("OL ECO") == "on mains, ECO"
    shown = status_words.ups_status("\x1b[31m" + "X" * 500 + " OL")
    assert "\x1b" not in shown
    assert len(shown) < 60
    assert len(status_words.ups_status(" ".join(f"F{n}" for n in range(9000)))) < 500


def test_states_sources_protections_and_leaps() -> None:
    assert status_words.generator_state("standby") == "ready"
    assert status_words.power_source("battery") == "battery"
    assert status_words.protection("seen") == "seen working"
    assert status_words.leap("insert") == "a second will be inserted"
    assert status_words.leap("") == "no leap second announced"
    assert status_words.generator_state("cranking") == "cranking"
