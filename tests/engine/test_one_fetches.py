"""The real engine and a resync at the same time: what a source has is fetched by one of them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from prep_console import config
from prep_console.publication import lock
from tests.cuts import deliveries as d
from tests.engine.test_engine import alive, engine, live
from tests.engine.test_sources import said
from tests.sshd import Sshd, sshd
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server

STAMP = "20240602_2005"
NAME = f"{STAMP}_PREP_DIP_LOC_QRO.zip"
SIZE = 96 << 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    program = "/usr/lib/openssh/sftp-server -e -l VERBOSE"
    with sshd(tmp_path / "sshd", f"ForceCommand {program} 2>>{tmp_path}/sent") as running:
        yield running


@pytest.fixture
def box(tmp_path: Path, server: Sshd) -> Sandbox:
    there = tmp_path / "cortes"
    there.mkdir()
    noise = random.Random(3).randbytes(SIZE)
    (there / NAME).write_bytes(d.zipped({**d.cut_files(), "imagenes.bin": noise}))
    source = {
        "kind": "sftp",
        "name": "ieeq",
        "host": f"127.0.0.1:{server.port}",
        "user": "root",
        "key_file": str(server.key),
        "known_hosts": str(server.known_hosts),
        "path": str(there),
        "every_seconds": 1,
        "stall_seconds": 20,
    }
    made = sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}})
    lines = [f"{key} = {value!r}" for key, value in source.items()]
    with made.file.open("a") as file:
        file.write("\n".join(["[[intake.source]]", *lines, ""]))
    return Sandbox(made.file, config.load(made.file))


def part(box: Sandbox) -> int:
    path = box.settings.root / "fetched" / "ieeq" / f".{NAME}.part"
    return path.stat().st_size if path.exists() else 0


def sent(server: Sshd) -> int:
    """Bytes of the cut that left the server, as its own log has them."""
    log = (server.folder.parent / "sent").read_text(errors="replace")
    return sum(map(int, re.findall(rf'close "[^"]*{NAME}" bytes read (\d+)', log)))


def test_a_resync_waits_for_what_the_engine_is_fetching(box: Sandbox, server: Sshd) -> None:
    with engine(box):
        wait_until(lambda: part(box) > 1 << 20, 20)
        server.freeze()
        assert part(box) < SIZE
        resync = box.start("resync", "--json")
        try:
            wait_until(lambda: lock.is_held(box.station.run / "resync.lock"), 20)
        finally:
            server.thaw()
        out, _ = resync.communicate(timeout=30)
        assert resync.returncode == 0
        assert STAMP.encode() in out
        assert live(box) == STAMP
    assert SIZE < sent(server) < SIZE + (1 << 20)


def test_the_engine_waits_for_what_a_resync_is_fetching(box: Sandbox, server: Sshd) -> None:
    resync = box.start("resync", "--json")
    wait_until(lambda: part(box) > 1 << 20, 20)
    server.freeze()
    assert part(box) < SIZE
    with engine(box):
        try:
            wait_until(lambda: alive(box), 20)
            wait_until(lambda: said(box).get("value") == "waiting", 10)
        finally:
            server.thaw()
        assert resync.wait(30) == 0
        assert live(box) == STAMP
        wait_until(lambda: said(box).get("detail", {}).get("stamp") == STAMP, 20)
    assert SIZE < sent(server) < SIZE + (1 << 20)


def test_what_a_killed_resync_fetched_is_taken_by_the_engine(box: Sandbox, server: Sshd) -> None:
    resync = box.start("resync")
    wait_until(lambda: part(box) > 1 << 20, 20)
    server.freeze()
    resync.kill()
    resync.wait(10)
    fetched = part(box)
    with engine(box):
        wait_until(lambda: alive(box), 20)
        server.thaw()
        wait_until(lambda: live(box) == STAMP, 30)
    assert (box.settings.root / "cuts" / STAMP / "site" / NAME).stat().st_size > SIZE
    assert fetched < SIZE
