"""The views as functions: what stands on the screen in each state, language, size and terminal."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from rich.cells import cell_len

from prep_console import record
from prep_console.console import wording_of
from prep_console.snapshot import AlarmView, DecisionView, JournalView, PartView, Reading, Snapshot
from prep_console.values import replace
from prep_console.widgets import (
    alarm_list,
    cut_page,
    digits,
    journal_lines,
    key_bar,
    main_page,
    wall,
)
from prep_console.widgets.instruments import instruments
from prep_console.widgets.instruments.panel import sparkline
from prep_console.widgets.lines import Line, fit, line, plain, text_of, wrap
from prep_console.widgets.look import Look
from prep_console.wording import Language, use
from tests.console.drawn import HOSTILE, SIZES, frame, screen
from tests.console.nights import NOW, STATES, alarms, held, night, troubled

pytestmark = pytest.mark.usefixtures("in_english")


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", STATES)
def test_every_state_fills_every_size_exactly(
    state: str, size: tuple[int, int], language: Language
) -> None:
    use(language)
    width, height = size
    snapshot = STATES[state]
    there = frame(snapshot, width, height)
    lines = main_page.page(snapshot, snapshot, there).lines(there)
    assert len(lines) == height
    assert [text_of(spans) for spans in lines if cell_len(text_of(spans)) > width] == []


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("state", STATES)
def test_none_of_our_own_words_is_cut(
    state: str, size: tuple[int, int], language: Language
) -> None:
    """Only what came from outside may end in an ellipsis, and only in the table of cuts."""
    use(language)
    snapshot = STATES[state]
    there = frame(snapshot, *size)
    lines = main_page.page(snapshot, snapshot, there).lines(there)
    cut_off = [text_of(spans) for spans in lines if "…" in text_of(spans)]
    assert [text for text in cut_off if "✖ 02:21" not in text] == []


def test_kept_panes_are_drawn_anew_as_soon_as_anything_in_them_changes() -> None:
    kept = main_page.Kept()

    def again(snapshot: Snapshot) -> str:
        there = frame(snapshot)
        drawn = main_page.page(snapshot, snapshot, there, kept).lines(there)
        assert drawn == main_page.page(snapshot, snapshot, there).lines(there)
        return plain(drawn)

    for state in STATES.values():
        again(state)
    base = night()
    again(base)
    later = replace(base, observed_at=base.observed_at + timedelta(seconds=1))
    assert "2 min 13 s ago" in again(later)
    assert "no alarms" not in again(replace(later, alarms=tuple(alarms(NOW))))
    full = Reading(99.0, "%", "warning", later.observed_at)
    assert "CPU 99 %" in again(replace(later, readings={**later.readings, "host.cpu": full}))


def test_instruments_say_honestly_what_is_not_there() -> None:
    shown = {one.label: one for one in instruments(night())}
    assert shown["clock"].state is None
    assert shown["power"].value == "not configured"
    nobody = {one.label: one for one in instruments(replace(night(), readings={}))}
    assert nobody["CPU"].state == "unknown"


def test_an_old_reading_is_no_good_one() -> None:
    snapshot = night()
    old = replace(snapshot, observed_at=snapshot.observed_at + timedelta(seconds=60))
    shown = {one.label: one for one in instruments(old)}
    assert shown["CPU"].state == "unknown"
    assert "ago" in shown["CPU"].note
    gone = replace(snapshot, observed_at=snapshot.observed_at + timedelta(seconds=600))
    shown = {one.label: one for one in instruments(gone)}
    assert shown["CPU"].value == "unknown"


def test_clock_and_power_readings_have_their_own_words() -> None:
    snapshot = night()
    readings = {
        "clock.offset": Reading(
            0.003, "s", "ok", NOW, detail={"bound_s": 0.009, "server": "cronos.cenam.mx"}
        ),
        "power.servidor": Reading(100.0, "%", "ok", NOW, detail={"runtime_s": 2520.0}),
        "power.planta": Reading("standby", "", "ok", NOW),
    }
    shown = {
        one.label: one
        for one in instruments(replace(snapshot, readings={**snapshot.readings, **readings}))
    }
    assert shown["clock"].value == "3 ms slow ± 9 ms"
    assert shown["servidor"].value == "100 %"
    assert shown["servidor"].note == "lasts 42 min"
    assert shown["planta"].value == "standby"


def test_history_has_a_fixed_scale_and_gaps() -> None:
    assert sparkline((0.0, 50.0, 100.0, None, 100.0), 100.0, 5) == "▁▅█ █"
    assert sparkline((), 100.0, 5) == ""


def test_alarms_count_what_does_not_fit_and_put_the_worst_first() -> None:
    lines = alarm_list.panel(troubled(), 80, 2, wording_of.alarm)
    assert "The disk lasts 45 min" in text_of(lines[0])
    assert "and 4 more: press a" in text_of(lines[1])


def test_journal_tells_a_switch_as_one_event() -> None:
    shown = plain(journal_lines.panel(night(), 80, 9, wording_of.refusal))
    assert "published 20240603_0235 (automatic)" in shown
    assert "decided" not in shown


def test_journal_shows_an_unknown_kind_raw() -> None:
    entry = JournalView(1, NOW, "engine", "teleported", {"cut": "20240603_0235", "to": "\x1b[2J"})
    assert record.words(entry.kind, entry.data) == "teleported cut=20240603_0235 to=\\x1b[2J"


def test_hostile_words_reach_no_screen_unescaped() -> None:
    snapshot = held()
    hostile = replace(
        snapshot,
        station=HOSTILE,
        title=HOSTILE,
        elections=(HOSTILE,),
        decision=DecisionView("rollback", HOSTILE, snapshot.observed_at, HOSTILE),
        refused=tuple(replace(one, name=HOSTILE, reason=HOSTILE) for one in snapshot.refused),
        alarms=(AlarmView("x", "warning", NOW, None, HOSTILE),),
        journal=(
            JournalView(1, NOW, HOSTILE, "hold", {"reason": HOSTILE}),
            JournalView(2, NOW, HOSTILE, HOSTILE, {HOSTILE: HOSTILE}),
            JournalView(3, NOW, HOSTILE, "refused", {"name": HOSTILE, "findings": [{}]}),
        ),
        readings={"site.visitor": Reading(None, HOSTILE, "unknown", NOW, HOSTILE)},
        read_error=HOSTILE,
    )
    assert hostile.live is not None
    parts = (PartView(HOSTILE, NOW, True), PartView("AYUN", NOW, False))
    live = replace(hostile.live, cut=replace(hostile.live.cut, parts=parts))
    hostile = replace(hostile, live=live, cuts=(live.cut, *hostile.cuts))
    for size in SIZES:
        there = frame(hostile, *size)
        lines = main_page.page(hostile, hostile, there).lines(there)
        lines += wall.wall(hostile, *size, beat=1, stale_s=None, wording=wording_of.alarm)
        lines += journal_lines.page(hostile, size[0], wording_of.refusal)
        lines += cut_page.cut_page(hostile, live.cut, size[0], None)
        lines += cut_page.refusal_page(hostile, hostile.refused[0], size[0], wording_of.refusal)
        assert (
            re.findall(
                r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "".join(map(text_of, lines))
            )
            == []
        )


@pytest.mark.parametrize("state", STATES)
def test_a_terminal_without_signs_gets_twins_in_as_many_cells(state: str) -> None:
    use("es")
    look = Look(signs=False, letters="ascii")
    snapshot = STATES[state]
    there = frame(snapshot, 120, 40, halves=False)
    for spans in main_page.page(snapshot, snapshot, there).lines(there):
        shown = look.shown(text_of(spans))
        assert shown.isascii()
        assert len(shown) == cell_len(text_of(spans))


def test_latin_one_keeps_its_accents() -> None:
    assert Look(signs=False, letters="iso-8859-1").shown("✓ bitácora → ñ") == "+ bitácora > ñ"


@pytest.mark.parametrize("halves", [True, False])
def test_digits_are_as_large_as_fits(halves: bool) -> None:
    for width, height in ((19, 3), (38, 5), (160, 30), (200, 12)):
        scale = digits.largest("02:35", width, height, halves=halves)
        if scale == 0:
            assert not halves
            continue
        rows = digits.big("02:35", scale, halves=halves)
        assert len(rows) <= height
        assert all(len(row) <= width for row in rows)
        assert (
            digits.columns("02:35", scale + 1) > width
            or digits.rows(scale + 1, halves=halves) > height
        )


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (60, 20)])
@pytest.mark.parametrize("state", STATES)
def test_the_wall_fills_its_screen(state: str, size: tuple[int, int], language: Language) -> None:
    use(language)
    lines = wall.wall(STATES[state], *size, beat=0, stale_s=None, wording=wording_of.alarm)
    assert len(lines) == size[1]
    assert {cell_len(text_of(spans)) for spans in lines} == {size[0]}


def test_the_walls_heart_beats_and_its_age_takes_it_over() -> None:
    def shown(beat: int, stale_s: float | None) -> str:
        return plain(
            wall.wall(night(), 120, 40, beat=beat, stale_s=stale_s, wording=wording_of.alarm)
        )

    assert shown(1, None) != shown(2, None)
    assert "THIS WALL IS OLD" not in shown(1, 14.0)
    old = shown(1, 16.0)
    assert "THIS WALL IS OLD" in old
    assert "UP TO DATE" not in old


def test_the_wall_names_no_key() -> None:
    shown = plain(
        wall.wall(STATES["no_engine"], 120, 40, beat=1, stale_s=None, wording=wording_of.alarm)
    )
    assert "ENGINE STOPPED" in shown
    assert "Start it with m" not in shown


def test_a_drill_cannot_be_taken_for_the_day() -> None:
    for size in SIZES:
        there = frame(STATES["drill"], *size)
        first: Line = main_page.page(STATES["drill"], STATES["drill"], there).drill[0]
        assert first[0].tone == "drill"
        assert "SIMULACRO" in text_of(first)


def test_the_key_bar_drops_whole_hints_and_keeps_help_and_quit() -> None:
    hints = [key_bar.Hint(key, "a word") for key in "abcdefgh"]
    hints += [key_bar.Hint("?", "help"), key_bar.Hint("q", "quit")]
    shown = text_of(key_bar.bar(hints, 40))
    assert shown.endswith("? help  q quit")
    assert len(shown) <= 40


def test_fitting_and_wrapping_lose_nothing_by_mistake() -> None:
    assert text_of(fit(line("abc"), 5)) == "abc  "
    assert text_of(fit(line("abcdef"), 5)) == "abcd…"
    assert text_of(fit(line("abc", "def"), 3)) in ("ab…", "abc")
    assert "".join("".join(wrap("x" * 200, 30)).split()) == "x" * 200


def test_alarms_of_the_made_up_night_are_five() -> None:
    assert len(alarms(NOW)) == 5


def test_without_an_engine_nothing_of_the_site_is_told_as_known() -> None:
    dead = replace(STATES["no_engine"], served=None)
    assert "served :44 ? not known: nobody looks" in screen(dead, 120, 40)
    assert "what is public stays" not in screen(dead, 120, 40)


def test_a_new_engine_has_not_read_all_yet() -> None:
    bare = {name: one for name, one in night().readings.items() if name != "site.visitor"}
    young = replace(night(), readings=bare, served=None, history={"host.cpu": (4.0,)})
    assert "no site configured" not in screen(young)
    assert "no reading yet" in screen(young)
