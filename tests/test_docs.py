"""The documents keep their word: what they link to and list is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from prep_console.wording import Language
from tests.wording import keys

CHECKOUT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    p.relative_to(CHECKOUT).as_posix()
    for p in [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md")]
)


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
