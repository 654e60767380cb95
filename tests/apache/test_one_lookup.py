"""Exactly one look-up in each request, counted in the trace of mod_rewrite."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apache.server import Apache
from tests.apache.stations import PublicFolder

pytestmark = pytest.mark.server

CUT = "20240602_2005"
LOOK_UP = re.compile(r"(?:map|cache) lookup (?:OK|FAILED): map=\S*prep\S* key=pair")


def traced(conf: str) -> str:
    """Every step in the log; and error pages and indexes that are requests within the one."""
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
