"""The question before a decision, at a real terminal."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from tests import nights
from tests.commands.night import FIRST, SECOND
from tests.stations import PROGRAM, Sandbox, sandbox


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
