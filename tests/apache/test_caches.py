"""Visitors and caches that hold a newer cut get the older one after a rollback."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.apache.server import Answer, Apache
from tests.apache.stations import PublicFolder

pytestmark = pytest.mark.server

OLDER, NEWER = "20240602_2005", "20240602_2010"


def validators(answer: Answer) -> dict[str, dict[str, str]]:
    """The headers with which a visitor asks again, in each manner that there is."""
    match = {"If-None-Match": answer.headers["ETag"]}
    since = {"If-Modified-Since": answer.headers["Last-Modified"]}
    return {"If-None-Match": match, "If-Modified-Since": since, "both": match | since}


def ask_again(apache: Apache, path: str, held: Answer) -> Mapping[str, Answer]:
    return {how: apache.get(path, headers) for how, headers in validators(held).items()}


@pytest.fixture
def folder(scratch: Path) -> PublicFolder:
    """Two cuts with one changed file of equal size and one unchanged file."""
    folder = PublicFolder(scratch / "station")
    folder.put_cut(OLDER, {"datos.csv": b"older", "logo.png": b"same in both"})
    newer = {"datos.csv": b"newer", "logo.png": b"same in both"}
    folder.put_cut(NEWER, newer, unchanged_from=OLDER)
    return folder


def test_after_a_rollback_everyone_gets_the_older_cut(folder: PublicFolder, scratch: Path) -> None:
    folder.go_live(NEWER)
    with Apache(folder.settings, scratch / "apache") as apache:
        held = apache.get("/datos.csv")
        assert (held.body, held.cut) == (b"newer", NEWER)
        assert ask_again(apache, "/datos.csv", held)["If-None-Match"].status == 304
        folder.go_live(OLDER)
        for how, answer in ask_again(apache, "/datos.csv", held).items():
            assert (answer.status, answer.body, answer.cut) == (200, b"older", OLDER), how
        folder.go_live(NEWER)
        for how, answer in ask_again(apache, "/datos.csv", apache.get("/datos.csv")).items():
            status = 200 if how == "If-Modified-Since" else 304  # a date alone is never believed
            assert answer.status == status, how


def test_the_estado_pages_are_new_after_each_switch(folder: PublicFolder, scratch: Path) -> None:
    folder.go_live(NEWER)
    with Apache(folder.settings, scratch / "apache") as apache:
        for path in ("/", "/_prep/estado.json", "/_prep/estado.html"):
            held = apache.get(path)
            folder.go_live(OLDER)
            for how, answer in ask_again(apache, path, held).items():
                assert (answer.status, answer.cut) == (200, OLDER), (path, how)
            folder.go_live(NEWER)


def test_an_unchanged_file_stays_304_across_switches(folder: PublicFolder, scratch: Path) -> None:
    folder.go_live(OLDER)
    with Apache(folder.settings, scratch / "apache") as apache:
        held = apache.get("/logo.png")
        for cut in (NEWER, OLDER, NEWER):
            folder.go_live(cut)
            again = ask_again(apache, "/logo.png", held)
            assert again["If-None-Match"].status == again["both"].status == 304
            assert again["If-None-Match"].body == b""


def test_equal_size_and_equal_time_are_still_two_files(folder: PublicFolder, scratch: Path) -> None:
    """The default ETag, size and time, took these for one: the inode tells them apart."""
    moment = 1_717_380_000 * 10**9
    for cut in (OLDER, NEWER):
        os.utime(folder.site(cut) / "datos.csv", ns=(moment, moment))
    folder.go_live(NEWER)
    with Apache(folder.settings, scratch / "apache") as apache:
        held = apache.get("/datos.csv")
        folder.go_live(OLDER)
        for how, answer in ask_again(apache, "/datos.csv", held).items():
            assert (answer.status, answer.body) == (200, b"older"), how
