"""Results CSVs as institutes write them, in any combination of the variations seen.

An :class:`Election` is what a file says, a :class:`Style` is how it says it: reading a file
back must give the election, whatever the style.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from prep_console.cuts.model import Figures
from prep_console.cuts.stamps import Stamp

IDENTIFICATION = (
    "CLAVE_CASILLA",
    "CLAVE_ACTA",
    "ID_ESTADO",
    "ESTADO",
    "ID_DISTRITO_LOCAL",
    "DISTRITO_LOCAL",
    "SECCION",
    "ID_CASILLA",
    "TIPO_CASILLA",
    "EXT_CONTIGUA",
    "UBICACION_CASILLA",
    "TIPO_ACTA",
    "TOTAL_BOLETAS_SOBRANTES",
    "TOTAL_PERSONAS_VOTARON",
    "TOTAL_REP_PARTIDO_CI_VOTARON",
    "TOTAL_VOTOS_SACADOS",
)
PARTIES = ("PAN", "PRI", "PRD", "MORENA", "C_PAN_PRI", "CAND_IND_1")
CLOSING = (
    "NO_REGISTRADAS",
    "NULOS",
    "TOTAL_VOTOS_ASENTADO",
    "TOTAL_VOTOS_CALCULADO",
    "LISTA_NOMINAL",
    "REPRESENTANTES_PP_CI",
    "OBSERVACIONES",
    "CONTABILIZADA",
    "MECANISMOS_TRASLADO",
    "CODIGO_INTEGRIDAD",
    "FECHA_HORA_ACOPIO",
    "FECHA_HORA_CAPTURA",
    "FECHA_HORA_VERIFICACION",
    "ORIGEN",
    "DIGITALIZACION",
    "TIPO_DOCUMENTO",
)
HEADER = (
    ("ACTAS_ESPERADAS", "expected"),
    ("ACTAS_REGISTRADAS", "registered"),
    ("ACTAS_FUERA_CATALOGO", "out_of_catalogue"),
    ("ACTAS_CAPTURADAS", "captured"),
    ("PORCENTAJE_ACTAS_CAPTURADAS", ""),
    ("ACTAS_CONTABILIZADAS", "counted"),
    ("PORCENTAJE_ACTAS_CONTABILIZADAS", ""),
    ("PORCENTAJE_ACTAS_INCONSISTENCIAS", ""),
    ("ACTAS_NO_CONTABILIZADAS", "not_counted"),
    ("LISTA_NOMINAL_ACTAS_CONTABILIZADAS", "nominal_list"),
    ("TOTAL_VOTOS_C_CS", "votes_with_special"),
    ("TOTAL_VOTOS_S_CS", "votes_without_special"),
    ("PORCENTAJE_PARTICIPACION_CIUDADANA", "turnout"),
)

STAMP = Stamp.of("20240602_2005")


@dataclass(frozen=True)
class Acta:
    """One row; ``votes`` are those of the parties, NO_REGISTRADAS and NULOS, None unread."""

    key: str
    votes: tuple[int | None, ...]
    kind: str = "B"
    contabilizada: str = "1"
    nominal: int = 750
    observations: str = ""
    integrity: str = ""
    section: int = 1

    @property
    def total(self) -> int:
        return sum(v or 0 for v in self.votes)


@dataclass(frozen=True)
class Election:
    title: str = "DIPUTACIONES LOCALES"
    stamp: Stamp = STAMP
    actas: tuple[Acta, ...] = ()
    parties: tuple[str, ...] = PARTIES
    state: str = "QUERÉTARO"
    figures: Figures | None = None
    """What the header says; by default what the actas add up to."""

    @property
    def header(self) -> Figures:
        return self.figures or figures_of(self.actas)


@dataclass(frozen=True)
class Style:
    delimiter: str = "|"
    encoding: str = "utf-8"
    newline: tuple[str, ...] = ("\n",)
    """Line ends, taken in turn."""
    sep_line: bool = False
    time_format: str = "{0.day:02}/{0.month:02}/{0.year} {0.hour:02}:{0.minute:02} (UTC-6)"
    blanks: frozenset[str] = frozenset({"after header"})
    """Where blank lines stand: at start, after title, after time, in header, after header,
    before actas, at end."""
    blank_line: str = ""
    header_names: tuple[tuple[str, str], ...] = ()
    """Names written otherwise."""
    drop_header: tuple[str, ...] = ()
    thousands: bool = False
    percent: str = "{}"
    key: str = "{}"
    no_number: str = ""
    trailing: int = 0
    trailing_in_header: bool = False
    quote_all: bool = False
    renamed: tuple[tuple[str, str], ...] = ()
    order: tuple[int, ...] = ()
    """A permutation of the columns; empty for the usual order."""
    last_newline: bool = True


PLAIN = Style()


def acta(number: int, votes: Sequence[int | None] | None = None) -> Acta:
    """A plausible acta of a basic polling station."""
    return Acta(
        key=f"22{number:04}B0100",
        votes=(10, 20, 5, 30, 1, 0, 0, 4) if votes is None else tuple(votes),
        integrity=f"{number:064x}",
        section=number,
    )


def percent(part: int, whole: int) -> str:
    """Truncated to four decimals, in whole numbers: an own way, so that tests compare two."""
    digits = part * 1_000_000 // whole
    return f"{digits // 10_000}.{digits % 10_000:04}"


def figures_of(actas: Sequence[Acta]) -> Figures:
    """The header that these actas make."""
    out = [a for a in actas if a.key == "-"]
    known = [a for a in actas if a.key != "-"]
    counted = [a for a in actas if a.contabilizada == "1"]
    captured = [a for a in known if a.contabilizada in ("0", "1")]
    nominal = sum(a.nominal for a in counted)
    with_special = sum(a.total for a in counted)
    without = sum(a.total for a in counted if a.kind != "S")
    return Figures(
        expected=len(known),
        registered=len(captured) + len(out),
        out_of_catalogue=len(out),
        captured=len(captured),
        counted=len(counted),
        not_counted=len(captured) - len(counted),
        nominal_list=nominal,
        votes_with_special=with_special,
        votes_without_special=without,
        turnout=float(percent(without, nominal)) if nominal else 0.0,
    )


def _shown(number: int | None, style: Style) -> str:
    if number is None:
        return ""
    return f"{number:,}" if style.thousands else str(number)


def header_values(figures: Figures, style: Style) -> dict[str, str]:
    values = {name: _shown(getattr(figures, key), style) for name, key in HEADER if key}
    expected = figures.expected or 0
    for name, part in (
        ("PORCENTAJE_ACTAS_CAPTURADAS", figures.captured),
        ("PORCENTAJE_ACTAS_CONTABILIZADAS", figures.counted),
    ):
        known = part is not None and expected
        values[name] = style.percent.format(percent(part or 0, expected)) if known else ""
    values["PORCENTAJE_ACTAS_INCONSISTENCIAS"] = style.percent.format("0.0000")
    values["PORCENTAJE_PARTICIPACION_CIUDADANA"] = (
        "" if figures.turnout is None else style.percent.format(f"{figures.turnout:.4f}")
    )
    return values


def columns_of(election: Election, style: Style) -> list[str]:
    renamed = dict(style.renamed)
    usual = [*IDENTIFICATION, *election.parties, *CLOSING]
    names = [renamed.get(name, name) for name in usual]
    return [names[i] for i in style.order] if style.order else names


def row_of(election: Election, row: Acta, style: Style) -> list[str]:
    """The fields of one acta as this style writes them."""
    values = {
        "CLAVE_CASILLA": style.key.format(row.key) if row.key != "-" else "-",
        "CLAVE_ACTA": style.key.format(f"{row.key}02") if row.key != "-" else "-",
        "ID_ESTADO": "22",
        "ESTADO": election.state,
        "ID_DISTRITO_LOCAL": "1",
        "DISTRITO_LOCAL": "DISTRITO 1",
        "SECCION": str(row.section),
        "ID_CASILLA": "1",
        "TIPO_CASILLA": row.kind,
        "EXT_CONTIGUA": "0",
        "UBICACION_CASILLA": "1",
        "TIPO_ACTA": "2",
        "TOTAL_VOTOS_ASENTADO": str(row.total),
        "TOTAL_VOTOS_CALCULADO": str(row.total),
        "LISTA_NOMINAL": str(row.nominal),
        "REPRESENTANTES_PP_CI": "6",
        "OBSERVACIONES": row.observations,
        "CONTABILIZADA": row.contabilizada,
        "CODIGO_INTEGRIDAD": row.integrity,
        "FECHA_HORA_VERIFICACION": "2024-06-02 20:01:00",
        "ORIGEN": "CATD",
    }
    names = [*election.parties, "NO_REGISTRADAS", "NULOS"]
    for name, votes in zip(names, row.votes, strict=True):
        values[name] = style.no_number if votes is None else str(votes)
    usual = [*IDENTIFICATION, *election.parties, *CLOSING]
    fields = [values.get(name, "") for name in usual]
    return [fields[i] for i in style.order] if style.order else fields


@dataclass
class _Page:
    style: Style
    lines: list[str] = field(default_factory=list)

    def line(self, fields: Sequence[str], trailing: int = 0) -> None:
        text = io.StringIO()
        csv.writer(
            text,
            delimiter=self.style.delimiter,
            quoting=csv.QUOTE_ALL if self.style.quote_all else csv.QUOTE_MINIMAL,
            lineterminator="",
        ).writerow([*fields, *[""] * trailing])
        self.lines.append(text.getvalue())

    def blank(self, place: str) -> None:
        if place in self.style.blanks:
            self.lines.append(self.style.blank_line)


def write_results(election: Election, style: Style = PLAIN) -> bytes:
    """The file."""
    page = _Page(style)
    at_end = style.trailing if style.trailing_in_header else 0
    if style.sep_line:
        page.lines.append(f"sep={style.delimiter}")
    page.blank("at start")
    page.lines.append(election.title + style.delimiter * at_end)
    page.blank("after title")
    page.lines.append(style.time_format.format(election.stamp.wall) + style.delimiter * at_end)
    page.blank("after time")
    values = header_values(election.header, style)
    kept = [name for name, _ in HEADER if name not in style.drop_header]
    page.line([dict(style.header_names).get(name, name) for name in kept], at_end)
    page.blank("in header")
    page.line([values[name] for name in kept], at_end)
    page.blank("after header")
    page.line(columns_of(election, style), at_end)
    page.blank("before actas")
    for row in election.actas:
        page.line(row_of(election, row, style), style.trailing)
    page.blank("at end")
    ends = [style.newline[i % len(style.newline)] for i in range(len(page.lines))]
    if not style.last_newline:
        ends[-1] = ""
    text = "".join(line + end for line, end in zip(page.lines, ends, strict=True))
    return text.encode(style.encoding)
