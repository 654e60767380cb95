"""One election's final results file, and the file as it stood earlier in the night.

Each row of a results CSV tells when its acta was verified: with the later ones emptied and the
header computed again, the final file becomes the cut that stood at a moment. Such a cut is
*derived*: the institute never delivered it, and whoever shows it says so.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from prep_console.wording import N_, Sentence, sentence

_DATE = re.compile(
    r"(?<!\d)(\d{1,4})([-/])(\d{1,2})[-/](\d{1,4})[ T]+(\d{1,2}):(\d\d?)(?::(\d\d))?"
)
_NO_ACTA = "SIN ACTA"
"""Observation of actas that never came; institutes do not count them as inconsistent
(QROO 2019: 492 of 567 observations; Puebla 2018: 308 of 1,174)."""
_ENCODINGS = ("ascii", "utf-8-sig", "utf-8", "cp1252")


class UnreadableFinalError(ValueError):
    """The file is no final results CSV that a night can be derived from; ``said`` is why."""

    def __init__(self, said: Sentence) -> None:
        super().__init__(said.in_("en"))
        self.said = said


@dataclass(frozen=True, slots=True)
class Row:
    """One acta: its line as delivered, its line before it was verified, and what it adds."""

    line: str
    emptied: str
    """Identification and nominal list only, as institutes write the actas still missing."""
    acta: str
    """CLAVE_ACTA without quotes; empty out of the catalogue."""
    code: str
    """SHA-256 of the acta's image as stated, lower case; '' when it has none."""
    verified: datetime | None
    """Wall time; None when the file does not say."""
    in_catalogue: bool
    registered: bool
    counted: bool
    special: bool
    inconsistent: bool
    votes: int
    nominal: int


@dataclass(frozen=True, slots=True)
class Final:
    """The final results file of one election, ready to be cut at any moment."""

    name: str
    """File name, ``QRO_DIP_LOC_2024.csv``."""
    encoding: str
    newline: str
    delimiter: str
    head: tuple[str, ...]
    """Lines up to and including the column names."""
    time_at: int
    names_at: int
    """Index in ``head`` of the time line, and of the header names (their values follow)."""
    rows: tuple[Row, ...]

    @property
    def stamp(self) -> datetime:
        """Wall time of the final cut itself."""
        return time_in(self.head[self.time_at])


