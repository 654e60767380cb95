"""Alarms on the screen: the list, one in full, the bell, and every hostile word in them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from rich.cells import cell_len

from prep_console.alarms.table import TABLE, named
from prep_console.console import wording_of
from prep_console.console.bell import Bell
from prep_console.snapshot import AlarmView, Snapshot
from prep_console.values import replace
from prep_console.widgets import alarm_list, alarm_page
from prep_console.widgets.lines import Line, plain, text_of
from prep_console.widgets.shelve_page import MINUTES
from prep_console.wording import Language, use
from tests.console.drawn import HOSTILE
from tests.console.nights import NOW, night
from tests.console.stations import bad_alarms, bad_night
from tests.console.test_instruments import CONTROL

pytestmark = pytest.mark.usefixtures("in_english")

SIZES = [(40, 9), (80, 21), (120, 36), (240, 66)]


def page(
    snapshot: Snapshot, width: int = 80, height: int = 40, chosen: str | None = None, first: int = 0
) -> tuple[list[Line], int]:
    return alarm_page.lines(
        snapshot,
        width,
        height,
        chosen=chosen,
        first=first,
        wording=wording_of.alarm,
        explain=wording_of.alarm_texts,
        named=named,
    )


def text(snapshot: Snapshot, chosen: str | None = None) -> str:
    return " ".join(plain(page(snapshot, 110, 40, chosen)[0]).split())


def test_what_asks_for_somebody_comes_first() -> None:
    keys = [alarm.key for alarm in alarm_list.ordered(bad_night())]
    assert keys == [
        "power.ups:servidor", "apache.down", "cut.carried:AYUN", "clock.off", "site.certificate"
    ]  # fmt: skip


def test_a_row_says_its_severity_hour_words_and_what_became_of_it() -> None:
    rows = [text_of(one) for one in alarm_list.panel(bad_night(), 100, 9, wording_of.alarm)]
    assert rows[0].startswith(" ✖ 02:34 UPS servidor")
    assert "2 consequences" in rows[1]
    assert "▲ 02:35" in rows[2]
    assert "comes and goes" in rows[2]
    assert "seen by jperez" in rows[3]
    assert "shelved until 02:48" in rows[4]
    tones = [one[1].tone for one in alarm_list.panel(bad_night(), 100, 9, wording_of.alarm)]
    assert tones == ["critical", "critical", "warning", "dim", "dim"]


def test_each_alarm_in_full_says_cause_consequence_and_what_to_do() -> None:
    rule = TABLE["apache.down"]
    told = text(bad_night(), "apache.down")
    for part in (rule.cause, rule.consequence, rule.to_do):
        assert part in told
    assert "critical · since 02:31, for 6 min 00 s · apache.down" in told
    assert "it explains The site does not answer well" in told


def test_who_saw_it_and_who_shelved_it_and_why() -> None:
    assert "seen by jperez at 02:22:12" in text(bad_night(), "clock.off")
    weeks_later = replace(bad_night(), observed_at=NOW + timedelta(days=60))
    assert "seen by jperez at Jun 3 02:22:12" in text(weeks_later, "clock.off")
    told = text(bad_night(), "site.certificate")
    assert "shelved until 02:48, by mlopez: “el proveedor lo renueva a las 6”" in told
    assert "stays here until it has been quiet" in text(bad_night(), "cut.carried:AYUN")


@pytest.mark.parametrize("rule", TABLE)
@pytest.mark.parametrize("language", ["es", "en"])
def test_every_rule_can_be_shown_even_without_its_values(rule: str, language: Language) -> None:
    """An engine of another version may send other values than this rule's sentence asks for."""
    use(language)
    bare = AlarmView(rule, "critical", NOW, None, "as the engine says it")
    snapshot = replace(night(), alarms=(bare,))
    assert text(snapshot)
    assert "{" not in named(f"{rule}:x")
    assert all(wording_of.alarm_texts(bare))


def test_an_alarm_of_a_newer_version_shows_its_own_words() -> None:
    new = AlarmView("from.the.future", "warning", NOW, None, "Something new is wrong.")
    told = text(replace(night(), alarms=(new,)))
    assert "Something new is wrong." in told
    assert "cause" not in told
    assert not wording_of.shelvable(new)


@pytest.mark.parametrize("size", SIZES)
def test_it_fits_and_what_is_below_can_be_reached(size: tuple[int, int]) -> None:
    many = tuple(
        replace(one, subject=f"{one.subject}{n}") for n in range(60) for one in bad_alarms()
    )
    snapshot = replace(bad_night(), alarms=many)
    last = alarm_list.ordered(snapshot)[-1].key
    for chosen in (None, last, "gone"):
        shown, below = page(snapshot, *size, chosen)
        assert len(shown) <= size[1]
        assert [one for one in shown if cell_len(text_of(one)) > size[0]] == []
        assert any("▸" in text_of(one) for one in shown)
        end, left = page(snapshot, *size, chosen, first=below)
        assert left == 0
        assert len(end) <= size[1]


def test_no_alarm_is_said_calmly() -> None:
    assert "✓ no alarms" in text(night())


@pytest.mark.parametrize("size", SIZES)
def test_hostile_words_reach_no_screen(size: tuple[int, int]) -> None:
    hostile = AlarmView(
        HOSTILE, "critical", NOW, HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, HOSTILE, NOW,
        NOW + timedelta(minutes=5), HOSTILE, HOSTILE * 50, True, (HOSTILE, "cut.late:" + HOSTILE),
    )  # fmt: skip
    snapshot = replace(night(), alarms=(hostile, replace(hostile, id="power.ups")))
    lines = page(snapshot, *size)[0] + alarm_list.panel(snapshot, size[0], 4, wording_of.alarm)
    assert CONTROL.findall("".join(map(text_of, lines))) == []
    assert re.search("31m", "".join(map(text_of, lines)))


def test_the_bell_rings_once_for_each_new_critical_alarm() -> None:
    bell = Bell()
    one = AlarmView("a", "critical", NOW, None, "a")
    two = AlarmView("b", "critical", NOW, None, "b")
    warning = AlarmView("c", "warning", NOW, None, "c")
    assert bell.rings([warning]) is False
    assert bell.rings([warning, one]) is True
    assert bell.rings([one]) is False
    assert bell.rings([one, two]) is True
    assert bell.rings([two]) is False
    assert bell.rings([one, two]) is True
    assert bell.rings([replace(warning, severity="critical"), one, two]) is True


def test_the_bell_is_silent_for_what_was_seen_and_rings_when_it_leaves_the_shelf() -> None:
    one = AlarmView("a", "critical", NOW, "jperez", "a")
    assert Bell().rings([one]) is False
    shelved = replace(one, acknowledged_by=None, shelved_until=NOW + timedelta(minutes=5))
    bell = Bell()
    assert bell.rings([shelved]) is False
    assert bell.rings([replace(shelved, shelved_until=None)]) is True
    started_late = Bell()
    assert started_late.rings(bad_alarms()) is True


def test_nothing_can_be_shelved_for_longer_than_half_an_hour() -> None:
    assert max(MINUTES) == 30
