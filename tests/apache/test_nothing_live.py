"""What the public gets while no cut is live, and when the map itself is gone or damaged."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prep_console.publication import pointer
from tests.apache.server import Answer, Apache
from tests.apache.stations import PublicFolder, estado

pytestmark = pytest.mark.server

CUT = "20240602_2005"


@pytest.fixture(scope="module")
def folder(shared_scratch: Path) -> PublicFolder:
    folder = PublicFolder(shared_scratch / "station")
    folder.put_cut(CUT, {"datos.csv": b"A", "index.html": b"the cut's own page"})
    return folder


@pytest.fixture(scope="module")
def apache(folder: PublicFolder) -> Iterator[Apache]:
    with Apache(folder.settings, folder.root.parent / "apache") as apache:
        yield apache


def is_notice(answer: Answer) -> bool:
    """503, Spanish first, not to be kept, and of no cut."""
    spanish, english = (
        answer.body.find(b"corte publicado"),
        answer.body.find(b"No cut is published"),
    )
    assert answer.status == 503, answer
    assert 0 < spanish < english
    assert answer.headers["Retry-After"] == "30"
    assert answer.headers.get_all("Cache-Control") == ["no-store"]
    assert answer.cut in {"-", None}
    return True


def test_a_station_that_never_acted_says_so(scratch: Path) -> None:
    folder = PublicFolder(scratch / "station")
    with Apache(folder.settings, scratch / "apache") as apache:
        for path in ("/", "/datos.csv", "/_prep/estado.json", "/_prep/estado.html"):
            assert is_notice(apache.get(path))
    assert pointer.read(folder.public) == pointer.Live(None, 0)


def test_suspended_all_but_the_estado_is_503(folder: PublicFolder, apache: Apache) -> None:
    folder.go_live(CUT)
    assert apache.get("/").body == b"the cut's own page"
    seq = folder.go_live(None)
    for path in ("/", "/datos.csv", f"/cuts/{CUT}/site/datos.csv", "/-/site/datos.csv"):
        assert is_notice(apache.get(path))
    for kind in ("json", "html"):
        answer = apache.get(f"/_prep/estado.{kind}")
        assert (answer.status, answer.body) == (200, estado(None, seq, kind))
        assert (answer.cut, answer.headers["X-Prep-Estado"]) == ("-", str(seq))
    assert apache.get("/_prep/otra.json").status == 404
    assert apache.get("/datos.csv", method="POST").status == 405
    folder.go_live(CUT)
    assert apache.get("/datos.csv").body == b"A"


DAMAGED = [
    b"",
    b"\n\n",
    b"pair",
    b"pair ",
    b"pair 1",
    b"pair 1/",
    b"pair 1/2024",
    b"pair 1/20240602_200",
    b"pair /20240602_2005",
    b"pair x/20240602_2005",
    b"pair -1/20240602_2005",
    b"pair 1/20240602_2005/../../journal",
    b"pair 1/..",
    b"pair 1/.",
    b"pair 1/20240602_2005.1",
    b"pair 1/20240602_2005.02",
    b"pair 1/current",
    b"pair 1%2f20240602_2005",
    b"cut 20240602_2005\nestado 1\n",
    b"PAIR 1/20240602_2005\n",
    b"# pair 1/20240602_2005\n",
    b"\x00\xff" * 3000,
    b"pair 1/" + b"2" * 5000,
    b"x" * 20_000,
]

_later = itertools.count(1)


def put_map(folder: PublicFolder, put: Callable[[Path], object]) -> None:
    """Replace the map by rename with a later time, as the pointer does."""
    beside = folder.public / "damaged"
    put(beside)
    moment = time.time_ns() + next(_later) * 10**9
    os.utime(beside, ns=(moment, moment))
    target = folder.public / "live.map"
    if target.is_dir():
        target.rmdir()
    elif beside.is_dir():
        target.unlink(missing_ok=True)
    beside.rename(target)


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_map_means_nothing_live(
    folder: PublicFolder, apache: Apache, content: bytes
) -> None:
    folder.go_live(CUT)
    assert apache.get("/datos.csv").status == 200
    put_map(folder, lambda path: path.write_bytes(content))
    for path in ("/datos.csv", "/", "/_prep/estado.json"):
        assert is_notice(apache.get(path))
    folder.go_live(CUT)
    assert apache.get("/datos.csv").body == b"A"


def test_a_missing_or_unreadable_map_means_nothing_live(
    folder: PublicFolder, apache: Apache
) -> None:
    folder.go_live(CUT)
    (folder.public / "live.map").unlink()
    assert is_notice(apache.get("/datos.csv"))
    put_map(folder, lambda path: path.mkdir())
    assert is_notice(apache.get("/datos.csv"))
    (folder.public / "live.map").rmdir()
    folder.go_live(CUT)
    assert apache.get("/datos.csv").body == b"A"


def test_a_map_that_names_a_missing_cut_shows_nothing_else(
    folder: PublicFolder, apache: Apache
) -> None:
    folder.go_live("20240602_2359.3")
    answer = apache.get("/datos.csv")
    assert (answer.status, answer.cut) == (403, "20240602_2359.3")
    folder.go_live(CUT)


def test_a_lost_estado_page_does_not_hide_the_cut(folder: PublicFolder, apache: Apache) -> None:
    folder.go_live(CUT)
    shutil.rmtree(folder.public / "estado")
    assert apache.get("/datos.csv").body == b"A"
    assert apache.get("/_prep/estado.json").status == 403
    (folder.public / "estado").mkdir()
