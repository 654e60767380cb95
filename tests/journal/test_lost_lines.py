"""What a line that is broken may have been: of the program's own lines none stops publishing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from prep_console import record
from prep_console.journal import chain
from prep_console.journal.actor import Actor
from prep_console.journal.lost import may_have_stopped

_PEOPLE = {"hold", "freeze", "thaw", "found", "intent"}
_KINDS = sorted(set(record._KINDS) - {"switched"})
"""All but the one that is a word for ``done``, and no line."""


def _broken(kind: str, **data: object) -> bytes:
    at = datetime(2024, 6, 3, 2, 5, tzinfo=UTC)
    _, raw = chain.compose(7, at, Actor(1000, "ana"), kind, {"reason": "r", **data}, "0" * 64)
    return raw.replace(b'"reason":"r"', b'"reason":"s"')[:-1]


@pytest.mark.parametrize("kind", _KINDS)
def test_only_what_a_person_stops_with_may_have_stopped(kind: str) -> None:
    assert may_have_stopped(_broken(kind)) == (kind in _PEOPLE)


def test_what_the_rules_published_stops_nothing() -> None:
    assert not may_have_stopped(_broken("intent", person=False, mode="auto"))
    assert may_have_stopped(_broken("intent", person=True, mode="hold"))


@pytest.mark.parametrize("raw", [b"", b"\0" * 300, b'{"kind":"sealed"', b"not a journal"])
def test_what_cannot_be_read_may_have(raw: bytes) -> None:
    assert may_have_stopped(raw)
