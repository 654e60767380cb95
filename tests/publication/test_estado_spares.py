"""The ready files that estado pages are made of, while another process makes them ready again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prep_console.journal.state import State
from prep_console.publication import estado
from tests.stations import sandbox


def test_a_page_is_whole_although_another_process_makes_spares_ready_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does so after its own switch, with no lock: any of its steps may fall between ours."""
    (tmp_path / "estado").mkdir()
    estado.make_ready(tmp_path, 0)
    flush = os.fsync

    def meanwhile(descriptor: int) -> None:
        flush(descriptor)
        estado.make_ready(tmp_path, 0)

    monkeypatch.setattr(os, "fsync", meanwhile)
    said = estado.describe(sandbox(tmp_path).settings, State(), None)
    estado.write(tmp_path, 1, said, (7, "ab" * 32))
    monkeypatch.undo()
    assert estado.said_by(tmp_path, 1) == said.document
    assert estado.altered(tmp_path, 1, said) == ()
    assert estado.head_of(tmp_path, 1) == (7, "ab" * 32)
