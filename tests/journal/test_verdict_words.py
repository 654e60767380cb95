"""What is wrong with a broken line is told in the reader's language too, not only where it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prep_console.journal.actor import Actor
from prep_console.journal.chain import GENESIS, canonical, compose
from prep_console.journal.reading import verify
from prep_console.wording import known_text, use

Lines = list[bytes]


def three() -> Lines:
    lines, head = [], GENESIS
    for seq in (1, 2, 3):
        line, raw = compose(
            seq, datetime(2024, 6, 3, tzinfo=UTC), Actor(0, "ana"), "hold", {"reason": "x"}, head
        )
        lines.append(raw)
        head = line.hash
    return lines


def anew(raw: bytes, **fields: object) -> bytes:
    """The line with other fields (None takes one out), its own hash made to fit."""
    record = {k: v for k, v in {**json.loads(raw), **fields}.items() if v is not None}
    record.pop("hash")
    return canonical({**record, "hash": hashlib.sha256(canonical(record)).hexdigest()}) + b"\n"


DAMAGE: dict[str, Callable[[Lines], Lines]] = {
    "read as JSON": lambda raws: [raws[0], b"{\x1b[31m\n", raws[2]],
    "no JSON object": lambda raws: [raws[0], b"[]\n", raws[2]],
    "own hash": lambda raws: [raws[0], raws[1].replace(b'"x"', b'"y"'), raws[2]],
    "canonically": lambda raws: [raws[0], raws[1].replace(b'"kind":', b'"kind": '), raws[2]],
    "missing": lambda raws: [raws[0], anew(raws[1], seq=None), raws[2]],
    "wrong type": lambda raws: [raws[0], anew(raws[1], kind=7), raws[2]],
    "follow from": lambda raws: [raws[0], raws[2]],
    "number": lambda raws: [raws[0], anew(raws[1], seq=5), raws[2]],
}


@pytest.mark.parametrize("part", DAMAGE)
def test_what_is_wrong_with_a_line_is_told_in_both_languages(tmp_path: Path, part: str) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(b"".join(DAMAGE[part](three())))
    found = verify(file)
    assert found.first_broken_line == 2
    assert found.reason is not None
    assert part in found.reason
    assert found.told.in_("en").endswith(found.reason)
    use("es")
    spanish = known_text(found.reason)
    assert spanish != found.reason
    assert found.told.in_("es").endswith(spanish)
