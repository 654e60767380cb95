"""A real engine finds and puts right what was changed in the live cut, while visitors read it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from prep_console.journal import journal
from tests import nights
from tests.engine.test_engine import alive, drop, engine, live
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server

CUT = "20240602_2005"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, dict[str, Path]]]:
    """An engine with one live cut; its archives."""
    folder = tmp_path_factory.mktemp("rehash")
    box = sandbox(folder, {"intake": {"settle_seconds": 0.5}})
    box.station.prepare()
    (folder / "made").mkdir()
    archives = nights.two_archives(folder / "made", stamp=CUT, actas=5)
    with engine(box):
        wait_until(lambda: alive(box), 15)
        for path in archives.values():
            drop(box, path)
        wait_until(lambda: live(box) == CUT, 30)
        wait_until(lambda: reading(box).get("files") == len(files(box)), 20)
        yield box, archives


def files(box: Sandbox) -> list[str]:
    site = box.station.cuts / CUT / "site"
    return sorted(p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file())


def reading(box: Sandbox) -> dict[str, object]:
    found = box.run("status", "--json").json["readings"].get("cut.bytes")
    return dict(found["detail"]) if found else {}


def told(box: Sandbox) -> list[dict[str, object]]:
    lines = journal.tail(box.station.journal, 30)
    return [dict(line.data) for line in lines if line.kind == "repaired"]


def alarms(box: Sandbox) -> dict[str, str]:
    return {a["id"]: a["text"] for a in box.run("status", "--json").json["alarms"]}


def flip(path: Path) -> None:
    """One byte, as somebody who may do everything; neither size nor date gives it away."""
    status = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        byte = file.read(1)
        file.seek(status.st_size // 2)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.chmod(0o444)


def test_a_flipped_byte_is_found_told_by_name_and_repaired(
    made: tuple[Sandbox, dict[str, Path]],
) -> None:
    box, archives = made
    good = archives["AYUN"]
    target = box.station.cuts / CUT / "site" / good.name
    kept = box.station.root / "fetched" / "instituto"
    kept.mkdir(parents=True)
    shutil.copy(good, kept / good.name)
    flip(target)
    wait_until(lambda: target.read_bytes() == good.read_bytes(), 80)
    wait_until(lambda: "cut.tampered" in alarms(box), 20)
    assert good.name in alarms(box)["cut.tampered"]
    assert told(box)[0] == {"cut": CUT, "repaired": [good.name], "lost": []}
    assert target.stat().st_mode & 0o777 == 0o444
