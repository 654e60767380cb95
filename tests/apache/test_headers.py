"""What goes with the bytes: types, frames, caches, and never an encoding of our own."""

from __future__ import annotations

import pytest

from tests.apache.conftest import DELIVERED, LIVE, Site

pytestmark = pytest.mark.server


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("datos.csv", "text/csv"),
        ("datos.json", "application/json"),
        ("pagina.html", "text/html"),
        ("20240602_2010_PREP.zip", "application/zip"),
        ("todo.tar.gz", "application/gzip"),
        ("suelto.gz", "application/gzip"),
    ],
)
def test_the_bytes_are_as_delivered_whatever_the_visitor_accepts(
    site: Site, name: str, type_: str
) -> None:
    plain = site.apache.get(f"/{name}")
    packed = site.apache.get(f"/{name}", {"Accept-Encoding": "gzip, br", "Accept-Language": "en"})
    for answer in (plain, packed):
        assert answer.body == DELIVERED[name]
        assert answer.headers["Content-Type"] == type_  # no charset: the file itself says it
        assert answer.headers["Content-Encoding"] is None
        assert answer.headers["Content-Language"] is None
        assert answer.headers["Vary"] is None
    assert plain.headers["ETag"].removeprefix("W/") == packed.headers["ETag"].removeprefix("W/")


@pytest.mark.parametrize("name", ["viejo.Z", "shell.php", "incluye.shtml", "variantes.var"])
def test_no_name_gets_a_wrapping_or_a_handler(site: Site, name: str) -> None:
    answer = site.apache.get(f"/{name}")
    assert answer.body == DELIVERED[name]
    assert answer.headers["Content-Encoding"] is None
    assert answer.headers["ETag"]


@pytest.mark.parametrize("path", ["/datos.csv", "/", "/_prep/estado.json", "/nada", "/carpeta"])
def test_each_answer_carries_the_common_headers_once(site: Site, path: str) -> None:
    answer = site.apache.get(path)
    once = {
        "X-Prep-Cut": LIVE,
        "X-Prep-Estado": "2",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "ETag, X-Prep-Cut, X-Prep-Estado, X-Prep-Phase",
        "Content-Security-Policy": "frame-ancestors *",
        "Cache-Control": "no-store" if answer.status == 404 else "no-cache",
    }
    assert {name: answer.headers.get_all(name) for name in once} == {
        name: [value] for name, value in once.items()
    }
    for absent in ("X-Frame-Options", "Expires", "X-Prep-Phase", "Set-Cookie"):
        assert answer.headers[absent] is None


def test_a_part_of_a_file_is_asked_for_by_etag_only(site: Site) -> None:
    whole = site.apache.get("/datos.csv")
    part = site.apache.get("/datos.csv", {"Range": "bytes=2-5"})
    assert (part.status, part.body, part.cut) == (206, whole.body[2:6], LIVE)
    other = {"Range": "bytes=2-5", "If-Range": '"another"'}
    assert site.apache.get("/datos.csv", other).status == 200
    # A date cannot tell two cuts of one second apart: joining their halves would be no file.
    dated = {"Range": "bytes=2-5", "If-Range": whole.headers["Last-Modified"]}
    answer = site.apache.get("/datos.csv", dated)
    assert (answer.status, answer.body) == (200, whole.body)
