"""What an address can reach: every delivered file, whatever its name, and nothing else."""

from __future__ import annotations

import random
from urllib.parse import quote

import pytest

from tests.apache.conftest import DELIVERED, LIVE, SECRET, WITHDRAWN, Site
from tests.apache.stations import estado

pytestmark = pytest.mark.server


@pytest.mark.parametrize("name", [n for n in DELIVERED if not n.endswith(".htaccess")])
def test_every_delivered_file_comes_byte_for_byte(site: Site, name: str) -> None:
    answer = site.apache.get("/" + quote(name, errors="surrogateescape"))
    assert (answer.status, answer.body) == (200, DELIVERED[name])
    assert answer.cut == LIVE


def test_a_query_chooses_nothing(site: Site) -> None:
    assert site.apache.get("/datos.csv?x=1&y=?/../z").body == DELIVERED["datos.csv"]
    assert site.apache.get("/que?.csv").body == DELIVERED["que"]


def test_the_root_shows_the_estado_where_the_cut_has_no_page(site: Site) -> None:
    answer = site.apache.get("/")
    assert (answer.status, answer.body, answer.cut) == (200, estado(LIVE, 2, "html"), LIVE)
    assert site.apache.get("/index.html").status == 404


def test_a_folder_shows_its_page_or_nothing(site: Site) -> None:
    assert site.apache.get("/carpeta/").body == b"a folder's page"
    assert site.apache.get("/sin_pagina/").status == 404
    moved = site.apache.get("/carpeta?x")
    assert moved.status == 301
    assert moved.headers["Location"].endswith("127.0.0.1/carpeta/?x")
    assert b"Apache" not in moved.body


@pytest.mark.parametrize("kind", ["json", "html"])
def test_the_estado_is_under_the_reserved_prefix(site: Site, kind: str) -> None:
    answer = site.apache.get(f"/_prep/estado.{kind}?{random.random()}")
    assert (answer.status, answer.body, answer.cut) == (200, estado(LIVE, 2, kind), LIVE)
    assert answer.headers["X-Prep-Estado"] == "2"


HOSTILE = [
    f"/cuts/{WITHDRAWN}/site/secreto.csv",
    f"/{WITHDRAWN}/site/secreto.csv",
    "/secreto.csv",
    "/../secreto.csv",
    "/../../secreto.csv",
    f"/../../{WITHDRAWN}/site/secreto.csv",
    f"/carpeta/../../../{WITHDRAWN}/site/secreto.csv",
    f"/%2e%2e/%2e%2e/{WITHDRAWN}/site/secreto.csv",
    f"/.%2e/%2e./{WITHDRAWN}/site/secreto.csv",
    f"/carpeta%2f..%2f..%2f..%2f{WITHDRAWN}%2fsite%2fsecreto.csv",
    f"/..%2f..%2f{WITHDRAWN}%2fsite%2fsecreto.csv",
    f"/%252e%252e/%252e%252e/{WITHDRAWN}/site/secreto.csv",
    f"/..%5c..%5c{WITHDRAWN}%5csite%5csecreto.csv",
    f"//../..//{WITHDRAWN}//site//secreto.csv",
    f"/..;/..;/{WITHDRAWN}/site/secreto.csv",
    f"/%c0%ae%c0%ae/%c0%ae%c0%ae/{WITHDRAWN}/site/secreto.csv",
    "/cut.json",
    "/../cut.json",
    "/carpeta/..%2f..%2fcut.json",
    "/live.map",
    "/public/live.map",
    "/_prep/live.map",
    "/_prep/../../live.map",
    "/_prep/1.json",
    "/_prep/estado/1.json",
    "/_prep/estado.json/../1.json",
    "/_prep/estado.jsonx",
    "/_prep/",
    "/_prep/.estado.json",
    "/estado/1.json",
    "/public/estado/1.json",
    "/journal/secreto.csv",
    "/staging/secreto.csv",
    "/enlace.csv",
    "/enlaces/secreto.csv",
    "/enlaces/",
    "/datos.csv/",
    "/datos.csv/secreto.csv",
    "/datos.csv/../secreto.csv",
    "/DATOS.CSV",
    "/datos",
    "/elige.html",
    "/elige",
    "/carpeta/.htaccess",
    "/sin_pagina/",
    "/~root/",
    "/~www-data/",
    "/cgi-bin/php",
    "/cgi-bin/",
    "/icons/",
    "/icons/apache_pb.png",
    "/javascript/",
    "/manual/",
    "/server-info",
    "/balancer-manager",
    "/error/HTTP_NOT_FOUND.html.var",
    "/etc/passwd",
    "/%00",
    "/datos.csv%00.html",
    "/secreto.csv%0a",
    "/%0d%0aX-Prep-Cut:%20other",
    "/" + "a" * 300,
    "/" + "a/" * 2000,
]


