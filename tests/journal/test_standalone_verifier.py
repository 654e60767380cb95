"""The verifier printed in docs/journal.md is a real one: it agrees with the program's own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from prep_console.journal import journal
from prep_console.journal.actor import Actor
from prep_console.journal.journal import Position
from prep_console.journal.reading import verify

DOCUMENT = Path(__file__).parents[2] / "docs" / "journal.md"


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "journal.jsonl"
    position = Position()
    for number in range(5):
        entries = [("hold", {"reason": f"prueba ñ {number} \x1b[31m"})]
        _, position = journal.append(path, position, entries, Actor(1, "ana"))
    return path


def run(path: Path, *head: str) -> subprocess.CompletedProcess[str]:
    code = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    assert code[1].count("\n") <= 24
    return subprocess.run(
        [sys.executable, "-c", code[1], path, *head], capture_output=True, text=True, check=False
    )


def test_it_accepts_what_holds(lines: Path) -> None:
    end = journal.read(lines).position
    assert verify(lines).ok
    assert run(lines).returncode == 0
    assert run(lines, f"{end.seq}:{end.hash}").returncode == 0


def test_it_finds_a_change_a_gap_and_a_cut_off_end(lines: Path) -> None:
    whole = lines.read_bytes()
    end = journal.read(lines).position
    raws = whole.splitlines(keepends=True)
    for broken in (
        whole.replace(b"prueba", b"prueva", 1),
        b"".join(raws[:2] + raws[3:]),
        b"".join([raws[0], raws[2], raws[1], *raws[3:]]),
    ):
        lines.write_bytes(broken)
        assert run(lines).returncode != 0
        assert not verify(lines).ok
    lines.write_bytes(b"".join(raws[:-1]))
    head = f"{end.seq}:{end.hash}"
    assert run(lines).returncode == 0
    assert verify(lines).ok  # a chain alone cannot show it
    assert run(lines, head).returncode != 0
    assert not verify(lines, head).ok


def test_nothing_in_a_line_steers_a_terminal(lines: Path) -> None:
    assert b"\x1b" not in lines.read_bytes()
    assert lines.read_bytes().isascii()
