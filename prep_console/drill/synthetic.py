"""A Querétaro-like election that never was: 15 districts, 18 town councils, two actas a casilla.

Seeded, so the same arguments give the same bytes. Its figures keep every rule that the real
files keep (DOMAIN.md); what is read here is a *final* results file, and the night is derived
from it exactly as from a real one.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random

from prep_console.drill import catalogue
from prep_console.drill.catalogue import Casilla
from prep_console.drill.final import Final, cut_at, read_final

ACTAS_LIKE_QUERETARO = 2_700
"""Polling stations per election, about as many as Querétaro had in 2024."""
NIGHT = timedelta(hours=11)
"""From the opening until the last acta is verified."""

_IDENTIFICATION = (
    *("SECCION", "ID_CASILLA", "TIPO_CASILLA", "EXT_CONTIGUA", "UBICACION_CASILLA"),
    "TIPO_ACTA",
)
_TOTALS = (
    *("TOTAL_BOLETAS_SOBRANTES", "TOTAL_PERSONAS_VOTARON", "TOTAL_REP_PARTIDO_CI_VOTARON"),
    "TOTAL_VOTOS_SACADOS",
)
_CLOSING = (
    *("TOTAL_VOTOS_ASENTADO", "TOTAL_VOTOS_CALCULADO", "LISTA_NOMINAL", "REPRESENTANTES_PP_CI"),
    *("OBSERVACIONES", "CONTABILIZADA", "MECANISMOS_TRASLADO", "CODIGO_INTEGRIDAD"),
    *("FECHA_HORA_ACOPIO", "FECHA_HORA_CAPTURA", "FECHA_HORA_VERIFICACION"),
    *("ORIGEN", "DIGITALIZACION", "TIPO_DOCUMENTO", "COTEJADA"),
)
_HEADER = (
    *("ACTAS_ESPERADAS", "ACTAS_REGISTRADAS", "ACTAS_FUERA_CATALOGO", "ACTAS_CAPTURADAS"),
    *("PORCENTAJE_ACTAS_CAPTURADAS", "ACTAS_CONTABILIZADAS", "PORCENTAJE_ACTAS_CONTABILIZADAS"),
    *("PORCENTAJE_ACTAS_INCONSISTENCIAS", "ACTAS_NO_CONTABILIZADAS"),
    *("LISTA_NOMINAL_ACTAS_CONTABILIZADAS", "TOTAL_VOTOS_C_CS", "TOTAL_VOTOS_S_CS"),
    "PORCENTAJE_PARTICIPACION_CIUDADANA",
)


@dataclass(frozen=True, slots=True)
class Dress:
    """How a results file is written; institutes differ in all of it (DOMAIN.md)."""

    delimiter: str = ","
    encoding: str = "utf-8"
    newline: str = "\n"
    year_first: bool = False
    sep_line: bool = False
    blank_lines: bool = True
    key_quote: str = "'"
    """Before keys: ``'`` or ``=`` (then also in quotation marks) or nothing."""


PLAIN = Dress()


@dataclass(frozen=True, slots=True)
class Contest:
    """One of the elections held that day."""

    code: str
    title: str
    acta_type: int
    area_columns: tuple[str, str]


CONTESTS = (
    Contest("DIP_LOC", "DIPUTACIONES LOCALES", 3, ("ID_DISTRITO_LOCAL", "DISTRITO_LOCAL")),
    Contest("AYUN", "AYUNTAMIENTOS", 2, ("ID_MUNICIPIO", "MUNICIPIO")),
)


@dataclass(frozen=True, slots=True)
class Election:
    """One election's final file and what is delivered beside it."""

    code: str
    final: Final
    candidates: bytes
    dress: Dress


def elections(
    opens: datetime,
    *,
    actas: int = ACTAS_LIKE_QUERETARO,
    seed: int = 20240602,
    dress: Mapping[str, Dress] | Dress = PLAIN,
) -> tuple[Election, ...]:
    """The day's two elections with ``actas`` polling stations each, publication from ``opens``.

    ``opens`` is wall time at the station. ``dress`` may differ per election, as in real nights.
    """
    random = Random(seed)
    stations = catalogue.casillas(actas, random)
    found = []
    for contest in CONTESTS:
        worn = dress if isinstance(dress, Dress) else dress.get(contest.code, PLAIN)
        final = _final(contest, stations, opens, random, worn)
        found.append(Election(contest.code, final, _candidates(contest, random, worn), worn))
    return tuple(found)


