"""The views as functions: what stands on the screen in each state, language, size and terminal."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from rich.cells import cell_len

from prep_console import record
from prep_console.console import keys, wording_of
from prep_console.publication.manifest import Manifest
from prep_console.snapshot import AlarmView, DecisionView, JournalView, PartView, Reading, Snapshot
from prep_console.values import replace
from prep_console.widgets import (
    alarm_list,
    cut_page,
    cuts_table,
    digits,
    journal_lines,
    key_bar,
    main_page,
    page_frame,
    public_band,
    standing,
    wall,
)
from prep_console.widgets.instruments import instruments
from prep_console.widgets.instruments.panel import sparkline
from prep_console.widgets.lines import Line, Span, cells, fit, folded, line, plain, text_of, wrap
from prep_console.widgets.look import Look
from prep_console.wording import Language, use
from tests.console.nights import NOW, STATES, FakeStation, alarms, cut, held, late, night, troubled

pytestmark = pytest.mark.usefixtures("in_english")

HOSTILE = "\x1b[31m\x1b]0;x\x07\u202e[red]x[/red]{0}\n\t"
SIZES = (
    *((80, 24), (120, 40), (160, 45), (200, 60), (240, 70), (60, 20), (40, 12), (60, 50)),
    *((80, 60), (20, 5), (80, 12), (132, 9)),
)


def frame(snapshot: Snapshot, width: int = 80, height: int = 24, **more: Any) -> main_page.Frame:
    return replace(
        main_page.Frame(
            width,
            height,
            None,
            tuple(keys.hints(snapshot, None, read_only=False)),
            wording_of.refusal,
            wording_of.alarm,
        ),
        **more,
    )


def screen(snapshot: Snapshot, width: int = 80, height: int = 24, **more: Any) -> str:
    there = frame(snapshot, width, height, **more)
    return plain(main_page.page(snapshot, snapshot, there).lines(there))


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


@pytest.mark.parametrize(
    ("state", "word", "side"),
    [
        ("calm", "✓ UP TO DATE", ""),
        ("late", "✖ LATE", "On the institute's side"),
        ("held", "▲ ON HOLD", "by jperez"),
        ("frozen", "■ FROZEN", "whatever arrives"),
        ("no_engine", "✖ ENGINE STOPPED", "On our side. Start it with m."),
        ("nothing", "▲ NOTHING PUBLISHED", "Missing from the institute: AYUN."),
        ("unreadable", "✖ STATION UNREADABLE", "On our side."),
    ],
)
def test_state_word_and_whose_side(state: str, word: str, side: str) -> None:
    shown = " ".join(screen(STATES[state]).split())
    assert word in shown
    assert side in shown


def test_late_looks_at_our_side_first_when_it_is_ill() -> None:
    full = Reading(0.0, "bytes", "critical", NOW + timedelta(minutes=14))
    snapshot = late()
    ill = replace(snapshot, readings={**snapshot.readings, "host.disk": full})
    shown = " ".join(screen(ill).split())
    assert "Look at our side first: disk." in shown
    assert "institute's side" not in shown


def test_late_never_calls_ours_well_while_the_alarm_says_that_apache_is_down() -> None:
    snapshot = late()
    now = NOW + timedelta(minutes=14)
    services = Reading(1.0, "", "ok", now, detail={"apache": "stopped", "ssh": "running"})
    apache = Reading(None, "", "critical", now, "x", detail={"running": False})
    for readings in (
        {"host.services": services},
        {"host.services": services, "host.apache": apache},
    ):
        seen = replace(snapshot, readings={**snapshot.readings, **readings})
        shown = " ".join(screen(seen).split())
        assert "Look at our side first: Apache." in shown
        assert "Ours is well" not in shown


def test_late_only_from_one_and_a_half_cadences() -> None:
    assert standing.notices(replace(night(), late_s=149.0)) == []
    (found,) = standing.notices(replace(night(), late_s=151.0))
    assert found.severity == "warning"
    (found,) = standing.notices(replace(night(), late_s=301.0))
    assert found.severity == "critical"


def test_late_in_a_quickened_rehearsal_goes_by_its_own_cadence() -> None:
    quick = replace(night(), cadence_s=15.0)
    assert standing.notices(replace(quick, late_s=7.0)) == []
    (found,) = standing.notices(replace(quick, late_s=8.0))
    assert found.severity == "warning"
    (found,) = standing.notices(replace(quick, late_s=16.0))
    assert found.severity == "critical"


def test_a_mode_that_no_journal_tells_is_not_called_automatic() -> None:
    """A hold may be in force: the screen must not say that cuts go live by themselves."""
    blind = replace(night(), read_error="Input/output error: journal.jsonl", journal=())
    for size in SIZES:
        assert "AUTOMATIC" not in screen(blind, *size)
    assert "? not known" in screen(blind).splitlines()[0]
    assert "? not known" in text_of(page_frame.head(blind, "ALARMS", 80)[1])
    assert "● AUTOMATIC" in screen(replace(blind, journal=night().journal)).splitlines()[0]


def test_hold_band_says_who_when_why_and_how_many_wait() -> None:
    shown = " ".join(screen(held(2)).split())
    for part in (
        "since 02:36",
        "by jperez",
        "corte con datos de prueba",
        "2 new cuts wait",
        "Release with h",
    ):
        assert part in shown


def test_read_only_gives_no_advice_to_press_a_key() -> None:
    assert "Start it with m" not in screen(STATES["no_engine"], keys=False)
    assert "Release with h" not in screen(held(), keys=False)


def test_what_visitors_get_stands_in_the_digits() -> None:
    """Another cut is served than the pointer names: the digits say what the public sees."""
    snapshot = night()
    assert snapshot.served is not None
    served = replace(snapshot.served, id="20240603_0215", ok=False, hour="02:15")
    other = replace(snapshot, served=served)
    found = standing.notices(other)
    assert found[0].word == "NOT SERVED"
    assert "20240603_0215" in found[0].text
    assert public_band.public_time(other, found) == ("02:15", "critical")


@pytest.mark.parametrize(
    "named", ["20240603_0215, 20240603_0230", "corte-2", "20240603_\x9bc:\x9bJ"]
)
def test_what_is_no_cuts_id_has_no_hour_in_the_digits(named: str) -> None:
    snapshot = night()
    assert snapshot.served is not None
    other = replace(snapshot, served=replace(snapshot.served, id=named, ok=False))
    assert public_band.public_time(other, standing.notices(other)) == ("--:--", "critical")
    for size in SIZES:
        assert "\x9b" not in screen(other, *size)


def test_altered_files_are_the_first_thing_said() -> None:
    snapshot = night()
    files = Reading(
        6, "files", "critical", snapshot.observed_at, detail={"checked": 8, "wrong": "index.html"}
    )
    altered = replace(snapshot, readings={**snapshot.readings, "site.files": files})
    (first, *_) = standing.notices(altered)
    assert (first.severity, first.word) == ("critical", "ALTERED")
    assert "index.html" in first.text
    assert snapshot.live is not None
    before = replace(files, observed_at=snapshot.live.since - timedelta(seconds=1))
    earlier = replace(snapshot, readings={**snapshot.readings, "site.files": before})
    assert "ALTERED" not in [notice.word for notice in standing.notices(earlier)]


def test_a_look_from_before_the_switch_proves_nothing() -> None:
    snapshot = night()
    assert snapshot.served is not None
    assert snapshot.live is not None
    before = snapshot.live.since - timedelta(seconds=1)
    earlier = replace(
        snapshot, served=replace(snapshot.served, id="20240603_0230", ok=False, checked_at=before)
    )
    assert standing.notices(earlier) == []
    assert public_band.public_time(earlier, [])[0] == "02:35"


def test_what_an_action_saw_counts_until_the_probe_looks_again() -> None:
    snapshot = night()
    assert snapshot.live is not None
    assert snapshot.served is not None
    before = replace(snapshot.served, checked_at=snapshot.live.since - timedelta(seconds=1))
    snapshot = replace(snapshot, observed_at=snapshot.live.since + timedelta(seconds=2))
    assert "served :44 ✓" in screen(replace(snapshot, served=before))
    live = night().live
    assert live is not None
    unseen = replace(live, cut=replace(live.cut, served_at=None))
    shown = screen(replace(snapshot, served=before, live=unseen))
    assert "served ? not yet seen" in shown


def test_four_clocks_name_the_publication_when_it_came_later() -> None:
    snapshot = night()
    assert snapshot.live is not None
    later = replace(
        snapshot.live.cut, published_at=snapshot.live.cut.sealed_at + timedelta(minutes=1)
    )
    shown = screen(replace(snapshot, live=replace(snapshot.live, cut=later)))
    assert "arrived 02:35:41 → verified :43 → on disk :44 → put live 02:36:44" in shown
    assert "put live" not in screen(snapshot)


def test_no_site_configured_is_said_and_is_no_fault() -> None:
    snapshot = night()
    readings = {k: v for k, v in snapshot.readings.items() if k != "site.visitor"}
    shown = screen(replace(snapshot, served=None, readings=readings))
    assert "served :44 ? nobody looks: no site configured" in shown
    assert "site not configured" in shown
    assert "UP TO DATE" in shown


def test_elections_stand_apart_when_their_hours_differ() -> None:
    assert "DIP_LOC 02:30 · ▲ AYUN 02:25 (carried over)" in screen(troubled())
    assert "DIP_LOC 02:35" not in screen(night()).splitlines()[4:6]


def test_a_rehearsal_of_another_night_tells_ages_by_arrival() -> None:
    snapshot = night()
    assert snapshot.live is not None
    years = timedelta(days=900)
    cuts = tuple(
        replace(
            one,
            received_at=one.received_at + years,
            verified_at=one.verified_at + years,
            sealed_at=one.sealed_at + years,
        )
        for one in snapshot.cuts
    )
    replay = replace(
        snapshot,
        observed_at=snapshot.observed_at + years,
        cuts=cuts,
        live=replace(snapshot.live, cut=cuts[0]),
    )
    shown = screen(replay)
    assert "came 1 min 31 s ago · Mon Jun 3" in shown
    assert "● 02:35  public" in shown


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


def test_countdown_is_in_minutes_until_the_last_one() -> None:
    snapshot = night()
    assert "in 3 min" in screen(snapshot)
    assert snapshot.next_due is not None
    soon = replace(snapshot, observed_at=snapshot.next_due - timedelta(seconds=42))
    assert "in 42 s" in screen(soon)


def test_refused_deliveries_stand_between_the_cuts() -> None:
    order = [cuts_table.key_of(row) for row in cuts_table.rows(night())]
    assert order.index("cut 20240603_0225") < order.index("refused 20240603_082044_1")
    assert order.index("refused 20240603_082044_1") < order.index("cut 20240603_0220")


def test_the_table_scrolls_to_its_cursor() -> None:
    snapshot = night()
    last = cuts_table.key_of(cuts_table.rows(snapshot)[-1])
    shown = screen(snapshot, cursor=last)
    assert "▸  01:40" in shown
    assert "● 02:35" not in shown


@pytest.mark.parametrize("height", [2, 3, 5, 40])
def test_the_public_cut_is_in_view_however_many_were_withdrawn(height: int) -> None:
    """After several rollbacks the newest rows are all withdrawn."""
    snapshot = night()
    live = snapshot.cuts[8]
    gone = (replace(one, state="withdrawn") for one in snapshot.cuts[:8])
    before = replace(snapshot.cuts[9], state="previous")
    cuts = (*gone, replace(live, state="live"), before, *snapshot.cuts[10:])
    assert snapshot.live is not None
    public = replace(snapshot.live, cut=live)
    rolled_back = replace(snapshot, cuts=cuts, live=public, refused=())
    shown = cuts_table.table(rolled_back, 78, height, cursor=None, explain=lambda _: "")
    text = [" ".join("".join(span.text for span in one).split()) for one in shown]
    assert len(text) == min(height, len(cuts))
    assert any(one.startswith("● ") and "public" in one for one in text)
    assert any(one.startswith("○ ") for one in text)


def test_a_corrected_cut_waits_for_a_person() -> None:
    waiting = cut(0, revision_of="corrected", waits=True)
    snapshot = night()
    snapshot = replace(snapshot, cuts=(waiting, *snapshot.cuts))
    shown = " ".join(screen(snapshot).split())
    assert "CORRECTED CUT WAITS" in shown
    assert "▲ 02:35 you decide" in shown


def test_a_withdrawn_cut_that_came_again_is_not_told_as_a_correction() -> None:
    again = cut(0, revision_of="completed", waits=True)
    snapshot = night()
    shown = screen(replace(snapshot, cuts=(again, *snapshot.cuts)))
    assert "WITHDRAWN CUT AGAIN" in shown
    assert "CORRECTED" not in shown


def test_a_cut_whose_figures_are_zero_is_not_told_as_a_correction() -> None:
    """Of one that is both, too: who obeys the band must not publish zeros unaware."""
    for why in (None, "corrected"):
        zero = replace(cut(0, counted=0, revision_of=why, waits=True), questioned=True)
        snapshot = replace(night(), cuts=(zero, *night().cuts))
        (found,) = standing.notices(snapshot)
        assert found.word == "CUT WITH ZEROS WAITS"
        assert zero.id in found.text
        assert "fell to zero" in found.text
        assert "again" not in found.text
        assert "press p" not in found.text


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


def test_a_cuts_page_holds_its_clocks_elections_figures_and_files() -> None:
    facts = cut_page.CutFacts(
        figures=(("DIP_LOC", (("expected", "2,136"),)),),
        warnings=("w" * 300,),
        files=(("a.zip", 606_502, "ab" * 32),),
    )
    snapshot = troubled()
    assert snapshot.live is not None
    shown = plain(cut_page.cut_page(snapshot, snapshot.live.cut, 80, facts))
    for part in (
        "20240603_0230",
        "carried over from the cut before",
        "2,136",
        "ab" * 32,
        "607 kB",
        "Jun 3, 2024 02:30:41",
    ):
        assert part in shown
    assert shown.count("w") >= 300
    assert "no acta names an image" in shown


@pytest.mark.parametrize("width", [30, 60, 80, 160])
def test_a_cuts_page_holds_images_source_and_whole_hashes(width: int) -> None:
    facts = FakeStation().facts("20240603_0230")
    snapshot = troubled()
    assert snapshot.live is not None
    lines = folded(cut_page.cut_page(snapshot, snapshot.live.cut, width, facts), width)
    assert [text_of(one) for one in lines if cell_len(text_of(one)) > width] == []
    shown = " ".join(plain(lines).split())
    for part in (
        "2,031 matched",
        "105 pending",
        "▲ 1 mismatched",
        "▲ 3 orphans",
        "new bytes 41 kB",
    ):
        assert part in shown
    joined = shown.replace(" ", "")
    for digest in ("ab" * 32, "cd" * 32, "ef" * 32):
        assert digest in joined
    assert joined.count("20240603_0230_PREP_DIP_QROO.zip") == 2
    use("es")
    spanish = " ".join(plain(cut_page.cut_page(snapshot, snapshot.live.cut, 99, facts)).split())
    assert "105 pendientes · ▲ 1 no coincide · ▲ 3 huérfanas · sha256" in spanish
    assert "hora del corte 3 jun 2024 02:30" in spanish


@pytest.mark.parametrize("width", range(9, 60))
def test_a_folded_line_loses_nothing_but_blanks(width: int) -> None:
    lines = [
        line(" ", Span("hour of the cut  ", "dim"), Span("Jun 3, 2024 02:35", "strong")),
        line(Span("x" * 130, "warning"), "y"),
        line("日本語 " * 9, Span("the end", "note")),
        (),
    ]
    made = folded(lines, width)
    assert [text_of(one) for one in made if cells(one) > width] == []

    def letters(shown: list[Line]) -> list[tuple[str, str]]:
        return [(c, span.tone) for one in shown for span in one for c in span.text if c != " "]

    assert letters(made) == letters(lines)
    assert not any(text_of(one).strip() == "" for one in made[:-1])


def test_images_that_a_manifest_does_not_keep_well_are_left_out() -> None:
    kept = [{"election": "AYUN", "matched": 1, "pending": 2, "mismatched": 0, "orphan": 0}, 7, {}]
    for images, count in ((kept, 1), ("x", 0), ({}, 0)):
        made = Manifest(
            "20240603_0230", "20240603_0230", 1, "", (), (), {}, (), NOW, NOW, 0,
            extra={"images": images},
        )  # fmt: skip
        assert len(wording_of.facts(made, "ab").images) == count


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
