"""Commands and webhooks that are told of alarms: good ones, and every bad one there is."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prep_console.outward.hooks import Hooks, Receiver
from tests.outward.views import event
from tests.processes import running
from tests.stations import sandbox
from tests.waiting import wait_until

WRITE = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


@contextlib.contextmanager
def receiver(
    argv: list[str], *, timeout_s: float = 10.0, tried_for_s: float = 300.0
) -> Iterator[Receiver]:
    made = Receiver("alarms.hook", argv, timeout_s=timeout_s, tried_for_s=tried_for_s)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def hooks(folder: Path, **alarms: object) -> Iterator[Hooks]:
    made = Hooks(sandbox(folder, {"alarms": alarms}).settings)
    try:
        yield made
    finally:
        began = time.monotonic()
        made.close()
        assert time.monotonic() - began < 5


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def alive(pid_file: Path) -> bool:
    """Whether the process that wrote its number there still runs (a zombie does not)."""
    said = pid_file.read_text().strip() if pid_file.exists() else ""
    return bool(said) and running(int(said))


def test_the_command_gets_every_event_in_order(tmp_path: Path) -> None:
    file = tmp_path / "told"
    with hooks(tmp_path, hook=[sys.executable, "-c", WRITE, str(file)]) as made:
        made.tell([event("raised", "ups1", "battery | ñ"), event("raised", "ups2")])
        made.tell([event("cleared", "ups1")])
        wait_until(lambda: len(lines(file)) == 3, 15)
    told = lines(file)
    assert [(t["event"], t["alarm"]["key"]) for t in told] == [
        ("raised", "power.battery:ups1"),
        ("raised", "power.battery:ups2"),
        ("cleared", "power.battery:ups1"),
    ]
    assert told[0]["alarm"]["text"] == "battery | ñ"
    assert (told[0]["schema"], told[0]["station"]) == (1, "Difusor")


def test_a_command_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    pid, child = tmp_path / "pid", tmp_path / "child"
    hang = f"sh -c 'echo $$ > {child}; exec sleep 600' & echo $$ > {pid}; exec sleep 600"
    with receiver(["sh", "-c", hang], timeout_s=1.0, tried_for_s=0.0) as made:
        made.tell("a", b"{}")
        wait_until(lambda: alive(pid) and alive(child), 10)
        wait_until(lambda: made.dropped == 1, 10)
        wait_until(lambda: not alive(pid) and not alive(child), 5)


def test_what_a_good_command_leaves_running_is_ended_too(tmp_path: Path) -> None:
    child, file = tmp_path / "child", tmp_path / "told"
    leave = f"sleep 600 & echo $! > {child}; cat >> {file}"
    with receiver(["sh", "-c", leave]) as made:
        made.tell("a", b"{}\n")
        wait_until(lambda: lines(file), 10)
        wait_until(lambda: child.exists() and not alive(child), 5)
        assert made.dropped == 0


def test_a_flood_of_output_neither_blocks_nor_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "told"
    flood = f"head -c 300000000 /dev/zero | tr '\\0' x; cat >> {file}; exit 3"
    with receiver(["sh", "-c", flood], tried_for_s=0.0) as made:
        made.tell("a", b"{}\n")
        wait_until(lambda: made.dropped == 1, 20)
    assert lines(file) == [{}]
    assert all(len(record.getMessage()) < 800 for record in caplog.records)
    assert "exit status 3" in caplog.text


def test_one_that_fails_is_tried_again_until_it_works(tmp_path: Path) -> None:
    ready, file = tmp_path / "ready", tmp_path / "told"
    with receiver(["sh", "-c", f"test -e {ready} && cat >> {file}"]) as made:
        made.tell("a", b'{"n": 1}\n')
        made.tell("b", b'{"n": 2}\n')
        ready.touch()
        wait_until(lambda: len(lines(file)) == 2, 15)
        assert made.dropped == 0


def test_a_newer_event_of_the_same_alarm_takes_the_place_of_one_that_failed(
    tmp_path: Path,
) -> None:
    tried, ready, file = tmp_path / "tried", tmp_path / "ready", tmp_path / "told"
    command = f"echo x >> {tried}; test -e {ready} && cat >> {file}"
    with receiver(["sh", "-c", command]) as made:
        made.tell("a", b'{"n": "raised"}\n')
        wait_until(tried.exists, 10)
        ready.touch()
        made.tell("a", b'{"n": "cleared"}\n')
        made.tell("b", b'{"n": "last"}\n')
        wait_until(lambda: {"n": "last"} in lines(file), 15)
    told = [line["n"] for line in lines(file)]
    assert told.index("cleared") >= 0
    assert "raised" not in told[told.index("cleared") :]


def test_one_that_is_not_there_is_told_in_the_log_and_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with receiver(["/nonexistent/hook"], tried_for_s=0.0) as made:
        made.tell("a", b"{}")
        wait_until(lambda: made.dropped == 1, 5)
    assert "/nonexistent/hook cannot be started" in caplog.text


def test_a_slow_one_is_never_waited_for_and_the_oldest_are_dropped(tmp_path: Path) -> None:
    with receiver(["sleep", "600"]) as made:
        began = time.monotonic()
        for n in range(5000):
            made.tell(f"a{n}", b"{}")
        assert time.monotonic() - began < 9  # one that is waited for takes ten
        assert made.dropped >= 4799
        ending = time.monotonic()
        made.close()
        assert time.monotonic() - ending < 5


def test_its_environment_holds_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    file = tmp_path / "env"
    with receiver(["sh", "-c", f"env > {file}.new; mv {file}.new {file}"]) as made:
        made.tell("a", b"{}")
        wait_until(file.exists, 10)
    names = {line.partition("=")[0] for line in file.read_text().splitlines()}
    assert names <= {"PATH", "HOME", "TZ", "LC_ALL", "PWD", "SHLVL", "OLDPWD", "_"}


class _Posts(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        assert isinstance(server, _Server)
        server.told.append((self.headers["Content-Type"], json.loads(body)))
        self.send_response(server.statuses.pop(0) if server.statuses else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


class _Server(http.server.ThreadingHTTPServer):
    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Posts)
        self.told: list[tuple[str, Any]] = []
        self.statuses: list[int] = []


@contextlib.contextmanager
def server(*statuses: int) -> Iterator[_Server]:
    made = _Server()
    made.statuses = list(statuses)
    thread = threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
        thread.join(5)


def test_the_webhook_gets_the_same(tmp_path: Path) -> None:
    with (
        server(500) as there,
        hooks(tmp_path, webhook=f"http://127.0.0.1:{there.server_port}/x") as made,
    ):
        made.tell([event("raised", "ups1")])
        wait_until(lambda: len(there.told) == 2, 20, "once refused, then taken")
        assert made.dropped == {"alarms.webhook": 0}
    assert there.told[0] == there.told[1]
    content, document = there.told[1]
    assert content == "application/json"
    assert (document["event"], document["alarm"]["subject"]) == ("raised", "ups1")


def test_a_proxy_in_the_environment_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with (
        server() as there,
        hooks(tmp_path, webhook=f"http://127.0.0.1:{there.server_port}/x") as made,
    ):
        made.tell([event()])
        wait_until(lambda: there.told, 10)


def test_a_webhook_that_hangs_holds_up_neither_the_command_nor_the_end(tmp_path: Path) -> None:
    file = tmp_path / "told"
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts in the kernel, says nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        command = [sys.executable, "-c", WRITE, str(file)]
        with hooks(tmp_path, hook=command, webhook=url) as made:
            made.tell([event("raised", "a"), event("raised", "b")])
            wait_until(lambda: len(lines(file)) == 2, 15)


def test_a_webhook_that_refuses_is_told_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with hooks(tmp_path, webhook=f"http://127.0.0.1:{port}/secret") as made:
        made.tell([event()])
        wait_until(lambda: "ConnectError" in caplog.text, 15)
    assert "secret" not in caplog.text
