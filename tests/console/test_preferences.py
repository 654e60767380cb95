"""Theme and further keys from the settings file, also while the console runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prep_console import config
from prep_console.console.app import ConsoleApp
from prep_console.console.main_screen import MainScreen
from prep_console.console.preferences import preferences, watch
from prep_console.console.terminal import look_for
from prep_console.problems import WrongUsage
from prep_console.snapshot import Reading
from prep_console.values import replace
from prep_console.widgets import key_names
from prep_console.widgets.look import SAFE, Look
from prep_console.wording import use
from tests.console.headless import see, shown, until
from tests.console.nights import NOW, FakeStation, night, no_engine
from tests.console.terminals import Tmux
from tests.stations import PROGRAM, sandbox

ROOT = '[station]\nroot = "/srv/x"\n'


pytestmark = pytest.mark.usefixtures("in_english")


@pytest.fixture(autouse=True)
def _usual_keys() -> Iterator[None]:
    yield
    key_names.use({})


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ('keys = { rollbck = "f9" }', "rollbck"),
        ('keys = { rollback = "h" }', "is taken"),
        ('keys = { rollback = "f9", hold = "f9" }', "is taken"),
        ('keys = { rollback = "ctrl+c" }', "ctrl"),
        ('keys = { rollback = "b,y" }', "none of"),
        ('keys = { rollback = "" }', "none of"),
        ('keys = { rollback = "s" }', "dialog"),
        ('keys = { hold = "1" }', "dialog"),
        ('keys = { rollback = "h" }\nreplace_keys = true', "is taken"),
        ('keys = { rollback = "s" }\nreplace_keys = true', "dialog"),
    ],
)
def test_keys_that_cannot_be_are_named(written: str, named: str) -> None:
    settings = config.parse(f"{ROOT}[console]\n{written}", "x")
    with pytest.raises(WrongUsage, match="keys") as told:
        preferences(settings)
    assert named in str(told.value.what)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('rollbck = "f9"', "console.keys.rollbck: no existe esa acción; hay: rollback, "),
        ('rollback = "q"', "console.keys.rollback: la tecla “q” ya está ocupada"),
        (
            'rollback = "ctrl+c"',
            "console.keys.rollback: “ctrl+c” no es letra, dígito, f1 a f12 ni ctrl+letra",
        ),
        ('hold = "1"', "console.keys.hold: la tecla “1” seguiría en el diálogo que abre"),
    ],
)
def test_why_a_key_cannot_be_is_told_in_spanish(written: str, told: str) -> None:
    use("es")
    settings = config.parse(f"{ROOT}[console]\nkeys = {{ {written} }}", "x")
    with pytest.raises(WrongUsage) as wrong:
        preferences(settings)
    assert str(wrong.value.what).startswith(f"ajustes incorrectos: {told}")


def test_the_terminal_and_the_environment_go_before_the_settings() -> None:
    assert look_for({"TERM": "xterm-256color"}, "safe").theme == "safe"
    assert look_for({"PREP_CONSOLE_THEME": "contrast"}, "safe").theme == "contrast"
    assert look_for({"NO_COLOR": "1"}, "safe").theme == "plain"
    assert look_for({"TERM": "vt100"}, "contrast").theme == "plain"


def test_the_theme_for_the_colour_blind_has_neither_red_nor_green() -> None:
    for style in SAFE.values():
        for colour in (style.color, style.bgcolor):
            assert colour is None or not {"red", "green"} & set(colour.name.split("_"))


async def test_the_file_is_taken_anew_and_a_wrong_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(ROOT)
    station = FakeStation()
    app = ConsoleApp(
        station.read, station, look=Look(), period_s=0.05, keymap={}, watched=watch(file)
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        await pilot.press("f9")
        assert isinstance(app.screen, MainScreen)
        file.write_text(ROOT + '[console]\ntheme = "colour-blind"\nkeys = { rollback = "f9" }\n')
        await until(pilot, lambda: app.look.theme == "safe")
        await pilot.press("f9")
        await see(pilot, "ROLL BACK TO THE PREVIOUS CUT")
        await pilot.press("escape", "b")
        await see(pilot, "ROLL BACK TO THE PREVIOUS CUT")
        await pilot.press("escape")
        file.write_text(ROOT + '[console]\ntheme = "purple[2J"\n')
        await see(pilot, "SETTINGS: ")
        await see(pilot, "The settings from before stay in force.")
        assert "UP TO DATE" in shown(pilot)
        assert app.look.theme == "safe"
        await pilot.press("f9")
        await see(pilot, "ROLL BACK TO THE PREVIOUS CUT")
        await pilot.press("escape")
        file.write_text(ROOT)
        await until(pilot, lambda: app.look.theme == "calm")
        await until(pilot, lambda: "SETTINGS: " not in shown(pilot))
        await pilot.press("f9")
        assert isinstance(app.screen, MainScreen)
        assert station.orders == []


async def test_contacts_are_taken_anew_too(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(ROOT)
    station = FakeStation()
    app = ConsoleApp(station.read, station, period_s=0.05, watched=watch(file))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        file.write_text(f'{ROOT}[contacts]\ninstituto = "Mesa, 442 000 0001"\n')
        await pilot.press("question_mark")
        await see(pilot, "instituto Mesa, 442 000 0001")
        file.write_text(f'{ROOT}[contacts]\ninstituto = "Mesa, 442 000 0009"\n')
        await see(pilot, "instituto Mesa, 442 000 0009")


async def test_a_console_that_goes_on_with_settings_of_before_says_so(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(ROOT)
    station = FakeStation()
    watched = watch(file, config.load(file))
    app = ConsoleApp(station.read, station, period_s=0.05, watched=watched)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        file.write_text(ROOT + "[election]\ncadence_minutes = 6\n")
        await see(pilot, "this console was opened before election.cadence_minutes changed")
        assert "UP TO DATE" in shown(pilot)
        file.write_text(ROOT)
        await until(pilot, lambda: "SETTINGS: " not in shown(pilot))


@pytest.mark.parametrize("wall", [False, True])
async def test_that_the_engine_runs_with_settings_of_before_stands_on_every_screen(
    wall: bool,
) -> None:
    keys = "clock.warning_ms, host.services, site.url, site.slow_ms, site.vantage[0].name"
    changed = Reading("changed", "", "warning", NOW, detail={"changed": keys})
    seen = night()
    station = FakeStation(replace(seen, readings={**seen.readings, "engine.settings": changed}))
    app = ConsoleApp(station.read, station, wall=wall, period_s=0.05)
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "not in force: clock.warning_ms, host.services, site.url +2.")
        await see(pilot, "systemctl restart prep-console")
        assert "UP TO DATE" in shown(pilot)
        wrong = replace(changed, value="wrong", detail={"error": "x"})
        station.snapshot = replace(seen, readings={"engine.settings": wrong})
        await see(pilot, "the engine would not start with it")
        if not wall:
            await pilot.press("i")
            await see(pilot, "settings file wrong")


async def test_keys_in_the_place_of_the_usual_ones_are_named_on_the_screens(
    tmp_path: Path,
) -> None:
    file = tmp_path / "config.toml"
    swapped = (
        'replace_keys = true\nkeys = { rollback = "h", hold = "b", start = "f4", quit = "w" }\n'
    )
    file.write_text(f"{ROOT}[console]\n{swapped}")
    chosen = preferences(config.load(file))
    station = FakeStation(no_engine())
    app = ConsoleApp(
        station.read, station, period_s=0.05, keymap=chosen.keymap, watched=watch(file)
    )
    key_names.use(chosen.key_names)
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "Start it with F4.")
        await see(pilot, "h roll back")
        await see(pilot, "b hold")
        await pilot.press("m", "q")
        assert isinstance(app.screen, MainScreen)
        await pilot.press("h")
        await see(pilot, "ROLL BACK TO THE PREVIOUS CUT")
        await pilot.press("escape", "f4")
        await see(pilot, "START THE ENGINE")
        await pilot.press("escape")
        file.write_text(ROOT)
        await see(pilot, "Start it with m.")
        await see(pilot, "b roll back")
        await pilot.press("b")
        await see(pilot, "ROLL BACK TO THE PREVIOUS CUT")
        await pilot.press("escape")
        assert station.orders == []
        await pilot.press("q")
    assert app.return_code == 0


async def test_further_keys_are_there_from_the_start() -> None:
    station = FakeStation()
    app = ConsoleApp(station.read, station, period_s=0.05, keymap={"journal": "l,f7"})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        for key in ("f7", "l"):
            await pilot.press(key)
            await see(pilot, "write to a file")
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, MainScreen))


def test_the_installed_console_says_what_is_wrong_with_a_changed_file(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"console": {"theme": "contrast"}})
    box.station.prepare()
    with Tmux(tmp_path / "t", [PROGRAM, "--config", box.file, "--lang", "en", "console"]) as screen:
        screen.see("NOTHING PUBLISHED")
        box.file.write_text(box.file.read_text() + '\n[console.keys]\nrollback = "h"\n')
        screen.see("stay in force")
