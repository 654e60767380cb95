"""A real engine finds and puts right what was changed in the live cut, while visitors read it."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from prep_console.journal import journal
from tests import nights
from tests.apache.server import Apache
from tests.engine.test_engine import alive, drop, engine, live
from tests.processes import LONG_S
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server

CUT = "20240602_2005"


Made = tuple[Sandbox, dict[str, Path], Apache]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """An engine with one live cut, its archives, and Apache in front of it."""
    folder = tmp_path
    box = sandbox(folder, {"intake": {"settle_seconds": 0.5}})
    box.station.prepare()
    (folder / "made").mkdir()
    archives = nights.two_archives(folder / "made", stamp=CUT, actas=5)
    with Apache(box.settings, folder / "apache") as apache, engine(box):
        wait_until(lambda: alive(box), LONG_S)
        for path in archives.values():
            drop(box, path)
        wait_until(lambda: live(box) == CUT, 30)
        wait_until(lambda: reading(box).get("files") == len(files(box)), 20)
        yield box, archives, apache


def files(box: Sandbox) -> list[str]:
    site = box.station.cuts / CUT / "site"
    return sorted(p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file())


def reading(box: Sandbox) -> dict[str, object]:
    found = box.run("status", "--json").json["readings"].get("cut.bytes")
    return dict(found["detail"]) if found else {}


def told(box: Sandbox) -> list[dict[str, Any]]:
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


@contextlib.contextmanager
def visitor(apache: Apache, path: str) -> Iterator[Counter[tuple[int, bytes]]]:
    """Somebody who asks for the file all the time, and everything that he got."""
    got: Counter[tuple[int, bytes]] = Counter()
    leave = threading.Event()

    def visit() -> None:
        while not leave.is_set():
            answer = apache.get(path)
            got[answer.status, answer.body] += 1

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield got
    finally:
        leave.set()
        thread.join(30)


def test_a_flipped_byte_is_found_told_by_name_and_repaired(made: Made) -> None:
    box, archives, apache = made
    good = archives["AYUN"]
    target = box.station.cuts / CUT / "site" / good.name
    kept = box.station.root / "fetched" / "instituto"
    kept.mkdir(parents=True)
    shutil.copy(good, kept / good.name)
    flip(target)
    flipped = target.read_bytes()
    with visitor(apache, f"/{good.name}") as got:
        wait_until(lambda: target.read_bytes() == good.read_bytes(), 40)
        seen = got[200, good.read_bytes()]
        wait_until(lambda: got[200, good.read_bytes()] > seen + 20, 20)
    assert set(got) <= {(200, good.read_bytes()), (200, flipped)}
    wait_until(lambda: "cut.tampered" in alarms(box), 20)
    assert good.name in alarms(box)["cut.tampered"]
    assert told(box)[0] == {"cut": CUT, "repaired": [good.name], "lost": []}
    assert target.stat().st_mode & 0o777 == 0o444


def test_without_a_good_copy_it_is_told_once_and_healed_when_one_comes(made: Made) -> None:
    box, archives, _ = made
    good = archives["DIP_LOC"]
    target = box.station.cuts / CUT / "site" / good.name
    kill_the_reading_process(box)  # another one goes on
    flip(target)
    wait_until(lambda: "cut.damaged" in alarms(box), 40)
    assert good.name in alarms(box)["cut.damaged"]
    wait_until(lambda: reading(box)["wrong"] == 1, 20)
    assert told(box)[0] == {"cut": CUT, "repaired": [], "lost": [good.name]}
    assert box.run("receive", good).code == 0  # the same bytes again heal it
    assert target.read_bytes() == good.read_bytes()
    wait_until(lambda: "cut.damaged" not in alarms(box), 20)
    wait_until(lambda: reading(box)["wrong"] == 0, 30)


def kill_the_reading_process(box: Sandbox) -> None:
    pid = box.run("status", "--json").json["engine"]["pid"]
    (reader,) = [child for child in psutil.Process(pid).children() if child.nice() == 19]
    assert reader.ionice().ioclass == psutil.IOPRIO_CLASS_IDLE
    reader.kill()
    wait_until(lambda: "files" not in reading(box), 20)
    wait_until(lambda: "files" in reading(box), 30)


def test_all_that_is_not_as_sealed_is_put_right(made: Made) -> None:
    """A file more, a link, permissions, an owner, the manifest and the estado page."""
    box, archives, _ = made
    site = box.station.cuts / CUT / "site"
    manifest = site.parent / "cut.json"
    sealed = manifest.read_bytes()
    number = box.station.live().estado
    page = box.station.public / "estado" / f"{number}.html"
    right = page.read_bytes()
    names = files(box)
    site.chmod(0o777)
    (site / "added.html").write_text("not the institute's")
    (site / "away").symlink_to("/etc")
    (site / names[0]).chmod(0o666)
    if os.geteuid() == 0:
        os.chown(site / names[1], 65534, 65534)
    manifest.chmod(0o644)
    manifest.write_bytes(sealed.replace(b"20240602", b"20240603"))
    page.write_bytes(right.replace(b"2024", b"2025"))
    wait_until(lambda: reading(box)["wrong"] == 0 and sealed == manifest.read_bytes(), 60)
    wait_until(lambda: box.station.live().estado > number, 20)
    page = page.with_name(f"{box.station.live().estado}.html")
    assert page.read_bytes() == right
    assert files(box) == names
    assert not (site / "away").is_symlink()
    assert site.stat().st_mode & 0o777 == 0o555
    for name in names:
        status = (site / name).stat()
        assert (status.st_mode & 0o777, status.st_uid) == (0o444, os.geteuid())
        assert (site / name).read_bytes() == archives_of(archives)[name]
    put_aside = [p.name for p in box.station.quarantine.glob("added-*/*")]
    assert sorted(put_aside) == ["added.html", "away"]
    mended = {str(name) for line in told(box) for name in line["repaired"]}
    assert mended >= {"added.html", "away", "cut.json", f"estado/{number}.html", names[0]}


def archives_of(archives: dict[str, Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in archives.values()}


@pytest.mark.slow
def test_a_page_by_settings_that_the_engine_has_not_read_yet_is_no_tampering(made: Made) -> None:
    """Each command writes it as the file says; the engine would write it back and raise alarm."""
    box, _, _ = made
    text = box.file.read_text("utf-8")
    box.file.write_text(text.replace("[election]", '[election]\ntitle = "Otro"', 1), "utf-8")
    assert box.run("hold").code == 0
    number = box.station.live().estado
    page = box.station.public / "estado" / f"{number}.json"
    assert "Otro" in page.read_text("utf-8")
    for _ in range(3):  # looks at the pages; two that agree used to tell
        wait_until(partial(looked_after, box, looked_at(box)), 40)
    assert (told(box), box.station.live().estado) == ([], number)
    assert "cut.tampered" not in alarms(box)


def looked_after(box: Sandbox, before: str) -> bool:
    return looked_at(box) > before


def looked_at(box: Sandbox) -> str:
    return str(box.run("status", "--json").json["readings"]["cut.bytes"]["observed_at"])
