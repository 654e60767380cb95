"""Servers that lie, trickle, loop and lead astray: each is refused with its reason, in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from prep_console.intake.pull.job import Pulled, PullFailed, Trouble
from tests.intake.pull.pulling import pulled, settings_of
from tests.intake.pull.web import liar

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
