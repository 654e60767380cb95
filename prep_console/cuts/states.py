"""The states by INE's numbers, as ID_ESTADO says them in every row, and their abbreviations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prep_console.cuts.numbers import NotANumber, read_count

_ABBREVIATIONS: Final = (
    "AGS AGU/BC BCN/BCS/CAMP CAM/COAH/COL/CHIS/CHIH/CDMX DF/DGO DUR/GTO/GRO/HGO/JAL/MEX EDOMEX/"
    "MICH/MOR/NAY/NL/OAX/PUE/QRO/QROO/SLP/SIN/SON/TAB/TAMPS TAM/TLAX/VER/YUC/ZAC"
)
"""In the order of INE's numbers, from 1; the usual one first."""

_BY_NUMBER: Final = {
    number: names.split() for number, names in enumerate(_ABBREVIATIONS.split("/"), start=1)
}
_NUMBER: Final = {name: number for number, names in _BY_NUMBER.items() for name in names}


def known(text: str) -> bool:
    """Whether this is a state's abbreviation, in letters of either case."""
    return text.upper() in _NUMBER


def same(one: str, other: str) -> bool:
    """Whether two abbreviations mean one state."""
    one, other = one.upper(), other.upper()
    return one == other or _NUMBER.get(one, -1) == _NUMBER.get(other, -2)


def of_rows(texts: Iterable[str]) -> str:
    """The state that these texts of ID_ESTADO name; '' when it is none, or several."""
    numbers: set[int] = set()
    for text in texts:
        try:
            numbers.add(read_count(text) or 0)
        except NotANumber:
            return ""
    numbers.discard(0)
    (number,) = numbers if len(numbers) == 1 else (0,)
    return _BY_NUMBER.get(number, [""])[0]
