"""The console's end when the terminal decides: quick, clean, never spinning."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.console.terminals import Pty
from tests.processes import cpu_s, running
from tests.waiting import wait_until

SHAM = [sys.executable, "-m", "tests.console.sham", "--en"]


@pytest.fixture
def console() -> Iterator[Pty]:
    with Pty(SHAM) as terminal:
        wait_until(lambda: "quit" in terminal.text, 20, "the first paint")
        yield terminal


def ended(terminal: Pty, timeout_s: float = 6.0) -> int:
    return terminal.process.wait(timeout_s)


def restored(terminal: Pty) -> bool:
    """The alternate screen is left and the cursor is back."""
    return b"\x1b[?1049l" in terminal.received and b"\x1b[?25h" in terminal.received


def test_q_leaves_and_restores_the_terminal() -> None:
    with Pty(SHAM) as terminal:
        before = terminal.attributes()
        wait_until(lambda: "quit" in terminal.text, 20)
        assert terminal.attributes() != before
        terminal.write(b"q")
        assert ended(terminal) == 0
        wait_until(lambda: restored(terminal), 5)
        assert terminal.attributes() == before


def test_what_is_pasted_presses_no_key_whatever_is_in_it(console: Pty) -> None:
    console.write(b"\x1b[200~red \x1b[" + b"q" * 40 + b" \x1b\x1bq\x1b[201~")
    console.write(b"?")
    wait_until(lambda: "HELP" in console.text, 10, "the help that was asked for after it")
    assert running(console.process.pid)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_it_and_restores_the_terminal(console: Pty, number: signal.Signals) -> None:
    console.process.send_signal(number)
    assert ended(console) == 128 + number
    wait_until(lambda: restored(console), 5)
    assert "Traceback" not in console.text


def test_a_dropped_terminal_without_a_signal_ends_it_without_spinning(console: Pty) -> None:
    before = cpu_s(console.process.pid)
    console.forget_slave()
    console.drop()
    used = before

    def gone() -> bool:
        nonlocal used
        if running(console.process.pid):
            used = cpu_s(console.process.pid)
        return console.process.poll() is not None

    wait_until(gone, 6)
    assert console.process.returncode == 128 + signal.SIGHUP
    assert used - before < 0.5


def test_a_terminal_that_nobody_reads_cannot_hold_it(console: Pty) -> None:
    """Its writes block; the signal ends it all the same, with the modes put back."""
    console.stop_reading()
    for _ in range(60):  # each help page is some kilobytes
        console.write(b"?\x1b\x1b")
    wait_until(lambda: cpu_s(console.process.pid) > 0.3, 10)
    console.process.send_signal(signal.SIGTERM)
    assert ended(console, 8) == 128 + signal.SIGTERM


NEVER_POLITE = """
import sys, threading, tty
from prep_console.console.endings import Endings
endings = Endings(lambda code: None)
endings.install()
tty.setraw(0)
sys.stderr.write("\\x1b[?1049h\\x1b[?25lworking")
sys.stderr.flush()
threading.Event().wait()
"""


def test_an_end_that_is_not_polite_in_time_leaves_the_terminal_as_it_was() -> None:
    with Pty([sys.executable, "-c", NEVER_POLITE]) as terminal:
        before = terminal.attributes()
        wait_until(lambda: "working" in terminal.text, 20)
        terminal.process.send_signal(signal.SIGTERM)
        assert ended(terminal, 20) == 128 + signal.SIGTERM
        wait_until(lambda: restored(terminal), 5)
        for mode in (b"?7h", b"?1004l", b"?2004l", b"?2048l"):  # wrap, focus, pasting, size
            assert b"\x1b[" + mode in terminal.received
        assert terminal.attributes() == before


def test_a_dialog_open_is_no_reason_to_stay(console: Pty) -> None:
    console.write(b"b")
    wait_until(lambda: "ROLL BACK" in console.text, 5)
    console.process.send_signal(signal.SIGHUP)
    assert ended(console) == 128 + signal.SIGHUP
    assert "Traceback" not in console.text


@pytest.mark.parametrize(
    ("environment", "expected", "absent"),
    [
        ({"TERM": "linux"}, "* AUTOMATIC", "✓"),
        ({"LC_ALL": "C"}, "* AUTOMATIC", "─"),
        ({"LC_ALL": "es_MX.ISO-8859-1"}, "* AUTOMATIC", "─"),
        ({"TERM": "screen"}, "● AUTOMATIC", "* AUTOMATIC"),
    ],
)
def test_terminals_that_lack_signs_get_their_twins(
    environment: dict[str, str], expected: str, absent: str
) -> None:
    with Pty(SHAM, environment=environment) as terminal:
        wait_until(lambda: "quit" in terminal.text, 20)
        assert expected in terminal.text
        assert absent not in terminal.text


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "vt100"}])
def test_without_colour_the_words_carry_it(environment: dict[str, str]) -> None:
    with Pty([*SHAM, "held"], environment=environment) as terminal:
        wait_until(lambda: "quit" in terminal.text, 20)
        assert "ON HOLD" in terminal.text
        styles = re.findall(rb"\x1b\[([0-9;]*)m", bytes(terminal.received))
        codes = {int(code) for style in styles for code in style.split(b";") if code}
        assert codes - {39, 49} <= {0, 1, 2, 4, 7}  # 39 and 49 are the terminal's own colours
        assert 7 in codes  # the band is in reverse video


def test_nobody_wakes_for_keys_that_do_not_come_and_one_that_comes_is_seen(console: Pty) -> None:
    """An ESC that stands alone is told by what does not follow it: that is waited for after input
    only."""
    threading.Event().wait(2.5)
    assert min(most_waits_per_s(console.process.pid, 2.0) for _ in range(5)) < 8
    console.write(b"?")
    wait_until(lambda: "HELP" in console.text, 10)
    threading.Event().wait(2.5)
    drawn = len(console.text)
    console.write(b"\x1b")
    wait_until(lambda: "CUTS" in console.text[drawn:], 10, "ESC has closed the help")


def most_waits_per_s(pid: int, watched_s: float) -> float:
    """How often each second that thread has waited, beside the loop's, which waited most often.

    On a busy machine to wait for the interpreter counts too: whoever asks, asks several times.
    """
    before = waits(pid)
    threading.Event().wait(watched_s)
    counts = [count - before[thread] for thread, count in waits(pid).items() if thread in before]
    assert counts
    return max(counts) / watched_s


def waits(pid: int) -> dict[str, int]:
    """How often each thread of the process has waited for something, but for the loop's."""
    found = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # it ended meanwhile
            status = (thread / "status").read_text()
            said = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.MULTILINE)
            if said and thread.name != str(pid):
                found[thread.name] = int(said[1])
    return found


def test_what_is_pasted_byte_by_byte_leaves_the_keys_alive(console: Pty) -> None:
    """As a slow line brings it: of some pieces nothing is to be read."""
    for byte in b"\x1b[200~a \x1b b\x1b[201~":
        console.write(bytes([byte]))
        threading.Event().wait(0.02)
    console.write(b"?")
    wait_until(lambda: "HELP" in console.text, 10)


def test_mouse_is_left_to_the_terminal(console: Pty) -> None:
    assert b"\x1b[?1000h" not in console.received
    assert b"\x1b[?1003h" not in console.received


def test_no_keyboard_protocol_is_left_switched_on(console: Pty) -> None:
    assert b"u" not in [part[-1:] for part in console.received.split(b"\x1b[>")[1:]]
