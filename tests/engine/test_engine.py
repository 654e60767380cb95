"""The real engine as a process: leading, standby, drop folder, heartbeat, a clean end."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prep_console.cuts.stamps import Stamp
from prep_console.publication import lock
from prep_console.values import replace
from tests import nights
from tests.apache.server import Apache
from tests.processes import LONG_S
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.server


engine = Sandbox.engine


def alive(box: Sandbox) -> bool:
    return bool(box.run("status", "--json").json["engine"]["alive"])


def live(box: Sandbox) -> str | None:
    return box.station.live().cut


def drop(box: Sandbox, path: Path) -> Path:
    """As a client that writes under the final name."""
    return Path(shutil.copy(path, box.settings.drop_folder / path.name))


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    made = sandbox(tmp_path, {"intake": {"settle_seconds": 0.5}})
    made.station.prepare()
    return made


@pytest.fixture
def cut(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "made"
    folder.mkdir()
    return nights.two_archives(folder, stamp="20240602_2005", actas=5)


def test_two_dropped_archives_go_live_and_leave_the_folder(
    box: Sandbox, cut: dict[str, Path]
) -> None:
    with engine(box):
        wait_until(lambda: alive(box), LONG_S)
        drop(box, cut["DIP_LOC"])
        wait_until(lambda: box.run("status", "--json").json["waiting_for"] == ["AYUN"], 30)
        assert live(box) is None
        drop(box, cut["AYUN"])
        wait_until(lambda: live(box) == "20240602_2005", LONG_S)
        wait_until(lambda: not list(box.settings.drop_folder.iterdir()), 5)
        site = box.station.cuts / "20240602_2005" / "site"
        for path in cut.values():
            assert (site / path.name).read_bytes() == path.read_bytes()


def test_a_half_arrived_archive_is_never_touched(box: Sandbox, cut: dict[str, Path]) -> None:
    whole = cut["AYUN"].read_bytes()
    with engine(box):
        wait_until(lambda: alive(box), LONG_S)
        drop(box, cut["DIP_LOC"])
        half = box.settings.drop_folder / cut["AYUN"].name
        half.write_bytes(whole[: len(whole) // 2])  # closed, as a killed upload leaves it
        hidden = box.settings.drop_folder / f".{cut['AYUN'].name}.Xq3fT1"
        hidden.write_bytes(whole)  # rsync's name of a file that is still coming
        wait_until(lambda: box.run("status", "--json").json["waiting_for"] == ["AYUN"], 30)
        bad = box.settings.drop_folder / "20240602_2005_PREP_AYUN_QRO.txt"
        bad.write_bytes(b"not a delivery")  # settles and is refused: by then the others were seen
        wait_until(lambda: list(box.station.quarantine.iterdir()), LONG_S)
        assert half.read_bytes() == whole[: len(whole) // 2]
        assert hidden.exists()
        assert live(box) is None
        with half.open("ab") as file:
            file.write(whole[len(whole) // 2 :])
        wait_until(lambda: live(box) == "20240602_2005", LONG_S)
        hidden.unlink()


def test_a_file_that_cannot_be_taken_does_not_hold_up_the_others(
    box: Sandbox, cut: dict[str, Path], tmp_path: Path
) -> None:
    (box.settings.drop_folder / "20200101_0000_PREP_DIP_LOC_QRO").symlink_to(tmp_path)
    (box.settings.drop_folder / "20200101_0000_PREP_DIP_LOC_QRO.zip").symlink_to("/etc/passwd")
    with engine(box):
        wait_until(lambda: alive(box), LONG_S)
        for path in cut.values():
            drop(box, path)
        wait_until(lambda: live(box) == "20240602_2005", LONG_S)


def test_a_corrupt_archive_is_refused_with_a_reason(box: Sandbox, cut: dict[str, Path]) -> None:
    data = bytearray(cut["DIP_LOC"].read_bytes())
    data[len(data) // 3] ^= 0xFF
    with engine(box):
        wait_until(lambda: alive(box), LONG_S)
        dropped = box.settings.drop_folder / cut["DIP_LOC"].name
        dropped.write_bytes(data)
        wait_until(lambda: list(box.station.quarantine.glob("*/reason.json")), LONG_S)
        wait_until(lambda: not dropped.exists(), 5)
        assert "archive." in next(box.station.quarantine.glob("*/reason.json")).read_text()
        drop(box, cut["DIP_LOC"])
        drop(box, cut["AYUN"])
        wait_until(lambda: live(box) == "20240602_2005", LONG_S)


def test_a_backlog_from_before_the_start_is_taken_oldest_first(
    box: Sandbox, tmp_path: Path
) -> None:
    for stamp in ("20240602_2015", "20240602_2005", "20240602_2010"):
        folder = tmp_path / stamp
        folder.mkdir()
        for path in nights.two_archives(folder, stamp=stamp, actas=5).values():
            drop(box, path)
    with engine(box):
        wait_until(lambda: live(box) == "20240602_2015", 20)
        assert len(box.run("cuts", "--json").json["cuts"]) == 3
        assert not list(box.station.quarantine.iterdir())


def test_the_wait_for_a_missing_election_ends_by_itself(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"intake": {"carry_after_seconds": 1}})
    box.station.prepare()
    for stamp in ("20240602_2005", "20240602_2010"):
        (tmp_path / stamp).mkdir()
    first = nights.two_archives(tmp_path / "20240602_2005", stamp="20240602_2005", actas=5)
    alone = nights.archive(tmp_path / "20240602_2010", "DIP_LOC", "20240602_2010", actas=5)
    with engine(box):
        wait_until(lambda: alive(box), LONG_S)
        for path in first.values():
            drop(box, path)
        wait_until(lambda: live(box) == "20240602_2005", LONG_S)
        dropped = drop(box, alone)
        wait_until(lambda: live(box) == "20240602_2010", 15)
        wait_until(lambda: not dropped.exists(), 5)
        parts = box.run("status", "--json").json["live"]["parts"]
        assert {p["election"]: p["carried"] for p in parts} == {"AYUN": True, "DIP_LOC": False}


def test_a_second_engine_stands_by_and_takes_over(box: Sandbox, cut: dict[str, Path]) -> None:
    with engine(box) as first:
        wait_until(lambda: alive(box), LONG_S)
        with engine(box) as second:
            wait_until(
                lambda: box.run("status", "--json").json["engine"]["pid"] == first.pid, LONG_S
            )
            first.kill()
            first.wait(10)
            wait_until(lambda: box.run("status", "--json").json["engine"]["pid"] == second.pid, 15)
            for path in cut.values():
                drop(box, path)
            wait_until(lambda: live(box) == "20240602_2005", LONG_S)


def test_a_hung_engine_is_not_called_alive_and_does_not_stop_a_decision(
    box: Sandbox, tmp_path: Path
) -> None:
    for stamp in ("20240602_2005", "20240602_2010"):
        folder = tmp_path / stamp
        folder.mkdir()
        nights.two_archives(folder, stamp=stamp, actas=5)
        assert box.run("receive", folder).code == 0
    with engine(box) as process:
        wait_until(lambda: alive(box), LONG_S)
        process.send_signal(signal.SIGSTOP)
        assert box.run("rollback", "--reason", "x").code == 0
        assert live(box) == "20240602_2005"
        wait_until(lambda: not alive(box), 30, "the heartbeat grows old")


def test_it_ends_for_a_new_start_when_its_lock_is_deleted(box: Sandbox) -> None:
    process = box.start("engine")
    try:
        wait_until(lambda: alive(box), LONG_S)
        shutil.rmtree(box.station.run)
        process.communicate(timeout=10)
    finally:
        process.kill()
        process.wait(10)
    assert process.returncode == 3
    with engine(box):
        wait_until(lambda: alive(box), LONG_S)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_it_ends_cleanly(box: Sandbox, ending: signal.Signals) -> None:
    process = box.start("engine")
    wait_until(lambda: alive(box), LONG_S)
    process.send_signal(ending)
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert not alive(box)


def test_killed_it_leaves_no_process_behind(box: Sandbox, cut: dict[str, Path]) -> None:
    with engine(box) as process:
        wait_until(lambda: alive(box), LONG_S)
        drop(box, cut["DIP_LOC"])
        wait_until(lambda: box.run("status", "--json").json["waiting_for"] == ["AYUN"], 30)
        children = _children(process.pid)
        assert children
        process.kill()
        process.wait(10)
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 10)


def _children(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def test_what_the_visitor_gets_is_watched(tmp_path: Path, cut: dict[str, Path]) -> None:
    plain = sandbox(tmp_path)
    plain.station.prepare()
    with Apache(plain.settings, tmp_path / "apache") as apache:
        box = sandbox(tmp_path, {"site": {"url": apache.url + "/"}})
        with engine(box):
            for path in cut.values():
                drop(box, path)

            def served() -> bool:
                said = box.run("status", "--json").json["served"]
                return bool(said and said["ok"] and said["id"] == "20240602_2005")

            wait_until(served, 20)
            newest = box.run("cuts", "--json").json["cuts"][0]
            assert newest["served_at"] >= newest["published_at"]
            assert "host.disk" in box.run("status", "--json").json["readings"]


def before_opening(folder: Path, *deliveries: Path) -> Sandbox:
    """A station that took them long before its hour; who asks it now is told no hour."""
    box = sandbox(folder)
    settings = box.file.read_text()
    box.file.write_text(f"{settings}opens = 2100-01-01T20:00:00-06:00\n")
    for path in deliveries:
        assert box.run("receive", path).code == 0
    assert live(box) is None
    box.file.write_text(settings)
    return box


def test_the_opening_hour_publishes_what_waited(tmp_path: Path, cut: dict[str, Path]) -> None:
    box = before_opening(tmp_path, *cut.values())
    opens = datetime.now(UTC) + timedelta(seconds=10)
    box.file.write_text(f"{box.file.read_text()}opens = {opens.isoformat()}\n")
    with engine(box):
        wait_until(lambda: live(box) == "20240602_2005", 60)
    published = box.station.state().cuts["20240602_2005"].published_at
    assert published is not None
    assert published >= opens


def test_a_busy_intake_holds_up_nothing_that_is_due(tmp_path: Path, cut: dict[str, Path]) -> None:
    """A delivery waits for its cut, and somebody else has the intake all the while."""
    late = nights.archive(tmp_path, "AYUN", "20240602_2010", actas=5)
    box = before_opening(tmp_path, *cut.values(), late)
    assert box.station.state().waiting
    with ExitStack() as busy:
        busy.enter_context(lock.held(box.station.intake_lock, "test"))
        with engine(box):
            wait_until(lambda: live(box) == "20240602_2005", 60)
            busy.close()  # who waits for the intake ends no sooner


def test_stamps_are_the_stations_wall_time(box: Sandbox) -> None:
    assert os.fspath(box.settings.drop_folder).endswith("incoming/entrega")
    moment = Stamp.of("20240602_2005").at(box.settings.zone)
    assert moment.isoformat() == "2024-06-02T20:05:00-06:00"


def test_settings_that_are_not_in_force_are_told_until_the_engine_is_started_anew(
    box: Sandbox, tmp_path: Path
) -> None:
    def told() -> Any:
        return box.run("info", "--json").json["engine"]

    assert told() == {
        "alive": False,
        "settings_file": None,
        "up_to_date": None,
        "not_in_force": [],
    }
    written = box.file.read_text()
    with engine(box):
        wait_until(lambda: told()["up_to_date"] is True, 30)
        assert told()["settings_file"] == str(box.file)
        assert "running with this file as it is" in box.run("info").out
        box.file.write_text(f"{written}\n[clock]\nwarning_ms = 60\n[contacts]\na = '1'\n")
        wait_until(lambda: told()["up_to_date"] is False, 30)
        assert told()["not_in_force"] == ["clock.warning_ms"]
        said = box.run("info").out
        assert "running; 1 setting was changed since its start" in said
        (row,) = (line for line in said.splitlines() if "clock.warning_ms" in line)
        assert row.endswith("not in force: the engine runs with another value")
        assert "settings file was changed" in box.run("status").out
        other = tmp_path / "other.toml"
        other.write_text(box.file.read_text())
        asked = replace(box, file=other).run("info")
        assert f"running with another settings file: {box.file}" in asked.out
        box.file.write_text(f"{written}\n[clock]\nwarning_ms = 'x'\n")
        wait_until(lambda: _of_settings(box, other)["value"] == "wrong", 30)
        assert "warning_ms" in _of_settings(box, other)["detail"]["error"]
        box.file.write_text(f"{written}\n[clock]\nwarning_ms = 60\n")
    with engine(box):
        wait_until(lambda: told()["up_to_date"] is True, 30)
        assert "settings file was changed" not in box.run("status").out


def _of_settings(box: Sandbox, file: Path) -> Any:
    """Asked with a file that can be read, while the engine's own cannot."""
    return replace(box, file=file).run("status", "--json").json["readings"]["engine.settings"]
