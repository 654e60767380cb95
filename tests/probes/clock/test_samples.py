"""One late packet is no false alarm, and nothing real is hidden by older answers."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from prep_console.config.instruments import Clock
from prep_console.probes.clock.ntp import Answer
from prep_console.probes.clock.offset import OffsetProbe
from prep_console.probes.clock.samples import Samples, unslewed
from tests import hostile
from tests.probes.clock.packets import answer


def said(offset_s: float, bound_s: float = 0.002) -> Answer:
    return Answer(offset_s, bound_s, delay_s=2 * bound_s, stratum=2, leap=0)


def test_a_late_answer_is_corrected_by_a_better_one_before() -> None:
    samples = Samples()
    assert samples.best(said(0.001), 1000.0, 10.0).offset_s == pytest.approx(0.001)
    late = samples.best(said(0.140, bound_s=0.150), 1020.0, 30.0)
    assert late.offset_s == pytest.approx(0.001)
    assert late.bound_s == pytest.approx(0.002 + 20 * 100e-6)
    assert late.delay_s == pytest.approx(0.004)


@pytest.mark.parametrize("jump_s", [0.06, -2.5, 3600.0])
def test_a_server_that_jumped_is_told_at_once(jump_s: float) -> None:
    samples = Samples()
    for look in range(8):
        samples.best(said(0.001, 0.0001), 1000.0 + look, 10.0 + look)
    assert samples.best(said(jump_s), 1008.0, 18.0).offset_s == pytest.approx(jump_s)


@pytest.mark.parametrize("step_s", [0.06, -2.5])
def test_a_step_of_our_own_is_told_at_once_even_by_a_late_answer(step_s: float) -> None:
    samples = Samples()
    samples.best(said(0.0), 1000.0, 10.0)
    stepped = samples.best(said(-step_s + 0.1, bound_s=0.15), 1020.0 + step_s, 30.0)
    assert stepped.offset_s == pytest.approx(-step_s)


def test_what_our_clock_was_slewed_by_meanwhile_counts() -> None:
    """Corrected by 80 ms in 20 s: the good old answer still tells what is left, nothing."""
    samples = Samples()
    samples.best(said(0.080), 1000.0, 10.0)
    after = samples.best(said(0.1, bound_s=0.15), 1020.080, 30.0)
    assert after.offset_s == pytest.approx(0.0, abs=1e-6)


def test_an_old_answer_is_worth_less_and_then_nothing() -> None:
    samples = Samples()
    samples.best(said(0.0, 0.001), 1000.0, 10.0)
    assert samples.best(said(0.02, 0.02), 1290.0, 300.0).bound_s == pytest.approx(0.02)
    samples = Samples()
    samples.best(said(0.0, 0.001), 1000.0, 10.0)
    assert samples.best(said(0.2, 1.0), 1310.0, 320.0).offset_s == pytest.approx(0.2)


@contextmanager
def jammed(chance: random.Random) -> Iterator[int]:
    """A server behind a queue: most answers wait up to 0.3 s on their way back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(0.05)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    request, asker = line.recvfrom(512)
                except TimeoutError:
                    continue
                data = answer(request)
                ended.wait(chance.choice([0.0, 0.1, 0.2, 0.3]))
                line.sendto(data, asker)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(line.getsockname()[1])
        ended.set()
        thread.join()


async def test_a_jammed_line_raises_no_false_warning() -> None:
    """The raw answers err by 50 to 150 ms, with a threshold of 50."""
    with jammed(random.Random(5)) as port:
        probe = OffsetProbe(Clock(servers=[f"127.0.0.1:{port}"]))
        read = [(await probe.read())["clock.offset"] for _ in range(12)]
    first_good = next(n for n, one in enumerate(read) if abs(float(one.value or 0)) < 0.01)
    assert first_good < 6
    assert {one.state for one in read[first_good : first_good + 6]} == {"ok"}
    assert max(float(one.detail["bound_s"] or 0) for one in read[first_good:]) < 0.05


async def test_a_server_that_turns_wrong_is_told_by_the_next_answer() -> None:
    wrong_s = [0.0]
    with hostile.udp("answers", lambda request: answer(request, offset_s=wrong_s[0])) as peer:
        probe = OffsetProbe(Clock(servers=[f"127.0.0.1:{peer.port}"]))
        assert (await probe.read())["clock.offset"].state == "ok"
        wrong_s[0] = 0.08
        assert (await probe.read())["clock.offset"].state == "warning"


def test_the_oscillator_runs() -> None:
    before = unslewed()
    assert unslewed() >= before > 0
