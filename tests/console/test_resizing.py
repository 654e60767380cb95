"""A terminal that changes its size again while it is still asked for the size before."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.console.terminals import Pty
from tests.waiting import wait_until

SLOW = """
import sys, threading
from pathlib import Path
from prep_console.console.driver import QuietDriver
from tests.console import sham

read = QuietDriver._get_terminal_size

def slowly(self):
    found = read(self)
    Path(sys.argv[1]).write_text(str(found))
    threading.Event().wait(0.5)
    return found

QuietDriver._get_terminal_size = slowly
sys.exit(sham.main(["--en"]))
"""
"""The console, on a machine where half a second passes before a size that was read is used."""


def test_the_last_of_two_sizes_is_the_one_that_is_painted(tmp_path: Path) -> None:
    """Signals nest: the handler of the second one must not be overtaken by the first one's."""
    said = tmp_path / "size"
    with Pty([sys.executable, "-c", SLOW, str(said)], controls=True) as terminal:
        wait_until(lambda: "quit" in terminal.text, 30, "the first paint")
        terminal.resize((100, 30))
        wait_until(lambda: "100, 30" in said.read_text(), 30, "the first size was read")
        terminal.resize((120, 40))
        wait_until(terminal.painted, 30, "the second size is painted")
