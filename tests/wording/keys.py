"""The tables of keys in the READMEs, written from the bindings: part of ``make texts``."""

from __future__ import annotations

import re

from prep_console.console.keys import table
from prep_console.wording import Language
from tests.wording.catalogue import CHECKOUT

READMES: dict[Language, str] = {"en": "README.md", "es": "README.es.md"}
_BLOCK = re.compile(r"(?<=<!-- keys -->\n).*?(?=<!-- /keys -->)", re.DOTALL)


def written(language: Language) -> str:
    """The table as it stands in the README of ``language``."""
    found = _BLOCK.search((CHECKOUT / READMES[language]).read_text("utf-8"))
    return found[0] if found else ""


def due(language: Language) -> str:
    """The table as the bindings say."""
    return f"\n{table(language)}\n\n"


if __name__ == "__main__":
    for language, name in READMES.items():
        path = CHECKOUT / name
        before, _, after = _BLOCK.sub("\0", path.read_text("utf-8")).partition("\0")
        path.write_text(before + due(language) + after, "utf-8")
