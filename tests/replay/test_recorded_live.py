"""A real station's run: each moment of its replay is what ``status`` said at that moment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from prep_console.engine.past import Past
from prep_console.reports.status import status_json
from tests import nights
from tests.apache.server import Apache
from tests.console.terminals import Tmux
from tests.stations import PROGRAM, Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server

Status = dict[str, Any]
STAMPS = nights.stamps(count=3)
OF_THE_JOURNAL = (
    "mode",
    "phase",
    "live",
    "previous",
    "decision",
    "high_water",
    "waiting_for",
    "waiting_cuts",
    "next_due",
    "late_s",
    "cuts",
    "cuts_missed",
)
"""What must be equal to the letter at every moment."""


class Run:
    """A night of three cuts and a rollback, with what ``status --json`` said while it went on."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.statuses: list[Status] = []

    def look(self) -> Status:
        said: Status = self.box.run("status", "--json").json
        self.statuses.append(said)
        return said

    def until(self, condition: Callable[[Status], object], timeout_s: float = 60) -> None:
        wait_until(lambda: condition(self.look()), timeout_s)

    def play(self, folder: Path) -> None:
        with self.box.engine():
            self.until(lambda now: now["engine"]["alive"])
            for stamp in STAMPS:
                made = folder / stamp
                made.mkdir()
                for path in nights.two_archives(made, stamp, actas=30).values():
                    assert self.box.run("receive", path).code == 0
                    self.look()
                self.until(partial(_is_served, stamp))
            assert self.box.run("rollback", "--yes", "--reason", "datos de prueba").code == 0
            self.until(partial(_is_served, STAMPS[1]))
            since = len(self.statuses)
            self.until(lambda now: self._sampled(since), 60)
        self.until(lambda now: not now["engine"]["alive"])

    def _sampled(self, since: int) -> bool:
        """Whether the telemetry has seen what the last looks saw."""
        first = datetime.fromisoformat(self.statuses[since]["observed_at"])
        last = datetime.fromisoformat(self.statuses[-1]["observed_at"])
        return (last - first).total_seconds() > 21


def _is_served(cut: str, now: Status) -> bool:
    return bool(now["served"]) and now["served"]["id"] == cut


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("night")
    bare = sandbox(folder)
    bare.station.prepare()
    with Apache(bare.settings, folder / "apache") as apache:
        box = sandbox(
            folder,
            {
                "site": {"url": apache.url + "/"},
                "host": {"min_cpus": 1, "min_memory_bytes": 1, "min_free_bytes": 1},
            },
        )
        night = Run(box)
        night.play(folder)
    return night


def moments(run: Run, past: Past) -> Iterator[tuple[Status, Status]]:
    """What was said live, and what the replay says of that moment."""
    for said in run.statuses:
        at = datetime.fromisoformat(said["observed_at"])
        if past.begins <= at <= past.ends:
            yield said, json.loads(json.dumps(status_json(past.at(at))))


def test_what_the_journal_tells_is_equal_to_the_letter(run: Run) -> None:
    compared = 0
    for said, replayed in moments(run, Past(run.box.settings)):
        assert {k: replayed[k] for k in OF_THE_JOURNAL} == {k: said[k] for k in OF_THE_JOURNAL}
        compared += 1
    assert compared > 20


def test_instruments_engine_and_site_are_what_they_were_at_the_last_sample(run: Run) -> None:
    """A sample each ten seconds: what changed since the last one the replay cannot know."""
    past = Past(run.box.settings)
    pairs = list(moments(run, past))
    alive = [(s, r) for s, r in pairs if s["engine"]["alive"] and r["past"] and _known(r)]
    assert len(alive) > 5
    for said, replayed in alive:
        assert replayed["engine"]["pid"] == said["engine"]["pid"]
        assert replayed["readings"].keys() <= said["readings"].keys()
        for name, reading in replayed["readings"].items():
            unit = {one["readings"][name]["unit"] for one, _ in pairs if name in one["readings"]}
            assert reading["unit"] in unit, name
    last_said, last = alive[-1]
    assert (last["served"]["id"], last["served"]["ok"]) == (STAMPS[1], True)
    assert last_said["served"]["id"] == STAMPS[1]
    for name in ("host.disk", "host.memory", "site.visitor"):
        mine, theirs = last["readings"][name], last_said["readings"][name]
        assert mine["state"] == theirs["state"]
        assert mine["detail"].keys() == theirs["detail"].keys()
    assert last["readings"]["site.visitor"]["detail"]["cut"] == STAMPS[1]


