"""The rows of a results CSV: which column is what, and what the rows add up to.

One pass, every vote checked, and nothing kept but sums and the keys seen. The loop in
:func:`tally` is the hot path of receiving a cut: a national election has 157,000 rows of 80
columns, so a row that is as it should be meets only C-level calls, and everything odd goes
another way.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Final

import msgspec

from prep_console.cuts.front import BLANK, Front
from prep_console.cuts.lines import Lines, Unreadable
from prep_console.cuts.numbers import Counts, NotANumber, read_count, unquoted

MAX_ROWS: Final = 400_000
"""Mexico has some 170,000 polling stations."""
_MAX_QUOTED_LINES: Final = 20
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_NO_KEYS: Final = frozenset({"", "-"})
_SHORTEST_KEY: Final = 6
_LONGEST_KEY: Final = 40
"""Keys seen have 13 to 18 characters with their quoting; what is longer is not remembered."""
_SHORTEST_HASH: Final = 32
_LONGEST_HASH: Final = 70
"""From an MD5 to a SHA-256 with its quoting."""
_IS_COUNTED: Final = {"1": True, "0": False, "2": False, "": False, "-": False}
"""What CONTABILIZADA says; 2 stands on actas that were identified by hand or out of catalogue."""

_NOT_VOTES: Final = re.compile(
    r"(CLAVE|ID|NUM|TOTAL|TIPO|LISTA|FECHA|HORA|NOMBRE|CASILLA|SECCION|ACTA|UBICACION|EXT|"
    r"BOLETAS|PERSONAS|REPRESENTANTES|VOTOS|OBSERVACION|CONTABILIZA|MECANISMO|COTEJADA|"
    r"SHA|CODIGO_INTEGRIDAD|ORIGEN|DIGITALIZA|CIRCUNSCRIPCION|RUTA|LLAVE)[A-Z]*(_.*)?"
    r"|ESTADO|ENTIDAD|MUNICIPIO|DISTRITO(_LOCAL|_FEDERAL)?|JUNTA(_MUNICIPAL)?|ALCALDIA|DEMARCACION"
    r"|(NO_REGISTRADAS|NO_REGISTRADOS|NULOS)_.*|"
)
"""Names of columns that identify an acta or total it: whatever else there is, is votes."""

_MAX_STATES: Final = 40

Row = Sequence[str]


class Layout(msgspec.Struct, frozen=True):
    """Where each thing stands in a row; None for a column that the file does not have."""

    columns: tuple[str, ...]
    """Their normalised names."""
    votes: tuple[int, ...]
    """Parties, coalitions, independents, not registered and null votes."""
    key: int | None
    """CLAVE_ACTA, or CLAVE_CASILLA."""
    kind: int | None
    """TIPO_CASILLA: B, C, E, S (special), M (from abroad)."""
    counted: int | None
    total: int | None
    """TOTAL_VOTOS_CALCULADO: what the header's totals are made of."""
    nominal: int | None
    representatives: int | None
    integrity: int | None
    """SHA or CODIGO_INTEGRIDAD: the hash of the acta's image file."""
    state: int | None
    """ID_ESTADO or ID_ENTIDAD."""
    missing: tuple[str, ...] = ()
    """Names of columns that a check needs and the file does not have."""


class Odd(msgspec.Struct):
    """How many rows were odd in one way, and the first of them."""

    n: int = 0
    line: int = 0
    value: str = ""

    def note(self, line: int, value: str = "") -> None:
        if not self.n:
            self.line, self.value = line, value[:80]
        self.n += 1


class Tally(msgspec.Struct):
    """What the rows add up to."""

    rows: int = 0
    out_of_catalogue: int = 0
    """Rows without a key."""
    counted: int | None = 0
    with_special: int | None = 0
    """Votes over the counted actas; None when the file lacks the columns."""
    without_special: int | None = 0
    states: set[str] = msgspec.field(default_factory=set)
    """What the rows say as ID_ESTADO; no more of them than could be states."""
    cut_off: bool = False
    """The file ends in the middle of its last row."""
    odd: dict[str, Odd] = msgspec.field(default_factory=dict)
    """Check id to what was odd."""

    def note(self, check: str, line: int, value: str = "") -> None:
        self.odd.setdefault(check, Odd()).note(line, value)


