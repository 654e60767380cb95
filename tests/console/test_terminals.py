"""What terminals can show: themes, few colours, none, and no signs; on every screen of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.style import Style
from textual.pilot import Pilot

from prep_console.console.app import ConsoleApp
from prep_console.console.terminal import look_for
from prep_console.widgets import look as looks
from prep_console.widgets.lines import Tone
from prep_console.widgets.look import FEW, THEMES, Look
from prep_console.widgets.panel import Panel
from prep_console.wording import LOCALES, use
from tests.console.headless import console
from tests.console.nights import FakeStation
from tests.console.stations import bad_night
from tests.console.terminals import CHECKOUT
from tests.escaping.test_screens import ROUTES, drawn

ASCII = Look("plain", signs=False, letters="ascii", few=True)


@pytest.fixture(autouse=True)
def _spanish_after() -> Iterator[None]:
    yield
    use("es")


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"TERM": "xterm-256color"}, Look()),
        ({"TERM": "tmux-256color", "LANG": "es_MX.UTF-8"}, Look()),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, Look()),
        ({"TERM": "xterm"}, Look(few=True)),
        ({"TERM": "screen", "LANG": "C.UTF-8"}, Look(few=True)),
        ({"TERM": "linux"}, Look(few=True, signs=False)),
        ({"TERM": "vt100"}, Look("plain", few=True, signs=False)),
        ({"TERM": "dumb"}, Look("plain", few=True, signs=False)),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, Look("plain")),
        ({"TERM": "xterm-256color", "LANG": "C"}, Look(signs=False, letters="ascii")),
        ({"TERM": "vt100", "LC_ALL": "C", "LANG": "es_MX.UTF-8"}, ASCII),
        (
            {"TERM": "xterm-256color", "LANG": "es_MX.ISO-8859-1"},
            Look(signs=False, letters="iso-8859-1"),
        ),
    ],
)
def test_the_environment_says_what_a_terminal_can(
    environment: dict[str, str], wanted: Look
) -> None:
    assert look_for(environment) == wanted


def _rendered(style: Style, system: ColorSystem) -> str:
    return style.render("x", color_system=system)


_WEIGHTS: tuple[tuple[Tone, ...], ...] = (
    ("critical", "warning", "note"),
    ("band-critical", "band-warning", "band-note"),
)


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("theme", THEMES)
def test_what_differs_in_weight_differs_in_looks(theme: looks.Theme, few: bool) -> None:
    """Critical, warning and note are three different things in every theme, as are their bands."""
    palette = Look(theme, few=few).palette
    system = ColorSystem.STANDARD if few else ColorSystem.EIGHT_BIT
    for tones in _WEIGHTS:
        shown = {_rendered(palette[tone], system) for tone in tones}
        bands = tones[0].startswith("band")
        assert len(shown) == (1 if theme == "plain" and bands else 3)  # there the words tell
    drill = _rendered(palette["drill"], system)
    assert drill != _rendered(palette[""], system)


def test_sixteen_colours_need_no_nearest_one() -> None:
    for theme in FEW:
        for style in FEW[theme].values():
            for colour in (style.color, style.bgcolor):
                assert colour is None or (colour.number or 0) < 16
    for style in FEW["safe"].values():
        for colour in (style.color, style.bgcolor):
            assert colour is None or not {"red", "green"} & set(colour.name.split("_"))


@pytest.mark.parametrize("theme", ["calm", "safe"])
def test_text_in_few_colours_is_seen_on_a_light_and_on_a_dark_ground(theme: looks.Theme) -> None:
    for tone, style in Look(theme, few=True).palette.items():
        if style.bgcolor is None and tone in ("", "dim", "strong", "title", "key"):
            assert style.color is None


def test_every_sign_of_ours_has_a_twin() -> None:
    ours = {
        sign
        for file in [
            *(CHECKOUT / "widgets").rglob("*.py"),
            *(CHECKOUT / "prep_console" / "console").rglob("*.py"),
            LOCALES / "es" / "LC_MESSAGES" / "prep_console.po",
        ]
        for sign in Path(file).read_text("utf-8")
        if not sign.isascii()
    }
    assert {"✓", "▲", "✖", "█", "─", "á", "¿", "ñ"} <= ours
    for sign in ours - {"⠁", "⣿"}:
        twin = ASCII.shown(sign)
        assert twin.isascii(), sign
        assert cell_len(twin) == cell_len(sign), sign
        assert twin != "?" or sign == "¿", sign


async def wear(pilot: Pilot[int]) -> None:
    """From here on the app is on a terminal without signs."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    app.look = ASCII
    for panel in app.screen.query(Panel):
        panel.refresh()
    await pilot.pause()


async def test_another_theme_is_on_the_screen_at_once() -> None:
    async with console(FakeStation(bad_night())) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)

        def styles() -> set[str]:
            strips = app.screen._compositor.render_strips()
            return {str(segment.style) for strip in strips for segment in strip if segment.style}

        calm = styles()
        app.action_theme()
        await pilot.pause()
        assert len(styles() - calm) >= 4


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (20, 5)])
async def test_no_screen_writes_what_the_terminal_lacks(size: tuple[int, int]) -> None:
    use("es")
    for name, route in ROUTES.items():
        async with console(FakeStation(bad_night()), size) as pilot:
            await wear(pilot)
            for key in route:
                await pilot.press(key)
                await pilot.pause()
            await pilot.pause()
            foreign = [row for row in drawn(pilot) if not row.isascii()]
            assert (name, foreign) == (name, [])
    async with console(FakeStation(bad_night()), size, wall=True) as pilot:
        await wear(pilot)
        await pilot.pause()
        assert [row for row in drawn(pilot) if re.search(r"[^\x00-\x7f]", row)] == []
