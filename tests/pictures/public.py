"""What the public sees, as a real Chromium draws it: the page of the hour after a rollback."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from prep_console.config import Election, Settings, Station
from prep_console.journal.state import State
from prep_console.publication import estado
from prep_console.values import replace
from tests.browser.chromium import Chromium

CUT = "20240603_0230"
SIZE = (640, 460)


def take(out: Path) -> Path:
    """The picture's file in the folder ``out``."""
    settings = Settings(
        station=Station(root="/srv/prep", name="Difusor UAQ"),
        election=Election(title="Proceso Electoral Local 2023-2024"),
    )
    state = replace(State(live=CUT, mode="hold"), restored="trae datos de prueba")
    picture = out / "public.png"
    with TemporaryDirectory() as scratch, Chromium() as browser, browser.page() as page:
        folder = Path(scratch)
        (folder / "estado").mkdir()
        estado.write(folder, 1, estado.describe(settings, state, CUT), (412, "0" * 64))
        page.resize(*SIZE)
        page.open((folder / "estado" / "1.html").as_uri())
        page.picture(picture)
    return picture
