"""The main screen from a few cells to a landscape: what stands on it, and in how many columns."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from prep_console.console import wording_of
from prep_console.widgets import alarm_list, digits, main_page, public_band, standing
from prep_console.widgets.lines import plain, text_of, wrap
from prep_console.wording import Language, use
from tests.console.drawn import frame, screen
from tests.console.nights import STATES, night
from tests.console.stations import bad_night, equipped

pytestmark = pytest.mark.usefixtures("in_english")

ANY = [(20, 5), (24, 6), (20, 9), (40, 12), (30, 24), (60, 20), (60, 50), (80, 12), (80, 24)]
ANY += [(80, 60), (120, 9), (120, 14), (100, 34), (160, 45), (200, 60), (240, 70), (320, 90)]


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("halves", [True, False])
@pytest.mark.parametrize("size", ANY)
def test_every_size_says_the_public_hour_and_the_state(
    size: tuple[int, int], halves: bool, language: Language
) -> None:
    use(language)
    for name, snapshot in {**STATES, "bad": bad_night(), "well": equipped()}.items():
        shown = screen(snapshot, *size, halves=halves)
        found = standing.notices(snapshot)
        hour, _ = public_band.public_time(snapshot, found)
        large = [digits.big(hour, n, halves=halves) for n in range(1, 12)]
        assert hour in shown or any(all(row.rstrip() in shown for row in rows) for rows in large), (
            name
        )
        assert standing.word(snapshot, found).text in words(shown), name


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (9, 3), (12, 3), (16, 4), (17, 1), (500, 2)])
def test_nothing_is_refused_for_being_small(size: tuple[int, int]) -> None:
    for snapshot in (*STATES.values(), bad_night()):
        there = frame(snapshot, *size)
        lines = main_page.page(snapshot, snapshot, there).lines(there)
        assert len(lines) == size[1]
        assert [one for one in lines if cell_len(text_of(one)) > size[0]] == []
    if size[0] >= 5 and size[1] >= 2:
        assert "02:35" in screen(night(), *size)


def test_a_larger_screen_has_larger_digits_and_more_columns() -> None:
    scales = [
        main_page.scale_of(frame(night(), *size)) for size in [(80, 24), (120, 40), (240, 70)]
    ]
    assert scales == [1, 2, 4]
    assert main_page.scale_of(frame(night(), 60, 50)) == 2
    for size, columns in (((80, 24), 1), ((120, 40), 2), ((240, 70), 3)):
        heads = [one for one in screen(bad_night(), *size).splitlines() if "─ CUTS" in one]
        assert heads[0].count("┬") == columns - 1


def test_a_landscape_shows_when_each_cut_came_and_was_served() -> None:
    shown = screen(night(), 240, 70)
    assert "arrived 02:35:41  served 3 s later" in shown
    assert "arrived 02:30:41" in shown


def test_a_portrait_gives_every_instrument_its_line_and_every_alarm_its_whole_text() -> None:
    shown = screen(equipped(), 80, 60)
    assert "✓ UPS servidor" in shown
    assert "100 % · lasts 42 min" in words(shown)
    bad = screen(bad_night(), 80, 60)
    for alarm in bad_night().alarms:
        assert words(wording_of.alarm(alarm)) in words(bad.replace("\n", " "))


def test_what_does_not_fit_in_a_line_is_told_whole_where_there_is_room() -> None:
    bad = bad_night()
    full = alarm_list.panel(bad, 40, 40, wording_of.alarm)
    assert "…" not in plain(full)
    short = alarm_list.panel(bad, 40, 3, wording_of.alarm)
    assert len(short) == 3
    assert "and 3 more" in plain(short)


def test_a_figure_stays_with_its_unit() -> None:
    for text in ("lasts only 3 % of it", "after 12 min 5 s", "left 41 GB, then", "at 50 Hz."):
        for width in range(8, 30):
            for part in wrap(text, width):
                assert not part.split()[-1].isdigit(), part
    assert wrap("3 men", 8) == ["3 men"]
    assert "\u00a0" not in "".join(wrap("a 3 % b", 8))
