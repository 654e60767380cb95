"""The table of alarms and its page."""

from __future__ import annotations

import re

from prep_console.alarms import instruments
from prep_console.alarms.table import TABLE
from tests.wording import alarms


def test_there_are_at_most_thirty_rules_each_with_what_to_do() -> None:
    assert 0 < len(TABLE) <= 30
    for rule in TABLE.values():
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", rule.id)
        for text in (rule.text, rule.cause, rule.consequence, rule.to_do):
            assert len(text) > 10, rule.id
        assert 0 <= rule.delay_s <= 120
        assert 0 <= rule.clear_s <= 60


def test_what_harms_when_hidden_cannot_be_shelved() -> None:
    for key in ("cut.late", "hold.long", "site.differs"):
        assert not TABLE[key].shelvable


def test_causes_are_rules_and_explain_in_no_circle() -> None:
    def above(rule: str, seen: tuple[str, ...] = ()) -> None:
        assert rule not in seen, seen
        for cause in TABLE[rule].explained_by:
            above(cause.id, (*seen, rule))

    for rule in TABLE:
        above(rule)


def test_a_cause_is_known_no_later_than_what_it_explains() -> None:
    for rule in TABLE.values():
        for cause in rule.explained_by:
            early = TABLE[cause.id].delay_s <= max(rule.delay_s, 20.0)
            assert early, (cause.id, rule.id)


def test_what_only_readings_tell_is_in_the_table() -> None:
    assert set(TABLE) >= instruments.RULES


def test_the_page_is_as_the_table() -> None:
    assert alarms.PAGE.read_text("utf-8") == alarms.page(), "run: make texts"