def layout_of(columns: Sequence[str]) -> Layout:
    """Find the columns by their names, in whatever order they come."""
    place: dict[str, int] = {}
    for i, name in enumerate(columns):
        place.setdefault(name, i)

    def find(*names: str) -> int | None:
        return next((place[name] for name in names if name in place), None)

    nulls = find("NULOS", "VOTOS_NULOS")
    counted = find("CONTABILIZADA", "CONTABILIZA", "CONTABILIZADAS")
    key = find("CLAVE_ACTA", "CLAVE_CASILLA")
    kind = find("TIPO_CASILLA")
    needed = {"NULOS": nulls, "CONTABILIZADA": counted, "CLAVE_ACTA": key, "TIPO_CASILLA": kind}
    return Layout(
        columns=tuple(columns),
        votes=_vote_columns(columns, nulls),
        key=key,
        kind=kind,
        counted=counted,
        total=find("TOTAL_VOTOS_CALCULADO", "TOTAL_VOTOS_CALCULADOS", "VOTOS_CALCULADOS"),
        nominal=find("LISTA_NOMINAL", "LISTA_NOMINAL_CASILLA"),
        representatives=find("REPRESENTANTES_PP_CI"),
        integrity=find("CODIGO_INTEGRIDAD", "SHA", "SHA256", "SHA_256"),
        state=find("ID_ESTADO", "ID_ENTIDAD"),
        missing=tuple(name for name, at in needed.items() if at is None),
    )


def _vote_columns(columns: Sequence[str], nulls: int | None) -> tuple[int, ...]:
    """The votes stand together, from behind the first totals to NULOS; else anywhere.

    Where they stand as usual, a column with an unknown name elsewhere is not taken for a party.
    """
    if nulls is None:
        return ()
    anywhere = {i for i, n in enumerate(columns) if not _NOT_VOTES.fullmatch(n)} | {nulls}
    first = nulls
    while first - 1 in anywhere:
        first -= 1
    behind_totals = (
        first > 0 and "VOTOS_SACADOS" in columns[first - 1] and first - 2 not in anywhere
    )
    before_totals = nulls + 1 < len(columns) and columns[nulls + 1].startswith("TOTAL_VOTOS")
    together = range(first, nulls + 1)
    if behind_totals and before_totals and 2 * len(together) > len(anywhere):
        return tuple(together)
    return tuple(sorted(anywhere))


def _picker(places: tuple[int, ...]) -> Callable[[Row], Sequence[str]]:
    """A fast way to take these fields of a row."""
    if not places:
        return lambda _row: ()
    if places == tuple(range(places[0], places[-1] + 1)):
        return itemgetter(slice(places[0], places[-1] + 1))
    return itemgetter(*places)


def rows_of(lines: Lines, delimiter: str, width: int, tally: Tally) -> Iterator[list[str]]:
    """The fields of each line that is not blank, trailing empty ones removed.

    Equal to ``csv.reader``, which the lines with a quoted field go through; a line in which no
    field begins with a quote is split, which is several times as fast and means the same. A
    quote that never closes is taken for a character, so it cannot swallow the rest of the file.
    """
    opening, between = f'{delimiter}"', f'"{delimiter}"'
    most = width + 1
    quoted = _Quoted(lines, delimiter)
    for line in lines:
        if not line.startswith('"') and opening not in line:
            fields = line.split(delimiter, most)
        elif line.count('"') == 2 * line.count(between) + 2 and line[0] == line[-1] == '"':
            # Every field is quoted, and these quotes are all there are.
            fields = line[1:-1].split(between, most)
        else:
            fields = quoted.fields_of(line, most)
            if not fields:
                tally.note("results.quote", lines.number, line)
                fields = line.split(delimiter, most)
        if len(fields) > width and not any(f.strip(delimiter) for f in fields[width:]):
            del fields[width:]
        if (fields[0] and len(fields) == width) or line.strip(BLANK):
            yield fields


class _Quoted:
    """Lines with quoted fields, which may go on in the lines that follow.

    It is the source of its own ``csv.reader``, made once: making one costs as much as a line.
    """

    def __init__(self, lines: Lines, delimiter: str) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._reader = csv.reader(self, delimiter=delimiter, strict=True)
        self._next = ""
        self._taken: list[str] = []

    def fields_of(self, line: str, most: int) -> list[str]:
        """The fields; none when a quote never closes, or closes where it must not."""
        if line.count(self._delimiter) > 10 * most:
            return []
        self._next = line
        try:
            return next(self._reader)[: most + 1]
        except csv.Error:
            self._lines.give_back(self._taken)
            return []
        finally:
            self._taken = []

    def __iter__(self) -> _Quoted:
        return self

    def __next__(self) -> str:
        if self._next:
            line, self._next = self._next, ""
            return line
        if len(self._taken) == _MAX_QUOTED_LINES:
            raise StopIteration
        self._taken.append(next(self._lines))
        return "\n" + self._taken[-1]


