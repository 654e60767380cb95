"""What the name of a delivered file says: stamp, product, election, state.

Read in real names: ``20190603_0547_PREP_DIP_QROO.zip``, ``20210601_1852_PREP_CAMP.zip``,
``20180702_2000_PREP_GOB_PUE`` (a folder), ``20180701_2104_PREP.json``, ``QROO_DIP_LOC_2019.csv``,
``QROO_DIP_CANDIDATURAS_2019.csv``, ``CAMP_JUNTAS_CANDIDATURA_2021.csv``.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from prep_console.cuts import elections
from prep_console.cuts.elections import plain
from prep_console.cuts.stamps import Stamp

Product = Literal["PREP", "COMPUTOS", ""]

_STAMP = re.compile(r"(?<!\d)(\d{8}_\d{4})(?!\d)", re.ASCII)
_STATE = re.compile(r"[A-Z]{2,5}", re.ASCII)
_YEAR = re.compile(r"(?:19|20)\d\d", re.ASCII)
_EXTENSION = re.compile(r"\.(?:zip|tar\.gz|tgz|tar|csv|txt|json)$", re.IGNORECASE)
_CANDIDATES = {"CANDIDATURA", "CANDIDATURAS", "CANDIDATOS", "CANDIDATAS"}
_STATES = frozenset(
    re.findall(
        r"\w+",
        "AGS AGU BC BCN BCS CAM CAMP CDMX CHIH CHIS CHI COAH COL DF DGO DUR EDOMEX GRO GTO HGO JAL "
        "MEX MICH MOR NAY NL OAX PUE QR QRO QROO SIN SLP SON TAB TAM TAMPS TLAX VER YUC ZAC",
    )
)
_TEST = {"PRUEBA", "PRUEBAS", "SIMULACRO", "SIMULACROS", "ENSAYO", "TEST"}


class FileName(msgspec.Struct, frozen=True):
    """What one name says; '' or None for what it does not say."""

    stamp: Stamp | None = None
    product: Product = ""
    election: str = ""
    """Canonical code."""
    state: str = ""
    """Abbreviation in upper case, as written: QRO, QROO, CAMP."""
    external: bool = False
    """Ends in ``_ext``: an archive that stands beside the one of the same election."""
    candidates: bool = False
    test: bool = False
    """The name itself says that this is a test or a simulacro."""
    no_moment: bool = False
    """What stands in the place of the stamp is no date and time that can be."""


def read_name(path: str) -> FileName:
    """Read the last component of a path; never fails, an alien name says nothing."""
    name = _EXTENSION.sub("", path.rstrip("/").rpartition("/")[2])
    match = _STAMP.search(name)
    stamp = _stamp(match[1]) if match else None
    rest = name[: match.start()] + "_" + name[match.end() :] if match and stamp else name
    words = plain(rest).split()
    product = _product(words)
    candidates = not _CANDIDATES.isdisjoint(words)
    external = "EXT" in words
    test = any(word.rstrip("0123456789") in _TEST for word in words)
    known = {"PREP", "COMPUTOS", "COMPUTO", "EXT"} | _CANDIDATES | _TEST
    words = [word for word in words if word not in known and not word.isdigit()]
    election, words = _election(words)
    structured = stamp is not None or product or _YEAR.search(rest)
    state = _state(words, bool(election)) if structured else ""
    no_moment = match is not None and match.start() == 0 and stamp is None and product != ""
    return FileName(stamp, product, election, state, external, candidates, test, no_moment)


def _stamp(text: str) -> Stamp | None:
    try:
        return Stamp.of(text)
    except ValueError:
        return None


def _product(words: list[str]) -> Product:
    if "COMPUTOS" in words or "COMPUTO" in words:
        return "COMPUTOS"
    return "PREP" if "PREP" in words else ""


def _election(words: list[str]) -> tuple[str, list[str]]:
    """The election among the words, longest alias first, and the words that are left."""
    for length in range(min(elections.LONGEST, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            code = elections.canonical("_".join(words[start : start + length]))
            if code:
                return code, words[:start] + words[start + length :]
    return "", words


def _state(words: list[str], placed: bool) -> str:
    """The state's abbreviation; an unknown one counts only beside an election (``placed``)."""
    known = [word for word in words if word in _STATES]
    if known:
        return known[0] if len(known) == 1 else ""
    possible = [word for word in words if _STATE.fullmatch(word)]
    return possible[0] if placed and len(possible) == 1 else ""
