"""Who stands and where in the synthetic election: invented parties and people, polling stations.

The places are Querétaro's so that the tables look like the real ones; parties, coalitions and
candidates exist nowhere. A name is made of words that are nobody's surname.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

STATE_ID = 22
STATE = "QRO"
STATE_NAME = "QUERETARO"
DISTRICTS = 15

TOWNS: tuple[tuple[str, int], ...] = (
    ("AMEALCO DE BONFIL", 31),
    ("ARROYO SECO", 8),
    ("CADEREYTA DE MONTES", 35),
    ("COLON", 32),
    ("CORREGIDORA", 95),
    ("EL MARQUES", 105),
    ("EZEQUIEL MONTES", 21),
    ("HUIMILPAN", 19),
    ("JALPAN DE SERRA", 14),
    ("LANDA DE MATAMOROS", 11),
    ("PEDRO ESCOBEDO", 37),
    ("PEÑAMILLER", 11),
    ("PINAL DE AMOLES", 15),
    ("QUERETARO", 500),
    ("SAN JOAQUIN", 6),
    ("SAN JUAN DEL RIO", 145),
    ("TEQUISQUIAPAN", 37),
    ("TOLIMAN", 15),
)
"""The 18 town councils and their rough share of the sections, per thousand."""

PARTIES: tuple[tuple[str, int], ...] = (
    ("FARO", 22),
    ("NOPALERA", 26),
    ("SURCO", 6),
    ("COLIBRI", 17),
    ("ACUEDUCTO", 9),
    ("OBSIDIANA", 5),
    ("CANTERA", 4),
)
"""Invented parties and their rough strength."""

COALITIONS: tuple[tuple[str, ...], ...] = (
    ("FARO", "SURCO", "OBSIDIANA"),
    ("FARO", "SURCO"),
    ("FARO", "OBSIDIANA"),
    ("SURCO", "OBSIDIANA"),
    ("NOPALERA", "CANTERA"),
)

_GIVEN = (
    *("ALBA", "BRUNO", "CLIO", "DARIO", "ELISEA", "FABIO", "GALA", "HILARIO", "IRIS", "JULIO"),
    *(
        "LIRIO",
        "MARINA",
        "NOE",
        "OLIVIA",
        "PRIMO",
        "QUILLA",
        "RENATO",
        "SELENE",
        "TULIO",
        "VIOLETA",
    ),
)
_FAMILY = (
    *("PIEDRALUNA", "VIENTOSUR", "TRESMARES", "CERROALTO", "LLUVIAFINA", "SOLDECARTON"),
    *("RIOTINTA", "NUBEBAJA", "PUENTEVIEJO", "CAMPOAZUL", "LUZDEPAPEL", "FUENTECLARA"),
    *("BRISAMANSA", "PEÑADECIMA", "HUERTONUEVO", "MONTEQUIETO"),
)


@dataclass(frozen=True, slots=True)
class Casilla:
    """One polling station."""

    section: int
    number: int
    """ID_CASILLA: 1 for the basic one, then counted per type."""
    kind: str
    """B basic, C contiguous, E extraordinary, S special."""
    town: int
    """1 to 18, index of TOWNS plus one."""
    district: int
    """1 to 15."""
    urban: bool
    nominal: int
    """Voters listed; 0 for a special one."""

    @property
    def key(self) -> str:
        """CLAVE_CASILLA: state, section, type, number, extension."""
        return f"{STATE_ID}{self.section:04d}{self.kind}{self.number:02d}00"


def coalition_code(members: tuple[str, ...]) -> str:
    """Column name of the votes for several marked logos."""
    return "C_" + "_".join(members)


def casillas(count: int, random: Random) -> tuple[Casilla, ...]:
    """``count`` polling stations over the 18 towns and 15 districts, in the catalogue's order."""
    sections = max(1, min(count, max(len(TOWNS), count * 400 // 2700)))
    special = min(DISTRICTS, count // 20)
    extra = count // 25
    plain = max(sections, count - special - extra)
    towns = _towns(sections)
    found: list[Casilla] = []
    for at, town in enumerate(towns):
        section = at + 1
        district = at * DISTRICTS // sections + 1
        urban = TOWNS[town][1] >= 90 or random.random() < 0.3
        share = plain * (at + 1) // sections - plain * at // sections
        nominal = random.randint(420, 745)
        kinds = [("B", 1), *(("C", n) for n in range(1, share))]
        if at < extra:
            kinds.append(("E", 1))
        if at < special * (sections // max(special, 1)) and special:
            step = sections // special
            kinds += [("S", 1)] if at % step == 0 else []
        for kind, number in kinds:
            listed = 0 if kind == "S" else nominal - random.randint(0, 1)
            found.append(Casilla(section, number, kind, town + 1, district, urban, listed))
    return tuple(found[:count])


def _towns(sections: int) -> list[int]:
    """Which town each section lies in: every town one at least, the rest by its share."""
    towns = list(range(min(sections, len(TOWNS))))
    total = sum(share for _, share in TOWNS)
    spread = sections - len(towns)
    bound = 0
    for town, (_, share) in enumerate(TOWNS):
        bound += share
        towns += [town] * (spread * bound // total - spread * (bound - share) // total)
    return sorted(towns)


def person(random: Random) -> str:
    """A candidate's name that nobody bears."""
    first, second = random.sample(_FAMILY, 2)
    return f"{random.choice(_GIVEN)} {random.choice(_GIVEN)} {first} {second}"
