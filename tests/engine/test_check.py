"""The line for Nagios: well formed whatever is in it, and there in time whatever hangs."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from prep_console.engine.check import line_of
from prep_console.engine.view import read_snapshot
from prep_console.probes.probe import reading, unknown
from prep_console.snapshot import AlarmView, EngineView, Snapshot
from prep_console.values import replace
from tests.outward.views import AT, alarm
from tests.stations import Sandbox, sandbox

FIGURE = re.compile(r"('[^'=|]+'|[\w.]+)=(U|-?[\d.e+-]+)(s|%|B)?(;[-\d.e+:~@]*)?(;[-\d.e+:~@]*)?")


def seen(box: Sandbox, *alarms: AlarmView, alive: bool = True) -> Snapshot:
    readings = {
        "clock.offset": reading(-0.0125, "s", AT),
        "host.disk": reading(5e10, "bytes", AT),
        "power.ups 'a'|b": reading(87.0, "%", AT, role="ups"),
        "site.certificate": reading(40.0, "days", AT),
        **unknown(("link.dns",), "gone", AT),
    }
    engine = EngineView(alive, 1 if alive else None, 0.4)
    return replace(read_snapshot(box.settings), readings=readings, alarms=alarms, engine=engine)


def test_the_figures_are_as_the_guidelines_have_them(tmp_path: Path) -> None:
    line, code = line_of((box := sandbox(tmp_path)).settings, seen(box))
    assert code == 0
    assert line.startswith("PREP OK - cut none, auto | ")
    items = line.partition(" | ")[2].split(" ")
    assert all(FIGURE.fullmatch(item) for item in items)
    told = dict(item.split("=", 1) for item in items)
    assert told["clock.offset"] == "-0.0125s;-0.05:0.05;-1:1"
    assert told["host.disk"] == "50000000000B;21474836480:;5368709120:"
    assert told["'power.ups__a__b'"] == "87%;;30:"
    assert told["site.certificate"] == "40;14:;3:"
    assert told["heartbeat"] == "0.4s"


def test_no_engine_is_critical(tmp_path: Path) -> None:
    line, code = line_of((box := sandbox(tmp_path)).settings, seen(box, alive=False))
    assert code == 2
    assert line.startswith("PREP CRITICAL - cut none, auto: no engine is running")


def test_a_bar_a_new_line_and_a_flood_stay_one_line(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    evil = alarm("x", "a | b=1\nOK\r\x1b[2Jé" + "x" * 100_000)
    line, code = line_of(box.settings, seen(box, *[evil] * 40))
    assert code == 2
    assert line.count("|") == 1
    assert line.isprintable()
    assert len(line.encode()) <= 8192
    assert "a / b=1 OK" in line


def test_shelved_alarms_are_told_and_do_not_count(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    quiet = replace(alarm("x", "no mains"), shelved_until=AT)
    line, code = line_of(box.settings, seen(box, quiet))
    assert (code, "1 shelved" in line, "no mains" in line) == (0, True, False)
    mild = replace(alarm("y", "hot"), severity="warning")
    assert line_of(box.settings, seen(box, quiet, mild))[1] == 1


def test_without_an_engine_the_command_is_critical(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    box.station.prepare()
    ran = box.run("check")
    assert (ran.code, ran.out.count("\n")) == (2, 1)
    assert ran.out.startswith("PREP CRITICAL")


def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    box.station.prepare()
    box.station.journal.mkdir()
    ran = box.run("check")
    assert ran.code == 3
    assert ran.out.startswith("PREP UNKNOWN")


@pytest.mark.parametrize("wrong", ["missing", "misspelt"])
def test_settings_that_cannot_be_read_are_unknown_in_one_line(tmp_path: Path, wrong: str) -> None:
    box = sandbox(tmp_path)
    if wrong == "missing":
        box.file.unlink()
    else:
        box.file.write_text(f'{box.file.read_text()}\n[sitte]\nurl = ""\n')
    ran = box.run("check", lang="es")
    assert (ran.code, ran.out.count("\n"), ran.err) == (3, 1, "")
    assert ran.out.startswith("PREP UNKNOWN - ")
    assert ("sitte" if wrong == "misspelt" else str(box.file)) in ran.out


@pytest.mark.slow
def test_a_look_that_hangs_is_unknown_in_time(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    box.station.prepare()
    os.mkfifo(box.station.run / "now.json")  # reading it waits for ever, as on a dead disk
    began = time.monotonic()
    ran = box.run("check")
    assert time.monotonic() - began < 10
    assert ran.code == 3
    assert ran.out == "PREP UNKNOWN - the station did not answer in 8 s\n"
