"""A damaged live cut is put right by a resync while a real Apache serves it under load.

Every answer is one of two whole files: the damaged one until the repair, the delivered one from
then on. From each kind of source; and where none has a good copy, that is said.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from prep_console import config
from tests import nights
from tests.apache.conftest import open_folder
from tests.apache.server import Apache
from tests.intake.pull.web import web
from tests.sshd import sshd
from tests.stations import Sandbox, sandbox

pytestmark = pytest.mark.server

STAMP = "20240602_2005"


@contextmanager
def source(kind: str, folder: Path, there: Path) -> Iterator[dict[str, object]]:
    """A source of that kind which gives what lies in ``there``; its settings."""
    with ExitStack() as stack:
        if kind == "sftp":
            server = stack.enter_context(sshd(folder / "sshd"))
            yield {
                "kind": "sftp",
                "host": f"127.0.0.1:{server.port}",
                "user": "root",
                "key_file": str(server.key),
                "known_hosts": str(server.known_hosts),
                "path": str(there),
            }
        elif kind == "https":
            names = sorted(path.name for path in there.glob("*.zip"))
            (there / "ultimo.json").write_text(json.dumps(names))
            served = stack.enter_context(web(folder / "web" / "conf", there))
            yield {
                "kind": "https",
                "index": f"{served.url}/ultimo.json",
                "ca_file": str(served.ca),
            }
        else:
            yield {"kind": "drop"}


class Visitors:
    """Ask for one address again and again, and keep what came."""

    def __init__(self, apache: Apache, path: str) -> None:
        self.answers: list[tuple[int, str | None, bytes]] = []
        self._apache, self._path = apache, path
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit) for _ in range(3)]

    def _visit(self) -> None:
        while not self._stop.is_set():
            answer = self._apache.get(self._path)
            self.answers.append((answer.status, answer.cut, answer.body))

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("kind", ["drop", "sftp", "https", "none"])
def test_the_public_gets_whole_files_while_the_live_cut_is_put_right(kind: str) -> None:
    with open_folder() as folder, ExitStack() as stack:
        there = folder / "web" / "cortes"
        there.mkdir(parents=True)
        for path in (folder / "web", there):
            path.chmod(0o755)
        cut = nights.two_archives(there, stamp=STAMP, actas=400)
        box = sandbox(folder)
        (folder / "root").mkdir(mode=0o755)
        for path in cut.values():
            assert box.run("receive", path).code == 0
        said = stack.enter_context(source(kind, folder, there))
        with box.file.open("a") as file:
            lines = [f"{key} = {value!r}" for key, value in said.items()]
            file.write("\n".join(["[[intake.source]]", *lines, ""]))
        box = Sandbox(box.file, config.load(box.file))
        if kind == "drop":
            for path in cut.values():
                shutil.copy(path, box.settings.drop_folder)
        victim = box.station.cuts / STAMP / "site" / cut["DIP_LOC"].name
        good = victim.read_bytes()
        bad = bytes([good[0] ^ 1]) + good[1:]
        victim.chmod(0o644)
        victim.write_bytes(bad)
        apache = stack.enter_context(Apache(box.settings, folder / "apache"))
        with Visitors(apache, f"/{victim.name}") as visitors:
            ran = box.run("resync", "--json")
            told = box.run("resync")
        whole = {(200, STAMP, bad), (200, STAMP, good)}
        assert set(visitors.answers) <= whole
        assert len(visitors.answers) > 50
        after = apache.get(f"/{victim.name}").body
        if kind == "none":
            assert (ran.code, ran.json["compared"]["lost"]) == (1, [victim.name])
            assert "no good copy is here" in told.err
            assert after == bad
        else:
            assert (ran.code, ran.json["compared"]["repaired"]) == (0, [victim.name])
            assert ran.json["received"] == []
            assert "as delivered" in told.out
            assert after == good
            assert visitors.answers[-1] == (200, STAMP, good)
