"""The real engine pulls from a real sshd, and says what each source has."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prep_console import config
from tests import nights
from tests.engine.test_engine import alive, engine, live
from tests.intake.pull.pulling import pulled
from tests.processes import LONG_S
from tests.sshd import Sshd, sshd
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def there(tmp_path: Path) -> Path:
    folder = tmp_path / "cortes"
    folder.mkdir()
    return folder


@pytest.fixture
def box(tmp_path: Path, server: Sshd, there: Path) -> Sandbox:
    source = {
        "kind": "sftp",
        "name": "ieeq",
        "host": f"127.0.0.1:{server.port}",
        "user": "root",
        "key_file": str(server.key),
        "known_hosts": str(server.known_hosts),
        "path": str(there),
        "every_seconds": 1,
        "stall_seconds": 2,
    }
    made = sandbox(tmp_path)
    lines = [f"{key} = {value!r}" for key, value in source.items()]
    with made.file.open("a") as file:
        file.write("\n".join(["[[intake.source]]", *lines, ""]))
    return Sandbox(made.file, config.load(made.file))


def said(box: Sandbox) -> Any:
    return box.run("status", "--json").json["readings"].get("source.ieeq", {})


def put(there: Path, made: Path, stamp: str) -> None:
    made.mkdir()
    for path in nights.two_archives(made, stamp=stamp, actas=5).values():
        shutil.copy(path, there / path.name)


def test_a_cut_is_pulled_and_goes_live_and_an_older_one_is_not_believed(
    box: Sandbox, server: Sshd, there: Path, tmp_path: Path
) -> None:
    put(there, tmp_path / "a", "20240602_2005")
    with engine(box):
        wait_until(lambda: alive(box), LONG_S)
        wait_until(lambda: live(box) == "20240602_2005", 30)
        site = box.station.cuts / "20240602_2005" / "site"
        for path in there.iterdir():
            assert (site / path.name).read_bytes() == path.read_bytes()
        wait_until(lambda: said(box).get("value") == "waiting", 10)
        assert said(box)["detail"]["stamp"] == "20240602_2005"
        assert not list((box.settings.root / "fetched" / "ieeq").glob("*.zip"))
        for path in list(there.iterdir()):
            path.unlink()
        put(there, tmp_path / "b", "20240602_2000")
        wait_until(lambda: said(box).get("value") == "older", 10)
        assert said(box)["state"] == "warning"
        assert live(box) == "20240602_2005"
        server.kill()
        wait_until(lambda: said(box).get("state") == "unknown", 10)
        assert "unreachable" in said(box)["error"]
        server.start()
        for path in list(there.iterdir()):
            path.unlink()
        put(there, tmp_path / "c", "20240602_2010")
        wait_until(lambda: live(box) == "20240602_2010", 30)
        wait_until(lambda: said(box).get("value") == "waiting", 10)


def test_a_refused_cut_is_fetched_once_and_the_next_one_goes_live(
    box: Sandbox, there: Path, tmp_path: Path
) -> None:
    (there / "20240602_2007_PREP_DIP_LOC_QRO.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    with engine(box):
        wait_until(lambda: alive(box), LONG_S)
        wait_until(lambda: len(list((box.settings.root / "quarantine").iterdir())) == 1, 20)
        put(there, tmp_path / "a", "20240602_2010")
        wait_until(lambda: live(box) == "20240602_2010", 30)
        assert len(list((box.settings.root / "quarantine").iterdir())) == 1


def test_what_was_fetched_before_a_crash_is_taken_by_the_next_engine(
    box: Sandbox, server: Sshd, tmp_path: Path
) -> None:
    server.kill()
    folder = box.settings.root / "fetched" / "ieeq"
    folder.mkdir(parents=True)
    put(folder, tmp_path / "a", "20240602_2005")
    with engine(box):
        wait_until(lambda: live(box) == "20240602_2005", 30)
        wait_until(lambda: not list(folder.glob("*.zip")), 10)
        wait_until(lambda: "unreachable" in said(box).get("error", ""), 10)


def test_a_full_disk_of_ours_is_told_as_ours_and_the_cut_comes_when_there_is_room(
    box: Sandbox, there: Path, tmp_path: Path
) -> None:
    put(there, tmp_path / "a", "20240602_2005")
    folder = box.settings.root / "fetched" / "ieeq"
    folder.mkdir(parents=True)
    full = [folder / f".{path.name}.part.json.new" for path in there.iterdir()]
    for path in full:
        path.symlink_to("/dev/full")
    with engine(box):
        wait_until(lambda: said(box).get("value") == "unwritable", 30)
        assert said(box)["state"] == "warning"
        assert said(box)["detail"]["reason"].startswith("our disk: ")
        assert "No space left on device" in said(box)["detail"]["reason"]
        for path in full:
            path.unlink(missing_ok=True)
        wait_until(lambda: live(box) == "20240602_2005", 60)


def test_a_tree_that_was_mirrored_before_a_crash_is_taken(
    box: Sandbox, there: Path, tmp_path: Path
) -> None:
    put(there, tmp_path / "a", "20240602_2005")
    with box.file.open("a") as file:
        file.write("layout = 'tree'\n")
    tree = Sandbox(box.file, config.load(box.file))
    assert asyncio.run(pulled(tree.settings)).state == "new"
    with engine(tree):
        wait_until(lambda: live(tree) == "20240602_2005", 30)
        wait_until(lambda: said(tree).get("value") == "waiting", 10)


def test_a_cut_of_tomorrow_keeps_no_other_waiting(
    box: Sandbox, there: Path, tmp_path: Path
) -> None:
    put(there, tmp_path / "a", "20990602_2005")
    with engine(box):
        folder = box.settings.root / "fetched" / "ieeq"
        wait_until(lambda: len(list(folder.glob("*.zip"))) == 2, 20)
        put(there, tmp_path / "b", "20240602_2010")
        wait_until(lambda: live(box) == "20240602_2010", 30)
        assert len(list(folder.glob("*2099*.zip"))) == 2
