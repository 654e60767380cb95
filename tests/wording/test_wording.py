"""Words never stand in the way of a publication."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep_console import wording


def test_without_a_compiled_catalogue_sentences_are_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wording, "LOCALES", tmp_path)
    wording._catalogue.cache_clear()
    try:
        assert wording.say_in("es", "nothing") == "nothing"
    finally:
        monkeypatch.undo()
        wording._catalogue.cache_clear()
    assert wording.say_in("es", "nothing") == "nada"
