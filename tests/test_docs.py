"""The documents keep their word: what they print runs, and what they list is there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prep_console.journal.actor import Actor
from prep_console.journal.chain import GENESIS, compose
from prep_console.wording import Language
from tests.wording import keys

CHECKOUT = Path(__file__).parents[1]
DOCUMENTS = ["README.md", "README.es.md", "CONTRIBUTING.md", "docs/journal.md", "docs/station.md"]


@pytest.fixture
def record(tmp_path: Path) -> tuple[Path, str]:
    """A journal of 30 lines as the program writes them, and its head."""
    path, prev, raws = tmp_path / "journal.jsonl", GENESIS, []
    actor = Actor(1000, "ñandú", "203.0.113.7")
    for seq in range(1, 31):
        data = {"reason": f"motivo «{seq}»", "cut": "20240602_2005", "ratio": 0.1}
        line, raw = compose(seq, datetime.now(UTC), actor, "hold", data, prev)
        prev = line.hash
        raws.append(raw)
    path.write_bytes(b"".join(raws))
    return path, f"30:{prev}"


def verify(tmp_path: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The script that docs/journal.md prints, run without this project."""
    text = (CHECKOUT / "docs" / "journal.md").read_text("utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(script.splitlines()) <= 25
    (tmp_path / "verify.py").write_text(script)
    command = [sys.executable, "-I", str(tmp_path / "verify.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_printed_verifier_accepts_a_real_journal(
    tmp_path: Path, record: tuple[Path, str]
) -> None:
    path, head = record
    assert verify(tmp_path, path).stdout == f"30 lines hold together; the last is {head}\n"
    assert verify(tmp_path, path, head).returncode == 0


def test_the_printed_verifier_finds_what_was_changed(
    tmp_path: Path, record: tuple[Path, str]
) -> None:
    path, head = record
    lines = path.read_bytes().splitlines(keepends=True)
    changed = lines[9].replace(b"20240602_2005", b"20240602_2010")
    rehashed = compose(
        10, datetime.now(UTC), Actor(0, "x"), "hold", {}, json.loads(lines[8])["hash"]
    )
    for broken, said in (
        ([*lines[:9], changed, *lines[10:]], "line 10 breaks the chain"),
        ([*lines[:9], rehashed[1], *lines[10:]], "line 11 breaks the chain"),
        ([*lines[:9], *lines[10:]], "line 10 breaks the chain"),
        ([*lines[:9], b"[]\n", *lines[9:]], "line 10 is no line of a journal"),
        ([*lines[:9], lines[9][:40], *lines[10:]], "line 10 is no line of a journal"),
    ):
        path.write_bytes(b"".join(broken))
        told = verify(tmp_path, path)
        assert (told.returncode, told.stderr.strip()) == (1, said)
    path.write_bytes(b"".join(lines[:20]))
    assert verify(tmp_path, path).returncode == 0
    assert "its end was cut off" in verify(tmp_path, path, head).stderr


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_links_to_is_there(name: str) -> None:
    document = CHECKOUT / name
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_a_document_names_exists(name: str) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (CHECKOUT / name).read_text("utf-8"), re.M))
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text("utf-8"), re.M))
    assert named <= targets


@pytest.mark.parametrize("language", keys.READMES)
def test_the_readme_s_keys_are_the_console_s(language: Language) -> None:
    assert keys.written(language) == keys.due(language), "run: make texts"
