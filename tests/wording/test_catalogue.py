"""Every sentence is there in both languages, with the same values to fill in."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

from tests.wording.catalogue import CHECKOUT, KEYWORDS, SPANISH, in_code, key, sentences, spanish


def forms(said: object) -> tuple[str, ...]:
    """The singular and plural of a sentence, or its only form."""
    if isinstance(said, str):
        return (said,)
    assert isinstance(said, list | tuple)
    return tuple(str(form) for form in said)


def fields(template: str) -> set[str]:
    """Names of the values that a template asks for; ValueError when its braces do not match."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_the_catalogue_holds_the_sentences_of_the_code_and_no_others() -> None:
    code = {key(message) for message in sentences(in_code())}
    known = {key(message) for message in sentences(spanish())}
    assert len(code) > 100
    assert not code - known, "run: make texts"
    assert not known - code, "run: make texts"


def test_every_sentence_has_its_spanish() -> None:
    lacking = [m.id for m in sentences(spanish()) if not all(forms(m.string))]
    assert not lacking


def test_no_guess_of_a_tool_and_no_relic_stays_in_the_catalogue() -> None:
    catalogue = spanish()
    assert [m.id for m in sentences(catalogue) if m.fuzzy] == []
    assert not catalogue.obsolete
    assert "#~" not in SPANISH.read_text("utf-8")


def test_shelving_an_alarm_is_one_verb() -> None:
    """On the screen, in the commands and in the record alike."""
    shelving = [m for m in sentences(spanish()) if "shelve" in str(m.id).replace("unshelve", "")]
    assert len(shelving) > 10
    assert [m.string for m in shelving if not re.search("(?i)apl[aá][zc]", str(m.string))] == []


def test_both_languages_fill_in_the_same_values() -> None:
    wrong = []
    for message in sentences(spanish()):
        english = set().union(*(fields(form) for form in forms(message.id)))
        for form in forms(message.string):
            # one form of a plural may do without its number ("one new cut")
            lacks = english - fields(form) - ({"n"} if message.pluralizable else set())
            if lacks or fields(form) - english:
                wrong.append((message.id, form))
    assert wrong == []


def test_sentences_begin_and_end_alike_in_both_languages() -> None:
    """Spaces and the last stop matter where a screen puts two sentences side by side."""
    wrong = []
    for message in sentences(spanish()):
        for english, said in zip(forms(message.id), forms(message.string), strict=True):
            same_stop = english.endswith(".") == said.endswith(".")
            bare = said == said.strip() or english != english.strip()
            if not (same_stop and bare):
                wrong.append((english, said))
    assert wrong == []


def python_files() -> Iterator[Path]:
    for room in ("prep_console", "widgets"):
        yield from (CHECKOUT / room).rglob("*.py")


def test_what_is_marked_is_literal() -> None:
    """An f-string or a sum would reach the screen untranslated, and nobody would notice; so
    would the two forms of a plural that were marked one by one.
    """
    wrong = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id not in KEYWORDS:
                continue
            positions = KEYWORDS[node.func.id] or (1,)
            for position in positions:
                if len(node.args) < position:
                    continue
                said = node.args[position - 1]
                if isinstance(said, ast.JoinedStr | ast.BinOp) or (
                    node.func.id in {"N_", "say_n"} and not isinstance(said, ast.Constant)
                ):
                    wrong.append(f"{path.name}:{node.lineno}")
    assert wrong == []


def test_each_marked_sentence_is_in_the_catalogue_wherever_it_stands() -> None:
    """Also one inside an f-string, which the extractor passes over without a word."""
    known = {form for message in sentences(spanish()) for form in forms(message.id)}
    lacking = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            for position in KEYWORDS.get(node.func.id, ()) or (1,):
                said = node.args[position - 1] if len(node.args) >= position else None
                if node.func.id in KEYWORDS and isinstance(said, ast.Constant):
                    lacking += [] if said.value in known else [f"{path.name}: {said.value!r}"]
    assert not lacking
