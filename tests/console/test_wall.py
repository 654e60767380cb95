"""The wall: at every size, its pages, its heartbeat, and what it says when it is old."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len

from prep_console import config
from prep_console.console import wording_of
from prep_console.console.app import ConsoleApp
from prep_console.console.preferences import watch
from prep_console.console.wall_pages import Rotation
from prep_console.console.wall_screen import WallScreen
from prep_console.problems import WrongUsage
from prep_console.snapshot import EngineView, Snapshot
from prep_console.values import replace
from prep_console.widgets import digits, wall
from prep_console.widgets.lines import Line, plain, text_of
from prep_console.widgets.panel import Panel
from prep_console.wording import Language, use
from tests.console.headless import until
from tests.console.nights import STATES, FakeStation, late, night, no_engine
from tests.console.stations import bad_night, equipped
from tests.stations import sandbox

pytestmark = pytest.mark.usefixtures("in_english")

SIZES = [(20, 5), (40, 12), (60, 50), (80, 24), (160, 45), (240, 70), (480, 135), (640, 180)]


def drawn(
    snapshot: Snapshot,
    size: tuple[int, int] = (160, 45),
    *,
    beat: int = 3,
    stale_s: float | None = None,
    halves: bool = True,
    page: wall.Page = "public",
) -> list[Line]:
    return wall.wall(
        snapshot,
        *size,
        beat=beat,
        stale_s=stale_s,
        wording=wording_of.alarm,
        explain=wording_of.refusal,
        halves=halves,
        page=page,
        turning=True,
    )


@pytest.mark.parametrize("halves", [True, False])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("page", wall.PAGES)
def test_every_page_fills_every_screen(
    page: wall.Page, size: tuple[int, int], halves: bool
) -> None:
    for snapshot in (*STATES.values(), bad_night(), equipped()):
        for stale_s in (None, 90.0):
            lines = drawn(snapshot, size, page=page, halves=halves, stale_s=stale_s)
            assert len(lines) == size[1]
            assert {cell_len(text_of(one)) for one in lines} == {size[0]}


@pytest.mark.parametrize("size", SIZES)
def test_the_hour_is_as_large_as_the_screen_lets_it(size: tuple[int, int]) -> None:
    """Nothing else on the wall is larger, and a larger screen shows it larger."""
    hour = [
        scale
        for scale in range(1, 40)
        if digits.big("02:35", scale)[0].rstrip() in plain(drawn(night(), size))
    ]
    least = {(20, 5): 0, (40, 12): 1, (60, 50): 2, (80, 24): 2, (160, 45): 7}
    assert max(hour, default=0) >= least.get(size, size[1] // 7)


def test_on_a_4k_screen_the_text_is_large_too() -> None:
    for size, scale in (((160, 45), 0), ((480, 135), 1), ((640, 180), 2)):
        grid = wall.Grid(*size)
        assert grid.scale == scale
        assert grid.columns >= 76
    shown = plain(drawn(bad_night(), (640, 180)))
    assert digits.enlarged("APACHE", 2)[0].strip() in shown
    assert "Apache" not in shown


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("halves", [True, False])
def test_large_letters_keep_their_columns(scale: int, halves: bool) -> None:
    wide, high = digits.unit(scale, halves=halves)
    for text in ("WMIj1 ñÑ", "▲ 5,812 · x", "日本 ok", "e\u0301", ""):
        rows = digits.enlarged(text, scale, halves=halves)
        assert len(rows) == high
        assert {cell_len(row) for row in rows} == {cell_len(text) * wide}


def test_letters_that_are_alike_can_be_told_apart() -> None:
    known = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    shapes = {one: "\n".join(digits.enlarged(one, 2)) for one in known}
    same = [(a, b) for a in shapes for b in shapes if a < b and shapes[a] == shapes[b]]
    assert same == [("0", "O"), ("5", "S")]


def test_the_heart_moves_two_cells_at_each_read_and_never_stands() -> None:
    feet = [text_of(drawn(night(), beat=beat)[-1]) for beat in range(100)]
    for before, after in pairwise(feet):
        moved = [x for x, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
        assert len(moved) == 2
        assert moved[1] - moved[0] == 1


@pytest.mark.parametrize("size", SIZES)
def test_what_is_older_than_15_s_takes_the_whole_wall(size: tuple[int, int]) -> None:
    silent = replace(night(), engine=EngineView(False, None, 63.0))
    for snapshot, stale_s in ((night(), 15.1), (silent, None)):
        lines = drawn(snapshot, size, stale_s=stale_s)
        assert {part.tone for one in lines for part in one} == {"band-critical"}
    for snapshot, stale_s in ((night(), 14.9), (night(), None)):
        lines = drawn(snapshot, size, stale_s=stale_s)
        assert "band-critical" not in {part.tone for one in lines for part in one}


def test_an_old_wall_says_why_and_what_was_public() -> None:
    silent = replace(night(), engine=EngineView(False, None, 63.0))
    shown = " ".join(plain(drawn(silent)).split())
    assert "THIS WALL IS OLD" in shown
    rows = plain(drawn(silent))
    assert any(digits.big("1 min 03 s", n)[0].strip() in rows for n in range(1, 9))
    assert "ENGINE STOPPED: nobody receives cuts" in shown
    assert "Nothing could be read" not in shown
    assert "Last known public cut: 02:35" in shown
    assert "Nothing could be read for 1 min 30 s." in plain(drawn(night(), stale_s=90.0))
    never = replace(night(), engine=EngineView(False, None, None))
    assert "THIS WALL IS OLD" not in plain(drawn(never))
    assert "ENGINE STOPPED" in plain(drawn(never))


def test_the_pages_turn_and_come_back_to_the_public_cut() -> None:
    turn = Rotation()
    seen = [turn.page(night(), float(second), 10.0) for second in range(80)]
    assert [seen[n * 10] for n in range(8)] == [*wall.PAGES, *wall.PAGES]
    assert all(seen[n] == seen[n // 10 * 10] for n in range(80))
    assert {Rotation().page(night(), float(n), 0.0) for n in range(100)} == {"public"}


def test_a_new_alarm_brings_the_public_cut_back_at_once() -> None:
    calm, alarmed = equipped(), replace(equipped(), alarms=bad_night().alarms)
    turn = Rotation()
    assert turn.page(calm, 0.0, 10.0) == "public"
    assert turn.page(calm, 12.0, 10.0) == "cuts"
    assert turn.page(alarmed, 13.0, 10.0) == "public"
    assert turn.page(alarmed, 22.9, 10.0) == "public"
    assert turn.page(alarmed, 23.1, 10.0) == "cuts"
    seen = tuple(replace(one, acknowledged_by="jperez") for one in alarmed.alarms)
    assert turn.page(replace(alarmed, alarms=seen), 24.0, 10.0) == "cuts"
    assert turn.page(alarmed, 25.0, 10.0) == "public"  # the same one, asking anew


def test_what_is_critical_for_the_public_keeps_the_first_page() -> None:
    turn = Rotation()
    assert {turn.page(late(11), float(n), 10.0) for n in range(100)} == {"public"}
    assert turn.page(night(), 100.0, 10.0) == "public"
    assert turn.page(night(), 111.0, 10.0) == "cuts"


def test_every_page_shows_the_public_hour_and_the_state() -> None:
    for page in wall.PAGES:
        for size in SIZES[2:]:
            shown = plain(drawn(STATES["held"], size, page=page))
            assert any(digits.big("02:30", n)[0].rstrip() in shown for n in range(1, 40))
        assert f"{list(wall.PAGES).index(page) + 1}/4" in plain(drawn(night(), page=page))


async def test_a_wall_turns_its_pages_and_takes_a_new_time_from_the_settings(
    tmp_path: Path,
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[station]\nroot = "/srv/x"\n')
    station = FakeStation()
    app = ConsoleApp(station.read, station, wall=True, period_s=0.05, watched=watch(file))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WallScreen))
        file.write_text('[station]\nroot = "/srv/x"\n[console]\nwall_pages = 3\n')
        await until(pilot, lambda: "cuts 2/4" in plain(app.screen.query_one(Panel).lines))
        station.snapshot = replace(night(), alarms=bad_night().alarms)
        await until(pilot, lambda: "public cut 1/4" in plain(app.screen.query_one(Panel).lines))
        file.write_text('[station]\nroot = "/srv/x"\n')
        await until(pilot, lambda: "1/4" not in plain(app.screen.query_one(Panel).lines))
        for key in ("b", "h", "q", "escape", "ctrl+p", "colon", "enter"):
            await pilot.press(key)
        assert isinstance(app.screen, WallScreen)
        assert station.orders == []


def test_times_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for seconds in ("1", "-5", "4000"):
        with pytest.raises(WrongUsage, match="wrong settings") as told:
            config.parse(f'[station]\nroot = "/x"\n[console]\nwall_pages = {seconds}\n', "x")
        assert "wall_pages" in str(told.value.what)
    for arguments in (["--pages", "10"], ["--wall", "--pages", "1"]):
        ran = sandbox(tmp_path).run("console", *arguments)
        assert (ran.code, "pages" in ran.err) == (2, True)


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("size", [(9, 5), *SIZES])
def test_a_rehearsal_is_marked_at_every_size_in_whole_words(
    size: tuple[int, int], language: Language
) -> None:
    use(language)
    for snapshot in (night(), bad_night(), no_engine()):
        marked = replace(snapshot, phase="simulacro")
        large = digits.enlarged("SIMULACRO", wall.Grid(*size).scale, halves=True)
        shown = [text_of(one) for one in drawn(marked, size)]
        assert all(any(row in one for one in shown) for row in large)
        assert "…" not in shown[0]
