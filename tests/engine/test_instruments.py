"""A real engine among dead, hung and wrongly named neighbours, and what it tells outward."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from prep_console import telemetry
from prep_console.drill.children import free_port
from prep_console.engine.readings import Readings
from prep_console.probes.probe import reading
from tests.engine.test_engine import alive, engine
from tests.processes import LONG_S
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server


def station(folder: Path, text: str, **tables: dict[str, object]) -> Sandbox:
    """A station with more settings than plain tables can say."""
    box = sandbox(folder, tables)
    box.file.write_text(f"{box.file.read_text()}\n{text}\n")
    box.station.prepare()
    return box


def readings(box: Sandbox) -> dict[str, Any]:
    return dict(box.run("status", "--json").json["readings"])


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A port of TCP whose peer takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_dead_and_hung_neighbours_are_unknown_in_time_and_delay_nothing(tmp_path: Path) -> None:
    with silent() as port:
        power = f"""
[[power.device]]
name = "hung"
nut = "a@127.0.0.1:{port}"
[[power.device]]
name = "dead"
nut = "a@127.0.0.1:{free_port()}"
[[power.device]]
name = "gen"
role = "generator"
modbus = "127.0.0.1:{port}"
[[power.device]]
name = "wrong"
nut = "no address at all"
"""
        servers = [f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}", "nowhere.invalid"]
        box = station(tmp_path, power, clock={"servers": servers})
        with engine(box) as process:
            wait_until(lambda: alive(box), LONG_S)
            names = ("clock.offset", "power.hung", "power.dead", "power.gen", "power.wrong")

            def all_there() -> bool:
                found = readings(box)
                return all(name in found for name in names)

            wait_until(all_there, 15)
            found = readings(box)
            for name in names:
                assert found[name]["state"] == "unknown", name
                assert found[name]["value"] is None
                assert found[name]["error"], name
            assert "wrong setting" in found["power.wrong"]["error"]
            assert found["host.cpu"]["value"] is not None
            ages = [box.run("status", "--json").json["engine"]["heartbeat_age_s"] for _ in range(5)]
            assert max(ages) < 2.5
        assert process.returncode == 0


def test_a_wrong_setting_is_named_at_the_start(tmp_path: Path) -> None:
    power = '[[power.device]]\nname = "x"\nnut = "no address at all"\n'
    box = station(tmp_path, power, telemetry={"prometheus": "0.0.0.0:9100"})
    process = box.start("engine")
    try:
        wait_until(lambda: alive(box), LONG_S)
        wait_until(lambda: "power.x" in readings(box), 10)
    finally:
        process.terminate()
        _, said = process.communicate(timeout=15)
    assert b"wrong setting power.device" in said
    assert b"wrong setting telemetry.prometheus" in said
    assert process.returncode == 0


def test_what_it_knows_is_offered_to_prometheus(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "prep.prom"
    box = station(
        tmp_path, "", telemetry={"prometheus": f"127.0.0.1:{port}", "textfile": str(file)}
    )

    def page() -> dict[str, dict[tuple[str, ...], float]]:
        with contextlib.suppress(httpx.HTTPError):
            got = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
            return {
                family.name: {tuple(s.labels.values()): s.value for s in family.samples}
                for family in text_string_to_metric_families(got)
            }
        return {}

    with engine(box):
        wait_until(lambda: ("host.disk",) in page().get("prep_reading_state", {}), 20)

        def every_reading() -> bool:
            told = page().get("prep_reading_state", {}).keys()
            return told == {(name,) for name in readings(box)}

        wait_until(every_reading, 20, "page and snapshot are of the same moment")
        found = page()
        assert found["prep_engine_alive"] == {(): 1.0}
        assert found["prep_dropped_total"] == {("telemetry",): 0.0}
        wait_until(file.exists, 20)


def test_a_hook_is_told_of_an_alarm_that_the_journal_has_too(tmp_path: Path) -> None:
    told = tmp_path / "told"
    write = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
    box = station(tmp_path, "", alarms={"hook": [sys.executable, "-c", write, str(told)]})

    def events() -> list[tuple[str, str]]:
        lines = told.read_text().splitlines() if told.exists() else []
        return [(said["event"], said["alarm"]["id"]) for said in map(json.loads, lines)]

    with engine(box):
        wait_until(lambda: alive(box), LONG_S)
        # what a bad delivery brings: an alarm without a delay
        assert box.run("hold", "--reason", "rehearsal of the hook").code == 0
        bad = box.settings.drop_folder / "20240602_2005_PREP_AYUN_QRO.txt"
        bad.write_bytes(b"not a delivery")
        wait_until(lambda: any(kind == "raised" for kind, _ in events()), 60)
        raised = next(rule for kind, rule in events() if kind == "raised")
        wait_until(lambda: raised in _journaled(box, "raised"), 10)


def _journaled(box: Sandbox, kind: str) -> set[str]:
    lines = box.run("journal", "--json").json["lines"]
    return {str(line["data"].get("alarm")) for line in lines if line["kind"] == kind}


def test_telemetry_that_is_deleted_or_damaged_under_a_running_engine_is_made_anew(
    tmp_path: Path,
) -> None:
    from datetime import UTC, datetime, timedelta

    box = station(tmp_path, "")
    file = box.settings.root / "telemetry.db"

    def newest() -> datetime | None:
        until = datetime.now(UTC) + timedelta(seconds=5)
        found = telemetry.history(
            box.settings.root, "host.cpu", until - timedelta(minutes=5), until, 300
        )
        return found[-1].at if found else None

    def newer_than(moment: datetime) -> bool:
        found = newest()
        return found is not None and found > moment

    with engine(box):  # what it takes for a passing error is tried again after 30 s
        wait_until(lambda: newest() is not None, 60)
        deleted = datetime.now(UTC)
        file.unlink()
        wait_until(lambda: newer_than(deleted), 60)
        damaged = datetime.now(UTC)
        with file.open("r+b") as opened:
            opened.write(os.urandom(30_000))
        wait_until(lambda: newer_than(damaged), 60)
        assert alive(box)


def test_a_reading_that_changes_its_state_is_dated_and_the_samples_have_an_end() -> None:
    from datetime import UTC, datetime

    at = datetime(2024, 6, 3, tzinfo=UTC)
    table = Readings()
    for n in range(200):
        table.deliver({"a": reading(n / 3, "s", at.replace(minute=n // 60, second=n % 60))})
        table.sample()
    assert table.since == {"a": at}
    kept = json.loads(bytes(table.history))["a"]
    assert len(kept) == 60
    assert kept[-1] == 66.333
