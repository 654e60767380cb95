"""Where a UPS is asked for: what is accepted, and what the refusal says."""

from __future__ import annotations

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_console.config import Power
from prep_console.probes.power import nut, nut_client


@pytest.mark.parametrize(
    ("text", "ups", "host", "port"),
    [
        ("servidor@127.0.0.1:3493", "servidor", "127.0.0.1", 3493),
        ("servidor@ups.example.mx", "servidor", "ups.example.mx", 3493),
        ("a.b_c-1@localhost:1", "a.b_c-1", "localhost", 1),
        ("ups@[::1]", "ups", "::1", 3493),
        ("ups@[fe80::1%eth0]:65535", "ups", "fe80::1%eth0", 65535),
    ],
)
def test_address(text: str, ups: str, host: str, port: int) -> None:
    assert nut.address(text) == nut.NutAddress(ups, host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "servidor",
        "@127.0.0.1",
        "ser vidor@127.0.0.1",
        "servidor\nLOGOUT@127.0.0.1",
        "ups@",
        "ups@host:0",
        "ups@host:65536",
        "ups@host:٣",
        "ups@host:",
        "ups@host:1:2",
        "ups@::1",
        "ups@[::1",
        "ups@[::1]3493",
        "ups@[host]:1",
        "ups@-oProxy",
        "ups@ho st",
        "u" * 65 + "@host",
        "ups@" + "h" * 254,
        "ups@" + "9" * 100_000,
    ],
)
def test_what_is_no_address_is_refused_and_shown_short(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no|is not") as refused:
        nut.address(text)
    assert len(str(refused.value)) < 200


@given(st.text(max_size=60))
def test_no_text_gets_control_characters_into_a_command(text: str) -> None:
    try:
        there = nut.address(text)
    except ValueError:
        return
    assert there.ups.isprintable()
    assert " " not in there.ups + there.host


def test_a_word_of_upsd_is_kept_bounded_and_escaped() -> None:
    assert nut.UpsdRefused("DATA-STALE").word == "DATA-STALE"
    assert "DATA-STALE" in str(nut.UpsdRefused("DATA-STALE"))
    strange = nut.UpsdRefused("\x1b[31m" + "x" * 5000)
    assert "\x1b" not in str(strange)
    assert len(str(strange)) < 250


def test_without_pynut3_the_settings_that_choose_it_are_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"prep-console\[pynut3\]"):
        nut_client.client(Power(client="pynut3"), nut.address("ups@127.0.0.1"))
    nut_client.client(Power(client="aionut"), nut.address("ups@127.0.0.1"))
