"""What stands before the actas: title, time of the cut, the header's figures, the column names.

Each line is known by what it says, never by its place: blank lines move around, ``sep=|`` comes
or not, and programs add empty fields at the end of every line.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import combinations, islice
from typing import Final

import msgspec

from prep_console.cuts.checks import finding
from prep_console.cuts.lines import Lines, Unreadable
from prep_console.cuts.model import Figures, Finding
from prep_console.cuts.numbers import NotANumber, read_count, read_percent, unquoted
from prep_console.cuts.stamps import Stamp
from prep_console.values import replace

DELIMITERS: Final = "|,;\t"
BLANK: Final = " \t\"',;|\ufeff"
"""A line of nothing but these is blank: programs fill it with delimiters or empty quotes."""
MAX_COLUMNS: Final = 1000
"""Real files have 44 to 104."""
_MAX_FRONT_LINES: Final = 200
_MAX_TITLE: Final = 200
_MAX_NAME: Final = 200

_TIME: Final = re.compile(
    r"(?:[^\d]{0,60}[\s:])??"
    r"(?:(?P<year>\d{4})[/-](?P<month>\d{1,2})[/-](?P<day>\d{1,2})"
    r"|(?P<day2>\d{1,2})[/-](?P<month2>\d{1,2})[/-](?P<year2>\d{4}))"
    r"[\sT,|;]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2})?"
    r"\s*(?:horas|hrs?\.?)?\s*(?:\(?\s*(?:UTC|GMT)\s*[-+−–]?\s*\d{0,2}(?::\d{2})?\s*\)?)?",
    re.ASCII | re.IGNORECASE,
)

_FIGURES: Final[tuple[tuple[str, str], ...]] = (
    # The longer prefix of two comes first: names are told apart by how they begin, since
    # institutes write them with and without accents, articles and spelling mistakes.
    ("PORCENTAJE_ACTAS_CAP", "percent_captured"),
    ("PORCENTAJE_ACTAS_CONT", "percent_counted"),
    ("PORCENTAJE_ACTAS_INCON", "percent_inconsistent"),
    ("PORCENTAJE_ACTAS_CON_INCON", "percent_inconsistent"),
    ("PORCENTAJE_PARTICIPACION", "turnout"),
    ("ACTAS_ESPERADAS", "expected"),
    ("ACTAS_REGISTRADAS", "registered"),
    ("ACTAS_FUERA", "out_of_catalogue"),
    ("ACTAS_CAPTURADAS", "captured"),
    ("ACTAS_CONTABILIZADAS", "counted"),
    ("ACTAS_NO_CONTABILIZADAS", "not_counted"),
    ("LISTA_NOMINAL", "nominal_list"),
    ("TOTAL_VOTOS_C_CS", "votes_with_special"),
    ("TOTAL_VOTOS_S_CS", "votes_without_special"),
)
_PERCENTS: Final = frozenset(
    {"percent_captured", "percent_counted", "percent_inconsistent", "turnout"}
)
PERCENT_NAMES: Final[Mapping[str, str]] = {
    "percent_captured": "PORCENTAJE_ACTAS_CAPTURADAS",
    "percent_counted": "PORCENTAJE_ACTAS_CONTABILIZADAS",
    "percent_inconsistent": "PORCENTAJE_ACTAS_INCONSISTENCIAS",
    "turnout": "PORCENTAJE_PARTICIPACION_CIUDADANA",
}


class Front(msgspec.Struct, frozen=True):
    """Everything before the first acta."""

    title: str
    stamp: Stamp | None
    delimiter: str
    columns: tuple[str, ...]
    """Normalised names (:func:`plain_name`), without empty ones at the end."""
    figures: Figures
    percents: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    """The header's percentages that could be read, by the keys of PERCENT_NAMES."""
    findings: tuple[Finding, ...] = ()


def plain_name(text: str) -> str:
    """A column's or figure's name in capitals, without quoting, accents and stray blanks."""
    name = unquoted(text[:_MAX_NAME].strip().strip('"'))
    if not name.isascii():
        decomposed = unicodedata.normalize("NFKD", name)
        name = "".join(c for c in decomposed if not unicodedata.combining(c))
    return "_".join(name.upper().split())


def fields_of(line: str, delimiter: str, limit: int = MAX_COLUMNS) -> list[str]:
    """The fields of one line before the actas; at most about ``limit`` of them."""
    if '"' in line and line.count(delimiter) <= limit:
        try:
            return next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            pass  # a stray quote means itself
    return line.split(delimiter, limit)


def delimiter_of(line: str) -> str:
    """The delimiter that this line has most of."""
    return max(DELIMITERS, key=line.count)


def is_columns(names: list[str]) -> bool:
    """Whether these names head the actas."""
    known = {"CLAVE_CASILLA", "CLAVE_ACTA", "SECCION", "CONTABILIZADA", "NULOS", "LISTA_NOMINAL"}
    return len(names) >= 5 and len(known.intersection(names)) >= 3


def read_front(lines: Lines, where: str) -> Front:
    """Read up to and including the column names. Unreadable when there are none."""
    reading = _Reading(where)
    for line in islice(lines, _MAX_FRONT_LINES):
        columns = reading.take(line)
        if columns is not None:
            return reading.front(columns, delimiter_of(line))
    raise Unreadable("no line names the columns of the actas", "results.no_columns")


