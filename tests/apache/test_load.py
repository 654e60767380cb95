"""Whole answers of one named cut while the pointer switches, behind a real Apache."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.apache.load import ESTADO_JSON, Expected, Tally, drive
from tests.apache.server import Apache
from tests.apache.stations import PublicFolder
from tests.proof import table

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(1200)]

REQUESTS = int(os.environ.get("PREP_LOAD_REQUESTS", "100000"))
SWITCHES = int(os.environ.get("PREP_LOAD_SWITCHES", "3000"))
CUTS = ("20240602_2005", "20240602_2010", "20240602_2010.2")
KIB = 1024
SIZES = {
    "small.json": (KIB // 2, 3 * KIB, KIB),
    "data/results.csv": (40 * KIB, 2 * KIB, 90 * KIB),
    "data/index.html": (5 * KIB, 700, 20 * KIB),
    "database.zip": (300 * KIB, 80 * KIB, KIB),
}
"""Bytes of each file in each cut: a length and a body of two cuts can never agree."""

PATHS = ["/small.json", "/", "/data/", ESTADO_JSON, "/data/results.csv"] * 4 + ["/database.zip"]


def fill(folder: PublicFolder) -> Expected:
    """Three cuts of unlike sizes; only the first one has a page of its own for ``/``."""
    noise = random.Random(1)
    expected: dict[str, dict[str, str]] = {}
    for position, cut in enumerate(CUTS):
        files = {name: noise.randbytes(sizes[position]) for name, sizes in SIZES.items()}
        if position == 0:
            files["index.html"] = noise.randbytes(9 * KIB)
        folder.put_cut(cut, files)
        hashes = {f"/{n}": hashlib.sha256(content).hexdigest() for n, content in files.items()}
        hashes["/data/"] = hashes["/data/index.html"]
        if position == 0:
            hashes["/"] = hashes["/index.html"]
        expected[cut] = hashes
    return expected


def switcher(folder: PublicFolder) -> Callable[[], object]:
    """To and fro between the cuts: publish, publish, roll back, roll back, ..."""
    order = itertools.cycle([0, 1, 2, 1])
    return lambda: folder.go_live(CUTS[next(order)])


def test_every_answer_is_whole_and_of_the_cut_it_names(scratch: Path) -> None:
    folder = PublicFolder(scratch / "station")
    expected = fill(folder)
    switch = switcher(folder)
    switch()
    with Apache(folder.settings, scratch / "apache") as apache:
        tally = drive(
            apache.port,
            expected,
            PATHS,
            switch,
            requests=REQUESTS,
            switches=SWITCHES,
            pause_s=0.005,
            deadline_s=900,
        )
        print(tally)
        assert "[crit]" not in apache.errors
    table.record(
        "pointer switched under load, answers of Apache",
        tried=SWITCHES,
        fired=tally.switches,
        bad=tally.faults,
    )
    assert tally.faults == 0, tally
    assert tally.requests >= REQUESTS
    assert tally.switches >= SWITCHES
    assert tally.cuts == set(CUTS)


def until_broken(
    apache: Apache, expected: Expected, switch: Callable[[], object], *, named: bool
) -> Tally:
    paths = [path for path in PATHS if path in {"/small.json", "/data/results.csv"}]
    return drive(
        apache.port,
        expected,
        paths,
        switch,
        requests=10**9,
        switches=10**9,
        pause_s=0.0,
        deadline_s=90,
        named=named,
        stop_when_broken=True,
    )


def test_the_harness_finds_the_fault_of_a_symlink(scratch: Path) -> None:
    folder = PublicFolder(scratch / "station")
    expected = fill(folder)
    folder.go_live(CUTS[0])
    current = folder.root / "cuts" / "current"
    order = itertools.cycle(CUTS)

    def switch() -> None:
        beside = folder.root / "cuts" / "current.new"
        beside.symlink_to(next(order) + "/site")
        beside.rename(current)

    def symlinked(conf: str) -> str:
        root = f"{folder.root.resolve()}/cuts"
        return (
            conf.replace("RewriteEngine On", "RewriteEngine Off")
            .replace(f'DocumentRoot "{folder.public}"', f'DocumentRoot "{root}/current"')
            .replace(
                f'<Directory "{root}/*/site">',
                f'<Directory "{root}">\n Options FollowSymLinks\n Require all granted\n</Directory>'
                f'\n<Directory "{root}/*/site">',
            )
        )

    switch()
    with Apache(folder.settings, scratch / "apache", edit=symlinked) as apache:
        assert apache.get("/small.json").status == 200
        tally = until_broken(apache, expected, switch, named=False)
    print(tally)
    assert tally.broken > 0, tally


def test_the_harness_finds_the_fault_of_a_second_look_up(scratch: Path) -> None:
    folder = PublicFolder(scratch / "station")
    expected = fill(folder)
    switch = switcher(folder)
    switch()

    def looked_up_twice(conf: str) -> str:
        once = "RewriteRule ^ - [E=PREP_ESTADO:%1,E=PREP_CUT:%2]"
        path = "site%{REQUEST_URI}?"
        assert once in conf
        assert path in conf
        return conf.replace("/%{ENV:PREP_CUT}/" + path, "/${prep:cut}/" + path)

    with Apache(folder.settings, scratch / "apache", edit=looked_up_twice) as apache:
        tally = until_broken(apache, expected, switch, named=True)
    print(tally)
    assert tally.mixed > 0, tally
    assert tally.truncated == tally.empty == 0, tally
