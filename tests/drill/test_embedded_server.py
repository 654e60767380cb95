"""The embedded server answers as the real Apache does, request by request; never counted as it."""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

from prep_console.drill.embedded_server import serving
from tests.apache.load import drive
from tests.apache.server import Apache
from tests.apache.stations import PublicFolder

OLDER, NEWER = "20240602_2005", "20240602_2010"
FILES = {
    OLDER: {
        "index.html": b"<h1>older</h1>",
        "a b/c.json": b'{"a": 1}',
        "same.zip": b"PK same" * 900,
        "sub/index.html": b"<p>sub</p>",
        "x.gz": b"gz",
    },
    NEWER: {
        "index.html": b"<h1>newer!</h1>",
        "a b/c.json": b'{"a": 2}',
        "same.zip": b"PK same" * 900,
        "new.csv": b"1,2\n",
    },
}
ALIKE = (
    "X-Prep-Cut",
    "X-Prep-Estado",
    "X-Prep-Phase",
    "Cache-Control",
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Access-Control-Allow-Origin",
    "Retry-After",
    "Allow",
)


@dataclass(frozen=True)
class Got:
    status: int
    headers: dict[str, str | None]
    body: bytes


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Got:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with closing(connection):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        answer = connection.getresponse()
        alike = {name: answer.headers[name] for name in (*ALIKE, "ETag", "Content-Type")}
        return Got(answer.status, alike, answer.read())


@pytest.fixture
def folder(tmp_path: Path) -> PublicFolder:
    public = PublicFolder(tmp_path / "station")
    public.put_cut(OLDER, FILES[OLDER])
    public.put_cut(NEWER, FILES[NEWER], unchanged_from=OLDER)
    return public


@pytest.fixture
def port(folder: PublicFolder) -> Iterator[int]:
    with serving(folder.settings) as chosen:
        yield chosen


REQUESTS = [
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/index.html"),
    ("GET", "/?q=1"),
    ("GET", "/a%20b/c.json"),
    ("GET", "/a%20b"),
    ("GET", "/a%20b/"),
    ("GET", "/sub/"),
    ("GET", "/same.zip"),
    ("GET", "/new.csv"),
    ("GET", "/x.gz"),
    ("GET", "/none"),
    ("GET", "/a%20b%2Fc.json"),
    ("GET", "/../../public/live.map"),
    ("GET", "/sub/..%2f..%2fcut.json"),
    ("GET", "//same.zip"),
    ("GET", "/_prep/estado.json"),
    ("GET", "/_prep/estado.html"),
    ("GET", "/_prep/1.json"),
    ("GET", "/_prep/"),
    ("POST", "/"),
    ("DELETE", "/index.html"),
    ("OPTIONS", "/"),
]


@pytest.mark.server
def test_it_answers_as_apache_does(folder: PublicFolder, tmp_path: Path, port: int) -> None:
    differing = []
    with Apache(folder.settings, tmp_path / "apache") as apache:
        for live in (None, OLDER, NEWER, OLDER):
            if live is not None or folder.public.joinpath("live.map").exists():
                folder.go_live(live)
            for method, path in REQUESTS:
                real, ours = ask(apache.port, path, method), ask(port, path, method)
                same_body = real.status not in {200, 304} or real.body == ours.body
                headers = [n for n in ALIKE if real.headers[n] != ours.headers[n]]
                if real.status != ours.status or not same_body or headers:
                    differing.append((live, method, path, real.status, ours.status, headers))
    assert differing == []


def test_nothing_live_is_503_also_without_any_pointer(port: int, folder: PublicFolder) -> None:
    assert ask(port, "/").status == 503
    folder.go_live(None)
    got = ask(port, "/same.zip")
    assert (got.status, got.headers["X-Prep-Cut"]) == (503, "-")
    assert ask(port, "/_prep/estado.json").status == 200


def test_after_a_rollback_no_validator_keeps_the_newer_cut(port: int, folder: PublicFolder) -> None:
    folder.go_live(NEWER)
    newer, same = ask(port, "/index.html"), ask(port, "/same.zip")
    assert ask(port, "/index.html", If_None_Match=newer.headers["ETag"] or "").status == 304
    folder.go_live(OLDER)
    later = "Fri, 01 Jan 2100 00:00:00 GMT"
    for headers in (
        {"If_None_Match": newer.headers["ETag"] or ""},
        {"If_Modified_Since": later},
        {"If_None_Match": newer.headers["ETag"] or "", "If_Modified_Since": later},
    ):
        got = ask(port, "/index.html", **headers)
        assert (got.status, got.body) == (200, FILES[OLDER]["index.html"])
    unchanged = ask(port, "/same.zip", If_None_Match=same.headers["ETag"] or "")
    assert (unchanged.status, unchanged.body) == (304, b"")


def test_a_link_in_a_cut_is_not_followed(port: int, folder: PublicFolder) -> None:
    (folder.site(NEWER) / "link.json").symlink_to(folder.public / "live.map")
    folder.go_live(NEWER)
    assert ask(port, "/link.json").status in {403, 404}


@pytest.mark.server
def test_it_never_mixes_two_cuts_under_switches(port: int, folder: PublicFolder) -> None:
    expected = {
        cut: {f"/{name}": hashlib.sha256(content).hexdigest() for name, content in files.items()}
        for cut, files in FILES.items()
    }
    for files in expected.values():
        files["/"] = files["/index.html"]
    paths = ["/", "/index.html", "/same.zip", "/_prep/estado.json"]
    turn = cycle((OLDER, NEWER))
    folder.go_live(NEWER)
    tally = drive(
        port,
        expected,
        paths,
        lambda: folder.go_live(next(turn)),
        requests=2_000,
        switches=100,
        pause_s=0.005,
        deadline_s=60,
        visitors=2,
    )
    assert (tally.faults, tally.examples) == (0, [])
    assert tally.requests >= 2_000
    assert tally.switches >= 100
    assert tally.cuts == {OLDER, NEWER}