def test_alarms_are_those_that_were_said_then_or_a_moment_later(run: Run) -> None:
    """Screens judge at once, and the journal holds it a heartbeat later."""
    ever = {alarm["id"] for said in run.statuses for alarm in said["alarms"]}
    pairs = moments(run, Past(run.box.settings))
    assert {alarm["id"] for _, replayed in pairs for alarm in replayed["alarms"]} <= ever


def test_the_engine_s_end_is_seen(run: Run) -> None:
    past = Past(run.box.settings)
    assert past.at(past.ends).engine.alive is False


def _known(replayed: Status) -> bool:
    return any(reading["state"] != "unknown" for reading in replayed["readings"].values())


def test_a_headless_command_says_the_same(run: Run) -> None:
    past = Past(run.box.settings)
    said = run.statuses[-1]
    for form in (past.ends.isoformat(), past.ends.strftime("%Y-%m-%dT%H:%M:%SZ")):
        ran = run.box.run("replay", "--at", form, "--json")
        assert ran.code == 0, ran.err
        assert ran.json["schema"] == 1
        assert said.keys() <= ran.json.keys()
        assert {k: ran.json[k] for k in ("mode", "live", "cuts", "previous")} == {
            k: said[k] for k in ("mode", "live", "cuts", "previous")
        }
        assert ran.json["past"]["archive"] is None


@pytest.mark.parametrize("language", ["es", "en"])
def test_wrong_arguments_are_told(run: Run, language: str) -> None:
    past = Past(run.box.settings)
    hour = f"{past.begins.astimezone(run.box.settings.zone):%Y-%m-%dT%H:%M:%S}"
    for arguments, es, en in (
        (["--at", "25:00"], "25:00 no es una hora", "25:00 is no time"),
        (["--from", "2019-01-01T00:00"], "queda fuera de la bitácora", "lies outside the record"),
        (["--to", "20990101_0000"], "queda fuera de la bitácora", "lies outside the record"),
        (["--from", past.ends.isoformat(), "--to", hour], "después de --to", "after --to"),
        (["--speed", "0"], "no está entre 1 y 600", "is not between 1 and 600"),
        (["--speed", "nan"], "no está entre 1 y 600", "is not between 1 and 600"),
        (["--json"], "--json va con --at", "--json goes with --at"),
        ([], "necesita una terminal", "needs a terminal"),
    ):
        ran = run.box.run("replay", *arguments, lang=language)
        assert ran.code == 2, (arguments, ran)
        assert (es if language == "es" else en) in ran.err
        assert ran.out == ""


def test_a_station_without_a_record_is_refused(tmp_path: Path) -> None:
    ran = sandbox(tmp_path).run("replay", "--at", "02:35", "--json")
    assert ran.code == 1
    assert "no record yet" in ran.err


def test_in_a_real_terminal_on_a_copy_that_another_uid_may_only_read(run: Run) -> None:
    """Played, jumped in and left; the copy is not touched, and nobody could have."""
    folder = Path(tempfile.mkdtemp(prefix="replayed-"))
    try:
        folder.chmod(0o755)
        copy = folder / "copy"
        shutil.copytree(run.box.settings.root, copy, symlinks=True)
        for path in [copy, *copy.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)
        settings = folder / "config.toml"
        shutil.copy(run.box.file, settings)
        before = {p: p.stat().st_mtime_ns for p in copy.rglob("*")}
        command = [PROGRAM, "--config", settings, "--lang", "es", "replay", "--folder", copy]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=65534", "--clear-groups", *command]
        with Tmux(folder / "tmux", [*command, "--speed", "2"], (120, 40)) as screen:
            screen.see("◂◂ REPETICIÓN", 30)
            screen.see("▸ 2×")
            screen.keys("v")
            screen.see("║ en pausa (2×)")
            screen.see("por root: “datos de prueba”" if os.getuid() == 0 else "“datos de prueba”")
            wait_until(lambda: all(one[:1] == one[-1:] == "◂" for one in screen.rows()[2:]), 10)
            screen.keys("b")
            screen.keys("0")
            screen.see("NADA PUBLICADO")
            screen.keys("9")
            screen.see("MOTOR DETENIDO")
            screen.keys("q")
            wait_until(lambda: not _there(screen), 10)
        assert {p: p.stat().st_mtime_ns for p in copy.rglob("*")} == before
    finally:
        shutil.rmtree(folder)


def _there(screen: Tmux) -> bool:
    try:
        return bool(screen.tmux("list-sessions"))
    except subprocess.CalledProcessError:
        return False
