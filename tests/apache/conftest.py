"""A station with one live cut behind the private Apache and behind Debian's own settings."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.apache.debian import DebianApache
from tests.apache.server import Apache
from tests.apache.stations import PublicFolder

LIVE = "20240602_2010"
WITHDRAWN = "20240602_2005"

DELIVERED = {
    "20240602_2010_PREP.zip": b"PK\x03\x04zip",
    "datos.csv": b"A|B\r1|2\r" * 900,
    "datos.json": b'{"a": 1}' * 900,
    "pagina.html": b"<meta charset='utf-8'><p>\xc3\xb1" + b" " * 4000,
    "con espacio.csv": b"a space",
    "a\xf1o \xc3\xb1.csv".encode("latin-1").decode("utf-8", "surrogateescape"): b"two encodings",
    "100%.csv": b"percent",
    "que?.csv": b"question mark",
    "que": b"NOT the question mark",
    "a?b?c#d;e&f=g.csv": b"all of them",
    "$1 %1 ${prep:pair} %{ENV:PATH}.csv": b"variables",
    "dos\nlineas.csv": b"a line break",
    "atras\\..\\..\\x.csv": b"backslashes",
    "comilla'\".csv": b"quotes",
    "todo.tar.gz": b"\x1f\x8b\x08tar",
    "viejo.Z": b"\x1f\x9dZ",
    "suelto.gz": b"\x1f\x8b\x08gz",
    "shell.php": b"<?php echo 6 * 7; ?>",
    "guion.cgi": b"#!/bin/sh\necho Status: 500\n",
    "variantes.var": b"URI: datos.csv\nContent-type: text/csv\n",
    "incluye.shtml": b'<!--#include virtual="/datos.csv" -->',
    "elige.html.es": b"es",
    "elige.html.en": b"en",
    "carpeta/index.html": b"a folder's page",
    "sin_pagina/datos.csv": b"no page here",
    "carpeta/.htaccess": b"Require all denied\n",
    "cuts/20240602_2005/site/solo.csv": b"a path that looks like another cut's",
    "server-status": b"a delivered file of that name",
}
SECRET = b"SECRET of a cut that is not live"


@dataclass(frozen=True, slots=True)
class Site:
    folder: PublicFolder
    apache: Apache


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A scratch folder that stays passable: a second pytest run closes ``tmp_path`` again."""
    with tempfile.TemporaryDirectory(prefix="prep-apache-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def scratch() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def shared_scratch() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="module", params=["standalone", "vhost"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """LIVE is live with DELIVERED; WITHDRAWN lies beside it. Tests must not switch it."""
    with open_folder() as scratch:
        an_hour_ago = time.time_ns() - 3600 * 10**9  # Apache trusts the date of no younger file
        folder = PublicFolder(scratch / "station", _moment=an_hour_ago)
        folder.put_cut(WITHDRAWN, dict.fromkeys(["secreto.csv", "index.html", "datos.csv"], SECRET))
        folder.put_cut(LIVE, DELIVERED)
        for cut in (WITHDRAWN, LIVE):
            (folder.root / "cuts" / cut / "cut.json").write_bytes(SECRET)
        for private in ("staging", "journal", "run"):
            (folder.root / private).mkdir()
            (folder.root / private / "secreto.csv").write_bytes(SECRET)
        linked = folder.site(LIVE)
        (linked / "enlace.csv").symlink_to(folder.site(WITHDRAWN) / "secreto.csv")
        (linked / "enlaces").symlink_to(folder.site(WITHDRAWN))
        folder.go_live(WITHDRAWN)
        folder.go_live(LIVE)
        kind = DebianApache if request.param == "vhost" else Apache
        with kind(folder.settings, scratch / "apache") as apache:
            yield Site(folder, apache)
