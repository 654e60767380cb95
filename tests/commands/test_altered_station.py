"""A station or a delivery that is damaged, or that somebody else has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import nights
from tests.commands.night import FIRST, SECOND
from tests.stations import Sandbox, sandbox


def test_an_unreadable_delivery_is_a_failure_and_loses_nothing(box: Sandbox) -> None:
    if os.geteuid() == 0:
        ran = box.run("receive", "/proc/self/mem")
        assert ran.code in {1, 3}
    ran = box.run("receive", "/dev/null")
    assert ran.code == 1
    assert box.station.live().cut == SECOND


def test_what_others_wrote_into_run_costs_nothing(box: Sandbox) -> None:
    run = box.station.run
    deep = "[" * 100_000
    for name, content in (
        ("now.json", '{"pid":1,"at":"2024-06-02T20:05:00"}'),
        ("now.json", deep),
        ("state.json", deep),
        ("state.json", '{"live":"x","cuts":{}}'),
        ("state.json", '{"program":"0.0.1","state":{"live":"x","cuts":{}}}'),
    ):
        (run / name).write_text(content)
        assert box.run("status", "--json").json["live"]["id"] == SECOND, (name, content[:20])
        assert box.run("hold", "--reason", "x").code == 0
        assert box.run("release", "--reason", "x").code == 0


def test_a_map_that_contradicts_itself_is_mended(box: Sandbox) -> None:
    live_map = box.station.public / "live.map"
    text = live_map.read_text()
    live_map.write_text(text.replace(f"/{SECOND}", f"/{FIRST}"))
    assert box.run("hold", "--reason", "x").code == 0
    assert f"/{SECOND}\n" in live_map.read_text()
    assert box.run("status", "--json").json["mode"] == "hold"


def test_nobody_else_can_hold_the_locks_and_walls_can_read(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        box = sandbox(tmp_path)
        assert box.run("receive", nights.archive(tmp_path, stamp=FIRST, actas=5), "--now").code == 0
    finally:
        os.umask(before)
    root = box.settings.root
    assert all(p.stat().st_mode & 0o077 == 0 for p in (root / "run").glob("*.lock"))
    for path in (
        root / "journal" / "journal.jsonl",
        root / "public" / "live.map",
        root / "cuts" / FIRST / "cut.json",
    ):
        assert path.stat().st_mode & 0o044 == 0o044, path


def test_a_damaged_cut_is_an_alarm_and_is_not_put_up_again(box: Sandbox) -> None:
    victim = sorted((box.station.cuts / SECOND / "site").iterdir())[0]
    data = victim.read_bytes()
    victim.chmod(0o644)
    victim.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert box.run("resync").code == 1
    alarms = box.run("status", "--json").json["alarms"]
    assert "cut.damaged" in {alarm["id"] for alarm in alarms}
    assert box.run("rollback", "--reason", "x").code == 0
    assert box.run("publish", SECOND).code == 1
    assert box.station.live().cut == FIRST


@pytest.mark.parametrize("command", [["diff", FIRST, SECOND], ["rollback"], ["handover"]])
def test_a_journal_that_cannot_be_read_is_told_in_words(box: Sandbox, command: list[str]) -> None:
    box.station.journal.unlink()
    box.station.journal.mkdir()
    ran = box.run(*command)
    assert ran.code == 3
    assert "unexpected fault" not in ran.err
    assert "journal.jsonl" in ran.err
    assert ran.err.count(" — ") == 2


def test_a_number_beyond_all_on_a_page_keeps_no_decision_back(box: Sandbox) -> None:
    """An altered estado page, whose head of the journal is no number any more."""
    page = box.station.public / "estado" / f"{box.station.live().estado}.json"
    text = page.read_text("utf-8")
    page.chmod(0o644)
    page.write_text(text.replace('"seq": ', '"seq": 1e400, "was": '), "utf-8")
    assert box.run("rollback", "--reason", "prueba").code == 0
