"""The page that Prometheus reads: complete, well formed, and safe from whoever asks for it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from prep_console.drill.children import free_port
from prep_console.outward.endpoint import Endpoint, WrongAddress, address
from prep_console.outward.prometheus import exposition
from prep_console.probes.probe import reading, unknown
from prep_console.snapshot import Reading
from prep_console.values import replace
from tests.outward.views import AT, alarm, snapshot
from tests.stations import sandbox
from tests.waiting import wait_until

Series = dict[tuple[str, ...], float]


def parsed(page: bytes) -> dict[str, Series]:
    """{family: {label values: value}} by prometheus_client's own parser."""
    return {
        family.name: {tuple(s.labels.values()): s.value for s in family.samples}
        for family in text_string_to_metric_families(page.decode())
    }


def readings() -> dict[str, Reading]:
    return {
        "clock.offset": reading(-0.012, "s", AT, bound_s=0.003, server="a.mx", ok=True),
        "power.g": reading("running", "", AT, warning=True),
        "site.time": reading("2 de junio, 20:05", "", AT),
        "host.disk": reading(float("nan"), "bytes", AT, critical=True),
        **unknown(("power.ups",), "gone", AT),
    }


def test_every_reading_and_every_alarm_is_there(tmp_path: Path) -> None:
    settings = sandbox(tmp_path).settings
    evil = 'a"b\\c\nd{e}="f"'
    alarms = (alarm(evil), replace(alarm("s"), shelved_until=AT, acknowledged_by="ana"))
    page = parsed(exposition(snapshot(settings, readings(), alarms), {"telemetry": 3}))
    assert page["prep_reading"] == {("clock.offset", "s"): -0.012}
    assert page["prep_reading_word"] == {("power.g", "running"): 1.0}
    assert page["prep_reading_state"] == {
        ("clock.offset",): 0,
        ("host.disk",): 2,
        ("power.g",): 1,
        ("power.ups",): 3,
        ("site.time",): 0,
    }
    assert set(page["prep_reading_observed_timestamp_seconds"].values()) == {AT.timestamp()}
    assert page["prep_reading_detail"] == {
        ("bound_s", "clock.offset"): 0.003,
        ("ok", "clock.offset"): 1.0,
    }, "labels come in the order of their names"
    assert page["prep_alarm_severity"] == {("power.battery", evil): 2, ("power.battery", "s"): 2}
    assert page["prep_alarm_shelved"][("power.battery", "s")] == 1
    assert page["prep_alarm_acknowledged"][("power.battery", evil)] == 0
    assert page["prep_alarms"] == {("warning",): 0, ("critical",): 2}
    assert page["prep_mode"] == {("auto",): 1, ("hold",): 0, ("frozen",): 0}
    assert page["prep_live"] == {(): 0}
    assert page["prep_live_stamp_timestamp_seconds"] == {}, "not known is no sample"
    assert page["prep_engine_alive"] == {(): 0}
    assert page["prep_dropped_total"] == {("telemetry",): 3}
    blind = replace(snapshot(settings, readings(), alarms), read_error="Input/output error")
    assert parsed(exposition(blind, {}))["prep_mode"] == {}, "a hold may be in force"


def test_the_page_has_an_end(tmp_path: Path) -> None:
    settings = sandbox(tmp_path).settings
    many = tuple(alarm(f"{n}-" + "x" * 5000) for n in range(3000))
    page = exposition(snapshot(settings, readings(), many), {})
    assert len(page) < 1_000_000
    assert len(parsed(page)["prep_alarm_severity"]) == 500


@pytest.mark.parametrize("setting", ["127.0.0.1:9101", "[::1]:9101", "localhost:9101"])
def test_addresses_on_loopback(setting: str) -> None:
    assert address(setting)[1] == 9101


@pytest.mark.parametrize(
    "setting", ["0.0.0.0:9101", "[::]:1", "10.0.0.1:1", "9101", "a.mx:1", "127.0.0.1:x", ":", ""]
)
def test_no_other_address(setting: str) -> None:
    with pytest.raises(WrongAddress, match=r"telemetry\.prometheus"):
        address(setting)


@contextlib.contextmanager
def endpoint(folder: Path, page: bytes = b"x 1\n") -> Iterator[int]:
    port = free_port()
    made = Endpoint(
        sandbox(folder, {"telemetry": {"prometheus": f"127.0.0.1:{port}"}}).settings, lambda: page
    )
    try:
        wait_until(lambda: get(port) == page.decode(), 5)
        yield port
    finally:
        began = time.monotonic()
        made.close()
        assert time.monotonic() - began < 5


def get(port: int, path: str = "/metrics", method: str = "GET") -> str | None:
    try:
        answer = httpx.request(method, f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=3)
    except httpx.HTTPError:
        return None
    return answer.text if answer.is_success else str(answer.status_code)


def test_only_the_page_is_offered(tmp_path: Path) -> None:
    with endpoint(tmp_path) as port:
        assert get(port, method="HEAD") == ""
        assert get(port, "/metrics?x=1") == "x 1\n"
        assert get(port, "/../etc/passwd") == "404"
        assert get(port, method="POST") == "405"


def test_the_slow_the_many_and_the_huge_keep_nobody_out_for_long(tmp_path: Path) -> None:
    before = threading.active_count()
    with endpoint(tmp_path) as port, contextlib.ExitStack() as held:
        slow = [
            held.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", port))))
            for _ in range(300)
        ]
        for client in slow:
            with contextlib.suppress(OSError):
                client.sendall(b"GET /metrics HTTP/1.1\r\nX-")
        wait_until(lambda: get(port) == "x 1\n", 10, "the slow are let go of")
        huge = held.enter_context(socket.create_connection(("127.0.0.1", port)))
        with contextlib.suppress(OSError):
            for _ in range(100):
                huge.sendall(b"x" * 100_000)
        assert get(port) == "x 1\n"
        assert threading.active_count() <= before + 1
    wait_until(lambda: threading.active_count() <= before, 5)


def test_a_reader_that_takes_nothing_is_let_go_of(tmp_path: Path) -> None:
    with endpoint(tmp_path, b"x 1\n" * 2_000_000) as port, contextlib.ExitStack() as held:
        for _ in range(16):
            lazy = socket.create_connection(("127.0.0.1", port))
            held.enter_context(contextlib.closing(lazy))
            lazy.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        wait_until(lambda: get(port) is not None, 12)


def test_what_cannot_be_read_is_no_page(tmp_path: Path) -> None:
    port = free_port()

    def fails() -> bytes:
        raise OSError("no disk")

    settings = sandbox(tmp_path, {"telemetry": {"prometheus": f"127.0.0.1:{port}"}}).settings
    made = Endpoint(settings, fails)
    try:
        wait_until(lambda: get(port) == "503", 5)
    finally:
        made.close()


def test_the_text_file_is_whole_and_for_everybody(tmp_path: Path) -> None:
    file = tmp_path / "prep.prom"
    settings = sandbox(tmp_path, {"telemetry": {"textfile": str(file)}}).settings
    made = Endpoint(settings, lambda: exposition(snapshot(settings, readings()), {}))
    try:
        wait_until(file.exists, 5)
        assert "prep_reading_state" in parsed(file.read_bytes())
        assert file.stat().st_mode & 0o777 == 0o644
    finally:
        made.close()