class _Reading:
    """What is known so far while the lines go by."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.title = ""
        self.stamp: Stamp | None = None
        self.names: list[str] = []
        self.names_delimiter = ","
        self.values: list[str] | None = None
        self.empty_values: list[str] | None = None
        self.findings: list[Finding] = []

    def note(self, check: str, **values: str | int) -> None:
        self.findings.append(finding(check, self.where, **values))

    def take(self, line: str) -> tuple[str, ...] | None:
        """Learn from one line; the column names when it is their line."""
        bare = line.strip(BLANK)
        if not bare:
            # After the names a line of delimiters may be a header whose values are all empty.
            if self.names and line.count(self.names_delimiter) >= 5:
                self.empty_values = fields_of(line, self.names_delimiter)
            return None
        if bare.lower().startswith("sep=") and len(bare) <= 5:
            return None
        delimiter = delimiter_of(line)
        names = [plain_name(name) for name in fields_of(line, delimiter)]
        if is_columns(names):
            while names and not names[-1]:
                names.pop()
            return tuple(names)
        if sum(name.startswith(("ACTAS_", "PORCENTAJE_ACTAS_")) for name in names) >= 3:
            if self.names:
                self.note("results.header_twice", line=0)
            else:
                self.names, self.names_delimiter = names, delimiter
        elif match := _TIME.fullmatch(bare):
            self._time(match, bare)
        elif self.names and self.values is None and line.count(self.names_delimiter) >= 3:
            self.values = fields_of(line, self.names_delimiter)
        elif not self.title and (not self.names or self.values is not None):
            self.title = " ".join(bare.split())[:_MAX_TITLE]
        return None

    def _time(self, match: re.Match[str], text: str) -> None:
        year, month, day = (match[n] or match[f"{n}2"] for n in ("year", "month", "day"))
        compact = f"{year}{month:0>2}{day:0>2}_{match['hour']:0>2}{match['minute']}"
        try:
            stamp = Stamp.of(compact)
        except ValueError:
            self.note("results.time", value=text[:80])
            return
        if self.stamp not in (None, stamp):
            self.note("results.time", value=text[:80])
        self.stamp = self.stamp or stamp

    def front(self, columns: tuple[str, ...], delimiter: str) -> Front:
        figures, percents = self._figures()
        if self.stamp is None and not any(f.check == "results.time" for f in self.findings):
            self.note("results.no_time")
        return Front(
            title=self.title,
            stamp=self.stamp,
            delimiter=delimiter,
            columns=columns,
            figures=figures,
            percents=percents,
            findings=tuple(self.findings),
        )

    def _figures(self) -> tuple[Figures, dict[str, Decimal]]:
        keys = [_figure_of(name) for name in _without_empty_end(self.names)]
        stated = self.empty_values if self.values is None else self.values
        if not keys or stated is None:
            self.note("results.no_figures")
            return Figures(), {}
        values = _aligned(keys, stated)
        if values is None:
            self.note("results.header_fields", names=len(keys), values=len(stated))
            return Figures(), {}
        figures = Figures()
        percents: dict[str, Decimal] = {}
        seen: set[str] = set()
        for key, name, text in zip(keys, self.names, values, strict=False):
            if key is None:
                continue
            if key in seen:
                self.note("results.header_twice", line=0)
                continue
            seen.add(key)
            try:
                if key in _PERCENTS:
                    if (percent := read_percent(text)) is not None:
                        percents[key] = percent
                else:
                    figures = replace(figures, **{key: read_count(text)})
            except NotANumber:
                self.note("results.header_value", name=name[:80], value=text[:80])
        if "turnout" in percents:
            figures = replace(figures, turnout=float(percents["turnout"]))
        return figures, percents


def _figure_of(name: str) -> str | None:
    return next((key for prefix, key in _FIGURES if name.startswith(prefix)), None)


def _without_empty_end(texts: list[str]) -> list[str]:
    end = len(texts)
    while end and not texts[end - 1].strip():
        end -= 1
    return texts[:end]


def _aligned(keys: list[str | None], values: list[str]) -> list[str] | None:
    """One value for each name, or None when it cannot be said which belongs to which.

    Too many of them are thousands written as ``7,672`` without quotes between commas; they are
    joined again if there is exactly one way to.
    """
    if len(values) > len(keys) and not any(v.strip() for v in values[len(keys) :]):
        values = values[: len(keys)]
    if len(values) == len(keys):
        return values
    return _joined(keys, _without_empty_end(values))


def _joined(keys: list[str | None], values: list[str]) -> list[str] | None:
    surplus = len(values) - len(keys)
    places = [
        i
        for i in range(1, len(values))
        if re.fullmatch(r"\d{3}", values[i], re.ASCII)
        and re.fullmatch(r"[1-9]\d{0,2}|\d{3}", values[i - 1], re.ASCII)
    ]
    if not 0 < surplus <= len(places) <= 12:
        return None
    ways: Iterator[list[str]] = (
        _join_at(values, chosen) for chosen in combinations(places, surplus)
    )
    good = [way for way in ways if _plausible(keys, way)]
    return good[0] if len(good) == 1 else None


def _join_at(values: list[str], places: tuple[int, ...]) -> list[str]:
    joined: list[str] = []
    for i, value in enumerate(values):
        if i in places:
            joined[-1] += "," + value
        else:
            joined.append(value)
    return joined


def _plausible(keys: list[str | None], values: list[str]) -> bool:
    found: dict[str, int] = {}
    for key, value in zip(keys, values, strict=True):
        try:
            if key in _PERCENTS:
                percent = read_percent(value)
                if percent is not None and percent > 100:
                    return False
            elif key is not None and (number := read_count(value)) is not None:
                found[key] = number
        except NotANumber:
            return False
    ordered = (
        ("counted", "captured"),
        ("captured", "expected"),
        ("votes_without_special", "votes_with_special"),
        ("votes_without_special", "nominal_list"),
    )
    return all(found[a] <= found[b] for a, b in ordered if a in found and b in found)
