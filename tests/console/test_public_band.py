"""The band above all: the public hour, whether it is late, the mode, what visitors get."""

from __future__ import annotations

from datetime import timedelta

import pytest

from prep_console.snapshot import Reading
from prep_console.values import replace
from prep_console.widgets import (
    page_frame,
    public_band,
    standing,
)
from prep_console.widgets.lines import text_of
from tests.console.drawn import SIZES, screen
from tests.console.nights import NOW, STATES, held, late, night, troubled

pytestmark = pytest.mark.usefixtures("in_english")


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


def test_countdown_is_in_minutes_until_the_last_one() -> None:
    snapshot = night()
    assert "in 3 min" in screen(snapshot)
    assert snapshot.next_due is not None
    soon = replace(snapshot, observed_at=snapshot.next_due - timedelta(seconds=42))
    assert "in 42 s" in screen(soon)