def tally_rows(
    lines: Lines,
    front: Front,
    layout: Layout,
    each: Callable[[Row], None] | None = None,
    hashes: dict[str, str] | None = None,
) -> Tally:
    """Read all rows; ``each`` is given every row that is whole, for who needs more than sums."""
    tally = Tally()
    keys: set[str] = set()
    counts = Counts()
    count = counts.__getitem__
    votes_of = _picker(layout.votes)
    width, key_at, counted_at = len(layout.columns), layout.key, layout.counted
    kind_at, total_at, nominal_at = layout.kind, layout.total, layout.nominal
    integrity_at, state_at, states = layout.integrity, layout.state, tally.states
    rows = counted = with_special = special = 0
    last_short = False

    for row in rows_of(lines, front.delimiter, width, tally):
        last_short = False
        if rows == MAX_ROWS:
            raise Unreadable(f"it has more than {MAX_ROWS} rows", "results.too_many_rows")
        if len(row) != width:
            if _heads(row, front):
                tally.note("results.header_twice", lines.number)
                continue
            last_short = len(row) < width
            rows += 1
            tally.note("results.row", lines.number)
            continue
        try:
            votes = sum(map(count, votes_of(row)))
        except NotANumber:
            if _heads(row, front):
                tally.note("results.header_twice", lines.number)
                continue
            votes = _odd_votes(votes_of(row), lines.number, tally)
        rows += 1

        if key_at is not None:
            key = row[key_at]
            if key not in keys and _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
                keys.add(key)
            elif unquoted(key) in _NO_KEYS:
                tally.out_of_catalogue += 1
            elif key in keys:
                tally.note("results.duplicate", lines.number, key)

        is_counted = counted_at is not None and (
            row[counted_at] == "1" or _is_counted(row[counted_at], lines.number, tally)
        )
        if is_counted:
            counted += 1
            with_special += votes
            if kind_at is not None and row[kind_at] in ("S", "'S"):
                special += votes
        try:
            if (
                total_at is not None
                and votes != count(row[total_at])
                and read_count(row[total_at]) is not None
            ):
                tally.note("arithmetic.row_sum", lines.number)
            if (
                is_counted
                and nominal_at is not None
                and votes > count(row[nominal_at]) > 0
                and _over_nominal(row, layout, votes, count)
            ):
                tally.note("arithmetic.over_nominal", lines.number)
        except NotANumber as odd:
            tally.note("results.vote", lines.number, str(odd))
        if integrity_at is not None:
            said = row[integrity_at]
            if not _SHA256.fullmatch(said):
                _note_odd_hash(said, lines.number, tally)
            if hashes is not None and _SHORTEST_HASH <= len(said) <= _LONGEST_HASH:
                hashes[str(rows) if key_at is None else row[key_at]] = said
        if state_at is not None and row[state_at] not in states and len(states) <= _MAX_STATES:
            states.add(row[state_at])
        if each is not None:
            each(row)

    tally.rows = rows
    tally.cut_off = last_short and not lines.ended
    tally.counted = counted if counted_at is not None else None
    if counted_at is not None and layout.votes:
        tally.with_special = with_special
        tally.without_special = with_special - special if kind_at is not None else None
    else:
        tally.with_special = tally.without_special = None
    return tally


def _odd_votes(texts: Sequence[str], line: int, tally: Tally) -> int:
    """The votes of a row in which some are no number: those are left out, and told."""
    votes = 0
    for text in texts:
        try:
            votes += read_count(text) or 0
        except NotANumber:
            tally.note("results.vote", line, text)
    return votes


def _heads(row: Row, front: Front) -> bool:
    """Whether this row is the header once more."""
    first = unquoted(row[0])
    return first == front.columns[0] or first.startswith("ACTAS_ESPERADAS")


def _note_odd_hash(text: str, line: int, tally: Tally) -> None:
    plain = unquoted(text)
    if plain not in _NO_KEYS and not _SHA256.fullmatch(plain):
        tally.note("results.hash_form", line, text)


def _is_counted(text: str, line: int, tally: Tally) -> bool:
    plain = unquoted(text)
    known = _IS_COUNTED.get(plain)
    if known is None:
        tally.note("results.counted", line, text)
        return False
    return known


def _over_nominal(row: Row, layout: Layout, votes: int, count: Callable[[str], int]) -> bool:
    """Whether an acta has more votes than people who may vote there.

    These are the nominal list and the parties' representatives, as the rule for counting an
    acta has it (LEEME.txt of 2019). Special and foreign ones have no nominal list (0).
    """
    nominal = row[layout.nominal] if layout.nominal is not None else ""
    sent = row[layout.representatives] if layout.representatives is not None else ""
    return votes > count(nominal) + count(sent)