def fold(text: str) -> str:
    """Upper case without accents or quotes: header names come as ``CATALOGO`` and ``CATÁLOGO``."""
    plain = unicodedata.normalize("NFD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).strip(" '\"\ufeff").upper()


def _no_time(line: str) -> UnreadableFinalError:
    return UnreadableFinalError(sentence(N_("no date and time in {line}"), line=line[:60]))


def time_in(line: str) -> datetime:
    """The wall time in a line, year first or day first; UnreadableFinalError when there is none."""
    match = _DATE.search(line)
    if match is None:
        raise _no_time(line)
    first, _, month, last, hour, minute, second = match.groups()
    year, day = (first, last) if len(first) == 4 else (last, first)
    try:
        return datetime.fromisoformat(
            f"{year:0>4}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{second or '00'}"
        )
    except ValueError as error:
        raise _no_time(line) from error


def time_like(line: str, moment: datetime) -> str:
    """``line`` with its date and time replaced, written the way they were."""
    match = _DATE.search(line)
    if match is None:
        raise _no_time(line)
    first, sign, month, last, hour, _, second = match.groups()
    two = 1 if any(len(x) == 1 for x in (first, month, last, hour)) else 2
    day = f"{moment.day:0{two}d}{sign}{moment.month:0{two}d}"
    if len(first) == 4:
        day = f"{moment.year}{sign}{moment.month:0{two}d}{sign}{moment.day:0{two}d}"
    else:
        day = f"{day}{sign}{moment.year}"
    clock = f"{moment.hour:0{two}d}:{moment.minute:02d}" + (":00" if second else "")
    return f"{line[: match.start()]}{day} {clock}{line[match.end() :]}"


def truncated(part: int, whole: int) -> str:
    """``part`` of ``whole`` in percent, cut off (not rounded) after four decimals, as published."""
    if not whole:
        return "0.0000"
    units, rest = divmod(part * 1_000_000 // whole, 10_000)
    return f"{units}.{rest:04d}"


def decoded(data: bytes) -> tuple[str, str]:
    """The text of a file and the encoding that brings the same bytes back."""
    for encoding in _ENCODINGS:
        if encoding == "utf-8-sig" and not data.startswith(b"\xef\xbb\xbf"):
            continue
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise UnreadableFinalError(sentence(N_("its text is neither UTF-8 nor cp1252")))


def _number(text: str) -> int:
    """An acta's number; ``Sin dato``, ``-`` and the like are none, hence 0."""
    digits = text.strip().strip("'").replace(",", "")
    return int(digits) if digits.isdecimal() else 0


def _rows(lines: Sequence[str], names: Sequence[str], delimiter: str) -> Iterator[Row]:
    def column(*candidates: str) -> int:
        for candidate in candidates:
            if candidate in names:
                return names.index(candidate)
        raise UnreadableFinalError(sentence(N_("no column {name}"), name=candidates[0]))

    key, kind, nominal = column("CLAVE_ACTA"), column("TIPO_CASILLA"), column("LISTA_NOMINAL")
    votes, observed = column("TOTAL_VOTOS_CALCULADO"), column("OBSERVACIONES")
    counted, verified = column("CONTABILIZADA"), column("FECHA_HORA_VERIFICACION")
    identification, code = column("TIPO_ACTA", "EXT_CONTIGUA"), column("CODIGO_INTEGRIDAD", "SHA")
    for line in lines:
        fields = next(csv.reader([line], delimiter=delimiter), [])
        if len(fields) < len(names):
            raise UnreadableFinalError(
                sentence(N_("a row of {n} fields under {names}"), n=len(fields), names=len(names))
            )
        # The line's own text up to TIPO_ACTA is kept, whatever its quotes: only what follows goes.
        kept = [_quoted(f, delimiter) for f in fields]
        emptied = [f if at <= identification or at == nominal else "" for at, f in enumerate(kept)]
        state = fields[counted].strip(" '\"-")
        observation = fold(fields[observed])
        in_catalogue = fields[key].strip(" '\"=") != "-"
        time = fields[verified].strip(" '\"-")
        yield Row(
            line=line,
            emptied=delimiter.join(emptied),
            acta=fields[key].strip(" '\"=-"),
            code=fields[code].strip(" '\"-").lower(),
            verified=time_in(time) if time else None,
            in_catalogue=in_catalogue,
            registered=bool(state),
            counted=in_catalogue and state == "1",
            special=fields[kind].strip(" '\"").upper() == "S",
            inconsistent=in_catalogue and bool(observation) and _NO_ACTA not in observation,
            votes=_number(fields[votes]),
            nominal=_number(fields[nominal]),
        )


def _quoted(field: str, delimiter: str) -> str:
    if delimiter in field or field.startswith('"'):
        return '"' + field.replace('"', '""') + '"'
    return field


def read_final(name: str, data: bytes) -> Final:
    """Read a final results CSV by its lines' content; UnreadableFinalError says what is missing."""
    text, encoding = decoded(data)
    newline = "\r\n" if "\r\n" in text else "\n" if "\n" in text else "\r"
    lines = text.split(newline)
    folded = [fold(line[:400]) for line in lines[:20]]
    names_at = _index(folded, "ACTAS_ESPERADAS")
    columns_at = _index(folded, "CLAVE_")
    time_at = next((i for i, line in enumerate(lines[:names_at]) if _DATE.search(line)), None)
    if time_at is None:
        raise UnreadableFinalError(sentence(N_("no line with the time of the cut")))
    delimiter = "|" if "|" in lines[columns_at] else ","
    names = [fold(c) for c in next(csv.reader([lines[columns_at]], delimiter=delimiter))]
    while names and not names[-1]:
        names.pop()
    body = [line for line in lines[columns_at + 1 :] if line.strip()]
    return Final(
        name=name,
        encoding=encoding,
        newline=newline,
        delimiter=delimiter,
        head=tuple(lines[: columns_at + 1]),
        time_at=time_at,
        names_at=names_at,
        rows=tuple(_rows(body, names, delimiter)),
    )


def _index(folded: Sequence[str], start: str) -> int:
    for at, line in enumerate(folded):
        if line.startswith(start):
            return at
    raise UnreadableFinalError(sentence(N_("no line that begins with {name}"), name=start))


def rows_in(final: Final, moment: datetime) -> tuple[Row, ...]:
    """The rows whose actas were in at ``moment``; every row from the final cut's time on.

    Actas of which the file tells no time come in with the final cut.
    """
    if moment >= final.stamp:
        return final.rows
    return tuple(r for r in final.rows if r.registered and r.verified and r.verified <= moment)


def cut_at(final: Final, moment: datetime, *, named: datetime | None = None) -> bytes:
    """The results file as it stood at ``moment`` (wall time).

    Actas not yet verified stay as rows without votes, those out of the catalogue are not there
    yet (rows = expected + out of catalogue). ``named`` writes another time over the same figures:
    what a results system that stands still delivers.
    """
    here = rows_in(final, moment)
    ours = {id(row) for row in here}
    lines = [
        row.line if id(row) in ours else row.emptied
        for row in final.rows
        if id(row) in ours or row.in_catalogue
    ]
    head = list(final.head)
    head[final.time_at] = time_like(head[final.time_at], named or moment)
    head[final.names_at + 1] = _values_line(final, here)
    text = final.newline.join([*head, *lines, ""])
    return text.encode(final.encoding)


def figures_at(final: Final, moment: datetime) -> dict[str, str]:
    """Header figures at ``moment``, by the start of their names."""
    expected = sum(row.in_catalogue for row in final.rows)
    return _figures(rows_in(final, moment), expected, with_special=_turnout_with_special(final))


def _values_line(final: Final, here: Sequence[Row]) -> str:
    """The header values for the actas that are in, in the order and dress of the file's own."""
    names, values = _header(final)
    expected = sum(row.in_catalogue for row in final.rows)
    figures = _figures(here, expected, with_special=_turnout_with_special(final))
    dressed = []
    for name, was in zip(names, values, strict=False):
        value = next((v for start, v in figures.items() if name.startswith(start)), was)
        dressed.append(_quoted(_dressed(value, name, values), final.delimiter))
    return final.delimiter.join(dressed)


def _header(final: Final) -> tuple[list[str], list[str]]:
    """Names and values of the header as the file has them."""
    names, values = csv.reader(
        final.head[final.names_at : final.names_at + 2], delimiter=final.delimiter
    )
    return [fold(name) for name in names], values


def _figures(here: Sequence[Row], expected: int, *, with_special: bool) -> dict[str, str]:
    """Header figures by the start of their names (DOMAIN: the rules that real files keep)."""
    registered = [row for row in here if row.registered]
    captured = sum(row.in_catalogue for row in registered)
    counted = [row for row in registered if row.counted]
    votes = sum(row.votes for row in counted)
    votes_s = sum(row.votes for row in counted if not row.special)
    nominal = sum(row.nominal for row in counted)
    return {
        "ACTAS_ESPERADAS": str(expected),
        "ACTAS_REGISTRADAS": str(len(registered)),
        "ACTAS_FUERA": str(len(registered) - captured),
        "ACTAS_CAPTURADAS": str(captured),
        "PORCENTAJE_ACTAS_CAPTURADAS": truncated(captured, expected),
        "ACTAS_CONTABILIZADAS": str(len(counted)),
        "PORCENTAJE_ACTAS_CONTABILIZADAS": truncated(len(counted), expected),
        "PORCENTAJE_ACTAS_": truncated(sum(row.inconsistent for row in registered), expected),
        "ACTAS_NO_CONTABILIZADAS": str(captured - len(counted)),
        "LISTA_NOMINAL": str(nominal),
        "TOTAL_VOTOS_C_CS": str(votes),
        "TOTAL_VOTOS_S_CS": str(votes_s),
        "PORCENTAJE_PARTICIPACION": truncated(votes if with_special else votes_s, nominal),
    }


def _turnout_with_special(final: Final) -> bool:
    """Whether this institute's turnout counts special casillas: QROO's does, Puebla's not."""
    names, values = _header(final)
    stated = next((v for n, v in zip(names, values, strict=False) if "PARTICIPACION" in n), "")
    counted = [row for row in final.rows if row.counted]
    with_special = truncated(sum(r.votes for r in counted), sum(r.nominal for r in counted))
    return stated.strip("'%") == with_special


def _dressed(value: str, name: str, like: Sequence[str]) -> str:
    """A figure in the file's own dress: ``7,672`` with commas, ``'100.0000%`` as text."""
    if name.startswith("PORCENTAJE"):
        value += "%" if any("%" in v for v in like) else ""
        return ("'" if any(v.startswith("'") for v in like) else "") + value
    return f"{int(value):,}" if any("," in v for v in like) else value