def image(acta: str) -> bytes:
    """The scanned acta: a tiny picture that says whose it is and that it is invented."""
    note = b"Comment\0" + f"SIMULACRO: acta ficticia {acta}".encode("latin-1")
    size = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = (
        (b"IHDR", size),
        (b"tEXt", note),
        (b"IDAT", zlib.compress(b"\0\xff", 1)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@cache
def image_code(acta: str) -> str:
    """What CODIGO_INTEGRIDAD says of the acta: SHA-256 of its image, hexadecimal."""
    return hashlib.sha256(image(acta)).hexdigest()


def _vote_columns(contest: Contest) -> list[str]:
    parties = [code for code, _ in catalogue.PARTIES]
    together = [catalogue.coalition_code(members) for members in catalogue.COALITIONS]
    independent = ["CAND_IND_1"] if contest.code == "AYUN" else []
    return [*parties, *together, *independent, "NO_REGISTRADAS", "NULOS"]


def _final(
    contest: Contest, stations: Iterable[Casilla], opens: datetime, random: Random, dress: Dress
) -> Final:
    columns = ["CLAVE_CASILLA", "CLAVE_ACTA", "ID_ENTIDAD", "ENTIDAD", *contest.area_columns]
    columns += [*_IDENTIFICATION, *_TOTALS, *_vote_columns(contest), *_CLOSING]
    rows = [_acta(contest, station, opens, random, dress) for station in stations]
    for station in random.sample(list(stations), len(rows) // 900 + (contest.code == "AYUN")):
        rows.append(_out_of_catalogue(_acta(contest, station, opens, random, dress), columns))
    ends = opens + NIGHT + timedelta(minutes=5)
    pattern = "%Y/%m/%d %H:%M (UTC-6)" if dress.year_first else "%d/%m/%Y %H:%M (UTC-6)"
    blank = [""] if dress.blank_lines else []
    head = ["sep=" + dress.delimiter] if dress.sep_line else []
    head += [contest.title, ends.strftime(pattern), *blank, dress.delimiter.join(_HEADER)]
    head += [dress.delimiter.join("0" for _ in _HEADER), *blank, dress.delimiter.join(columns)]
    text = dress.newline.join([*head, *(dress.delimiter.join(row) for row in rows), ""])
    name = f"{catalogue.STATE}_{contest.code}_{opens.year}.csv"
    # The header is computed by the one rule that derives every other moment too.
    blank_header = read_final(name, text.encode(dress.encoding))
    return read_final(name, cut_at(blank_header, ends))


def _acta(
    contest: Contest, station: Casilla, opens: datetime, random: Random, dress: Dress
) -> list[str]:
    area = station.district if contest.code == "DIP_LOC" else station.town
    place = f"DISTRITO {area}" if contest.code == "DIP_LOC" else catalogue.TOWNS[area - 1][0]
    acta = f"{station.key}{contest.acta_type:02d}"
    head = [
        _key(station.key, dress),
        _key(acta, dress),
        str(catalogue.STATE_ID),
        catalogue.STATE_NAME,
        str(area),
        place,
        str(station.section),
        str(station.number),
        station.kind,
        "0",
        "1" if station.urban else "2",
        str(contest.acta_type),
    ]
    fate = random.random()
    if fate < 0.004:  # never came in before the end of the night
        gone = [""] * (len(_TOTALS) + len(_vote_columns(contest)) + len(_CLOSING))
        gone[len(gone) - len(_CLOSING) + 2] = str(station.nominal)
        return head + gone
    times = _times(opens, random)
    if fate < 0.018:
        return head + _without_votes(contest, station, acta, times, came=fate >= 0.010)
    return head + _with_votes(contest, station, acta, times, random)


def _key(key: str, dress: Dress) -> str:
    return f'="{key}"' if dress.key_quote == "=" else dress.key_quote + key


def _times(opens: datetime, random: Random) -> tuple[str, str, str]:
    """Arrival, capture, verification: a rush in the first hours, a long tail until morning."""
    night = NIGHT.total_seconds()
    verified = opens + timedelta(seconds=60 + random.betavariate(1.5, 3.4) * (night - 120))
    captured = verified - timedelta(seconds=random.randint(40, 700))
    arrived = captured - timedelta(seconds=random.randint(120, 2_400))
    return (f"{arrived:%F %T}", f"{captured:%F %T}", f"{verified:%F %T}")


def _without_votes(
    contest: Contest, station: Casilla, acta: str, times: tuple[str, str, str], *, came: bool
) -> list[str]:
    # the words of the real files: "todos ilegibles" is "all illegible"
    observation = "TODOS ILEGIBLES O SIN DATO" if came else "SIN ACTA POR PAQUETE NO ENTREGADO"
    blank = ["ILEGIBLE" if came else "SIN ACTA"] * (len(_TOTALS) + len(_vote_columns(contest)) + 1)
    # An acta that never came has no image, hence no code.
    code = image_code(acta) if came else "-"
    closing = ["0", str(station.nominal), "", observation, "0", "", code]
    return [*blank, *closing, *times, "CATD", "ESCANER", "ACTA PREP", ""]


def _with_votes(
    contest: Contest, station: Casilla, acta: str, times: tuple[str, str, str], random: Random
) -> list[str]:
    ballots = station.nominal or random.randint(20, 400)
    turnout = min(0.92, max(0.18, random.gauss(0.56, 0.09)))
    votes = [str(v) for v in _votes(contest, round(ballots * turnout), random)]
    total = sum(map(int, votes))
    observation, stated = "", str(total)
    if random.random() < 0.06:
        observation = "ALGUN DATO ILEGIBLE O SIN DATO"
        at = random.randrange(len(catalogue.PARTIES), len(votes))
        total -= int(votes[at])
        votes[at] = random.choice(("SIN DATO", "ILEGIBLE"))
    representatives = random.randint(2, 9)
    from_casilla = random.random() < 0.55
    counts = [ballots - total, max(0, total - representatives), representatives, total]
    closing = [stated, str(total), str(station.nominal), str(representatives), observation, "1"]
    code = image_code(acta)
    origin = ("CASILLA", "MOVIL") if from_casilla else ("CATD", "ESCANER")
    carried = [
        random.choice("FCD"),
        code,
        *times,
        *origin,
        "ACTA PREP",
        "1" if from_casilla else "",
    ]
    return [*map(str, counts), *votes, *closing, *carried]


def _votes(contest: Contest, total: int, random: Random) -> list[int]:
    """``total`` votes over the columns, party strength wandering from casilla to casilla."""
    weights = [strength * random.uniform(0.55, 1.45) for _, strength in catalogue.PARTIES]
    weights += [random.uniform(0.0, 0.9) for _ in catalogue.COALITIONS]
    weights += [random.uniform(0.0, 6.0)] if contest.code == "AYUN" else []
    weights += [0.1, random.uniform(1.5, 3.5)]
    whole = sum(weights)
    votes = [int(total * w / whole) for w in weights]
    votes[random.randrange(len(catalogue.PARTIES))] += total - sum(votes)
    return votes


def _out_of_catalogue(row: list[str], columns: list[str]) -> list[str]:
    """An acta of a polling station that was not approved: no keys, no list, counted nowhere."""
    row = row.copy()
    for column in ("CLAVE_CASILLA", "CLAVE_ACTA", "LISTA_NOMINAL", "CODIGO_INTEGRIDAD"):
        row[columns.index(column)] = "-"
    row[columns.index("CONTABILIZADA")] = "2"
    row[columns.index("OBSERVACIONES")] = "FUERA DE CATALOGO"
    return row


def _candidates(contest: Contest, random: Random, dress: Dress) -> bytes:
    areas = catalogue.DISTRICTS if contest.code == "DIP_LOC" else len(catalogue.TOWNS)
    lines = [["ID_ENTIDAD", contest.area_columns[0], "PARTIDO_CI"]]
    lines[0] += ["CANDIDATURA_PROPIETARIA", "CANDIDATURA_SUPLENTE"]
    for area in range(1, areas + 1):
        people: dict[str, tuple[str, str]] = {}
        for members in catalogue.COALITIONS:
            pair = people.get(members[0]) or (catalogue.person(random), catalogue.person(random))
            people[catalogue.coalition_code(members)] = pair
            people |= dict.fromkeys(members, pair)
        for party in _vote_columns(contest)[:-2]:
            pair = people.get(party) or (catalogue.person(random), catalogue.person(random))
            lines.append([str(catalogue.STATE_ID), str(area), party, *pair])
    text = dress.newline.join([*(",".join(line) for line in lines), ""])
    return text.encode(dress.encoding)
