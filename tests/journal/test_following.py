"""``journal --follow`` across the moment in which the night is put away."""

from __future__ import annotations

import threading
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from prep_console.journal import journal, reading
from prep_console.journal.actor import Actor
from prep_console.journal.fold import fold
from prep_console.journal.journal import Position

ANA = Actor(1000, "ana")


def test_a_new_journal_in_the_place_of_the_old_one_is_followed_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_FOLLOW_S", 0.01)
    path = tmp_path / "journal.jsonl"
    reasons = [("hold", {"reason": f"{n} {'x' * 200}"}) for n in range(5)]
    journal.append(path, Position(), reasons, ANA)
    shown: list[str] = []
    follower = reading.texts(path, ZoneInfo("UTC"), as_json=False, follow=True)
    shown += [next(follower) for _ in reasons]
    path.rename(tmp_path / "put away")
    journal.append(path, Position(), [("hold", {"reason": "another night"})], ANA)
    told = threading.Thread(target=lambda: shown.append(next(follower)), daemon=True)
    told.start()
    told.join(30)
    assert len(shown) == 6, "the new journal is not followed"
    assert "another night" in shown[-1]


def test_what_follows_the_line_that_puts_a_night_away_is_folded(tmp_path: Path) -> None:
    """A crash came between that line and the move: the next command writes on behind it."""
    cut = {
        "cut": "20240602_2005",
        "parts": [],
        "manifest": "",
        "bytes": 1,
        "warnings": 0,
        "mtime_us": 1,
        "received_at": "2024-06-03T02:05:00+00:00",
        "verified_at": "2024-06-03T02:05:00+00:00",
    }
    lines, position = journal.append(
        tmp_path / "j", Position(), [("archived", {"archive": "a"}), ("sealed", cut)], ANA
    )
    state = fold(lines, position)
    assert list(state.cuts) == ["20240602_2005"]
    assert state.breaks == ()
