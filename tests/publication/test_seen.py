"""The confirming request, against real web servers on loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from prep_console import config
from prep_console.problems import WrongUsage
from prep_console.publication.seen import _LONGEST_PAUSE_S, confirm, target
from tests.sites import Site, always, answer, certificates, running
from tests.waiting import wait_until

CUT, BEFORE = "20240602_2005", "20240602_2000"
LIVE = answer("200 OK", f"X-Prep-Cut: {CUT}")
OLD = answer("200 OK", f"X-Prep-Cut: {BEFORE}")


def settings(url: str, connect: str = "", ca_file: str = "") -> config.Settings:
    return config.Settings(
        station=config.Station(root="/nowhere"),
        site=config.Site(url=url, connect=connect, ca_file=ca_file),
    )


def ask(
    site: Site, cut: str | None = CUT, timeout_s: float = 2.0, since: float | None = None
) -> tuple[bool, float]:
    start = time.monotonic() if since is None else since
    return confirm(settings(f"http://127.0.0.1:{site.port}/"), cut, timeout_s, start)


def in_time(unseen: Callable[[], tuple[bool, float]]) -> bool:
    """Whether nothing was seen within a second, a deadline of less given; thrice on a busy
    machine. One attempt that is not cut off at the deadline would take its own time each time."""
    for _ in range(3):
        start = time.monotonic()
        assert not unseen()[0]
        if time.monotonic() - start < 1.0:
            return True
    return False


def ask_at(url: str) -> tuple[bool, float]:
    return confirm(settings(url), CUT, 0.2, time.monotonic())


def test_the_cut_in_the_header_is_seen_at_once_and_counted_from_since() -> None:
    with running(lambda _: LIVE) as site:
        since = time.monotonic() - 10
        seen, after_s = ask(site, since=since)
    assert seen
    assert 10 <= after_s <= time.monotonic() - since
    assert len(site.requests) == 1
    assert site.requests[0].startswith(b"HEAD / HTTP/1.1\r\n")


def test_it_polls_on_one_connection_until_the_old_cut_is_gone() -> None:
    with running(lambda _: OLD) as site:
        answers = iter([OLD] * 5)
        site.answers = lambda _: next(answers, LIVE)
        seen, _ = ask(site, timeout_s=10.0)
    assert seen
    assert len(site.requests) == 6
    assert _LONGEST_PAUSE_S <= 0.1


def test_another_cut_or_an_error_with_the_right_header_is_not_seen() -> None:
    failing = answer("500 Internal Server Error", f"X-Prep-Cut: {CUT}")
    both = answer("200 OK", f"X-Prep-Cut: {BEFORE}", f"X-Prep-Cut: {CUT}")
    for reply in (OLD, failing, answer("200 OK"), answer("000", f"X-Prep-Cut: {CUT}"), both):
        with running(always(reply)) as site:
            seen, after_s = ask(site, timeout_s=1.0)
        assert not seen
        assert 1.0 <= after_s < 3.0
        assert len(site.requests) > 3


def test_nothing_live_is_seen_as_503() -> None:
    with running(lambda _: LIVE) as site:
        assert not ask(site, cut=None, timeout_s=0.1)[0]
        site.answers = lambda _: answer("503 Service Unavailable", "Connection: close")
        assert ask(site, cut=None)[0]


def test_what_comes_before_the_answer_is_not_the_answer() -> None:
    """A front that sends 103 Early Hints first, or 1xx without end, naming any cut it likes."""
    early = f"HTTP/1.1 103 Early Hints\r\nX-Prep-Cut: {CUT}\r\n\r\n".encode()
    for reply in (early + OLD, early, early * 10_000):
        with running(always(reply)) as site:
            assert in_time(partial(ask, site, timeout_s=0.3))
    with running(always(early.replace(CUT.encode(), b"-") * 3 + LIVE)) as site:
        assert ask(site)[0]


def test_the_same_cut_named_twice_is_named() -> None:
    twice = answer("200 OK", f"X-Prep-Cut: {CUT}", f"X-Prep-Cut: {CUT}")
    with running(always(twice)) as site:
        assert ask(site)[0]


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"garbage\r\n\r\n",
        b"HTTP/1.1 nonsense\r\n\r\n",
        b"HTTP/1.1",
        b"",
        b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 2_000_000,
    ],
    ids=["hung", "garbage", "no status", "half a line", "closed", "endless head"],
)
def test_bad_manners_end_at_the_deadline_and_the_next_good_answer_counts(
    reply: bytes | None,
) -> None:
    with running(lambda _: reply) as site:
        assert in_time(partial(ask, site, timeout_s=0.3))
        replies = iter([reply])
        site.answers = lambda _: next(replies, LIVE)
        assert ask(site, timeout_s=3.0)[0]


def test_a_closed_port_and_an_unknown_name_are_not_yet_seen(free_port: int) -> None:
    for url in (f"http://127.0.0.1:{free_port}/", "http://no-such-name.invalid/"):
        assert in_time(partial(ask_at, url))


def test_https_is_verified_and_a_pinned_address_still_asks_for_the_name(tmp_path: Path) -> None:
    good = certificates(tmp_path, "prep.example.mx")
    other = certificates(tmp_path, "other.example.mx")
    with running(lambda _: LIVE, good.context) as site:
        pinned = f"127.0.0.1:{site.port}"
        url = "https://prep.example.mx/"
        assert confirm(settings(url, pinned, good.ca_file), CUT, 2.0, time.monotonic())[0]
        assert b"\r\nHost: prep.example.mx\r\n" in site.requests[0]
        before = len(site.requests)
        for wrong in (
            settings(url, pinned, other.ca_file),
            settings(url, pinned),
            settings("https://other.example.mx/", pinned, good.ca_file),
            settings(url, pinned, str(tmp_path / "missing.pem")),
        ):
            assert not confirm(wrong, CUT, 0.2, time.monotonic())[0]
        assert len(site.requests) == before


def test_no_url_means_nothing_to_see() -> None:
    assert confirm(settings(""), CUT, 2.0, time.monotonic()) == (False, 0.0)


def test_failing_looks_leave_no_descriptor_and_no_thread_behind() -> None:
    with running(lambda _: b"garbage\r\n\r\n") as site:
        ask(site, timeout_s=0.05)
        before = psutil.Process().num_fds(), threading.active_count()
        for _ in range(20):
            ask(site, timeout_s=0.01)
    # the site's own threads, here beside us, end a moment after their connection
    wait_until(lambda: psutil.Process().num_fds() <= before[0], what="descriptors")
    wait_until(lambda: threading.active_count() <= before[1], what="threads")


@pytest.mark.parametrize(
    ("url", "connect", "authority", "path", "connected"),
    [
        ("https://prep.example.mx", "", "prep.example.mx", "/", ("prep.example.mx", 443)),
        ("http://[::1]:8080/a?b=1", "", "[::1]:8080", "/a?b=1", ("::1", 8080)),
        ("https://p.mx:8443/x", "10.0.0.5", "p.mx:8443", "/x", ("10.0.0.5", 8443)),
        ("https://p.mx/", "[fd00::5]:444", "p.mx", "/", ("fd00::5", 444)),
    ],
)
def test_where_it_asks(
    url: str, connect: str, authority: str, path: str, connected: tuple[str, int]
) -> None:
    asked = target(config.Site(url=url, connect=connect))
    assert (asked.authority, asked.path) == (authority, path)
    assert (asked.connect_host, asked.connect_port) == connected


@pytest.mark.parametrize(
    "url", ["prep.example.mx", "ftp://prep.example.mx/", "http://", "http://a:b/", "http://a/\r\nx"]
)
def test_what_is_no_address_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(WrongUsage):
        target(config.Site(url=url))
