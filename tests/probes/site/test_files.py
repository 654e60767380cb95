"""Served files against the manifest: real Apache, a defaced file, a cache that keeps halves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from prep_console import config
from prep_console.probes.site.files import FILES, FilesProbe
from prep_console.probes.site.sampling import MOST
from prep_console.publication.station import Station
from prep_console.snapshot import Reading
from tests import hostile
from tests.apache.conftest import DELIVERED, open_folder
from tests.apache.server import Apache
from tests.apache.stations import PublicFolder
from tests.probes.site.grounds import BEFORE, CUT, sealed, station
from tests.sites import Answer, answer, running
from tests.waiting import wait_until

pytestmark = pytest.mark.server

PAGES = {
    "index.html": b"<h1>PREP</h1>",
    "json/corte.json": b"{}",
    "descargas/20240602_2005_PREP.zip": b"PK" * 9000,
    **{f"imagenes/{i:03}.png": b"image %d" % i for i in range(40)},
}


@dataclass(frozen=True, slots=True)
class Ground:
    folder: PublicFolder
    apache: Apache
    settings: config.Settings
    station: Station

    def probe(self) -> FilesProbe:
        return unhurried(FilesProbe(self.settings, self.station))

    def served_file(self, path: str) -> Path:
        return self.folder.site(CUT) / path


@pytest.fixture
def ground() -> Iterator[Ground]:
    with open_folder() as scratch:
        folder = PublicFolder(scratch / "station")
        sealed(folder, BEFORE, {**PAGES, "index.html": b"<h1>older</h1>"})
        sealed(folder, CUT, PAGES)
        folder.go_live(CUT)
        with Apache(folder.settings, scratch / "apache") as apache:
            settings, opened = station(folder.root, config.Site(url=f"{apache.url}/"))
            yield Ground(folder, apache, settings, opened)


def unhurried(probe: FilesProbe) -> FilesProbe:
    """The rest between files is for the server of a night, not for a test's."""
    probe.pace_s = 0.0
    return probe


async def look(probe: FilesProbe) -> Reading:
    async with asyncio.timeout(probe.deadline_s):
        return (await probe.read())[FILES]


async def test_what_is_served_as_sealed_is_ok_and_all_of_it_is_walked(ground: Ground) -> None:
    probe = ground.probe()
    checked = 0
    for _ in range(20):
        got = await look(probe)
        assert (got.state, got.value, got.unit) == ("ok", got.detail["checked"], "files")
        checked += int(got.value or 0)
        if got.detail["pass_s"] is not None:
            break
    else:
        pytest.fail("not all files were walked in 20 looks")
    assert checked >= len(PAGES)
    assert got.detail["wrong"] == got.detail["missing"] == ""
    access = (ground.apache.into / "access.log").read_text()
    for path in PAGES:
        assert f"GET /{'' if path == 'index.html' else path} " in access


async def test_a_defaced_front_page_is_seen_at_the_next_look_until_it_is_mended(
    ground: Ground,
) -> None:
    probe = ground.probe()
    assert (await look(probe)).state == "ok"
    page = ground.served_file("index.html")
    sealed_bytes = page.read_bytes()
    page.write_bytes(b"<h1>0wned</h1>")
    for _ in range(2):
        got = await look(probe)
        assert (got.state, got.detail["wrong"]) == ("critical", "/")
    page.write_bytes(sealed_bytes)
    assert (await look(probe)).state == "ok"


async def test_a_defaced_file_deep_in_the_cut_is_found_and_stays_said(ground: Ground) -> None:
    probe = ground.probe()
    ground.served_file("imagenes/033.png").write_bytes(b"another image")
    ground.served_file("imagenes/035.png").unlink()
    found = [await look(probe) for _ in range(14)]
    wrong = [got.detail["wrong"] == "/imagenes/033.png" for got in found]
    assert any(wrong)
    assert all(wrong[wrong.index(True) :])
    assert found[-1].detail["missing"] == "/imagenes/035.png"
    assert found[-1].state == "critical"


async def test_in_thousands_of_files_a_defaced_one_is_told_within_three_looks(
    tmp_path: Path,
) -> None:
    """A cut as large as an institute's: 6,190 images of actas, 60 pages and data files."""
    data = {f"datos/seccion_{i:02}.{('csv', 'js', 'html')[i % 3]}": b"%d," % i for i in range(59)}
    images = {f"actas/{i % 50:02}/{i:04}.jpg": b"acta %d" % i for i in range(6190)}
    with open_folder() as scratch:
        folder = PublicFolder(scratch / "station")
        sealed(folder, CUT, {"index.html": b"<h1>PREP</h1>", **data, **images})
        folder.go_live(CUT)
        with Apache(folder.settings, scratch / "apache") as apache:
            site = config.Site(url=f"{apache.url}/", sample_bytes=10_000)
            probe = unhurried(FilesProbe(*station(folder.root, site)))
            for path in ("datos/seccion_07.js", "datos/seccion_58.js", "datos/seccion_33.csv"):
                assert (await look(probe)).state == "ok"
                page = folder.site(CUT) / path
                page.write_bytes(b"0wned")
                found = [await look(probe) for _ in range(3)]
                assert f"/{path}" in str(found[-1].detail["wrong"])
                page.write_bytes(data[path])
                for got in found:
                    assert got.detail["of"] == 6250
                    assert isinstance(got.detail["bytes"], int)
                    assert got.detail["bytes"] <= site.sample_bytes
                    assert isinstance(got.detail["checked"], int)
                    assert got.detail["checked"] <= MOST


