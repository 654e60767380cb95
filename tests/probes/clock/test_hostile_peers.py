"""The hostile peers do what they are named for: else every test over them proves nothing."""

from __future__ import annotations

import gc
import socket
import time

import pytest

from tests import hostile
from tests.hostile import TCP_FAULTS, UDP_FAULTS, Behaviour
from tests.waiting import wait_until

ANSWER = b"a whole answer of some length\n"


SILENCE_S = 0.3
PATIENCE_S = 10.0
"""For what must come: the peer is a thread of ours, on a machine that is busy with others."""


def ask(port: int, expected: int = 0, most: int = 4 * 1024**2) -> bytes | str:
    """Everything that came until a silence, or the name of the error.

    The first ``expected`` bytes are waited for; after them a little for more.
    """
    came = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line:
            line.sendall(b"question\n")
            end = time.monotonic() + 2 * SILENCE_S
            while len(came) < most and (len(came) < expected or time.monotonic() < end):
                line.settimeout(PATIENCE_S if len(came) < expected else SILENCE_S)
                try:
                    piece = line.recv(65_536)
                except TimeoutError:
                    break
                if not piece:
                    return came + b"<closed>"
                came += piece
    except OSError as error:
        return type(error).__name__
    return came


def ask_udp(port: int, *, expected: bool = True) -> bytes | str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(PATIENCE_S if expected else SILENCE_S)
        line.connect(("127.0.0.1", port))
        try:
            line.send(b"question")
            return line.recv(100_000)
        except OSError as error:
            return type(error).__name__


EXPECTED: dict[Behaviour, int] = {
    "close": 1,
    "reset": 1,
    "garbage": 600,
    "half": len(ANSWER),
    "megabyte": 2 * 1024**2,
    "endless": 2 * 1024**2,
    "drip": 1,
}
"""Bytes to wait for; one more than come where the peer ends the connection."""


def test_tcp() -> None:
    with hostile.tcp("answers", ANSWER) as peer:
        assert ask(peer.port, len(ANSWER)) == ANSWER
        said: dict[Behaviour, bytes | str] = {}
        for fault in TCP_FAULTS:
            peer.become(fault)
            said[fault] = ask(peer.port, EXPECTED.get(fault, 0))
        peer.become("answers")
        assert ask(peer.port, len(ANSWER)) == ANSWER
    assert said["refuse"] == "ConnectionRefusedError"
    assert said["hang"] == b""
    assert said["close"] in (b"<closed>", "ConnectionResetError", "BrokenPipeError")
    assert said["reset"] in ("ConnectionResetError", "BrokenPipeError")
    assert len(said["garbage"]) == 600
    assert said["half"] == ANSWER[: len(ANSWER) // 2] + b"<closed>"
    assert len(said["megabyte"]) == 2 * 1024**2
    assert len(said["endless"]) >= 2 * 1024**2
    assert 1 <= len(said["drip"]) < len(ANSWER)


def test_udp() -> None:
    with hostile.udp("answers", ANSWER) as peer:
        assert ask_udp(peer.port) == ANSWER
        said: dict[Behaviour, bytes | str] = {}
        for fault in UDP_FAULTS:
            peer.become(fault)
            said[fault] = ask_udp(peer.port, expected=fault != "hang")
        peer.become("answers")
        assert ask_udp(peer.port) == ANSWER
    assert said["refuse"] == "ConnectionRefusedError"
    assert said["hang"] == "TimeoutError"
    assert said["close"] == b""
    assert len(said["garbage"]) == 48
    assert said["half"] == ANSWER[: len(ANSWER) // 2]
    assert len(said["megabyte"]) == 65_507
    assert said["drip"] == ANSWER[:1]


@pytest.mark.parametrize("fault", TCP_FAULTS)
def test_a_peer_leaves_nothing_behind(fault: Behaviour) -> None:
    gc.collect()
    before = hostile.descriptors(), hostile.threads()
    with hostile.tcp(fault) as peer:
        there = hostile.descriptors()
        for _ in range(3):
            ask(peer.port, most=65_536)
        wait_until(lambda: hostile.descriptors() <= there, what="connections let go of")
    wait_until(lambda: hostile.descriptors() <= before[0] and hostile.threads() <= before[1])
