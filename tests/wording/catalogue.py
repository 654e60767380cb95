"""Sentences of the code into the Spanish catalogue: ``make texts``.

New ones come in untranslated (the tests name them), ones that the code lost go. Spanish that
somebody wrote elsewhere as plain msgid/msgstr pairs is taken in with
``make texts ARGS="pairs.po more.po"``.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from prep_console.cli import cli
from prep_console.commands import helping

CHECKOUT = Path(__file__).parents[2]
SPANISH = CHECKOUT / "prep_console" / "locales" / "es" / "LC_MESSAGES" / "prep_console.po"
KEYWORDS = {
    "N_": None,
    "say": None,
    "sentence": None,
    "say_in": (2,),
    "say_n": (1, 2),
}
"""The marks that prep_console.wording gives, and which argument is the sentence."""

Key = str | tuple[str, str]


def in_code() -> Catalog:
    """Every sentence that the code marks, with the files that hold it."""
    found = Catalog(project="prep-console", charset="utf-8", fuzzy=False)
    # the widgets are walked under their own name: the link to them is not followed
    for room in ("prep_console", "widgets"):
        for file, _, msgid, _, _ in extract_from_dir(
            CHECKOUT / room, method_map=[("**.py", "python")], keywords=KEYWORDS
        ):
            found.add(msgid, locations=[(f"{room}/{file}", 0)])
    for text in helping.texts(cli):  # they stand as docstrings, without a mark
        found.add(text, locations=[("prep_console/commands", 0)])
    return found


def spanish(path: Path = SPANISH) -> Catalog:
    """A catalogue of Spanish sentences as it lies on disk."""
    with path.open("rb") as source:
        return read_po(source, locale="es", charset="utf-8")


def sentences(catalogue: Catalog) -> Iterator[Message]:
    """Its messages, without the header."""
    return (message for message in catalogue if message.id)


def key(message: Message) -> Key:
    """What identifies a message: its English, or singular and plural."""
    return message.id if isinstance(message.id, str) else (message.id[0], message.id[1])


def bring_up_to_date(pairs: list[Path]) -> list[Key]:
    """Rewrite the Spanish catalogue for the code as it is; what still lacks Spanish comes back."""
    offered = [spanish(), *(spanish(path) for path in pairs)]
    result = Catalog(locale="es", project="prep-console", charset="utf-8", fuzzy=False)
    for message in sentences(in_code()):
        same = [known for c in offered if (known := c.get(message.id)) is not None]
        said = [known.string for known in same if key(known) == key(message)]
        kept = next((s for s in reversed(said) if translated(s)), "")
        result.add(message.id, kept, locations=message.locations)
    text = io.BytesIO()
    write_po(text, result, width=100, sort_output=True, omit_header=True, include_lineno=False)
    SPANISH.write_bytes(_HEADER.encode() + text.getvalue())
    return [key(m) for m in sentences(result) if not translated(m.string)]


_HEADER = r"""msgid ""
msgstr ""
"Project-Id-Version: prep-console\n"
"Language: es\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

"""
"""Without the dates and tool versions that would make every run a change."""


def translated(string: object) -> bool:
    """Whether a msgstr (or each of its plural forms) says something."""
    return bool(string) if isinstance(string, str) else isinstance(string, tuple) and all(string)


if __name__ == "__main__":
    lacking = bring_up_to_date([Path(name) for name in sys.argv[1:]])
    for sentence in lacking:
        print(f"no Spanish yet: {sentence if isinstance(sentence, str) else sentence[0]}")
    print(f"{SPANISH.relative_to(CHECKOUT)}: {len(lacking)} sentences lack their Spanish")
