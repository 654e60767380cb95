"""Our own clock jumps, between two decisions and under an engine at work: what a person decides is
carried out, what comes goes public, and Apache sees each switch.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prep_console.cuts.stamps import Stamp
from prep_console.journal import journal
from prep_console.journal.chain import Line
from prep_console.journal.reading import verify
from tests import nights
from tests.apache.conftest import open_folder
from tests.apache.server import Apache
from tests.proof import engine_clock, table, whole
from tests.proof.stations import STAMPS, place, receive_cuts
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until

FIRST, SECOND, THIRD, *_ = STAMPS


@pytest.mark.parametrize("jump", ["+1h", "-1h", "+1d", "-1d"])
def test_a_clock_that_jumps_stops_no_decision(jump: str, tmp_path: Path) -> None:
    at = place(tmp_path / "at")
    receive_cuts(at, tmp_path / "deliveries", [FIRST, SECOND, THIRD])
    pointer = at.root / "public" / "live.map"
    fired = 0
    for command, live in ((["rollback"], SECOND), (["publish", THIRD], THIRD)):
        before = pointer.stat().st_mtime_ns
        done = subprocess.run(
            ["faketime", "-f", jump, *at.command(*command)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        told = journal.read(at.station.journal).lines[-1].time
        away_h = abs((told - datetime.now(UTC)).total_seconds()) / 3600
        fired += away_h > 0.9
        assert whole.faults(at) == []
        assert whole.facts(at).live == live
        # mod_rewrite keeps what it read until the file's time changes
        assert pointer.stat().st_mtime_ns > before
    assert fired == 2, "faketime did not reach the journal"
    said = at.run("publish", SECOND)  # and the clock is right again
    assert said.code == 0, said.err
    assert whole.faults(at) == []
    assert whole.live(at.root)[0] == SECOND
    table.record("clock jumps between decisions", tried=2, fired=fired)


_HOUR, _DAY, _RIGHT = timedelta(hours=1), timedelta(days=1), timedelta()
_ALL = (_HOUR, _RIGHT, -_HOUR, _RIGHT, _DAY, _RIGHT, -_DAY, _RIGHT)
"""How far from the true time the engine's clock is after each jump."""
_JUMPS = _ALL if table.WHOLE else _ALL[:3]  # what waits is looked at again after half a minute


@dataclass
class Night:
    """A station whose engine has a clock of its own."""

    box: Sandbox
    apache: Apache
    folder: Path
    delivered: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """By stamp: names and bytes."""

    def deliver(self, stamp: str) -> None:
        archives = nights.two_archives(self.folder / "made", stamp, actas=4).values()
        self.delivered[stamp] = {path.name: path.read_bytes() for path in archives}
        for path in archives:
            path.rename(self.box.settings.drop_folder / path.name)

    def waits(self, stamp: str) -> None:
        """Until each of its archives is told to be ahead of our clock."""
        names = self.delivered[stamp].keys()
        wait_until(lambda: names <= self._parked(), 120, lambda: f"{stamp} waits: {self._told()}")

    def goes_public(self, stamp: str) -> None:
        """Until a visitor gets what was delivered, to the byte."""
        wait_until(lambda: self._is_public(stamp), 120, lambda: f"{stamp} public: {self._told()}")

    def lines(self) -> tuple[Line, ...]:
        return journal.read(self.box.station.journal).lines

    def _parked(self) -> set[object]:
        return {line.data["name"] for line in self.lines() if line.kind == "parked"}

    def _is_public(self, stamp: str) -> bool:
        answers = {name: self.apache.get(f"/{name}") for name in self.delivered[stamp]}
        return all(a.cut == stamp for a in answers.values()) and (
            {name: a.body for name, a in answers.items()} == self.delivered[stamp]
        )

    def _told(self) -> str:
        log = (self.folder / "engine.log").read_text("utf-8")
        return f"{self.lines()[-5:]}\n{log[-3000:]}"


@pytest.fixture
def night() -> Iterator[Night]:
    """It is between 21 and 22 h at the station, whenever this runs: figures grow then."""
    now = datetime.now(UTC)
    zone = f"Etc/GMT{now.hour - 21 + (24 if now.hour < 9 else 0):+d}"
    with open_folder() as folder:
        clock = {"servers": [], "daemon": "none"}
        box = sandbox(folder, {"station": {"timezone": zone}, "clock": clock})
        box.station.prepare()
        engine_clock.tell(folder / "clock", "+0")
        with Apache(box.settings, folder / "apache") as apache:
            engine = engine_clock.start(
                box, folder / "clock", folder / "engine.log", **engine_clock.JUMPS
            )
            try:
                yield Night(box, apache, folder)
            finally:
                engine_clock.kill(engine.pid)
                engine.wait(10)


@pytest.mark.server
@pytest.mark.slow
def test_a_clock_that_jumps_under_an_engine_keeps_no_delivery_away(night: Night) -> None:
    """What is then ahead of our clock waits, and goes public by itself once the clock is right."""
    first = datetime.now(night.box.settings.zone).replace(tzinfo=None) - timedelta(minutes=45)
    stamps = iter(nights.stamps(str(Stamp(first)), count=len(_JUMPS)))
    live, waiting, fired = "", "", 0
    for away in _JUMPS:
        engine_clock.tell(night.folder / "clock", f"{away.total_seconds():+.0f}")
        if waiting:
            live, waiting = waiting, ""
        elif away < _RIGHT:
            waiting = next(stamps)
            night.deliver(waiting)
            night.waits(waiting)
        else:
            live = next(stamps)
            night.deliver(live)
        night.goes_public(live)
        told = night.lines()[-1].time - datetime.now(UTC)
        fired += abs(told - away) < timedelta(minutes=10)
        verdict = verify(night.box.station.journal, public=night.box.station.own_head())
        assert verdict.ok, verdict
    table.record("clock jumps under an engine", tried=len(_JUMPS), fired=fired)
    assert fired == len(_JUMPS), "the clock did not reach the journal"
