"""The contract of the command line, through the installed program."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from tests import nights
from tests.stations import PROGRAM, Sandbox, sandbox

FIRST, SECOND = nights.stamps(count=2)


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    made = sandbox(tmp_path)
    for stamp in (FIRST, SECOND):
        folder = tmp_path / stamp
        folder.mkdir()
        nights.two_archives(folder, stamp=stamp, actas=5)
        assert made.run("receive", folder).code == 0
    return made


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


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["publish", "nonsense"], 2),
        (["publish", "../../etc"], 2),
        (["publish", "20300101_0000"], 1),
        (["rollback", "--to", SECOND], 1),
        (["receive", "/does/not/exist"], 2),
        (["verify", "/does/not/exist"], 2),
        (["demo", "--headless", "--from", "/does/not/exist"], 2),
        (["drill", "corrupt-zip", "--headless", "--from", "/does/not/exist"], 2),
        (["journal", "--head", "1:ab"], 2),
        (["journal", "--verify", "--head", "1:ab"], 2),
        (["journal", "--verify", "--head", f"1:{'0' * 64}"], 1),
        (["accept-from", "yesterday"], 2),
        (["nonsense"], 2),
        (["status", "--nonsense"], 2),
        (["apache-config", "--standalone", "/tmp/x", "--listen", "nonsense"], 2),
    ],
)
def test_wrong_on_purpose(box: Sandbox, arguments: list[str], code: int) -> None:
    ran = box.run(*arguments)
    assert ran.code == code, ran
    assert "Traceback" not in ran.err
    assert ran.err.strip()
    assert box.station.live().cut == SECOND


@pytest.mark.parametrize(("lang", "public"), [("en", "the public still sees"), ("es", SECOND)])
def test_an_error_has_three_parts_in_both_languages(box: Sandbox, lang: str, public: str) -> None:
    ran = box.run("publish", "20300101_0000", lang=lang)
    assert ran.out == ""
    assert ran.err.count(" — ") == 2
    assert public in ran.err


def test_errors_of_settings_name_the_key_and_the_nearest(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    box.file.write_text(f'{box.file.read_text()}\n[sitte]\nurl = ""\n')
    ran = box.run("status")
    assert ran.code == 2
    assert "sitte" in ran.err
    assert "site" in ran.err


def test_elections_are_known_by_any_of_their_codes(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"election": {"elections": ["DIP", "AYUNTAMIENTOS"]}})
    assert box.settings.election.elections == ["DIP_LOC", "AYUN"]
    box.file.write_text(box.file.read_text().replace("AYUNTAMIENTOS", "SHERIFF"))
    ran = box.run("status")
    assert ran.code == 2
    assert "SHERIFF" in ran.err


def test_settings_that_others_can_write_are_refused(box: Sandbox) -> None:
    box.file.chmod(0o666)
    ran = box.run("rollback", "--reason", "x")
    assert ran.code == 2
    box.file.chmod(0o644)
    assert box.station.live().cut == SECOND


def test_settings_in_a_folder_where_everybody_may_rename_are_refused(box: Sandbox) -> None:
    folder = box.file.parent
    try:
        folder.chmod(0o777)
        ran = box.run("hold")
        assert ran.code == 2
        assert f"chmod o-w {folder}" in ran.err
        folder.chmod(0o1777)  # the sticky bit: only the owner may rename
        assert box.run("hold").code == 0
    finally:
        folder.chmod(0o755)


def test_hostile_names_cannot_steer_the_terminal(box: Sandbox, tmp_path: Path) -> None:
    hostile = tmp_path / "\x1b[2J20240602_2015_PREP_\u202eDIP.zip"
    hostile.write_bytes(b"PK\x03\x04nothing")
    for ran in (
        box.run("verify", hostile),
        box.run("verify", hostile, "--json"),
        box.run("receive", hostile),
        box.run("journal"),
        box.run("status"),
    ):
        assert "\x1b" not in ran.out + ran.err
        assert "\u202e" not in ran.out + ran.err


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


def test_an_unreadable_delivery_is_a_failure_and_loses_nothing(box: Sandbox) -> None:
    if os.geteuid() == 0:
        ran = box.run("receive", "/proc/self/mem")
        assert ran.code in {1, 3}
    ran = box.run("receive", "/dev/null")
    assert ran.code == 1
    assert box.station.live().cut == SECOND


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("election", "cadence_minutes", 10**18),
        ("intake", "carry_after_seconds", -1),
        ("publication", "ballast_bytes", 10**15),
        ("publication", "estado_prefix", "/../x/"),
        ("station", "timezone", "Mars/Olympus"),
    ],
)
def test_settings_that_would_fail_later_are_named_at_once(
    tmp_path: Path, table: str, key: str, value: object
) -> None:
    box = sandbox(tmp_path)
    text = box.file.read_text()
    if f"[{table}]" not in text:
        text += f"[{table}]\n"
    box.file.write_text(text.replace(f"[{table}]", f"[{table}]\n{key} = {json.dumps(value)}"))
    ran = box.run("status")
    assert ran.code == 2
    assert key in ran.err


def test_a_drop_folder_in_the_way_of_the_station_is_refused(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    for path in ("public", "cuts/x", "../x", "/"):
        place = path if path == "/" else f"{box.settings.root}/{path}"
        box.file.write_text(
            f'[station]\nroot = "{box.settings.root}"\n'
            f'[[intake.source]]\nkind = "drop"\npath = "{place}"\n'
        )
        assert box.run("status").code == 2, place


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


@pytest.mark.parametrize("command", ["verify", "receive"])
def test_an_empty_path_is_no_folder(box: Sandbox, command: str) -> None:
    """As when a script's variable is empty: never the folder that we are in."""
    ran = box.run(command, "")
    assert (ran.code, ran.out) == (2, "")
    assert "the path is empty" in ran.err