@pytest.mark.parametrize("target", HOSTILE)
def test_no_address_leads_elsewhere(site: Site, target: str) -> None:
    answer = site.apache.get(target)
    assert answer.status in {400, 403, 404}, answer
    assert SECRET not in answer.body
    assert len(answer.body) < 120  # a notice
    assert answer.cut in {None, LIVE}
    assert answer.headers["Cache-Control"] in {"no-store", None}


def test_a_repeated_slash_is_one(site: Site) -> None:
    assert site.apache.get("//carpeta///index.html").body == b"a folder's page"


def test_random_addresses_reach_only_what_was_delivered(site: Site) -> None:
    bits = [
        *("..", ".", "%2e%2e", "..%2f", "%2f", "%5c", ";", "%3f", "?", "%00", "%0a", "#", "*"),
        *("cuts", WITHDRAWN, LIVE, "site", "secreto.csv", "datos.csv", "cut.json", "public"),
        *("estado", "1.json", "2.json", "live.map", "_prep", "estado.json", "carpeta", "enlaces"),
        *("index.html", "%{ENV:PREP_CUT}", "$1", "${prep:pair}", "%ff", "~root", "journal"),
    ]
    served = {*DELIVERED.values(), *(estado(LIVE, 2, kind) for kind in ("json", "html"))}
    choice = random.Random(20240602)
    connection = site.apache.connect()
    statuses = set()
    for _ in range(3000):
        glue = choice.choice(["/", "/", "/", "//", "", "/./"])
        target = "/" + glue.join(choice.choices(bits, k=choice.randint(1, 9)))
        connection.putrequest("GET", target.replace(" ", "%20"))
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        statuses.add(answer.status)
        assert SECRET not in body, target
        if answer.status == 200:
            assert body in served, target
            assert answer.headers["X-Prep-Cut"] == LIVE
        else:
            assert answer.status in {301, 400, 403, 404}, (target, answer.status)
    connection.close()
    assert {200, 400, 404} <= statuses


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "FOO"]
)
def test_the_site_is_read_only(site: Site, method: str) -> None:
    for target in ("/datos.csv", "/", "/_prep/estado.json", "/shell.php"):
        answer = site.apache.get(target, {"X-Echo": "echo", "Content-Length": "0"}, method=method)
        assert answer.status == 405, (target, answer)
        assert answer.headers["Allow"] == "GET, HEAD"
        assert b"echo" not in answer.body


@pytest.mark.parametrize("request_line", [b"OPTIONS *", b"CONNECT example.org:443", b"GET datos"])
def test_requests_without_a_path_get_nothing(site: Site, request_line: bytes) -> None:
    answer = site.apache.ask(request_line)
    assert answer.status in {200, 400, 405}
    assert len(answer.body) < 120  # a notice or nothing
    assert answer.headers["X-Prep-Cut"] is None


def test_an_address_of_another_host_is_not_fetched_for_anyone(site: Site) -> None:
    answer = site.apache.get("http://example.org/datos.csv")
    assert (answer.status, answer.body) == (200, DELIVERED["datos.csv"])


def test_nobody_sends_us_much(site: Site) -> None:
    assert site.apache.get("/datos.csv", {"Content-Length": "5000"}).status == 413


def test_head_is_get_without_the_body(site: Site) -> None:
    answer = site.apache.get("/datos.csv", method="HEAD")
    assert (answer.status, answer.body, answer.cut) == (200, b"", LIVE)
    assert int(answer.headers["Content-Length"]) == len(DELIVERED["datos.csv"])


def test_server_status_is_for_the_console_only(site: Site) -> None:
    answer = site.apache.get("/_prep/server-status?auto")
    assert answer.status == 200
    assert b"BusyWorkers:" in answer.body
    forwarded = site.apache.get("/_prep/server-status?auto", {"X-Forwarded-For": "203.0.113.9"})
    assert forwarded.status == 403
    assert b"BusyWorkers" not in forwarded.body
