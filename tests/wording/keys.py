"""The tables of keys in the READMEs, written from the bindings: part of ``make texts``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from prep_console.console import keys, replay_keys
from prep_console.wording import Language
from tests.wording.catalogue import CHECKOUT

READMES: dict[Language, str] = {"en": "README.md", "es": "README.es.md"}
TABLES: Mapping[str, Callable[[Language], str]] = {
    "keys": keys.table,
    "replay keys": replay_keys.table,
}
"""By the name of the block that holds it."""


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)


def written(name: str, language: Language) -> str:
    """The table as it stands in the README of ``language``."""
    found = _block(name).search((CHECKOUT / READMES[language]).read_text("utf-8"))
    return found[0] if found else ""


def due(name: str, language: Language) -> str:
    """The table as the bindings say."""
    return f"\n{TABLES[name](language)}\n\n"


if __name__ == "__main__":
    for language, readme in READMES.items():
        path = CHECKOUT / readme
        text = path.read_text("utf-8")
        for name in TABLES:
            before, _, after = _block(name).sub("\0", text).partition("\0")
            text = before + due(name, language) + after
        path.write_text(text, "utf-8")
