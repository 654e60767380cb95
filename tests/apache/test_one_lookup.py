"""One look-up in each request, counted in the trace of mod_rewrite; and a child that survives."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apache.server import Apache
from tests.apache.stations import PublicFolder
from tests.waiting import wait_until

pytestmark = pytest.mark.server

CUT = "20240602_2005"
LOOK_UP = re.compile(r"(?:map|cache) lookup (?:OK|FAILED): map=\S*prep\S* key=pair")


def traced(conf: str) -> str:
    """Every step of mod_rewrite in the log; error pages and indexes that are requests within one."""
    conf = conf.replace("LogLevel warn", "LogLevel warn rewrite:trace6")
    conf = conf.replace("DirectoryIndex disabled", "DirectoryIndex index.html")
    return re.sub(r"ErrorDocument (40[34]) .*", r"ErrorDocument \1 /data/index.html", conf)


@pytest.fixture(scope="module")
def apache(shared_scratch: Path) -> Iterator[Apache]:
    folder = PublicFolder(shared_scratch / "station")
    files = {"a.csv": b"A", "data/index.html": b"page", "odd/index.html/index.html": b"odd"}
    folder.put_cut(CUT, files)
    folder.go_live(CUT)
    with Apache(folder.settings, shared_scratch / "apache", edit=traced) as apache:
        yield apache


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/a.csv", 200),
        ("/data/", 200),
        ("/data", 301),
        ("/odd/", 301),
        ("/missing.csv", 404),
        ("/_prep/estado.json", 200),
        ("/_prep/other", 404),
    ],
)
def test_each_request_looks_up_once(apache: Apache, path: str, status: int) -> None:
    before = len(LOOK_UP.findall(apache.errors))
    answer = apache.get(path)
    assert (answer.status, answer.cut) == (status, CUT)
    assert len(LOOK_UP.findall(apache.errors)) - before == 1


def test_requests_within_a_request_do_happen_here(apache: Apache) -> None:
    """Or the test above would show nothing of them."""
    seen = len(apache.errors)
    assert apache.get("/_prep/other").body == b"page"
    apache.get("/odd/")
    assert "initial/redir#1] init rewrite engine" in apache.errors[seen:]
    assert "subreq] init rewrite engine" in apache.errors[seen:]


def test_a_file_cut_short_breaks_one_answer_and_no_child(scratch: Path) -> None:
    folder = PublicFolder(scratch / "station")
    folder.put_cut(CUT, {"database.zip": b"z" * 3_500_000, "a.csv": b"A"})
    folder.go_live(CUT)
    with Apache(folder.settings, scratch / "apache") as apache:
        with contextlib.closing(socket.socket()) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", apache.port))
            slow.settimeout(20)
            slow.sendall(b"GET /database.zip HTTP/1.0\r\n\r\n")
            received = len(slow.recv(4096))
            with (folder.site(CUT) / "database.zip").open("r+b") as sealed:
                sealed.truncate(100_000)
            while some := slow.recv(262_144):
                received += len(some)
        assert received < 3_500_000
        wait_until(lambda: apache.get("/a.csv").body == b"A")
        assert "exit signal" not in apache.errors
