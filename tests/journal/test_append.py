"""What an append leaves when the disk refuses it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from prep_console.journal import journal
from prep_console.journal.actor import Actor
from prep_console.journal.journal import Position

ANA = Actor(1000, "ana")


def test_a_line_that_could_not_be_flushed_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was told that it failed must not find it done."""
    path = tmp_path / "journal.jsonl"
    _, end = journal.append(path, Position(), [("hold", {})], ANA)
    before = path.read_bytes()

    def refused(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refused)
        with pytest.raises(OSError, match="Input/output error"):
            journal.append(path, end, [("release", {})], ANA)
    assert path.read_bytes() == before
    lines, _ = journal.append(path, end, [("thaw", {})], ANA)
    assert [line.kind for line in lines] == ["thaw"]
