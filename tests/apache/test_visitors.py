"""The load harness misses nothing: what a visitor cannot read is counted, and so is its own end."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable

import pytest

from tests import hostile
from tests.apache.load import ESTADO_JSON, Tally, drive
from tests.waiting import wait_until

CUT = "20240602_2005"


def answer(body: bytes) -> bytes:
    """A whole one, of the cut."""
    head = f"HTTP/1.1 200 OK\r\nX-Prep-Cut: {CUT}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def visited(peer: hostile.Peer, switch: Callable[[], object], requests: int = 25) -> Tally:
    return drive(
        peer.port,
        {CUT: {}},
        [ESTADO_JSON],
        switch,
        requests=requests,
        switches=1,
        pause_s=0.05,
        deadline_s=60,
        visitors=1,
    )


def nothing() -> None:
    """No switch."""


@pytest.mark.parametrize(
    "body", [b"<html>not json</html>", b"\xff\xfe", b"{}", b"[]", b'{"cut": "20240602_2010"}']
)
def test_an_estado_that_names_no_cut_or_another_is_a_mixed_answer(body: bytes) -> None:
    with hostile.tcp("answers", answer(body)) as peer:
        tally = visited(peer, nothing)
    assert tally.requests >= 25
    assert tally.mixed == tally.faults == tally.requests, tally


def test_an_estado_of_its_cut_is_no_fault() -> None:
    with hostile.tcp("answers", answer(f'{{"cut": "{CUT}"}}'.encode())) as peer:
        tally = visited(peer, nothing)
    assert tally.requests >= 25
    assert tally.faults == 0, tally


def test_a_site_that_refuses_is_a_bad_answer_each_time() -> None:
    """Half-way: the visitor comes back to a closed door."""
    with hostile.tcp("answers", answer(f'{{"cut": "{CUT}"}}'.encode())) as peer:
        tally = visited(peer, lambda: peer.become("refuse"), requests=500)
    assert tally.requests >= 500
    assert 25 <= tally.truncated == tally.faults < tally.requests, tally
    assert any("refused" in example for example in tally.examples), tally


def test_a_visitor_that_dies_is_an_error() -> None:
    def killed() -> None:
        (visitor,) = multiprocessing.active_children()
        visitor.kill()
        wait_until(lambda: not visitor.is_alive(), 20, "the visitor is gone")

    with (
        hostile.tcp("answers", answer(b"{}")) as peer,
        pytest.raises(AssertionError, match="1 of 1 visitors ended without their tally"),
    ):
        visited(peer, killed, requests=0)
