"""A site that sends visitors on, to HTTPS or to another path: every look is at where they arrive.

TLS and the redirect are a server under the test's control in front of a real Apache.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from prep_console import config
from prep_console.probes.probe import Probe
from prep_console.probes.site import SiteProbe
from prep_console.probes.site.cut_time import TimeProbe
from prep_console.probes.site.files import FilesProbe
from prep_console.probes.site.vantage import VantageProbe
from prep_console.snapshot import Reading
from tests.apache.conftest import open_folder
from tests.apache.server import Apache
from tests.apache.stations import PublicFolder
from tests.probes.site.grounds import CUT, sealed, station
from tests.sites import Answer, always, answer, certificates, running

pytestmark = pytest.mark.server

FILES = {
    "index.html": b"<h1>PREP</h1>",
    "inicio/index.html": b"<h1>inicio</h1>",
    "json/corte.json": b'{"ultimoCorte": {"fecha": "02/06/2024", "hora": "20:05"}}',
    "actas/1.jpg": b"acta",
}


@dataclass(frozen=True, slots=True)
class Ground:
    folder: PublicFolder
    apache: Apache

    def through(self, moved: str = "") -> Answer:
        """What the Apache answers; ``/`` sends visitors on to ``moved``."""

        def reply(head: bytes) -> bytes:
            path = head.split(b" ")[1].decode()
            if moved and path == "/":
                return answer("302 Found", f"Location: {moved}")
            got = self.apache.get(path)
            return answer(f"{got.status} x", f"X-Prep-Cut: {got.cut}", body=got.body)

        return reply

    async def looks(self, site: config.Site) -> dict[str, Reading]:
        settings, opened = station(self.folder.root, site)
        files = FilesProbe(settings, opened)
        files.pace_s = 0.0
        vantage = config.Vantage(name="cdn", connect=site.connect)
        probes: list[Probe] = [
            SiteProbe(settings, lambda: CUT),
            files,
            TimeProbe(settings, opened),
            VantageProbe(settings, vantage, lambda: CUT),
        ]
        found: dict[str, Reading] = {}
        for probe in probes:
            async with asyncio.timeout(probe.deadline_s):
                found |= await probe.read()
        return found


@pytest.fixture
def ground() -> Iterator[Ground]:
    with _ground(FILES) as opened:
        yield opened


@contextmanager
def _ground(files: dict[str, bytes]) -> Iterator[Ground]:
    with open_folder() as scratch:
        folder = PublicFolder(scratch / "station")
        sealed(folder, CUT, files)
        folder.go_live(CUT)
        with Apache(folder.settings, scratch / "apache") as apache:
            yield Ground(folder, apache)


def fine(found: dict[str, Reading]) -> None:
    assert set(found) == {"site.visitor", "site.files", "site.time", "site.vantage.cdn"}
    for name, got in found.items():
        assert got.state in {"ok", "warning"}, (name, got)
        assert not got.detail.get("fault"), (name, got)


async def test_plain_http_that_sends_all_to_https_is_no_fault(
    ground: Ground, tmp_path: Path
) -> None:
    trusted = certificates(tmp_path, "localhost")
    with running(ground.through(), trusted.context) as secure:

        def sent_on(head: bytes) -> bytes:
            path = head.split(b" ")[1].decode()
            return answer("301 Moved", f"Location: https://localhost:{secure.port}{path}")

        with running(sent_on) as plain:
            site = config.Site(
                url=f"http://localhost:{plain.port}/",
                connect=f"127.0.0.1:{plain.port}",
                ca_file=trusted.ca_file,
                time_path="/json/corte.json",
            )
            found = await ground.looks(site)
            fine(found)
            assert found["site.files"].value == len(FILES)
            assert found["site.time"].detail["page"] == "2024-06-02 20:05"
            assert found["site.vantage.cdn"].detail["same"] is True
            defaced = ground.folder.site(CUT) / "json/corte.json"
            defaced.write_bytes(b"{}")
            found = await ground.looks(site)
            assert found["site.files"].detail["wrong"] == "/json/corte.json"


@pytest.mark.parametrize("moved", ["/inicio/", "/index.html", "inicio/index.html?de=portal"])
async def test_another_path_of_the_same_site_is_no_fault(ground: Ground, moved: str) -> None:
    with running(ground.through(moved)) as site:
        address = f"127.0.0.1:{site.port}"
        asked = config.Site(url=f"http://{address}/", connect=address)
        found = await ground.looks(asked)
        fine(found)
        assert found["site.files"].value == len(FILES)
        (ground.folder.site(CUT) / "index.html").write_bytes(b"<h1>0wned</h1>")
        assert (await ground.looks(asked))["site.files"].detail["wrong"] == "/"


async def test_a_site_that_sends_visitors_elsewhere_stays_a_fault(ground: Ground) -> None:
    elsewhere = always(answer("302 Found", "Location: https://other.example.mx/"))
    with running(elsewhere) as site:
        address = f"127.0.0.1:{site.port}"
        found = await ground.looks(config.Site(url=f"http://{address}/", connect=address))
    for name, got in found.items():
        if name != "site.vantage.cdn":  # it differs in nothing from the site's own address
            assert got.state == "critical", (name, got)
