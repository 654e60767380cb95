"""A delivery ahead of our clock: refused when time servers agree with us, else it waits."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from prep_console.cuts.stamps import Stamp
from prep_console.drill.peers.clock import time_server
from tests import nights
from tests.engine.test_engine import engine
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server


def _ahead(box: Sandbox, folder: Path) -> Path:
    """One election's archive, two hours ahead, dropped."""
    wall = datetime.now(box.settings.zone).replace(tzinfo=None) + timedelta(hours=2)
    stamp = str(Stamp(wall.replace(minute=wall.minute // 5 * 5, second=0, microsecond=0)))
    made = nights.archive(folder, stamp=stamp, actas=5)
    return Path(shutil.copy(made, box.settings.drop_folder / made.name))


@pytest.mark.parametrize("known", [True, False])
def test_our_own_clock_decides_what_becomes_of_a_delivery_from_the_future(
    tmp_path: Path, known: bool
) -> None:
    with time_server(tmp_path / "clock") if known else nullcontext() as server:
        clock = {"servers": [server.address] if server else [], "chrony": ""}
        box = sandbox(tmp_path, {"intake": {"settle_seconds": 0.5}, "clock": clock})
        box.station.prepare()
        with engine(box):
            if server:
                wait_until(lambda: _clock(box) == "ok", 20)
            dropped = _ahead(box, tmp_path)
            if server:
                wait_until(lambda: list(box.station.quarantine.glob("*/reason.json")), 20)
                wait_until(lambda: not dropped.exists(), 5)
                assert "cut.refused" in _alarms(box)
                assert "cut.parked" not in _alarms(box)
            else:
                wait_until(lambda: "cut.parked" in _alarms(box), 20)
                assert dropped.exists()
                assert not list(box.station.quarantine.iterdir())


def _clock(box: Sandbox) -> str | None:
    readings = box.run("status", "--json").json["readings"]
    return str(readings["clock.offset"]["state"]) if "clock.offset" in readings else None


def _alarms(box: Sandbox) -> set[str]:
    return {alarm["key"] for alarm in box.run("alarms", "--json").json["alarms"]}
