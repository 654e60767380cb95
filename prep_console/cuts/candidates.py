"""The candidates' file that comes beside the results: only looked at for placeholder names.

A real zero cut held "Nombre Apellido Apellido" where a party had named nobody yet. The file is
published as delivered; a person should know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import BinaryIO, Final

from prep_console.cuts.checks import finding
from prep_console.cuts.front import delimiter_of, fields_of, plain_name
from prep_console.cuts.lines import Lines, Unreadable
from prep_console.cuts.model import Finding

_PLACEHOLDER: Final = re.compile(
    r"(NOMBRES?|APELLIDOS?|PATERNO|MATERNO|CANDIDAT[OA]|PROPIETARI[OA]|SUPLENTE|PRUEBA|TEST|X"
    r"|\d|_)+"
)
_MAX_FRONT_LINES: Final = 50
_MAX_FIELDS: Final = 200


def read_candidates(stream: BinaryIO, where: str) -> tuple[Finding, ...]:
    """One warning with the number of candidates whose name is a placeholder.

    A file without the columns of candidates has none; one that is no text gets a warning.
    """
    try:
        found, first = _placeholders(Lines(stream))
    except Unreadable:
        return (finding("candidates.unreadable", where),)
    if not found:
        return ()
    return (finding("candidates.placeholder", where, n=found, value=first),)


def _placeholders(lines: Lines) -> tuple[int, str]:
    """How many candidates have one, and the first of these names."""
    places: list[int] = []
    delimiter = ","
    for line in islice(lines, _MAX_FRONT_LINES):
        delimiter = delimiter_of(line)
        places = _candidate_columns(fields_of(line, delimiter, _MAX_FIELDS))
        if places:
            break
    found, first = 0, ""
    for line in lines if places else ():
        fields = fields_of(line, delimiter, _MAX_FIELDS)
        names = [fields[place] for place in places if place < len(fields)]
        if placeholder := next((name for name in names if _is_placeholder(name)), ""):
            found += 1
            first = first or placeholder.strip()[:80]
    return found, first


def _candidate_columns(fields: Sequence[str]) -> list[int]:
    names = [plain_name(field) for field in fields]
    if "PARTIDO_CI" not in names and not any(name.startswith("ID_") for name in names):
        return []
    return [i for i, name in enumerate(names) if name.startswith("CANDIDAT")]


def _is_placeholder(name: str) -> bool:
    return _PLACEHOLDER.fullmatch(plain_name(name)) is not None
