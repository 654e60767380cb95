"""The JSON of an institute's results site, where it tells the time of its cut.

Two shapes are known. INE 2018 (40 real files): ``horaCorte`` "21:04", ``fechaCorte`` "01 de julio
de 2018", ``archivoCorte`` the archive's name, ``cortePrueba``, and the totals. Since 2024:
``ultimoCorte`` {``fecha``, ``hora``}. Any other JSON of a site is just a file.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec

from prep_console.cuts.elections import plain
from prep_console.cuts.model import Figures
from prep_console.cuts.names import read_name
from prep_console.cuts.numbers import NotANumber, read_count, read_percent
from prep_console.cuts.stamps import Stamp

LARGEST = 32 << 20
"""Bytes above which a JSON file is not read: the national totals take 7 KB."""

_LONGEST = 100
"""Characters of a number that are looked at."""

_MONTHS = {
    "ENERO": 1,
    "FEBRERO": 2,
    "MARZO": 3,
    "ABRIL": 4,
    "MAYO": 5,
    "JUNIO": 6,
    "JULIO": 7,
    "AGOSTO": 8,
    "SEPTIEMBRE": 9,
    "SETIEMBRE": 9,
    "OCTUBRE": 10,
    "NOVIEMBRE": 11,
    "DICIEMBRE": 12,
}
_WORDS = re.compile(r"(\d{1,2})(?: DE)? ([A-Z]+)(?: DEL?)? (\d{4})", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2}) (\d{1,2}) (\d{4})", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4}) (\d{1,2}) (\d{1,2})", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?!\d)", re.ASCII)


class SiteCut(msgspec.Struct, frozen=True):
    """What a site's JSON says about its cut."""

    stamp: Stamp | None
    archive: Stamp | None
    """The stamp in the name of the archive that it says it shows."""
    test: bool
    """``cortePrueba`` is true, in whatever way it is written."""
    whole: bool
    """About the whole election, not one district or section of it."""
    national: bool
    figures: Figures
    odd: tuple[tuple[str, str], ...] = ()
    """Figures left out, by their keys: what stands there is no number that can be."""


def looks_like_site_json(head: bytes) -> bool:
    """Whether a JSON file with this head (64 KiB) tells the time of a cut."""
    return any(key in head for key in (b'"horaCorte"', b'"fechaCorte"', b'"ultimoCorte"'))


def read_site_json(data: bytes) -> SiteCut | None:
    """Read a JSON file; None when it is no JSON, or none that tells the time of a cut."""
    try:
        parsed = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    last = parsed.get("ultimoCorte")
    if isinstance(last, dict):
        day, time = _text(last.get("fecha")), _text(last.get("hora"))
    elif "horaCorte" in parsed or "fechaCorte" in parsed:
        day, time = _text(parsed.get("fechaCorte")), _text(parsed.get("horaCorte"))
    else:
        return None
    level = plain(_text(parsed.get("nivelNodo")))
    totals = _Totals(parsed)
    figures = totals.figures()
    return SiteCut(
        stamp=_stamp(day, time),
        archive=read_name(_text(parsed.get("archivoCorte"))).stamp,
        test=plain(str(parsed.get("cortePrueba"))) in {"TRUE", "1", "SI"},
        whole=level in {"NACIONAL", "ENTIDAD", "ESTATAL", ""},
        national=level == "NACIONAL",
        figures=figures,
        odd=tuple(totals.odd),
    )


class _Totals:
    """The totals, under the names that the CSV header has for them."""

    def __init__(self, parsed: dict[str, Any]) -> None:
        totals = parsed.get("totales")
        self._source = {**totals, **parsed} if isinstance(totals, dict) else parsed
        self.odd: list[tuple[str, str]] = []

    def figures(self) -> Figures:
        return Figures(
            expected=self._count("totalActas", "actasEsperadas"),
            registered=self._count("actasRegistradas"),
            out_of_catalogue=self._count("actasFueraCatalogo"),
            captured=self._count("actasCapturadas"),
            counted=self._count("actasContabilizadas"),
            not_counted=self._count("actasNoContabilizadas"),
            nominal_list=self._count("listaNominal", "listaNominalActasContabilizadas"),
            votes_with_special=self._count("totalVotos"),
            turnout=self._percent("porcentajeParticipacionCiudadana"),
        )

    def _count(self, *keys: str) -> int | None:
        """A count that stands plainly, as text with thousands' commas, or as ``{"total": …}``."""
        for key in keys:
            value = self._source.get(key)
            if isinstance(value, dict):
                value = value.get("total")
            try:
                number = read_count(_plain(value))
            except NotANumber:
                self._note(key, value)
                continue
            if number is not None:
                return number
        return None

    def _percent(self, key: str) -> float | None:
        value = self._source.get(key)
        try:
            percent = read_percent(_plain(value))
        except NotANumber:
            self._note(key, value)
            return None
        return None if percent is None else float(percent)

    def _note(self, key: str, value: object) -> None:
        self.odd.append((key, str(value)[:80]))


def _plain(value: object) -> str:
    """As a file would write it; a count that a program wrote as 5.0 is 5."""
    if value is None:
        return ""
    if isinstance(value, float):
        written = format(Decimal(repr(value)), "f")
        return written.removesuffix(".0")[:_LONGEST]
    return str(value)[:_LONGEST]


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) < 200 else ""


def _stamp(day: str, time: str) -> Stamp | None:
    """A date in Spanish words or figures and a time of day, as one moment."""
    clock = _TIME.search(time)
    if clock is None:
        return None
    words = plain(day)
    if match := _YEAR_FIRST.search(words):
        year, month, date = int(match[1]), int(match[2]), int(match[3])
    elif match := _DAY_FIRST.search(words):
        date, month, year = int(match[1]), int(match[2]), int(match[3])
    elif (match := _WORDS.search(words)) and match[2] in _MONTHS:
        date, month, year = int(match[1]), _MONTHS[match[2]], int(match[3])
    else:
        return None
    try:
        return Stamp.of(f"{year:04}{month:02}{date:02}_{int(clock[1]):02}{clock[2]}")
    except ValueError:
        return None
