"""What commands answer and do: the contract of the command line, through the installed program."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests import nights
from tests.commands.night import FIRST, SECOND
from tests.stations import PROGRAM, Sandbox, sandbox


def test_status_says_at_least_what_the_contract_names(box: Sandbox) -> None:
    said = box.run("status", "--json").json
    assert said["schema"] == 1
    assert (said["mode"], said["phase"]) == ("auto", "jornada")
    assert said["live"]["id"] == SECOND
    assert said["live"]["stamp"] == "2024-06-02T20:10:00-06:00"
    assert len(said["live"]["sha256"]) == 64
    assert said["previous"] == FIRST
    assert set(said["high_water"]) == {"DIP_LOC", "AYUN"}
    assert said["engine"] == {"alive": False, "pid": None, "heartbeat_age_s": None}
    for key in ("served", "waiting_for", "next_due", "late_s", "cuts", "alarms", "readings"):
        assert key in said


def test_cuts_are_listed_newest_first_with_their_states(box: Sandbox) -> None:
    box.run("rollback", "--reason", "x")
    cuts = box.run("cuts", "--json").json["cuts"]
    assert [(c["id"], c["state"]) for c in cuts] == [(SECOND, "withdrawn"), (FIRST, "live")]


def test_verify_changes_nothing(box: Sandbox, tmp_path: Path) -> None:
    before = sorted((p, p.stat().st_mtime_ns) for p in box.settings.root.rglob("*"))
    path = nights.archive(tmp_path, "DIP_LOC", "20240602_2015", actas=5)
    said = box.run("verify", path, "--json").json
    assert said["verdict"] == "good"
    assert said["stamp"] == "2024-06-02T20:15:00-06:00"
    assert said["elections"][0]["code"] == "DIP_LOC"
    assert said["elections"][0]["figures"]["expected"] == 5
    assert sorted((p, p.stat().st_mtime_ns) for p in box.settings.root.rglob("*")) == before


def test_verify_needs_no_station(tmp_path: Path) -> None:
    import subprocess

    from tests.stations import PROGRAM

    path = nights.archive(tmp_path, "DIP_LOC", FIRST, actas=5)
    done = subprocess.run([PROGRAM, "verify", path, "--json"], capture_output=True, check=False)
    assert done.returncode == 0


def test_an_action_as_json(box: Sandbox) -> None:
    said = box.run("rollback", "--reason", "x", "--yes", "--json").json
    assert (said["action"], said["changed"], said["from"], said["to"], said["mode"]) == (
        "rollback",
        True,
        SECOND,
        FIRST,
        "hold",
    )


def test_the_journal_verifies_against_the_head_that_the_estado_shows(box: Sandbox) -> None:
    live = box.station.live()
    estado = box.station.public / "estado" / f"{live.estado}.json"
    head = json.loads(estado.read_text())["journal"]
    assert box.run("journal", "--verify", "--head", f"{head['seq']}:{head['hash']}").code == 0
    lines = box.run("journal", "--json").json["lines"]
    assert lines[-1]["hash"] == box.station.state().position.hash
    assert len(lines) == box.station.state().position.lines


def test_the_journal_can_be_followed(box: Sandbox) -> None:
    follower = box.start("journal", "--follow", "--json")
    try:
        assert follower.stdout is not None
        for _ in range(box.station.state().position.lines):
            assert json.loads(follower.stdout.readline())["schema"] == 1
        box.run("hold", "--reason", "seguimiento")
        line = json.loads(follower.stdout.readline())
        assert (line["kind"], line["data"]["reason"]) == ("hold", "seguimiento")
    finally:
        follower.terminate()
        follower.communicate(timeout=10)


def test_station_new_archives_the_night(box: Sandbox) -> None:
    assert box.run("station", "new", "--reason", "fin del simulacro").code == 0
    said = box.run("status", "--json").json
    assert (said["live"], said["cuts"], said["high_water"]) == (None, 0, {})
    (archive,) = (box.settings.root / "archive").iterdir()
    assert (archive / "cuts" / SECOND / "cut.json").is_file()
    assert box.run("journal", "--verify").code == 0


def test_resync_repairs_the_live_cut_from_a_good_copy(box: Sandbox, tmp_path: Path) -> None:
    site = box.station.cuts / SECOND / "site"
    victim = sorted(site.iterdir())[0]
    good = victim.read_bytes()
    victim.chmod(0o644)
    victim.write_bytes(b"defaced")
    ran = box.run("resync", "--json")
    assert ran.code == 1
    assert ran.json["compared"]["lost"] == [victim.name]
    (box.settings.drop_folder / victim.name).write_bytes(good)
    ran = box.run("resync", "--json")
    assert ran.code == 0
    assert ran.json["compared"]["repaired"] == [victim.name]
    assert victim.read_bytes() == good


def test_retention_spares_what_may_be_needed(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"publication": {"keep_cuts": 2}})
    for stamp in nights.stamps(count=4):
        folder = tmp_path / stamp
        folder.mkdir()
        nights.two_archives(folder, stamp=stamp, actas=5)
        assert box.run("receive", folder).code == 0
    cuts = box.run("cuts", "--json").json["cuts"]
    assert [c["state"] for c in cuts] == ["live", "previous"]
    for stamp in nights.stamps(count=4):
        assert (box.station.cuts / stamp / "cut.json").is_file()  # every manifest is kept
    assert not (box.station.cuts / FIRST / "site").exists()
    assert box.run("publish", FIRST).code == 1


def test_a_cut_that_waits_says_why(box: Sandbox, tmp_path: Path) -> None:
    box.run("hold", "--reason", "x")
    third = tmp_path / "third"
    third.mkdir()
    nights.two_archives(third, stamp="20240602_2015", actas=5)
    ran = box.run("receive", third)
    assert "on hold" in ran.out
    assert "1 newer cut" in box.run("status").out


@pytest.mark.parametrize("kind", ["link", "lost link", "folder link", "pipe", "socket"])
def test_verify_judges_what_is_no_plain_file_as_receive_does(
    box: Sandbox, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    odd = folder / "20240602_2020_PREP_AYUN_QRO.zip"
    match kind:
        case "link":
            odd.symlink_to(nights.archive(folder, "DIP_LOC", "20240602_2020", actas=2))
        case "lost link":
            odd.symlink_to(folder / "nothing")
        case "folder link":
            odd.symlink_to(folder)
        case "pipe":
            os.mkfifo(odd)
        case _:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(odd))
            listener.close()
    said = [
        (ran.code, [found["check"] for found in ran.json["findings"]])
        for ran in (box.run(command, odd, "--json") for command in ("verify", "receive"))
    ]
    check = "archive.link" if "link" in kind else "archive.device"
    assert said == [(1, [check]), (1, [check])]


def test_a_refusal_names_the_files_and_says_nothing_twice(box: Sandbox, tmp_path: Path) -> None:
    tree = tmp_path / "20240602_2020_PREP_QRO"
    tree.mkdir()
    for n in range(5):
        (tree / f"link{n}").symlink_to("/etc/passwd")
    ran = subprocess.run(
        [PROGRAM, "--config", box.file, "--lang", "en", "receive", "."],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "the delivery 20240602_2020_PREP_QRO was refused" in ran.stderr
    assert ran.stderr.count("The delivery holds a link") == 1
    assert "[link0, link1, link2 and 2 more]" in ran.stderr


def test_receive_tells_every_warning_that_the_cut_then_bears(tmp_path: Path) -> None:
    made = sandbox(tmp_path, {"election": {"opens": "2024-06-02T20:00:00-06:00"}})
    nights.two_archives(tmp_path / "in", FIRST)
    received = made.run("receive", tmp_path / "in")
    assert received.code == 0
    assert "▲ the cut as a whole:\n  ▲ cut.still_zero: AYUN is zero" in received.out
    (cut,) = made.run("cuts", "--json").json["cuts"]
    assert cut["warnings"] == received.out.count("  ▲ ")


def test_what_a_corrected_cut_corrects_is_named(box: Sandbox, tmp_path: Path) -> None:
    other = nights.archive(tmp_path, "AYUN", stamp=SECOND, actas=5, seed=7)
    assert box.run("receive", other).code == 0
    corrected = f"{SECOND}.2"
    assert box.run("cuts", "--json").json["cuts"][0]["id"] == corrected
    for lang, words in (("es", "otro contenido, misma hora"), ("en", "other content, same hour")):
        said = box.run("diff", SECOND, corrected, lang=lang).out
        (named,) = (row for row in said.splitlines() if words in row)
        assert named.startswith("▲ AYUN: ")
        assert SECOND in named
        assert f"DIP_LOC: {SECOND} →" not in said