@pytest.mark.parametrize("above", [0, 1, 2])
def test_a_folder_that_holds_the_station_is_no_delivery(box: Sandbox, above: int) -> None:
    """It would be copied into itself."""
    before = box.station.state().position
    folder = [box.station.staging, box.station.root, *box.station.root.parents][above]
    ran = box.run("receive", folder)
    assert ran.code == 1
    assert "this station's own folder lies in it" in ran.err
    assert box.station.state().position == before
    assert list(box.station.staging.iterdir()) == []


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


@pytest.mark.parametrize(("lang", "words"), [("en", "wrong usage"), ("es", "uso incorrecto")])
@pytest.mark.parametrize("command", ["nonsense", "station"])
def test_a_wrong_command_is_told_in_one_line_of_the_chosen_language(
    box: Sandbox, command: str, lang: str, words: str
) -> None:
    ran = box.run(command, lang=lang)
    assert ran.code == 2
    assert words in ran.err
    assert "\\x0a" not in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("written", [["--bad"], ["--lang=en", "--config"]])
def test_a_wrong_option_beside_lang_is_told_in_that_language(
    box: Sandbox, written: list[str]
) -> None:
    ran = box.run(*written)
    assert ran.code == 2
    assert "wrong usage" in ran.err


@pytest.mark.parametrize("wrong", [["rollbak"], ["--bad", "rollback"], ["rollback", "--bad"]])
def test_a_wrong_command_names_what_the_public_of_its_own_station_sees(
    box: Sandbox, tmp_path: Path, wrong: list[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = sandbox(elsewhere)  # the settings that are taken when none are named
    ran = subprocess.run(
        [PROGRAM, "--config", box.file, *wrong],
        env={"PREP_CONSOLE_CONFIG": str(other.file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, len(ran.stderr.split(" — "))) == (2, 3)
    assert f"el público sigue viendo el corte {SECOND}" in ran.stderr


@pytest.mark.parametrize(
    "wrong", [["publish", "foo"], ["journal", "--head", "1:ab"], ["rollbak"], ["hold", "--bad"]]
)
def test_an_error_is_wholly_in_the_language_of_the_settings(
    tmp_path: Path, wrong: list[str]
) -> None:
    english = sandbox(tmp_path, {"station": {"language": "en"}})
    english.station.prepare()
    ran = subprocess.run(
        [PROGRAM, "--config", english.file, *wrong], capture_output=True, text=True, check=False
    )
    told = english.run(*wrong, lang="en")
    assert (ran.returncode, ran.stderr) == (told.code, told.err)
    assert len(told.err.split(" — ")) == 3


@pytest.mark.parametrize("command", [[], ["console", "--wall"]])
def test_a_screen_without_a_terminal_is_told_in_three_parts(
    box: Sandbox, command: list[str]
) -> None:
    ran = box.run(*command, lang="es")
    assert ran.code == 2
    assert ran.err.startswith("prep-console: ")
    assert "necesita una terminal" in ran.err
    assert len(ran.err.split(" — ")) == 3


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["minutes"], "falta --out"),
        (["diff", FIRST], "falta B"),
        (["handover", "--hours", "nan"], "--hours espera un número de 1 a 8784"),
        (["handover", "--hours", "0"], "--hours espera un número de 1 a 8784"),
        (["shelve", "x", "--minutes", "x"], "--minutes espera un número"),
        (["minutes", "--out", "x", "--from", "x"], "x no es una hora"),
        (["demo", "--port", "99999"], "--port espera un número de 1 a 65535"),
        (["replay", "--from"], "--from necesita un valor"),
        (["hold", "--yes=1"], "--yes no lleva valor"),
        (["hold", "--reazon", "x"], "no existe la opción --reazon; quizá --reason"),
        (["reples"], "no existe el comando reples; quizá "),
        (["nonsense"], "no existe el comando nonsense"),
        (["handover", "one", "two"], "sobran palabras: one two"),
        (["--lang", "fr", "status"], "--lang es uno de: es, en"),
    ],
)
def test_the_library_s_complaints_are_told_in_our_words(
    box: Sandbox, command: list[str], words: str
) -> None:
    ran = box.run(*command, lang="es")
    assert ran.code == 2
    assert words in ran.err


def test_receive_tells_every_warning_that_the_cut_then_bears(tmp_path: Path) -> None:
    made = sandbox(tmp_path, {"election": {"opens": "2024-06-02T20:00:00-06:00"}})
    nights.two_archives(tmp_path / "in", FIRST)
    received = made.run("receive", tmp_path / "in")
    assert received.code == 0
    assert "▲ the cut as a whole:\n  ▲ cut.still_zero: AYUN is zero" in received.out
    (cut,) = made.run("cuts", "--json").json["cuts"]
    assert cut["warnings"] == received.out.count("  ▲ ")


@pytest.mark.parametrize("command", [["diff", FIRST, SECOND], ["rollback"], ["handover"]])
def test_a_journal_that_cannot_be_read_is_told_in_words(box: Sandbox, command: list[str]) -> None:
    box.station.journal.unlink()
    box.station.journal.mkdir()
    ran = box.run(*command)
    assert ran.code == 3
    assert "unexpected fault" not in ran.err
    assert "journal.jsonl" in ran.err
    assert ran.err.count(" — ") == 2


def _sits_at_terminal() -> None:
    """As a shell starts it; a test's own parent may be a job that ignores Ctrl-C."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("lang", "question", "answer", "code"),
    [
        ("es", "[s/N]", b"s\n", 0),
        ("es", "[s/N]", "sí\n".encode(), 0),
        ("es", "[s/N]", b"\n", 1),
        ("es", "[s/N]", b"\x04", 1),
        ("es", "[s/N]", b"\x03", 1),
        ("en", "[y/N]", b"y\n", 0),
        ("en", "[y/N]", b"\x1b[A\n", 1),
    ],
)
def test_the_question_is_asked_and_answered_in_the_reader_s_language(
    box: Sandbox, lang: str, question: str, answer: bytes, code: int
) -> None:
    ours, theirs = os.openpty()
    command: list[str | Path] = [PROGRAM, "--config", box.file, "--lang", lang, "rollback"]
    with subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_sits_at_terminal,
    ) as asked:
        os.close(theirs)
        shown = b""
        while question.encode() not in shown:
            shown += os.read(ours, 1024)
        os.write(ours, answer)
        with suppress(OSError):  # EIO: it has ended
            while True:
                if not select.select([ours], [], [], 2.0)[0] and answer == b"\x03":
                    os.write(ours, answer)  # Python sees one from just before it reads at the next
                shown += os.read(ours, 1024)
    os.close(ours)
    assert asked.returncode == code, shown
    assert box.station.live().cut == (FIRST if code == 0 else SECOND)
    if code:
        assert ("no se hizo nada" if lang == "es" else "nothing was done") in shown.decode()


def asked(box: Sandbox, *command: str) -> str:
    """What a person at a terminal is asked; they answer no."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [PROGRAM, "--config", box.file, "--lang", "en", *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(ours, 1024)
        os.write(ours, b"n\n")
        with suppress(OSError):  # EIO: it has ended
            while os.read(ours, 1024):
                pass
    os.close(ours)
    return shown.decode()


def test_the_question_says_what_the_public_sees_afterwards(box: Sandbox, tmp_path: Path) -> None:
    nothing = "afterwards: nothing; visitors get a plain notice (503)"
    for command, then in (
        (["rollback"], f"afterwards: cut {FIRST}"),
        (["rollback", "--to", FIRST], f"afterwards: cut {FIRST}"),
        (["publish", FIRST], f"afterwards: cut {FIRST}"),
        (["freeze", FIRST], f"afterwards: cut {FIRST}"),
        (["freeze"], "afterwards: the same"),
        (["hold"], "afterwards: the same"),
        (["release"], "afterwards: the same"),
        (["suspend"], nothing),
        (["station", "new"], nothing),
    ):
        said = asked(box, *command).splitlines()
        assert said[:2] == [f"the public still sees cut {SECOND}", then], command
        assert said[2].startswith("Do it: ")
    assert "Do it: publish 20240602_2005? [y/N]" in asked(box, "publish", FIRST)
    assert "Do it: accept-from 20240602_2005? [y/N]" in asked(box, "accept-from", FIRST)
    assert box.station.live().cut == SECOND
    third = nights.stamps(count=3)[2]
    nights.two_archives(tmp_path / third, stamp=third, actas=5)
    assert box.run("hold").code == box.run("receive", tmp_path / third).code == 0
    assert f"afterwards: cut {third}" in asked(box, "release")


def test_who_is_asked_and_answers_too_late_rolls_back_nothing(tmp_path: Path) -> None:
    """Two people at two terminals: both were shown the same cut, one of them takes it back."""
    made = sandbox(tmp_path)
    stamps = nights.stamps(count=3)
    for stamp in stamps:
        nights.two_archives(tmp_path / stamp, stamp)
        assert made.run("receive", tmp_path / stamp).code == 0
    ours, theirs = os.openpty()
    command: list[str | Path] = [PROGRAM, "--config", made.file, "--lang", "en", "rollback"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as asked:
        os.close(theirs)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(ours, 1024)
        assert made.run("rollback", "--reason", "first").code == 0
        os.write(ours, b"y\n")
        with suppress(OSError):  # EIO: it has ended
            while True:
                shown += os.read(ours, 1024)
    os.close(ours)
    assert asked.returncode == 1, shown
    assert b"was first" in shown
    assert made.station.live().cut == stamps[1]


@pytest.mark.parametrize("encoding", ["latin-1", "cp437", "ascii", "utf-8"])
def test_a_terminal_without_our_signs_fails_nothing(box: Sandbox, encoding: str) -> None:
    """As with LANG=es_MX.ISO-8859-1: what was done is done, whatever can be shown of it."""
    for command, code in (["status"], 0), (["hold"], 0), (["publish", "20990101_0000"], 1):
        ran = subprocess.run(
            [PROGRAM, "--config", box.file, "--lang", "es", *command],
            env={**os.environ, "PYTHONIOENCODING": encoding},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        told = (ran.stdout + ran.stderr).decode("utf-8" if encoding == "ascii" else encoding)
        assert ran.returncode == code, told
        assert "\\u" not in told
        if command == ["status"]:
            assert ("✖" if encoding in {"ascii", "utf-8"} else "X El motor") in told


@pytest.mark.parametrize(
    "command",
    [["rollback", "--to", ""], ["freeze", ""], ["publish", ""], ["accept-from", ""],
     ["accept-from", f"{FIRST}.2"], ["prove", "", "--out", "x"]],
)  # fmt: skip
def test_an_empty_or_odd_id_decides_nothing(box: Sandbox, command: list[str]) -> None:
    """As when a script's variable is empty: never the cut that no name would have meant."""
    before = box.station.state().position
    ran = box.run(*command)
    assert (ran.code, ran.out) == (2, "")
    assert box.station.state().position == before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('nme = "a"', {"en": "did you mean name?", "es": "¿quiso decir name?"}),
        ('timezone = "Mars/X"', {"en": "is unknown: 'Mars/X'", "es": "no se conoce: 'Mars/X'"}),
    ],
)
@pytest.mark.parametrize("lang", ["en", "es"])
def test_wrong_settings_are_told_in_one_language(
    tmp_path: Path, settings: str, words: dict[str, str], lang: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[station]\nroot = "{tmp_path}/root"\n{settings}\n')
    file.chmod(0o644)
    ran = subprocess.run(
        [PROGRAM, "--config", file, "--lang", lang, "status"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert words[lang] in ran.stderr


def test_a_number_beyond_all_on_a_page_keeps_no_decision_back(box: Sandbox) -> None:
    """An altered estado page, whose head of the journal is no number any more."""
    page = box.station.public / "estado" / f"{box.station.live().estado}.json"
    text = page.read_text("utf-8")
    page.chmod(0o644)
    page.write_text(text.replace('"seq": ', '"seq": 1e400, "was": '), "utf-8")
    assert box.run("rollback", "--reason", "prueba").code == 0


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


@pytest.mark.parametrize("width", [80, 40])
def test_an_error_on_a_terminal_is_in_whole_words(box: Sandbox, width: int) -> None:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    wrong = ["rollback", "--to", "20990101_0000", "--reason", "x"]
    command = [str(PROGRAM), "--config", str(box.file), "--lang", "es", *wrong]
    plain = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    ran = subprocess.run(command, stderr=theirs, env=plain, check=False, timeout=60)
    os.close(theirs)
    said = b""
    with suppress(OSError):  # the end of a terminal whose other side was closed
        while part := os.read(ours, 65536):
            said += part
    os.close(ours)
    assert ran.returncode == 1
    rows = said.decode().split("\r\n")
    assert max(map(len, rows)) <= width
    whole = subprocess.run(command, capture_output=True, text=True, check=False)
    assert len(whole.stderr) > width
    assert whole.stderr.count("\n") == 1
    assert " ".join(said.decode().split()) == " ".join(whole.stderr.split())
