"""Servers that lie, trickle, loop and lead astray: each is refused with its reason, in time."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from prep_console.config import Settings
from prep_console.intake.pull.job import Pulled, PullFailed, Trouble, told
from prep_console.wording import known_text
from tests.intake.pull.pulling import pulled, settings_of
from tests.intake.pull.web import Liar, liar

pytestmark = pytest.mark.server

END = b"PK\x05\x06" + bytes(18)
Writes = Callable[[bytes], bytes]


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK", length: int = -1) -> bytes:
    count = len(body) if length < 0 else length
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % count, *headers]
    return b"\r\n".join([*head, b"", body])


HOSTILE: list[tuple[str, Writes, set[Trouble]]] = [
    ("gzip", lambda _: answer(END, b"Content-Encoding: gzip"), {"damaged"}),
    ("loop", lambda _: answer(b"", b"Location: /corte.zip", status=b"302 Found"), {"refused"}),
    (
        "plain",
        lambda _: answer(b"", b"Location: http://127.0.0.1:1/corte.zip", status=b"302 Found"),
        {"refused"},
    ),
    (
        "file",
        lambda _: answer(b"", b"Location: file:///etc/passwd", status=b"302 Found"),
        {"refused"},
    ),
    ("short", lambda _: answer(END, length=10**6), {"stalled", "unreachable"}),
    ("silent", lambda _: b"", {"stalled"}),
    ("noise", lambda _: b"\x00\xff garbage \r\n\r\n", {"unreachable"}),
    ("partial", lambda _: answer(END, status=b"206 Partial Content"), {"refused"}),
    ("error", lambda _: answer(b"", status=b"503 Busy"), {"unreachable"}),
    ("huge", lambda _: answer(b"", length=10**15), {"damaged"}),
]


@pytest.mark.parametrize(("writes", "kinds"), [h[1:] for h in HOSTILE], ids=[h[0] for h in HOSTILE])
async def test_a_hostile_answer_is_refused(
    writes: Writes, kinds: set[Trouble], tmp_path: Path
) -> None:
    async with liar(tmp_path / "liar", lambda request, to: to.write(writes(request))) as server:
        source = {
            "kind": "https",
            "url": f"{server.url}/corte.zip",
            "ca_file": str(server.ca),
            "stall_seconds": 3,
        }
        with pytest.raises(PullFailed) as failed:
            async with asyncio.timeout(30):
                await pulled(settings_of(tmp_path, source))
    assert failed.value.kind in kinds
    assert not list((tmp_path / "root" / "fetched" / "https").glob("*.zip"))


async def test_a_body_without_end_stops_at_the_limit(tmp_path: Path) -> None:
    async def endless(_: bytes, to: asyncio.StreamWriter) -> None:
        to.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            to.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            await to.drain()

    async with liar(tmp_path / "liar", endless) as server:
        source = {
            "kind": "https",
            "url": f"{server.url}/corte.zip",
            "ca_file": str(server.ca),
            "max_bytes": 1_000_000,
        }
        with pytest.raises(PullFailed) as failed:
            async with asyncio.timeout(30):
                await pulled(settings_of(tmp_path, source))
    assert failed.value.kind == "damaged"
    left = (tmp_path / "root" / "fetched" / "https").glob("*.part")
    assert sum(path.stat().st_size for path in left) <= 1_000_000


INDEXES = [
    b'{"archivos": ["../../etc/x.zip"]}',
    b'{"archivos": ["file:///etc/passwd"]}',
    b'{"archivos": ["javascript:alert(1)"]}',
    b'{"archivos": ["https://other.example/20240602_2005_PREP.zip"]}',
    b'{"archivos": ["https://[::1/20240602_2005_PREP.zip"]}',
    b'{"archivos": {"a": 1}}',
    b'{"otro": []}',
    b"[" * 100_000,
    b"\xff\xfe",
    b" " * (2 << 20),
    b'{"archivos": ["a\\u001b[31m.zip", "..", "x/.hidden.zip"]}',
]


@pytest.mark.parametrize("index", INDEXES, ids=range(len(INDEXES)))
async def test_a_hostile_index_leads_nowhere(index: bytes, tmp_path: Path) -> None:
    asked: list[bytes] = []

    def script(request: bytes, to: asyncio.StreamWriter) -> None:
        asked.append(request.split(b"\r\n")[0])
        path = request.split(b" ")[1]
        to.write(answer(index) if path == b"/i.json" else answer(b"", status=b"404 No"))

    async with liar(tmp_path / "liar", script) as server:
        source = {
            "kind": "https",
            "index": f"{server.url}/i.json",
            "pointer": "/archivos",
            "ca_file": str(server.ca),
        }
        pulling = pulled(settings_of(tmp_path, source))
        (ended,) = await asyncio.gather(pulling, return_exceptions=True)
    if isinstance(ended, Pulled):
        assert not ended.paths
    else:
        assert isinstance(ended, PullFailed)
        assert "\x1b" not in str(ended)
    assert all(b"etc" not in line or b"x.zip" in line for line in asked)
    assert not list((tmp_path / "root" / "fetched" / "https").glob("*.zip"))


async def test_a_resume_that_does_not_fit_is_begun_again(tmp_path: Path) -> None:
    """200 in the place of 206, and a 206 of another place, never mix two files."""
    body = bytes(range(256)) * 40 + END
    into = tmp_path / "root" / "fetched" / "https"
    into.mkdir(parents=True)
    for lie in (b"bytes 5-9999999/9999999", b""):
        (into / ".corte.zip.part").write_bytes(b"older bytes")
        (into / ".corte.zip.part.json").write_text('"v1"')

        def script(request: bytes, to: asyncio.StreamWriter, lie: bytes = lie) -> None:
            if b"Range:" in request.title() and lie:
                to.write(answer(END, b"Content-Range: " + lie, b'ETag: "v1"', status=b"206 P"))
            else:
                to.write(answer(body, b'ETag: "v2"'))

        async with liar(tmp_path / f"liar{len(lie)}", script) as server:
            source = {
                "kind": "https",
                "url": f"{server.url}/corte.zip",
                "ca_file": str(server.ca),
            }
            got = await pulled(settings_of(tmp_path, source))
        assert [path.read_bytes() for path in got.paths] == [body]
        (into / ".fetched.json").unlink()


def of_liar(tmp_path: Path, server: Liar, **more: object) -> Settings:
    source = {"kind": "https", "url": f"{server.url}/corte.zip", "ca_file": str(server.ca), **more}
    return settings_of(tmp_path, source)


def asked_range(request: bytes) -> tuple[int, int | None] | None:
    found = re.search(rb"range: bytes=(\d+)-(\d*)", request.lower())
    return (int(found[1]), int(found[2]) if found[2] else None) if found else None


BODY = bytes(range(256)) * 400 + END


async def test_a_server_that_gives_ranges_in_pieces_is_asked_on(tmp_path: Path) -> None:
    """RFC 9110 lets it answer with less than what was asked for: that is no whole file."""
    into = tmp_path / "root" / "fetched" / "https"
    into.mkdir(parents=True)
    (into / ".corte.zip.part").write_bytes(BODY[:1000])
    (into / ".corte.zip.part.json").write_text('"v1"')
    answers = 0

    def script(request: bytes, to: asyncio.StreamWriter) -> None:
        nonlocal answers
        path, wanted = request.split(b" ")[1], asked_range(request)
        if path != b"/corte.zip":
            to.write(answer(b"", status=b"404 No"))
            return
        assert wanted is not None
        answers += 1
        piece = BODY[wanted[0] : wanted[0] + 20_000]
        said = b"Content-Range: bytes %d-%d/%d" % (
            wanted[0],
            wanted[0] + len(piece) - 1,
            len(BODY),
        )
        to.write(answer(piece, said, b'ETag: "v1"', status=b"206 Partial Content"))

    async with liar(tmp_path / "liar", script) as server:
        got = await pulled(of_liar(tmp_path, server))
    assert [path.read_bytes() for path in got.paths] == [BODY]
    assert answers == 6


LIES = [b"bytes 1000-1000/9", b"bytes 1000-999/102422", b"bytes 1000-2000/*", b"bytes 1000-x", b""]


@pytest.mark.parametrize("lie", LIES)
async def test_a_range_that_does_not_say_where_it_ends_gives_no_file(
    lie: bytes, tmp_path: Path
) -> None:
    into = tmp_path / "root" / "fetched" / "https"
    into.mkdir(parents=True)
    (into / ".corte.zip.part").write_bytes(BODY[:1000])
    (into / ".corte.zip.part.json").write_text('"v1"')
    fair = False

    def script(request: bytes, to: asyncio.StreamWriter) -> None:
        if request.split(b" ")[1] != b"/corte.zip":
            to.write(answer(b"", status=b"404 No"))
        elif b"range:" in request.lower() and not fair:
            said = (b"Content-Range: " + lie, b'ETag: "v1"')
            to.write(answer(BODY[1000:2000], *said, status=b"206 Partial Content"))
        else:
            to.write(answer(BODY, b'ETag: "v1"'))

    async with liar(tmp_path / "liar", script) as server:
        settings = of_liar(tmp_path, server)
        (ended,) = await asyncio.gather(pulled(settings), return_exceptions=True)
        if isinstance(ended, Pulled):
            assert [path.read_bytes() for path in ended.paths] == [BODY]
        fair = True
        if isinstance(ended, PullFailed):
            got = await pulled(settings)
            assert [path.read_bytes() for path in got.paths] == [BODY]


async def test_a_file_that_is_finished_within_the_second_of_its_date_comes(tmp_path: Path) -> None:
    """Last-Modified counts seconds: what it dates may not be all of that second yet (RFC 9110)."""
    now = formatdate(time.time(), usegmt=True).encode()
    dated = (b"Last-Modified: " + now, b"Date: " + now)
    body = b"PK\x03\x04" + BODY[:5000]

    def script(request: bytes, to: asyncio.StreamWriter) -> None:
        if request.split(b" ")[1] != b"/corte.zip":
            to.write(answer(b"", status=b"404 No"))
        elif b"if-modified-since: " + now.lower() in request.lower():
            to.write(answer(b"", status=b"304 Not Modified"))
        else:
            to.write(answer(body, *dated))

    async with liar(tmp_path / "liar", script) as server:
        settings = of_liar(tmp_path, server)
        assert (await pulled(settings)).state == "nothing"
        body = BODY
        assert [p.read_bytes() for p in (await pulled(settings)).paths] == [BODY]
        (tmp_path / "root/fetched/https/corte.zip").unlink()
        body = BODY[5:]
        assert [p.read_bytes() for p in (await pulled(settings)).paths] == [BODY[5:]]


PAGE = b"<!DOCTYPE html><title>Error</title>%d"


async def test_a_web_page_in_the_place_of_an_archive_is_no_delivery(tmp_path: Path) -> None:
    """An error page with status 200, another one each time, would fill the quarantine."""
    count = itertools.count()

    def script(_: bytes, to: asyncio.StreamWriter) -> None:
        to.write(answer(PAGE % next(count), b"Content-Type: text/html; charset=utf-8"))

    async with liar(tmp_path / "liar", script) as server:
        with pytest.raises(PullFailed, match="web page") as failed:
            await pulled(of_liar(tmp_path, server))
    assert failed.value.kind == "damaged"
    assert not list((tmp_path / "root" / "fetched" / "https").glob("*.zip"))


@pytest.mark.parametrize("status", [b"200 OK", b"403 Forbidden"])
async def test_a_server_that_never_says_404_hides_no_minute(status: bytes, tmp_path: Path) -> None:
    """A page for whatever is not there, or 403 as object stores say to who may not list."""
    there = datetime.now(ZoneInfo("America/Mexico_City")) - timedelta(minutes=7)
    name = f"/{there:%Y%m%d_%H%M}_PREP_DIP_LOC_QRO.zip".encode()

    def script(request: bytes, to: asyncio.StreamWriter) -> None:
        method, path = request.split(b" ")[:2]
        if path == name:
            to.write(answer(BODY if method == b"GET" else b"", b'ETag: "v1"'))
        else:
            page = PAGE % 1 if method == b"GET" else b""
            to.write(answer(page, b"Content-Type: text/html", status=status))

    url = "/%Y%m%d_%H%M_PREP_{election}_QRO.zip"
    async with liar(tmp_path / "liar", script) as server:
        settings = of_liar(tmp_path, server, url=server.url + url)
        got = await pulled(settings)
        assert [f"/{path.name}".encode() for path in got.paths] == [name]
        name = b"/nothing"
        if status.startswith(b"403"):
            with pytest.raises(PullFailed, match="403"):
                await pulled(settings)
        else:
            assert (await pulled(settings)).state == "nothing"


async def test_a_body_that_trickles_is_given_up(tmp_path: Path) -> None:
    async def trickle(_: bytes, to: asyncio.StreamWriter) -> None:
        to.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            to.write(b"x")
            await to.drain()
            await asyncio.sleep(0.05)

    async with liar(tmp_path / "liar", trickle) as server:
        with pytest.raises(PullFailed, match="slow") as failed:
            async with asyncio.timeout(20):
                await pulled(of_liar(tmp_path, server, stall_seconds=2))
    assert failed.value.kind == "stalled"


async def test_headers_without_end_and_by_the_byte_are_given_up(tmp_path: Path) -> None:
    async def headers(_: bytes, to: asyncio.StreamWriter) -> None:
        to.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            to.write(b"X-A: " + b"a" * 60_000 + b"\r\n" if fast else b"X")
            await to.drain()
            await asyncio.sleep(0 if fast else 0.1)

    for fast, kind in ((True, "unreachable"), (False, "stalled")):
        async with liar(tmp_path / f"liar{fast}", headers) as server:
            with pytest.raises(PullFailed) as failed:
                async with asyncio.timeout(20):
                    await pulled(of_liar(tmp_path, server, stall_seconds=2))
        assert failed.value.kind == kind


@pytest.mark.parametrize("where", [b"http://prep.invalid/", b"/SHA256SUMS"])
async def test_a_list_that_is_only_a_redirect_to_nowhere_keeps_no_cut_away(
    where: bytes, tmp_path: Path
) -> None:
    """As sites do that lead whatever is not there to a page without TLS, or round in a circle."""

    def script(request: bytes, to: asyncio.StreamWriter) -> None:
        if b"SHA256SUMS" in request.splitlines()[0]:
            to.write(answer(b"", b"Location: " + where, status=b"302 Found"))
        elif b".zip " in request.splitlines()[0]:
            to.write(answer(BODY, b'ETag: "v1"'))
        else:
            to.write(answer(b"", status=b"404 Not Found"))

    async with liar(tmp_path / "liar", script) as server:
        got = await pulled(of_liar(tmp_path, server))
    assert [path.read_bytes() for path in got.paths] == [BODY]


async def test_a_file_that_cannot_be_had_keeps_no_other_away(tmp_path: Path) -> None:
    def script(request: bytes, to: asyncio.StreamWriter) -> None:
        method, path = request.split(b" ")[:2]
        if b"AYUN" in path and path.endswith(b".zip"):
            to.write(answer(PAGE % 1 if method == b"GET" else b"", b'ETag: "page"'))
        elif b"DIP_LOC" in path and path.endswith(b".zip"):
            if b'if-none-match: "v1"' in request.lower():
                to.write(answer(b"", b'ETag: "v1"', status=b"304 Not Modified"))
            else:
                to.write(answer(BODY if method == b"GET" else b"", b'ETag: "v1"'))
        else:
            to.write(answer(b"", status=b"404 Not Found"))

    async with liar(tmp_path / "liar", script) as server:
        url = f"{server.url}/20240602_2005_PREP_{{election}}_QRO.zip"
        settings = of_liar(tmp_path, server, url=url)
        got = await pulled(settings)
        assert [path.read_bytes() for path in got.paths] == [BODY]
        assert got.trouble is not None
        assert (got.trouble[0], "AYUN" in got.trouble[1]) == ("damaged", True)
        with pytest.raises(PullFailed, match="AYUN"):  # nothing new beside it
            await pulled(settings)


AWAY = [b"http://127.0.0.1:1/", b"/elsewhere", b"https://127.0.0.1:99999/"]


@pytest.mark.parametrize("away", AWAY)
async def test_a_server_that_sends_away_who_asks_for_what_is_not_there_hides_nothing(
    away: bytes, tmp_path: Path
) -> None:
    """To plain HTTP, in circles, or to no port: neither the lists beside a file nor the minutes
    without one are there, and the file that is comes."""
    there = datetime.now(ZoneInfo("America/Mexico_City")) - timedelta(minutes=7)
    name = f"/{there:%Y%m%d_%H%M}_PREP_DIP_LOC_QRO.zip".encode()

    def script(request: bytes, to: asyncio.StreamWriter) -> None:
        method, path = request.split(b" ")[:2]
        if path == name:
            to.write(answer(BODY if method == b"GET" else b"", b'ETag: "v1"'))
        else:
            to.write(answer(b"", b"Location: " + away, status=b"302 Found"))

    async with liar(tmp_path / "liar", script) as server:
        url = f"{server.url}/%Y%m%d_%H%M_PREP_{{election}}_QRO.zip"
        settings = of_liar(tmp_path, server, url=url)
        got = await pulled(settings)
        assert [path.read_bytes() for path in got.paths] == [BODY]
        name = b"/nothing"
        with pytest.raises(PullFailed, match="redirect") as failed:
            await pulled(settings)
    assert failed.value.kind == "refused"


async def test_who_refuses_the_connection_is_told_in_the_systems_words(
    free_port: int, tmp_path: Path
) -> None:
    url = f"https://127.0.0.1:{free_port}/corte.zip"
    with pytest.raises(PullFailed) as failed:
        await pulled(settings_of(tmp_path, {"kind": "https", "url": url}))
    assert known_text(told(failed.value.trouble)) == (
        f"inalcanzable: conexión rechazada ('127.0.0.1', {free_port})"
    )
