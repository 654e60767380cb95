"""The public face in a real Chromium, behind the printed Apache settings, in a portal's frame."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from prep_console.config import Election, Publication, Settings, Station
from prep_console.journal.state import State
from prep_console.publication import estado, estado_page, pointer
from prep_console.publication.estado import describe
from prep_console.snapshot import Phase
from prep_console.values import replace
from tests.apache.conftest import open_folder
from tests.apache.server import Apache
from tests.browser.chromium import Chromium
from tests.browser.seeing import seen_well

pytestmark = pytest.mark.server

CUT = "20240602_2005"
TITLE = "Proceso Electoral Local 2023-2024 · Diputaciones y Ayuntamientos <de Querétaro>"
REASON = 'traía <b onclick="x()">datos de prueba</b> & \x1b[31m'
SAFE_REASON = 'traía <b onclick="x()">datos de prueba</b> & \\x1b[31m'
WIDTHS = ((360, 640), (768, 1024), (1280, 800))


def station(root: Path, *, phase: Phase = "jornada", portals: list[str] | None = None) -> Settings:
    return Settings(
        station=Station(root=str(root), name="Difusor <UNO>", phase=phase),
        election=Election(title=TITLE),
        publication=Publication(frame_ancestors=portals or []),
    )


LIVE = State(live=CUT)
SITUATIONS: dict[str, tuple[Phase, State, str | None]] = {
    "live": ("jornada", LIVE, CUT),
    "rehearsal": ("simulacro", LIVE, CUT),
    "restored": ("jornada", replace(LIVE, restored=REASON), CUT),
    "no-reason": ("jornada", replace(LIVE, restored=""), CUT),
    "final": ("jornada", replace(LIVE, mode="frozen"), CUT),
    "nothing": ("simulacro", State(), None),
}
SAYS = {
    "live": "Es el último corte publicado aquí.",
    "rehearsal": "SIMULACRO: estos no son resultados",
    "restored": f"Se volvió a publicar un corte anterior.\n\nMotivo: {SAFE_REASON}",
    "no-reason": "Se volvió a publicar un corte anterior.",
    "final": "Corte final.",
    "nothing": "En este momento no hay ningún corte publicado.",
}


class Portal:
    """Another origin that shows one address of ours in a frame."""

    def __init__(self, framed: str) -> None:
        body = (
            "<!doctype html><html lang=es><title>Portal</title><h1>Portal de noticias</h1>"
            f"<iframe title=PREP src='{framed}' style='width:100%;height:34rem;border:0'></iframe>"
        ).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> Portal:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as browser:
        yield browser


Show = Callable[[str], str]


@pytest.fixture(scope="module")
def show() -> Iterator[Show]:
    """Makes a situation public behind a real Apache; the address of its page."""
    numbers = itertools.count(1)
    with open_folder() as scratch:
        settings = station(scratch / "station")
        public = settings.root / "public"
        for folder in (settings.root / "cuts" / CUT / "site", public / "estado"):
            folder.mkdir(parents=True)
        (settings.root / "cuts" / CUT / "site" / "datos.csv").write_bytes(b"A|B\r\n")
        with Apache(settings, scratch / "apache") as apache:

            def show(situation: str) -> str:
                phase, state, cut = SITUATIONS[situation]
                seq = next(numbers)
                said = describe(station(settings.root, phase=phase), state, cut)
                estado.write(public, seq, said, (7, "0" * 64))
                pointer.write(public, pointer.Live(cut, seq))
                return f"{apache.url}/_prep/estado.html?{seq}"

            yield show


@pytest.mark.parametrize("situation", SITUATIONS)
def test_it_is_readable_at_every_width_by_day_and_by_night(
    browser: Chromium, show: Show, situation: str, tmp_path: Path
) -> None:
    url = show(situation)
    with browser.page() as page:
        for (width, height), dark in itertools.product(WIDTHS, (False, True)):
            page.resize(width, height, dark=dark)
            page.open(url)
            seen = seen_well(page)
            assert seen["seen"] == width
            largest = max(seen["texts"], key=lambda text: text["size"])
            if SITUATIONS[situation][2]:
                assert (largest["text"], largest["size"] >= 50) == ("20:05 h", True)
            page.picture(tmp_path / f"{situation}-{width}-{'night' if dark else 'day'}.png")
        assert SAYS[situation] in page.evaluate("document.querySelector('main').innerText")
        assert ("SIMULACRO" in page.evaluate("document.body.innerText")) == (
            SITUATIONS[situation][0] == "simulacro"
        )
        assert page.complaints == []
        assert {one.partition("?")[0] for one in page.asked} <= {
            url.partition("?")[0],
            url.partition("/_prep")[0] + "/favicon.ico",
        }, "nothing from elsewhere is fetched"


def test_a_screen_reader_is_told_the_same(browser: Chromium, show: Show) -> None:
    url = show("restored")
    with browser.page() as page:
        page.resize(360, 640)
        page.open(url)
        told = page.spoken()
        assert [name for role, name in told if role == "heading"] == [TITLE, "In English"]
        assert {"main", "contentinfo"} <= {role for role, _ in told}
        said = " ".join(name for role, name in told if role == "StaticText")
        assert "Resultados preliminares al corte de 20:05 h 2 de junio de 2024 (UTC-6)" in said
        assert SAFE_REASON in said
        assert page.evaluate("document.documentElement.lang") == "es"
        assert page.evaluate("document.querySelector('footer').lang") == "en"
        times = "[...document.querySelectorAll('time')].map(t => t.dateTime)"
        assert set(page.evaluate(times)) == {"2024-06-02T20:05:00-06:00"}


def test_a_reason_is_text_and_nothing_else(browser: Chromium, show: Show) -> None:
    url = show("restored")
    with browser.page(scripts=True) as page:
        page.open(url)
        assert page.evaluate("document.querySelectorAll('b, script, [onclick]').length") == 0
        assert page.evaluate("document.querySelector('q').textContent") == SAFE_REASON
        assert page.complaints == []
        page.evaluate("document.body.append(Object.assign(new Image(), {src: '/x.png'}))")
        page.evaluate(
            "document.head.append(Object.assign(document.createElement('script'),{text:'x'}))"
        )
        page.browser.until(lambda: len(page.complaints) >= 2, "its own policy refuses both")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_a_portal_of_another_origin_frames_it(
    browser: Chromium, show: Show, width: int, tmp_path: Path
) -> None:
    url = show("restored")
    with Portal(url) as portal, browser.page() as page:
        page.resize(width, 800)
        page.open(portal.origin)
        seen = seen_well(page, frame=url)
        assert "20:05 h" in [text["text"] for text in seen["texts"]]
        whole = "document.documentElement.scrollHeight <= innerHeight"
        assert page.evaluate(whole, frame=url), "docs/apache.md: 34 rem show it whole"
        page.picture(tmp_path / f"frame-{width}.png")


def test_only_the_portals_of_the_settings_may_frame_it(browser: Chromium, tmp_path: Path) -> None:
    with open_folder() as scratch:
        settings = station(scratch / "station", portals=["http://portal.example.mx"])
        (settings.root / "public" / "estado").mkdir(parents=True)
        (settings.root / "cuts").mkdir()
        with Apache(settings, scratch / "apache") as apache, browser.page() as page:
            said = describe(settings, State(), None)
            estado.write(settings.root / "public", 1, said, (7, "0" * 64))
            pointer.write(settings.root / "public", pointer.Live(None, 1))
            with Portal(f"{apache.url}/_prep/estado.html") as stranger:
                page.open(stranger.origin)
            (framed,) = page.frames()
            assert framed["url"].startswith("chrome-error:"), framed
            assert any("frame-ancestors" in said for said in page.complaints)


@pytest.mark.parametrize("phase", ["jornada", "simulacro"])
def test_the_notice_that_nothing_is_public(browser: Chromium, phase: Phase, tmp_path: Path) -> None:
    with open_folder() as scratch:
        settings = station(scratch / "station", phase=phase)
        settings = Settings(
            station=settings.station,
            election=Election(title=TITLE + " 100 % %{REMOTE_ADDR} ${PATH} \"'\\"),
        )
        settings.root.mkdir()
        with Apache(settings, scratch / "apache") as apache, browser.page() as page:
            answer = apache.get("/")
            assert (answer.status, answer.body.decode("ascii")) == (503, answer.body.decode())
            for (width, height), dark in itertools.product(WIDTHS, (False, True)):
                page.resize(width, height, dark=dark)
                page.open(f"{apache.url}/")
                seen_well(page)
                page.picture(tmp_path / f"notice-{phase}-{width}-{'night' if dark else 'day'}.png")
            said = page.evaluate("document.body.innerText")
            assert settings.election.title in said
            assert "En este momento no hay ningún corte publicado." in said
            assert "Please come back later." in said
            assert ("SIMULACRO" in said) == (phase == "simulacro")
            assert all("503" in complaint for complaint in page.complaints)


def test_the_longest_page_fits_into_its_spare_file() -> None:
    settings = Settings(
        station=Station(root="/srv/prep", name="&" * 200), election=Election(title="<" * 400)
    )
    said = describe(settings, replace(LIVE, restored="<\x1b" * 5000), CUT)
    page = estado_page.page({**said.document, "journal": {}}, said.reason, said.language)
    assert len(page.encode()) < estado._SPARE_BYTES


def test_the_json_says_what_it_always_said() -> None:
    said = describe(station(Path("/srv/prep")), replace(LIVE, restored=REASON), CUT)
    assert list(said.document) == [
        "schema", "station", "title", "phase", "cut", "stamp", "parts", "restored", "final",
    ]  # fmt: skip
    assert said.document["restored"] is True
