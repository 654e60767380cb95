"""The site probe against real web servers: well-behaved, slow, wrong, hung and malicious ones."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from prep_console import config
from prep_console.probes.probe import run_probe
from prep_console.probes.site import VISITOR, SiteProbe, served
from prep_console.snapshot import Reading
from tests.sites import Answer, Site, always, answer, certificates, running
from tests.waiting import wait_until

CUT, BEFORE = "20240602_2005", "20240602_2000"


def pages(
    cut: str | None = CUT, estado: str | None = CUT, status: str = "200 OK", *fields: str
) -> Answer:
    """A site that serves ``cut``, with an estado that names ``estado``."""
    named = [f"X-Prep-Cut: {cut}"] if cut else []

    def reply(head: bytes) -> bytes:
        if head.startswith(b"GET /_prep/estado.json "):
            body = b'{"cut": "%s"}' % estado.encode() if estado else b"nothing here"
            return answer("200 OK", *named, body=body)
        return answer(status, *named, *fields, body=b"<html>PREP</html>")

    return reply


def settings(url: str, connect: str = "", ca_file: str = "") -> config.Settings:
    return config.Settings(
        station=config.Station(root="/nowhere"),
        site=config.Site(url=url, connect=connect, ca_file=ca_file),
    )


def address(site: Site) -> str:
    return f"http://127.0.0.1:{site.port}/"


async def look(probe: SiteProbe) -> Reading:
    """One look through the loop that the engine uses, so that failures become readings."""
    got: asyncio.Queue[Mapping[str, Reading]] = asyncio.Queue()
    loop = asyncio.create_task(run_probe(probe, got.put_nowait, chance=lambda: 0.0))
    try:
        async with asyncio.timeout(20):
            return (await got.get())[VISITOR]
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


async def seen(answers: Answer, live: str | None = CUT) -> Reading:
    with running(answers) as site:
        return await look(SiteProbe(settings(address(site)), lambda: live))


async def test_the_live_cut_is_ok() -> None:
    got = await seen(pages())
    assert (got.state, got.unit) == ("ok", "s")
    assert got.detail["cut"] == got.detail["estado_cut"] == CUT
    view = served(got)
    assert (view.ok, view.id, view.status, view.error) == (True, CUT, 200, None)
    assert view.latency_s is not None
    assert 0 < view.latency_s < 2
    assert view.checked_at == got.observed_at


@pytest.mark.parametrize(
    ("answers", "live", "fault"),
    [
        (pages(BEFORE, BEFORE), CUT, "the site serves 20240602_2000"),
        (pages(None), CUT, "the answer names no cut (X-Prep-Cut is missing)"),
        (pages(CUT, BEFORE), CUT, "the estado names 20240602_2000"),
        (pages(CUT, None), CUT, "the estado names no cut"),
        (pages(CUT, CUT, "500 Internal Server Error"), CUT, "the site answers with status 500"),
        (pages(None, None, "503 Service Unavailable"), CUT, "the site answers with status 503"),
        (pages(CUT, CUT), None, "the site serves 20240602_2005"),
        (
            pages(CUT, CUT, "302 Found", "Location: http://elsewhere.invalid/"),
            CUT,
            "the site sends visitors on to http://elsewhere.invalid/",
        ),
    ],
)
async def test_what_is_wrong_is_critical_and_said(
    answers: Answer, live: str | None, fault: str
) -> None:
    got = await seen(answers, live)
    assert (got.state, got.detail["fault"]) == ("critical", fault)
    assert not served(got).ok
    assert served(got).error == fault


@pytest.mark.parametrize("named", [None, "-"])
async def test_nothing_live_and_a_plain_503_is_as_it_should_be(named: str | None) -> None:
    got = await seen(pages(named, None, "503 Service Unavailable"), None)
    assert got.state == "ok"
    assert (served(got).ok, served(got).id, served(got).status) == (True, None, 503)


async def test_a_switch_between_question_and_answer_is_no_fault() -> None:
    live = iter([BEFORE, CUT])
    with running(pages()) as site:
        got = await look(SiteProbe(settings(address(site)), lambda: next(live)))
    assert got.state == "ok"


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"\x00\xff garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 1_048_576 + b"\r\n\r\n",
        b"",
    ],
    ids=["hung", "garbage", "truncated", "megabyte header", "closed"],
)
async def test_bad_manners_are_unknown_with_a_reason_and_never_late(reply: bytes | None) -> None:
    with running(always(reply)) as site:
        probe = SiteProbe(settings(address(site)), lambda: CUT)
        probe.deadline_s = 0.5
        start = time.monotonic()
        got = await look(probe)
    assert time.monotonic() - start < 1.5
    assert (got.state, got.value) == ("unknown", None)
    assert got.error
    assert not served(got).ok
    assert served(got).error == got.error


async def test_an_endless_body_is_read_only_so_far() -> None:
    body = b"x" * 30_000_000
    whole = answer("200 OK", f"X-Prep-Cut: {CUT}", body=body)
    tracemalloc.start()
    got = await seen(lambda head: whole if head.startswith(b"GET / ") else pages()(head))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert got.state == "ok"
    assert peak < 8_000_000


async def test_a_closed_port_is_unknown(free_port: int) -> None:
    got = await look(SiteProbe(settings(f"http://127.0.0.1:{free_port}/"), lambda: CUT))
    assert got.state == "unknown"
    assert "ConnectError" in (got.error or "")


async def test_tls_is_verified_by_name_even_at_a_pinned_address(tmp_path: Path) -> None:
    good = certificates(tmp_path, "prep.example.mx")
    other = certificates(tmp_path, "other.example.mx")
    with running(pages(), good.context) as site:
        pinned = f"127.0.0.1:{site.port}"
        url = "https://prep.example.mx/"
        got = await look(SiteProbe(settings(url, pinned, good.ca_file), lambda: CUT))
        assert got.state == "ok"
        assert b"Host: prep.example.mx\r\n" in site.requests[0]
        days = got.detail["certificate_days"]
        assert isinstance(days, int)
        assert days > 300
        late = datetime.now(UTC) + timedelta(days=days - 5)
        near_end = SiteProbe(settings(url, pinned, good.ca_file), lambda: CUT, now=lambda: late)
        assert (await look(near_end)).state == "warning"
        for wrong in (
            settings(url, pinned, other.ca_file),
            settings(url, pinned),
            settings("https://other.example.mx/", pinned, good.ca_file),
            settings(url, pinned, str(tmp_path / "missing.pem")),
        ):
            assert (await look(SiteProbe(wrong, lambda: CUT))).state == "unknown"


async def test_a_proxy_in_the_environment_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port}")
    assert (await seen(pages())).state == "ok"


async def test_two_hundred_failing_looks_leave_nothing_behind() -> None:
    replies = [b"garbage\r\n\r\n", answer("500 No"), b"", answer("200 OK", "Connection: close")]
    turn = iter(range(10**6))
    with running(lambda _: replies[next(turn) % len(replies)]) as site:
        probe = SiteProbe(settings(address(site)), lambda: CUT)

        async def fail(times: int) -> None:
            for _ in range(times):
                try:
                    state = (await probe.read())[VISITOR].state
                except Exception:
                    continue
                assert state == "critical"

        await fail(40)
        gc.collect()
        descriptors = psutil.Process().num_fds()
        tracemalloc.start()
        await fail(200)
        site.requests.clear()
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert grown < 500_000
        # the server's threads, in this same process, close their ends a moment later
        wait_until(lambda: psutil.Process().num_fds() <= descriptors + 2, what="descriptors")
        await probe.close()
