"""The site probe against real web servers: well-behaved, slow, wrong, hung and malicious ones."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from msgspec import structs

from prep_console import config
from prep_console.probes.probe import run_probe
from prep_console.probes.site import VISITOR, SiteProbe, served
from prep_console.probes.site.arrival import ASKS_LOGIN, IN_CIRCLES, SENT_AWAY
from prep_console.probes.site.visit import OTHER_NAME, REFUSED, UNKNOWN_AUTHORITY
from prep_console.probes.site.visitor import (
    ANSWERS_ERROR,
    FORBIDDEN,
    NO_CUT,
    OTHER_CUT,
    OTHER_ESTADO,
)
from prep_console.snapshot import Reading
from tests.apache.conftest import open_folder
from tests.apache.server import Apache
from tests.apache.stations import PublicFolder
from tests.processes import stands_still
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
        (pages(BEFORE, BEFORE), CUT, OTHER_CUT),
        (pages(f"{CUT}\r\nX-Prep-Cut: {BEFORE}"), CUT, OTHER_CUT),
        (pages(None), CUT, NO_CUT),
        (pages(CUT, BEFORE), CUT, OTHER_ESTADO),
        (pages(CUT, None), CUT, OTHER_ESTADO),
        (pages(CUT, CUT, "500 Internal Server Error"), CUT, ANSWERS_ERROR),
        (pages(None, None, "503 Service Unavailable"), CUT, ANSWERS_ERROR),
        (pages(CUT, CUT), None, OTHER_CUT),
        (
            pages(CUT, CUT, "302 Found", "Location: http://elsewhere.invalid/"),
            CUT,
            SENT_AWAY,
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


@pytest.mark.parametrize(
    ("said", "hour"),
    [
        (BEFORE, f"{BEFORE[9:11]}:{BEFORE[11:13]}"),
        (f"{BEFORE}.2", f"{BEFORE[9:11]}:{BEFORE[11:13]}"),
        (f"{CUT}\r\nX-Prep-Cut: {BEFORE}", None),
        ("corte-2", None),
        ("20240602_2575", None),
        ("20240602_\x9bc:\x9bJ", None),
    ],
)
async def test_only_what_is_a_cuts_id_has_an_hour(said: str, hour: str | None) -> None:
    """What a cache or a proxy names may be anything."""
    assert served(await seen(pages(said))).hour == hour


@pytest.mark.parametrize("named", [None, "-"])
async def test_nothing_live_and_a_plain_503_is_as_it_should_be(named: str | None) -> None:
    got = await seen(pages(named, None, "503 Service Unavailable"), None)
    assert got.state == "ok"
    assert (served(got).ok, served(got).id, served(got).status) == (True, None, 503)


@pytest.mark.parametrize(
    ("status", "fields", "fault", "login"),
    [
        ("401 Unauthorized", ["WWW-Authenticate: Basic realm=x"], ASKS_LOGIN, True),
        ("200 OK", ["WWW-Authenticate: Negotiate"], ASKS_LOGIN, True),
        ("302 Found", ["Location: /login?next=/"], ASKS_LOGIN, True),
        ("302 Found", ["Location: https://other.example.mx/"], SENT_AWAY, False),
        ("302 Found", ["Location: https://id.example.mx/sign-in"], ASKS_LOGIN, True),
        ("403 Forbidden", [], FORBIDDEN, False),
        ("302 Found", ["Location: /"], IN_CIRCLES, False),
        ("302 Found", ["Location: http://[broken"], SENT_AWAY, False),
        ("302 Found", ["Location: ftp://127.0.0.1/"], SENT_AWAY, False),
        ("302 Found", ["Location: ftp://127.0.0.1:21/"], SENT_AWAY, False),
        ("302 Found", ["Location: " + "x" * 3000], IN_CIRCLES, False),
        ("302 Found", [], SENT_AWAY, False),
    ],
)
async def test_a_login_or_another_place_instead_of_the_page(
    status: str, fields: list[str], fault: str, login: bool
) -> None:
    got = await seen(pages(CUT, CUT, status, *fields))
    assert (got.state, got.detail["fault"], got.detail["login"]) == ("critical", fault, login)
    assert len(str(got.detail["location"])) <= 200


async def test_a_redirect_to_another_path_of_the_same_name_is_followed_and_told() -> None:
    def reply(head: bytes) -> bytes | None:
        if head.startswith(b"GET / "):
            return answer("301 Moved", "Location: /prep/index.html?a=1")
        return pages()(head)

    with running(reply) as site:
        got = await look(SiteProbe(settings(address(site)), lambda: CUT))
        assert site.requests[1].startswith(b"GET /prep/index.html?a=1 ")
    assert (got.state, got.detail["redirects"]) == ("ok", 1)
    assert got.detail["location"] == "/prep/index.html?a=1"


async def test_a_site_that_wants_its_cookie_back_before_it_opens_is_open() -> None:
    """As balancers and firewalls do; the next look comes without it, as a new visitor."""
    odd = (
        "Set-Cookie: =; Path=/",
        "Set-Cookie: none",
        "Set-Cookie: \xf1=1",
        f"Set-Cookie: b={'x' * 5000}",
    )

    def reply(head: bytes) -> bytes | None:
        if b"\r\nCookie: node=a1; seen=\r\n" in head:
            return pages()(head)
        asked = ("Set-Cookie: node=a1; Path=/; HttpOnly", "Set-Cookie: seen=", *odd[1:])
        return answer("302 Found", "Location: /", *asked)

    with running(reply) as site:
        probe = SiteProbe(settings(address(site)), lambda: CUT)
        for _ in range(2):
            got = await look(probe)
            assert (got.state, got.detail["redirects"]) == ("ok", 1)
        assert [b"Cookie:" in head for head in site.requests] == [False, True, True] * 2
        site.answers = lambda _: answer("302 Found", "Location: /", *odd)
        assert (await look(probe)).detail["fault"] == IN_CIRCLES


async def test_plain_http_sends_on_to_https_of_the_same_name(tmp_path: Path) -> None:
    good = certificates(tmp_path, "prep.example.mx")
    with running(pages(), good.context) as secure:
        to = f"Location: https://prep.example.mx:{secure.port}/"
        with running(always(answer("301 Moved", to))) as plain:
            asked = settings("http://prep.example.mx/", f"127.0.0.1:{plain.port}", good.ca_file)
            got = await look(SiteProbe(asked, lambda: CUT))
    assert (got.state, got.detail["redirects"], got.detail["cut"]) == ("ok", 1, CUT)
    assert got.detail["tls_version"] == "TLSv1.3"


@pytest.mark.parametrize(
    ("fields", "portals", "allowed"),
    [
        ([], [], True),
        (["X-Frame-Options: DENY"], [], False),
        (["X-Frame-Options: SAMEORIGIN"], ["https://portal.mx"], False),
        (["X-Frame-Options: SAMEORIGIN"], ["'self'"], True),
        (["X-Frame-Options: ALLOWALL"], [], True),
        (["X-Frame-Options: DENY", "Content-Security-Policy: frame-ancestors *"], [], True),
        (["Content-Security-Policy: default-src 'none'"], [], True),
        (["Content-Security-Policy: frame-ancestors 'none'"], [], False),
        (["Content-Security-Policy: Frame-Ancestors https://portal.mx"], [], False),
        (["Content-Security-Policy: frame-ancestors 'self' https:"], [], True),
        (["Content-Security-Policy: frame-ancestors https://*.mx"], ["https://portal.mx"], True),
        (["Content-Security-Policy: frame-ancestors https://*.mx"], ["https://mx"], False),
        (["Content-Security-Policy: frame-ancestors portal.mx"], ["https://portal.mx/"], True),
        (["Content-Security-Policy: frame-ancestors *, frame-ancestors 'self'"], [], False),
        (
            [
                "Content-Security-Policy: frame-ancestors https://a.mx",
                "Content-Security-Policy: frame-ancestors https://b.mx",
            ],
            ["https://a.mx"],
            False,
        ),
    ],
)
async def test_whether_portals_may_show_it_in_a_frame(
    fields: list[str], portals: list[str], allowed: bool
) -> None:
    with running(pages(CUT, CUT, "200 OK", *fields)) as site:
        asked = settings(address(site))
        asked = structs.replace(asked, publication=config.Publication(frame_ancestors=portals))
        got = await look(SiteProbe(asked, lambda: CUT))
    assert got.detail["frames_ok"] is allowed
    assert got.state == ("ok" if allowed else "warning")


async def test_the_live_cut_named_twice_is_ok() -> None:
    """As Apache does where a site's own lines set the header once more, with ``always``."""
    got = await seen(pages(f"{CUT}\r\nX-Prep-Cut: {CUT}"))
    assert (got.state, got.detail["cut"]) == ("ok", CUT)


