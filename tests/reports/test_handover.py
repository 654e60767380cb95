"""``handover``: what the next shift reads, from real cuts and real decisions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prep_console.commands.context import folded
from prep_console.engine.view import read_snapshot
from prep_console.journal import journal
from prep_console.reports.handover import handover, handover_lines
from prep_console.snapshot import EngineView, Reading
from prep_console.values import replace
from prep_console.wording import use
from tests.console.terminals import Pty
from tests.nights import two_archives
from tests.stations import PROGRAM, Sandbox, sandbox
from tests.waiting import wait_until


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    made = sandbox(tmp_path)
    for stamp in ("20240602_2005", "20240602_2010"):
        for path in two_archives(tmp_path, stamp).values():
            assert made.run("receive", path).code == 0
    assert made.run("rollback", "--yes", "--reason", "figures of AYUN fell").code == 0
    return made


def test_it_tells_the_state_and_who_decided_what_and_why(box: Sandbox) -> None:
    told = box.run("handover")
    assert told.code == 0, told.err
    assert "Public: cut 20240602_2005" in told.out
    decisions = told.out.split("DECISIONS")[1].split("STOPPED")[0]
    assert "roll back → 20240602_2005: “figures of AYUN fell”" in decisions
    assert "RELEVO" in box.run("handover", lang="es").out
    document = box.run("handover", "--json").json
    assert document["status"]["live"]["id"] == "20240602_2005"
    assert {"intent"} <= {line["kind"] for line in document["decisions"]}
    assert all(line["by"] != "engine" for line in document["decisions"])


def test_a_wrong_length_of_the_shift_is_refused(box: Sandbox) -> None:
    assert box.run("handover", "--hours", "0").code == 2
    assert box.run("handover", "--hours", "x").code == 2


def test_gaps_and_what_runs_out_are_told_and_a_blind_station_says_so(box: Sandbox) -> None:
    assert "no engine reads" in box.run("handover").out
    now = datetime.now(UTC)
    seen = read_snapshot(box.settings)
    newest, oldest = seen.cuts
    late = replace(newest, received_at=oldest.received_at + timedelta(minutes=8))
    readings = {
        "host.disk": Reading(5e9, "bytes", "warning", now, detail={"lasts_s": 7200}),
        "power.ups": Reading(
            80.0, "%", "warning", now, detail={"status": "OB DISCHRG", "runtime_s": 600.0}
        ),
        "power.fine": Reading(80.0, "%", "ok", now, detail={"status": "OL", "runtime_s": 600.0}),
    }
    night = replace(seen, cuts=(late, oldest), readings=readings, engine=EngineView(True, 1, 0.0))
    shift = handover(night, journal.read(box.station.journal), now - timedelta(hours=1))
    assert [(gap.after, gap.minutes) for gap in shift.gaps] == [("20240602_2005", 8)]
    assert [trend.reading for trend in shift.trends] == ["power.ups", "host.disk"]
    later = handover(night, journal.read(box.station.journal), now + timedelta(hours=1))
    assert (later.decisions, later.gaps) == ((), ())


@pytest.mark.parametrize(("hours", "dated"), [(1, False), (30, True)])
def test_what_is_not_of_this_night_has_its_date(box: Sandbox, hours: int, dated: bool) -> None:
    use("en")
    seen = read_snapshot(box.settings)
    newest, oldest = seen.cuts
    late = replace(newest, received_at=oldest.received_at + timedelta(minutes=8))
    seen = replace(seen, cuts=(late, oldest), observed_at=seen.observed_at + timedelta(hours=hours))
    read = journal.read(box.station.journal)
    lines = list(handover_lines(handover(seen, read, oldest.received_at - timedelta(hours=1))))

    def hours_of(mark: str) -> list[str]:
        """What stands for the times of the one line that has this."""
        (line,) = (line for line in lines if mark in line)
        return re.findall(r"([A-Z][a-z]{2} \d{1,2} )?\d{2}:\d{2}:\d{2}", line)

    for mark, count in (
        ("live since", 1),  # the live cut
        ("  since ", 1),  # the decision that stands
        (": roll back", 1),
        ("8 min without a cut", 2),
    ):
        found = hours_of(mark)
        assert [bool(day) for day in found] == [dated] * count, (mark, lines)


def test_on_a_terminal_it_is_folded_between_words_and_in_a_file_it_is_not(box: Sandbox) -> None:
    reason = "the institute asked for it by telephone " * 4
    assert box.run("release", "--reason", reason).code == 0
    assert reason.strip() in box.run("handover").out
    with Pty((PROGRAM, "--config", box.file, "--lang", "en", "handover"), (60, 24)) as terminal:
        terminal.process.wait(60)
        wait_until(lambda: b"WILL BITE" in terminal.received, 20, "all of it")
        lines = terminal.received.decode().splitlines()
    assert max(map(len, lines)) <= 60
    told = next(n for n, line in enumerate(lines) if "the institute asked" in line)
    assert lines[told + 1].startswith("    ")
    assert reason.strip() in " ".join(" ".join(lines).split())


def test_a_line_that_fits_stays_as_it_is() -> None:
    assert folded("  ▲ short", 80) == ["  ▲ short"]
    assert folded("", 80) == [""]


def test_a_next_cut_is_late_only_once_the_alarm_would_say_so(box: Sandbox) -> None:
    use("es")
    seen = replace(read_snapshot(box.settings), cadence_s=300.0)
    read = journal.read(box.station.journal)
    told = {
        late_s: " ".join(
            handover_lines(handover(replace(seen, late_s=late_s), read, datetime.now(UTC)))
        )
        for late_s in (20.0, 149.0, 151.0)
    }
    assert [late_s for late_s, text in told.items() if "minutos de retraso" in text] == [151.0]
