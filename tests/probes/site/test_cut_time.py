"""The time that the public reads, behind a real Apache: header, estado and the page itself."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from prep_console import config
from prep_console.probes.probe import Misconfigured
from prep_console.probes.site import probes
from prep_console.probes.site.cut_time import (
    NO_TIME,
    OTHER_TIME,
    SLOW_PATTERN,
    TIME,
    TimeProbe,
)
from prep_console.probes.site.page_time import pointed, read_time
from prep_console.probes.site.visitor import OTHER_CUT, OTHER_ESTADO
from prep_console.publication import pointer
from prep_console.snapshot import Reading
from tests import hostile
from tests.apache.conftest import open_folder
from tests.apache.server import Apache
from tests.apache.stations import PublicFolder
from tests.probes.site.grounds import BEFORE, CUT, sealed, station

PATTERN = r"Corte (?P<day>\d+)/(?P<month>\d+)/(?P<year>\d+) a las (?P<hour>\d+):(?P<minute>\d+)"
FILES = {
    "index.html": b"<p>Corte 02/06/2024 a las 20:05 h</p>",
    "json/corte.json": b'{"ultimoCorte": {"fecha": "02/06/2024", "hora": "20:05"}}',
    "carried.json": b'{"t": "2024-06-02T20:01:00-06:00"}',
    "near.json": b'{"t": "2024-06-02T20:08:00-06:00"}',
    "older.json": b'{"t": "02/06/2024 18:00"}',
    "none.json": b'{"t": "soon"}',
    "nested.json": b"[" * 100_000,
    "slow.txt": b"a" * 60 + b"!",
}


@dataclass(frozen=True, slots=True)
class Ground:
    folder: PublicFolder
    apache: Apache

    def probe(self, path: str = "", where: str = "", pattern: str = "") -> TimeProbe:
        return TimeProbe(*station(self.folder.root, self.site(path, where, pattern)))

    def site(self, path: str, where: str, pattern: str) -> config.Site:
        return config.Site(
            url=f"{self.apache.url}/", time_path=path, time_pointer=where, time_pattern=pattern
        )


@pytest.fixture
def ground() -> Iterator[Ground]:
    with open_folder() as scratch:
        folder = PublicFolder(scratch / "station")
        sealed(folder, BEFORE, FILES)
        sealed(folder, CUT, FILES, parts=("20240602_2005", "20240602_2001"))
        folder.go_live(CUT)
        with Apache(folder.settings, scratch / "apache") as apache:
            yield Ground(folder, apache)


async def look(probe: TimeProbe) -> Reading:
    async with asyncio.timeout(probe.deadline_s):
        return (await probe.read())[TIME]


@pytest.mark.parametrize(
    ("path", "where", "pattern", "state", "page", "fault"),
    [
        ("", "", "", "ok", None, None),
        ("json/corte.json", "", "", "ok", "2024-06-02 20:05", None),
        ("/", "", PATTERN, "ok", "2024-06-02 20:05", None),
        ("/", "", r"Corte (.*?) h<", "ok", "2024-06-02 20:05", None),
        (
            "json/corte.json",
            "/ultimoCorte/fecha /ultimoCorte/hora",
            "",
            "ok",
            "2024-06-02 20:05",
            None,
        ),
        ("carried.json", "/t", "", "ok", "2024-06-02 20:01", None),
        ("near.json", "/t", "", "warning", "2024-06-02 20:08", OTHER_TIME),
        ("older.json", "/t", "", "critical", "2024-06-02 18:00", OTHER_TIME),
        ("none.json", "/t", "", "warning", "soon", NO_TIME),
        ("none.json", "/t/x", "", "warning", None, NO_TIME),
        ("nested.json", "/t", "", "warning", None, NO_TIME),
        ("slow.txt", "", "Corte", "warning", None, NO_TIME),
        ("missing.json", "/t", "", "warning", None, "the site answers with an error"),
    ],
)
async def test_the_time_in_the_page(
    ground: Ground,
    path: str,
    where: str,
    pattern: str,
    state: str,
    page: str | None,
    fault: str | None,
) -> None:
    probe = ground.probe(path, where, pattern)
    got = await look(probe)
    assert (got.state, got.detail["page"], got.detail["fault"]) == (state, page, fault)
    assert got.detail["header"] == got.detail["estado"] == got.detail["live"] == CUT
    assert got.detail["agree"] is (fault is None)
    if page is None or state != "ok":
        return
    assert got.value == page


async def test_a_pattern_without_end_stops_neither_the_engine_nor_the_look(
    ground: Ground,
) -> None:
    probe = ground.probe("slow.txt", pattern="^(a+)+$")
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    began = time.monotonic()
    got = await look(probe)
    ticking.cancel()
    assert (got.state, got.detail["fault"]) == ("warning", SLOW_PATTERN)
    assert ticks > 20 * (time.monotonic() - began)
    again = time.monotonic()
    await look(probe)  # the same page is not searched again
    assert time.monotonic() - again < 2.5  # a search of it lasts 3 s


async def test_a_site_behind_our_pointer_is_critical_after_one_look(ground: Ground) -> None:
    with open_folder() as scratch:
        ours = PublicFolder(scratch / "station")
        sealed(ours, BEFORE, FILES)
        sealed(ours, CUT, FILES)
        ours.go_live(CUT)
        asked = config.Site(url=f"{ground.apache.url}/")
        probe = TimeProbe(*station(ours.root, asked))
        assert (await look(probe)).state == "ok"
        ours.go_live(BEFORE)
        assert (await look(probe)).state == "ok"  # one look of grace: it may be on its way
        got = await look(probe)
        assert (got.state, got.detail["fault"]) == ("critical", OTHER_CUT)
        assert got.detail["header"] == CUT


async def test_an_estado_of_another_cut_is_critical(ground: Ground) -> None:
    seq = pointer.read(ground.folder.public).estado
    page = ground.folder.public / "estado" / f"{seq}.json"
    page.write_bytes(json.dumps({"cut": BEFORE}).encode())
    got = await look(ground.probe())
    assert (got.state, got.detail["fault"]) == ("critical", OTHER_ESTADO)
    page.write_bytes(b'{"cut": ' + b"[" * 60_000)
    got = await look(ground.probe())
    assert (got.state, got.detail["estado"]) == ("critical", None)


async def test_nothing_live_is_no_fault(ground: Ground) -> None:
    ground.folder.go_live(None)
    assert (await look(ground.probe())).state == "ok"


async def test_apache_stopped_is_unknown(ground: Ground) -> None:
    ground.apache.stop()
    assert (await look(ground.probe())).error == "the site refuses connections"


@pytest.mark.parametrize("fault", ["close", "reset", "half", "megabyte"])
async def test_a_hostile_site_is_unknown(ground: Ground, fault: hostile.Behaviour) -> None:
    with hostile.tcp(fault, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n") as peer:
        asked = config.Site(url=f"http://127.0.0.1:{peer.port}/")
        got = await look(TimeProbe(*station(ground.folder.root, asked)))
    assert got.state == "unknown"
    assert got.error


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("02/06/2024 20:05", "20240602_2005"),
        ("2/6/2024 8:05", "20240602_0805"),
        ("2024/06/02 20:05(UTC-5)", "20240602_2005"),
        ("2024/06/02 20:05 (UTC-6)", "20240602_2005"),
        ("2024-06-02T20:05:00-06:00", "20240602_2005"),
        ("2024-06-02T20:05:00.123Z", "20240602_2005"),
        ("02-06-2024 20:05:00-06:00", "20240602_2005"),
        ("01 de julio de 2018 21:04", "20180701_2104"),
        ("Corte de las 21:04 h del 1 de julio del 2018", "20180701_2104"),
        ("02/06/2024 8:05 p. m.", "20240602_2005"),
        ("02/06/2024 12:05 am", "20240602_0005"),
        ("99/99/2024 20:05", None),
        ("02/06/2024 25:05", None),
        ("02/06/2024", None),
        ("20:05", None),
        ("", None),
    ],
)
def test_the_times_of_real_pages_are_read(text: str, stamp: str | None) -> None:
    found = read_time(text)
    assert (None if found is None else str(found)) == stamp


def test_pointers_lead_as_rfc_6901_says() -> None:
    document = {"a/b": {"m~n": ["x", {"": 7}]}, "t": True}
    assert pointed(document, ["/a~1b/m~0n/0"]) == "x"
    assert pointed(document, ["/a~1b/m~0n/1/", "/a~1b/m~0n/0"]) == "7 x"
    for wrong in ("/t", "/a~1b", "/none", "/a~1b/m~0n/5", "/a~1b/m~0n/-"):
        assert pointed(document, [wrong]) is None


@pytest.mark.parametrize(
    ("site", "named"),
    [
        (("/x", "", "("), "site.time_pattern"),
        (("/x", "a/b", ""), "site.time_pointer"),
        (("/ñ", "", ""), "site.time_path"),
        (("/x y", "", ""), "site.time_path"),
    ],
)
async def test_a_wrong_setting_is_named_and_the_rest_goes_on(
    ground: Ground, site: tuple[str, str, str], named: str
) -> None:
    asked = ground.site(*site)
    made = {probe.names[0]: probe for probe in probes(*station(ground.folder.root, asked))}
    assert set(made) == {"site.visitor", "site.files", TIME}
    wrong = made[TIME]
    assert isinstance(wrong, Misconfigured)
    assert named in wrong.reason
