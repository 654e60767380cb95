"""What is believed of an NTP answer, and what is refused, each with its reason."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prep_console.config.instruments import Clock
from prep_console.drill.children import free_port
from prep_console.probes.clock.ntp import Answer
from prep_console.probes.clock.offset import OffsetProbe
from prep_console.snapshot import Reading
from tests import hostile
from tests.hostile import UDP_FAULTS, Behaviour
from tests.probes.clock.packets import answer, answering, stamp
from tests.waiting import wait_until


async def look(probe: OffsetProbe) -> Reading:
    return (await probe.read())["clock.offset"]


def asking(*ports: int, answer_s: float = 3.0) -> OffsetProbe:
    """``answer_s`` is short only where no answer is expected."""
    return OffsetProbe(Clock(servers=[f"127.0.0.1:{port}" for port in ports]), answer_s=answer_s)


def bound_of(read: Reading) -> float:
    """How far the true offset may be: half the way there and back, however busy both were."""
    bound_s = read.detail["bound_s"]
    assert isinstance(bound_s, float)
    return bound_s


async def test_a_good_answer() -> None:
    with hostile.udp("answers", answering(offset_s=0.012, leap=1)) as peer:
        read = await look(asking(peer.port))
    assert read.state == "ok"
    assert isinstance(read.value, float)
    assert abs(read.value - 0.012) <= bound_of(read)
    assert read.unit == "s"
    assert read.detail["server"] == f"127.0.0.1:{peer.port}"
    assert read.detail["stratum"] == 2
    assert read.detail["leap"] == "insert"
    assert (read.detail["asked"], read.detail["answered"], read.detail["agree"]) == (1, 1, 1)
    delay_s = read.detail["delay_s"]
    assert isinstance(delay_s, float)
    assert bound_of(read) == pytest.approx(delay_s / 2 + 0.0005 + 0.001, abs=1e-4)


@pytest.mark.parametrize(
    ("offset_s", "state"),
    [(0.0, "ok"), (-0.5, "warning"), (0.5, "warning"), (-2.0, "critical"), (2.0, "critical")],
)
async def test_offsets(offset_s: float, state: str) -> None:
    with hostile.udp("answers", answering(offset_s=offset_s)) as peer:
        read = await look(asking(peer.port))
    assert read.state == state
    assert isinstance(read.value, float)
    assert abs(read.value - offset_s) <= bound_of(read)


@pytest.mark.parametrize(
    ("offset_s", "state"),
    [(0.0499, "ok"), (0.05, "warning"), (0.999, "warning"), (1.0, "critical")],
)
def test_thresholds(offset_s: float, state: str) -> None:
    for measured in (offset_s, -offset_s):
        said = Answer(measured, bound_s=0.002, delay_s=0.001, stratum=2, leap=0)
        assert asking(123)._judged({"127.0.0.1:123": said}).state == state


YEARS_S = 3 * 365 * 86_400
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"mode": 3}, "mode 3"),
    ({"mode": 5}, "mode 5"),
    ({"originate": bytes(8)}, "not ours"),
    ({"originate": b"someone!"}, "not ours"),
    ({"stratum": 0, "ref_id": b"ABCD"}, "kiss-o'-death ABCD"),
    ({"stratum": 0, "ref_id": b"INIT"}, "answers that it is not synchronised"),
    ({"stratum": 0, "ref_id": bytes(4), "leap": 3}, "answers that it is not synchronised"),
    ({"stratum": 16}, "answers that it is not synchronised"),
    ({"leap": 3}, "answers that it is not synchronised"),
    ({"stratum": 17}, "stratum 17"),
    ({"stratum": 255}, "stratum 255"),
    ({"received": 0}, "bears no time"),
    ({"transmitted": 0}, "bears no time"),
    ({"received": 0, "transmitted": 0}, "bears no time"),
    ({"received": stamp(1_600_000_000), "transmitted": stamp(1_600_000_000)}, "2024 to 2100"),
    ({"offset_s": YEARS_S}, "wrong by years"),
    ({"transmitted": stamp(time.time() + 9)}, "negative delay"),
    ({"received": stamp(time.time() + 3600)}, "negative delay"),
    ({"root_dispersion_s": 15.0}, "to 15.0 s only"),
    ({"root_delay_s": 60_000.0}, "s only"),
]


@pytest.mark.parametrize(("changes", "reason"), REFUSED)
async def test_an_answer_is_refused_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    with hostile.udp("answers", answering(**changes)) as peer:
        read = await look(asking(peer.port))
        assert (read.state, read.value) == ("unknown", None)
        assert read.error is not None
        assert reason in read.error
        assert len(read.error) <= 300
        assert peer.asked == 1


@pytest.mark.parametrize("data", [b"", b"\x24", bytes(47), bytes(48), b"\xff" * 65_000])
async def test_what_is_no_packet_is_refused(data: bytes) -> None:
    with hostile.udp("answers", data) as peer:
        read = await look(asking(peer.port))
    assert read.state == "unknown"
    assert "no answer of its own" in str(read.error)


@pytest.mark.parametrize("fault", UDP_FAULTS)
async def test_a_bad_server_is_unknown_and_mends(fault: Behaviour) -> None:
    with hostile.udp(fault, answering()) as peer:
        probe = asking(peer.port, answer_s=1.0)
        began = time.monotonic()
        read = await look(probe)
        assert time.monotonic() - began < 4
        assert (read.state, read.value) == ("unknown", None)
        assert read.error
        peer.become("answers")
        assert (await look(probe)).state == "ok"


async def test_a_closed_port_is_told_at_once() -> None:
    began = time.monotonic()
    read = await look(asking(free_port(socket.SOCK_DGRAM), answer_s=10.0))
    assert time.monotonic() - began < 5
    assert "connection refused" in str(read.error)


async def test_a_forger_does_not_keep_the_true_answer_out() -> None:
    """A hundred forged packets come first, from the server's own address; then the answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))

        def serve() -> None:
            request, asker = line.recvfrom(512)
            for number in range(100):
                forged = answer(request, offset_s=77.0, originate=number.to_bytes(8, "big"))
                line.sendto(forged, asker)
                line.sendto(answer(b"x" * 48, stratum=0, ref_id=b"DENY"), asker)
            line.sendto(answer(request), asker)

        thread = threading.Thread(target=serve)
        thread.start()
        read = await look(asking(line.getsockname()[1], answer_s=3.0))
        thread.join()
    assert read.state == "ok"


