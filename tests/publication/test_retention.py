"""What old cuts may give back, and what must stay: the final one for months, whatever arrives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from prep_console.config.model import Election, Publication, Settings, Station
from prep_console.journal.records import CutRecord
from prep_console.journal.state import State
from prep_console.publication.retention import over_budget
from prep_console.snapshot import Mode
from prep_console.values import replace
from tests import nights
from tests.stations import sandbox

AT = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)
UNTIL = date(2024, 10, 31)
LAST_MOMENT = datetime(2024, 11, 1, 5, 59, tzinfo=UTC)
"""23:59 of that day in Querétaro."""


def settings(keep_cuts: int, until: date | None = UNTIL) -> Settings:
    return msgspec.convert(
        {
            "station": Station(root="/nowhere"),
            "election": Election(retain_until=until),
            "publication": Publication(keep_cuts=keep_cuts),
        },
        Settings,
    )


def cut(stamp: str) -> CutRecord:
    return CutRecord(stamp, "", (), (), "0" * 64, 1, 0, None, 0, AT, AT, AT)


def state(mode: Mode, live: str, cuts: Sequence[str], final: str | None) -> State:
    return State(mode=mode, live=live, cuts={stamp: cut(stamp) for stamp in cuts}, final=final)


def test_deliveries_after_the_freeze_do_not_fill_the_disk() -> None:
    stamps = nights.stamps("20240602_2005", 60)
    final = stamps[9]
    pruned = over_budget(state("frozen", final, stamps, final), settings(20), AT)
    kept = set(stamps) - {one.id for one in pruned}
    assert len(kept) == 20
    assert {final, stamps[8], *stamps[-18:]} == kept  # and where a rollback would go


def test_on_hold_everything_that_waits_is_kept() -> None:
    stamps = nights.stamps("20240602_2005", 60)
    assert over_budget(state("hold", stamps[1], stamps, None), settings(20), AT) == []


@pytest.mark.parametrize(
    ("now", "until", "stays"),
    [
        (AT, UNTIL, True),
        (LAST_MOMENT, UNTIL, True),
        (LAST_MOMENT + timedelta(minutes=1), UNTIL, False),
        (AT, None, False),
    ],
)
def test_a_final_cut_that_was_thawed_and_passed_by_stays_until_its_day(
    now: datetime, until: date | None, stays: bool
) -> None:
    stamps = nights.stamps("20240602_2005", 30)
    final = stamps[3]
    pruned = over_budget(state("auto", stamps[-1], stamps, final), settings(5, until), now)
    assert (final in {one.id for one in pruned}) is not stays
    assert len(stamps) - len(pruned) == 5


def test_nothing_is_begun_afresh_before_the_day_is_over(tmp_path: Path) -> None:
    def run(until: str, opens: str, phase: str) -> tuple[int, str]:
        box.file.write_text(
            f'[station]\nroot = "{box.settings.root}"\nphase = "{phase}"\n'
            f'[election]\nelections = ["DIP_LOC"]\nopens = {opens}\nretain_until = {until}\n'
        )
        ran = box.run("station", "new", "--yes")
        return ran.code, ran.err

    box = sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}})
    assert box.run("receive", nights.archive(tmp_path, actas=4)).code == 0
    code, told = run("2999-12-31", "2024-06-02T20:00:00-06:00", "jornada")
    assert code == 1
    assert "2999-12-31" in told
    assert box.station.live().cut == "20240602_2005"
    for allowed in (
        ("2999-12-31", "2024-06-02T20:00:00-06:00", "simulacro"),
        ("2030-12-31", "2030-06-02T20:00:00-06:00", "jornada"),
        ("2024-10-31", "2024-06-02T20:00:00-06:00", "jornada"),
    ):
        assert run(*allowed) == (0, ""), allowed


def test_a_freeze_is_remembered_beyond_its_thaw(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}})
    first, second = nights.stamps("20240602_2005", 2)
    for stamp in (first, second):
        assert box.run("receive", nights.archive(tmp_path, stamp=stamp, actas=4)).code == 0
    for command, final in (
        (["freeze", "--yes"], second),
        (["freeze", first, "--yes", "--reason", "x"], first),
        (["thaw", "--reason", "x"], first),
        (["publish", second, "--reason", "x"], first),
    ):
        ran = box.run(*command)
        assert ran.code == 0, ran.err
        assert box.station.state().final == final


def test_the_oldest_cut_counts_whole_because_it_keeps_what_it_shares() -> None:
    """A tree: the first cut brought 250, each later one 10; what is shared stays with the last."""
    stamps = nights.stamps("20240602_2005", 10)
    cuts = {
        stamp: replace(cut(stamp), bytes=250, new_bytes=250 if stamp == stamps[0] else 10)
        for stamp in stamps
    }
    full = State(mode="auto", live=stamps[-1], cuts=cuts)
    budget = msgspec.convert(
        {"station": Station(root="/nowhere"), "publication": Publication(keep_bytes=310)}, Settings
    )
    pruned = over_budget(full, budget, AT)
    assert [one.id for one in pruned] == stamps[:3]  # 250 + 6 * 10 are left, not 9 * 10
