"""The table of alarms and its page."""

from __future__ import annotations

import re

import pytest

from prep_console.alarms import instruments
from prep_console.alarms.condition import Condition
from prep_console.alarms.table import TABLE, _refused_for, english_of, sentence_of
from prep_console.cuts.checks import CHECKS
from prep_console.cuts.model import Severity
from prep_console.snapshot import AlarmView, Detail
from prep_console.values import replace
from prep_console.wording import Language, use
from tests.console.nights import NOW
from tests.console.stations import bad_night
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


def test_every_check_that_refuses_has_words_and_none_is_told_by_its_name() -> None:
    stops = [name for name, check in CHECKS.items() if check.severity is Severity.STOP]
    assert len(stops) > 30
    for name in stops:
        assert "." not in _refused_for(name), name
    assert _refused_for("tomorrow.check") == "tomorrow.check"
    assert _refused_for("archive.path, archive.link") == _refused_for("archive.path")


def test_people_read_why_and_scripts_read_the_checks() -> None:
    values = {"name": "a.zip", "reason": "stamp.older, product.test"}
    told = replace(bad_night().alarms[0], id="cut.refused", subject="", values=values)
    use("es")
    assert "(anterior a lo ya aceptado, datos de prueba)" in str(sentence_of(told))
    assert "(stamp.older, product.test)" in english_of(
        Condition("cut.refused", "warning", NOW, values)
    )


@pytest.mark.parametrize("language", ["es", "en"])
def test_one_is_told_as_one(language: Language) -> None:
    use(language)
    try:
        for rule in TABLE.values():
            if not rule.of_one:
                continue
            one: dict[str, Detail] = {
                "minutes": 10,
                "n": 3,
                "cut": "X",
                "figure": "",
                rule.counts: 1,
            }
            words = str(sentence_of(AlarmView(rule.id, "critical", NOW, None, "", values=one)))
            many = {**one, rule.counts: 2}
            more = str(sentence_of(AlarmView(rule.id, "critical", NOW, None, "", values=many)))
            assert "1 min" not in words
            assert "1 c" not in words
            assert "2 " in more
            condition = Condition(rule.id, "critical", NOW, one)
            assert "1 m" not in english_of(condition)
    finally:
        use("es")