async def test_every_odd_name_that_apache_serves_is_right(tmp_path: Path) -> None:
    names = {
        name: content
        for name, content in DELIVERED.items()
        if "\udcf1" not in name and name.isprintable() and not name.startswith("server")
    }
    with open_folder() as scratch:
        folder = PublicFolder(scratch / "station")
        sealed(folder, CUT, names)
        folder.go_live(CUT)
        with Apache(folder.settings, scratch / "apache") as apache:
            site = config.Site(url=f"{apache.url}/", samples=len(names) + 5)
            got = await look(unhurried(FilesProbe(*station(folder.root, site))))
            # the front page is the estado here: the cut has none
            assert got.detail["wrong"] == got.detail["missing"] == ""
            unserved = sum(Path(name).name.startswith(".ht") for name in names)
            assert got.value == len(names) - unserved + 1
            page = folder.public / "estado" / "1.html"
            assert b"GET / " in (apache.into / "access.log").read_bytes()
            assert page.exists()


async def test_a_cache_that_keeps_a_page_of_the_cut_before_is_seen(ground: Ground) -> None:
    """A proxy in front of the real Apache that answers one path from an older cut."""
    older = answer("200 OK", f"X-Prep-Cut: {BEFORE}", body=b"<h1>older</h1>")
    with running(_proxy(ground, {"/": older})) as cache:
        settings, opened = station(
            ground.folder.root, config.Site(url=f"http://127.0.0.1:{cache.port}/")
        )
        got = await look(FilesProbe(settings, opened))
    assert (got.state, got.detail["wrong"]) == ("critical", "/")


@pytest.mark.parametrize(
    "cached",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<h1>PR",
        answer("200 OK", body=b"<h1>PR"),
        answer("200 OK", body=b"<h1>PREP</h1>" + b" " * 1_000_000),
        answer("200 OK", "Content-Encoding: gzip", body=b"<h1>PREP</h1>"),
        answer("304 Not Modified"),
    ],
    ids=["broken off", "half as if whole", "longer", "wrapped", "304"],
)
async def test_a_cache_that_gives_half_a_page_is_seen(ground: Ground, cached: bytes) -> None:
    with running(_proxy(ground, {"/": cached})) as cache:
        site = config.Site(url=f"http://127.0.0.1:{cache.port}/")
        got = await look(FilesProbe(*station(ground.folder.root, site)))
    assert (got.state, got.detail["wrong"]) == ("critical", "/")


async def test_a_switch_in_the_middle_is_no_fault(ground: Ground) -> None:
    def switching(head: bytes) -> bytes | None:
        if head.startswith(b"GET /descargas") and ground.station.live().cut == CUT:
            ground.folder.go_live(BEFORE)
        return _proxy(ground, {})(head)

    with running(switching) as site:
        asked = config.Site(url=f"http://127.0.0.1:{site.port}/")
        probe = FilesProbe(*station(ground.folder.root, asked))
        got = await look(probe)
        assert ground.station.live().cut == BEFORE
    assert (got.state, got.detail["wrong"]) == ("ok", "")


async def test_the_site_that_serves_another_cut_differs(ground: Ground) -> None:
    """The pointer that Apache reads is not ours: it stays on the cut before."""
    with open_folder() as scratch:
        elsewhere = PublicFolder(scratch / "station")
        sealed(elsewhere, BEFORE, {**PAGES, "index.html": b"<h1>older</h1>"})
        elsewhere.go_live(BEFORE)
        with Apache(elsewhere.settings, scratch / "apache") as apache:
            site = config.Site(url=f"{apache.url}/")
            got = await look(FilesProbe(*station(ground.folder.root, site)))
    assert (got.state, got.detail["wrong"]) == ("critical", "/")


async def test_nothing_live_compares_nothing(ground: Ground) -> None:
    ground.folder.go_live(None)
    got = await look(ground.probe())
    assert (got.state, got.value, got.detail["checked"]) == ("ok", 0, 0)


async def test_a_manifest_that_cannot_be_read_is_unknown(ground: Ground) -> None:
    (ground.folder.root / "cuts" / CUT / "cut.json").write_bytes(b"{")
    assert (await look(ground.probe())).state == "unknown"


async def test_apache_stopped_is_unknown_and_comes_back(ground: Ground) -> None:
    probe = ground.probe()
    ground.apache.stop()
    got = await look(probe)
    assert (got.state, got.error) == ("unknown", "the site refuses connections")
    with ground.apache:
        assert (await look(probe)).state == "ok"


@pytest.mark.parametrize("fault", hostile.TCP_FAULTS)
async def test_a_hostile_site_is_unknown_and_leaves_nothing(
    ground: Ground, fault: hostile.Behaviour
) -> None:
    whole = answer("200 OK", "X-Filler: " + "x" * 200, body=b"x")
    with hostile.tcp(fault, whole) as peer:
        site = config.Site(url=f"http://127.0.0.1:{peer.port}/")
        probe = FilesProbe(*station(ground.folder.root, site))
        probe.enough_s = 0.3
        await look(probe)
        held = hostile.descriptors()
        for _ in range(5):
            got = await look(probe)
            assert got.state == "unknown"
            assert got.error
        wait_until(lambda: hostile.descriptors() <= held, what="descriptors")


def _proxy(ground: Ground, instead: dict[str, bytes]) -> Answer:
    def reply(head: bytes) -> bytes | None:
        path = head.split(b" ")[1].decode()
        if path in instead:
            return instead[path]
        got = ground.apache.get(path)
        return answer(f"{got.status} x", f"X-Prep-Cut: {got.cut}", body=got.body)

    return reply
