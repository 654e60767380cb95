"""docs/first-night.md, step by step, in a real terminal: from the first screen to a rollback."""

from __future__ import annotations

import json
import re
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from prep_console import config
from tests.console.terminals import CHECKOUT, Tmux
from tests.processes import running
from tests.stations import PROGRAM
from tests.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.slow]

PAGE = CHECKOUT / "docs" / "first-night.md"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that Apache's children may pass through."""
    with tempfile.TemporaryDirectory(prefix="prep-first-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_from_the_first_screen_to_a_cut_that_is_back(home: Path) -> None:
    station = home / "station"
    command = (PROGRAM, "--lang", "es", "demo", "--folder", station)
    with Tmux(home / "tmux", command, (120, 40)) as terminal:
        terminal.see("NADA PUBLICADO", 90)
        terminal.see("anterior", 120)  # two cuts: one to come from, one to go back to
        due = re.search(r"próximo corte [\d:]+ · en (\d+) s", terminal.text())
        assert due is not None, "the demo's cuts are expected as they come, not in five minutes"
        assert int(due[1]) <= 20
        terminal.keys("b")
        terminal.see("¿Por qué? Pulse un número:")
        terminal.keys("1")
        terminal.see("Motivo: trae datos de prueba")
        terminal.keys("s")
        terminal.see("Visto por HTTP a los", 30)
        settings = config.load(station / "config.toml")

        def public(name: str) -> str:
            with urllib.request.urlopen(f"{settings.site.url}_prep/{name}", timeout=10) as answer:
                said: str = answer.read().decode()
                return said

        assert json.loads(public("estado.json"))["restored"] is True
        assert "trae datos de prueba" in public("estado.html")
        terminal.keys("Enter")
        terminal.see("▲ RETENIDO: desde")
        terminal.keys("h")
        terminal.see("SOLTAR: AUTOMÁTICO OTRA VEZ")
        terminal.keys("1")
        terminal.see("Motivo:")
        terminal.keys("s")
        terminal.see("La publicación es automática", 30)
        demo = terminal.pid
        terminal.keys("Enter")
        terminal.see("CORTES")
        terminal.keys("q")
        wait_until(lambda: not running(demo), 60, "everything is stopped")


@pytest.mark.parametrize("key", ["b", "1", "s", "h", "q", "?"])
def test_the_page_names_the_keys_that_this_presses(key: str) -> None:
    assert f"`{key}`" in PAGE.read_text("utf-8")