async def test_an_answer_from_another_port_is_not_even_seen() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        line.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))

        def serve() -> None:
            request, asker = line.recvfrom(512)
            other.sendto(answer(request), asker)

        thread = threading.Thread(target=serve)
        thread.start()
        read = await look(asking(line.getsockname()[1], answer_s=0.3))
        thread.join()
    assert read.error == "the time server does not answer"


async def test_no_two_questions_are_alike_and_none_tells_our_time() -> None:
    asked: list[bytes] = []

    def note(request: bytes) -> bytes:
        asked.append(request)
        return answer(request)

    with hostile.udp("answers", note) as peer:
        probe = asking(peer.port)
        for _ in range(5):
            assert (await look(probe)).state == "ok"
    assert {len(request) for request in asked} == {48}
    assert {request[0] for request in asked} == {4 << 3 | 3}
    assert {request[1:40] for request in asked} == {bytes(39)}
    assert len({request[40:48] for request in asked}) == 5


class Moved:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s


@pytest.mark.parametrize(("code", "pause_s"), [(b"RATE", 600), (b"DENY", 3600), (b"RSTR", 3600)])
async def test_a_kiss_of_death_is_obeyed_for_a_while(code: bytes, pause_s: int) -> None:
    clock = Moved()
    with hostile.udp("answers", answering(stratum=0, ref_id=code)) as peer:
        probe = OffsetProbe(
            Clock(servers=[f"127.0.0.1:{peer.port}"]), monotonic=clock.monotonic, answer_s=3.0
        )
        for passed_s in (0, 1, pause_s - 5):
            clock.ahead_s = passed_s
            read = await look(probe)
            assert read.state == "unknown"
            assert f"kiss-o'-death {code.decode()}" in str(read.error)
        assert peer.asked == 1
        clock.ahead_s = pause_s + 5
        await look(probe)
        assert peer.asked == 2


async def test_one_silent_server_costs_the_others_nothing() -> None:
    with hostile.udp("hang") as silent, hostile.udp("answers", answering()) as good:
        read = await look(asking(silent.port, good.port, answer_s=1.0))
    assert read.state == "ok"
    assert (read.detail["asked"], read.detail["answered"]) == (2, 1)
    assert f"127.0.0.1:{silent.port}: the time server does not answer" in str(read.detail["failed"])


async def test_our_own_step_during_the_question_is_not_the_servers() -> None:
    """Our wall clock jumps by an hour while the answer is on its way."""
    jumped = threading.Event()

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(hours=1) * jumped.is_set()

    def jump(request: bytes) -> bytes:
        jumped.set()
        return answer(request)

    with hostile.udp("answers", jump) as peer:
        probe = OffsetProbe(Clock(servers=[f"127.0.0.1:{peer.port}"]), now=now)
        read = await look(probe)
    assert read.state == "ok"


async def test_a_clock_that_lost_its_battery_is_still_measured_by_two_servers() -> None:
    """Ours says 2001; two servers agree that it is not, in another NTP era by its reckoning."""
    lost = timedelta(days=25 * 365)
    with (
        hostile.udp("answers", answering()) as one,
        hostile.udp("answers", answering()) as two,
    ):
        probe = OffsetProbe(
            Clock(servers=[f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}"]),
            now=lambda: datetime.now(UTC) - lost,
        )
        read = await look(probe)
    assert read.state == "critical"
    assert isinstance(read.value, float)
    assert read.value == pytest.approx(lost.total_seconds(), abs=1)


async def test_stamps_after_2036_are_of_the_next_era() -> None:
    later = timedelta(days=12 * 365)
    with hostile.udp("answers", answering(offset_s=later.total_seconds())) as peer:
        probe = OffsetProbe(
            Clock(servers=[f"127.0.0.1:{peer.port}"]), now=lambda: datetime.now(UTC) + later
        )
        read = await look(probe)
    assert (read.state, read.error) == ("ok", None)


async def test_200_failing_looks_leave_nothing_behind() -> None:
    with (
        hostile.udp("garbage") as garbage,
        hostile.udp("hang") as silent,
        hostile.udp("refuse") as closed,
    ):
        probe = asking(garbage.port, silent.port, closed.port, answer_s=0.01)
        await look(probe)
        before = hostile.descriptors(), hostile.threads(), len(asyncio.all_tasks())
        for _ in range(200):
            assert (await look(probe)).state == "unknown"
        await asyncio.sleep(0)
        assert hostile.descriptors() <= before[0]
        assert hostile.threads() <= before[1]
        assert len(asyncio.all_tasks()) <= before[2]
        wait_until(lambda: silent.asked >= 201)


async def test_a_cancelled_look_leaves_nothing_behind() -> None:
    with hostile.udp("hang") as silent:
        probe = asking(silent.port, answer_s=30.0)
        before = hostile.descriptors()
        for number in range(20):
            task = asyncio.create_task(probe.read())
            while silent.asked <= number:
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.sleep(0)
        assert hostile.descriptors() <= before
