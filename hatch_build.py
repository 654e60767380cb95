"""Build hook: compile the message catalogues, so that wheel and editable install carry them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogueHook(BuildHookInterface):
    """``locales/*/LC_MESSAGES/*.po`` to the ``.mo`` beside it, before anything is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        for po in Path(self.root, "prep_console", "locales").rglob("*.po"):
            with po.open("rb") as source, po.with_suffix(".mo").open("wb") as target:
                write_mo(target, read_po(source))