async def test_slow_is_what_the_settings_say() -> None:
    with running(pages()) as site:
        asked = config.Settings(
            station=config.Station(root="/nowhere"),
            site=config.Site(url=address(site), slow_ms=0),
        )
        assert (await look(SiteProbe(asked, lambda: CUT))).state == "warning"


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
    assert got.error == REFUSED


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
        for wrong, reason in (
            (settings(url, pinned, other.ca_file), UNKNOWN_AUTHORITY),
            (settings(url, pinned), UNKNOWN_AUTHORITY),
            (settings("https://other.example.mx/", pinned, good.ca_file), OTHER_NAME),
            (settings(url, pinned, str(tmp_path / "missing.pem")), None),
        ):
            refused = await look(SiteProbe(wrong, lambda: CUT))
            assert refused.state == "unknown"
            assert reason is None or refused.error == reason


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
                assert (await probe.read())[VISITOR].state in {"critical", "unknown"}

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


async def test_a_real_apache_killed_frozen_and_back() -> None:
    with open_folder() as scratch:
        folder = PublicFolder(scratch / "station")
        folder.put_cut(CUT, {"index.html": b"<h1>PREP</h1>"})
        folder.go_live(CUT)
        with Apache(folder.settings, scratch / "apache") as apache:
            probe = SiteProbe(settings(f"{apache.url}/"), lambda: CUT)
            got = await look(probe)
            assert (got.state, got.detail["frames_ok"], got.detail["login"]) == ("ok", True, False)
            with frozen(apache), pytest.MonkeyPatch.context() as patch:
                patch.setattr(probe, "deadline_s", 1.0)
                got = await look(probe)
                assert (got.state, got.error) == ("unknown", "no answer within 1 s")
            assert (await look(probe)).state == "ok"
            killed(apache)
            assert (await look(probe)).error == REFUSED


@contextmanager
def frozen(apache: Apache) -> Iterator[None]:
    """SIGSTOP for it and its children until the block ends."""
    tree = processes(apache)
    for process in tree:
        process.suspend()
    wait_until(lambda: all(stands_still(process.pid) for process in tree))
    try:
        yield
    finally:
        for process in tree:
            process.resume()


def killed(apache: Apache) -> None:
    """SIGKILL for it and its children."""
    tree = processes(apache)
    for process in tree:
        process.kill()
    psutil.wait_procs(tree, 10)


def processes(apache: Apache) -> list[psutil.Process]:
    first = psutil.Process(int((apache.into / "httpd.pid").read_text()))
    return [first, *first.children(recursive=True)]
