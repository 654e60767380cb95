"""The one table of what institutes call an election, in names and in titles.

Canonical codes: ``DIP_LOC`` local deputies, ``AYUN`` town councils, ``JUNTAS`` municipal boards
(Campeche), ``GUB`` governor, ``ALC`` boroughs (Mexico City), and the federal ``PRES``, ``SEN``,
``DIP_FED``. Bare ``DIP`` means ``DIP_LOC``: broadcasters of a local PREP get
``…PREP_DIP_QROO.zip`` holding ``QROO_DIP_LOC_2019.csv``; only a title that says FEDERALES makes
it ``DIP_FED``.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

NATIONAL: Final = "PRES"
"""The election of a lone national site JSON, which names none: the INE 2018 files at hand are
the presidential ones (their coalitions and candidates' figures are of that ballot)."""

FEDERAL: Final = frozenset({"PRES", "SEN", "DIP_FED"})

_ALIASES: Final = {
    "DIP_LOC": "DIP_LOC DIP DIPLOC DIPUTACIONES DIPUTACIONES_LOCALES DIP_LOCALES DIP_MR DIP_LOC_MR "
    "DIPUTADOS DIPUTADOS_LOCALES DIPUTACION_LOCAL",
    "DIP_FED": "DIP_FED DIPFED DIP_FEDERALES DIPUTACIONES_FED DIPUTACIONES_FEDERALES "
    "DIPUTADOS_FEDERALES DIPUTADOS_MR DIPUTADOS_FED",
    "AYUN": "AYUN AYU AYUNTAMIENTO AYUNTAMIENTOS PRESIDENCIAS_MUNICIPALES PRESIDENCIA_MUNICIPAL "
    "PRES_MUN MUNICIPIOS",
    "JUNTAS": "JUNTAS JUN JUNTAS_MUNICIPALES",
    "GUB": "GUB GOB GUBERNATURA GOBERNADOR GOBERNADORA GOBERNATURA",
    "ALC": "ALC ALCALDIA ALCALDIAS JEFATURAS_DELEGACIONALES",
    "SEN": "SEN SENADURIA SENADURIAS SENADORES SENADORES_MR SEN_MR",
    "PRES": "PRES PRESIDENCIA PRESIDENTE PRESIDENCIA_DE_LA_REPUBLICA",
}

_BY_ALIAS: Final = {alias: code for code, aliases in _ALIASES.items() for alias in aliases.split()}

LONGEST: Final = max(alias.count("_") + 1 for alias in _BY_ALIAS)
"""Words in the longest alias."""

_TITLES: Final = (
    (r"DIPUTA(?:CION(?:ES)?|D[OA]S?)\b.*\bFEDERAL(?:ES)?", "DIP_FED"),
    (r"DIPUTA(?:CION(?:ES)?|D[OA]S?)\b", "DIP_LOC"),
    (r"AYUNTAMIENTOS?\b|PRESIDENCIAS? MUNICIPAL(?:ES)?\b", "AYUN"),
    (r"JUNTAS?\b", "JUNTAS"),
    (r"GUBERNATURA\b|GOBERNADOR", "GUB"),
    (r"ALCALDIAS?\b", "ALC"),
    (r"SENADURIAS?\b|SENADORES\b", "SEN"),
    (r"PRESIDENCIA(?! MUNICIPAL)\b(?!S)|PRESIDENTE\b(?! MUNICIPAL)", "PRES"),
)


def plain(text: str) -> str:
    """Upper case without accents, every run of other characters one space."""
    letters = unicodedata.normalize("NFD", text.upper())
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return " ".join(re.findall(r"[A-Z0-9]+", bare))


def canonical(code: str) -> str:
    """The canonical code of a code as written anywhere; '' when it is no known election."""
    return _BY_ALIAS.get(plain(code).replace(" ", "_"), "")


def from_title(title: str) -> str:
    """The election that a results file's title names; '' when it names none, or several."""
    words = plain(title)
    found: list[str] = []
    for pattern, code in _TITLES:
        if re.search(rf"\b(?:{pattern})", words):
            found.append(code)
            words = re.sub(rf"\b(?:{pattern})", " ", words)
    return found[0] if len(found) == 1 else ""
