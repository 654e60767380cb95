"""Any valid results and any way of writing them down, for the tests that read them back."""

from __future__ import annotations

from hypothesis import strategies as st

from prep_console.cuts.stamps import Stamp
from tests.cuts.writing import CLOSING, IDENTIFICATION, PARTIES, Acta, Election, Style

TIMES = (
    "{0.day:02}/{0.month:02}/{0.year} {0.hour:02}:{0.minute:02} (UTC-5)",
    "{0.day}/{0.month}/{0.year} {0.hour}:{0.minute:02}(UTC-6)",
    "{0.year}/{0.month:02}/{0.day:02} {0.hour:02}:{0.minute:02} (UTC-5)",
    "{0.day:02}/{0.month:02}/{0.year} {0.hour:02}:{0.minute:02}",
)
BLANKS = (
    "at start",
    "after title",
    "after time",
    "in header",
    "after header",
    "before actas",
    "at end",
)
WIDTH = len(IDENTIFICATION) + len(PARTIES) + len(CLOSING)


@st.composite
def actas(draw: st.DrawFn) -> tuple[Acta, ...]:
    made: list[Acta] = []
    for number in range(draw(st.integers(0, 12))):
        out = draw(st.booleans()) and draw(st.booleans())
        contabilizada = draw(st.sampled_from(["1", "1", "1", "0", "-", ""]))
        made.append(
            Acta(
                key="-" if out else f"22{number:04}C0100",
                votes=tuple(
                    draw(
                        st.lists(
                            st.none() | st.integers(0, 80),
                            min_size=len(PARTIES) + 2,
                            max_size=len(PARTIES) + 2,
                        )
                    )
                ),
                kind=draw(st.sampled_from("BCES")),
                contabilizada="2" if out else contabilizada,
                nominal=750,
                observations=draw(
                    st.sampled_from(
                        ["", "Ilegible", 'dice "no", o no', "Excede Lista Nominal", "año, niño"]
                    )
                ),
                integrity=draw(st.sampled_from(["", "-", "ab" * 32, "AB" * 32])),
                section=number,
            )
        )
    return tuple(made)


elections = st.builds(
    Election,
    title=st.sampled_from(["GUBERNATURA", "DIPUTACIONES LOCALES", "ELECCIÓN DE AYUNTAMIENTOS"]),
    stamp=st.datetimes(
        min_value=Stamp.of("20120101_0000").wall, max_value=Stamp.of("20391231_2359").wall
    ).map(Stamp),
    actas=actas(),
)

_USUAL = (*IDENTIFICATION, *PARTIES, *CLOSING)
_VOTES = {*PARTIES, "NO_REGISTRADAS", "NULOS"}


def _says_which_are_votes(order: tuple[int, ...]) -> bool:
    """Not one party moved away while the others stand as usual, between the two totals.

    There no name tells a party from a column that nobody knows, and it is taken for the latter.
    """
    names = [_USUAL[place] for place in order]
    end = names.index("NULOS") + 1
    begin = end
    while begin and names[begin - 1] in _VOTES:
        begin -= 1
    usual = begin and names[begin - 1] == "TOTAL_VOTOS_SACADOS"
    usual = usual and end < len(names) and names[end].startswith("TOTAL_VOTOS")
    among = begin > 1 and names[begin - 2] in _VOTES
    return not usual or among or end - begin == len(_VOTES)


styles = st.builds(
    Style,
    delimiter=st.sampled_from(",|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
    newline=st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1, max_size=4).map(tuple),
    sep_line=st.booleans(),
    time_format=st.sampled_from(TIMES),
    blanks=st.frozensets(st.sampled_from(BLANKS)),
    blank_line=st.sampled_from(["", " ", ",,,,,,,,", "||||"]),
    header_names=st.sampled_from(
        [
            (),
            (("ACTAS_FUERA_CATALOGO", "ACTAS_FUERA_DE_CATÁLOGO"),),
            (("PORCENTAJE_ACTAS_INCONSISTENCIAS", "PORCENTAJE_ACTAS_CON_INCONSISTENCIAS"),),
        ]
    ),
    drop_header=st.lists(
        st.sampled_from(
            [
                "PORCENTAJE_ACTAS_INCONSISTENCIAS",
                "LISTA_NOMINAL_ACTAS_CONTABILIZADAS",
                "TOTAL_VOTOS_S_CS",
            ]
        ),
        unique=True,
    ).map(tuple),
    thousands=st.booleans(),
    percent=st.sampled_from(["{}", "{}%", "'{}%"]),
    key=st.sampled_from(["{}", "'{}", '="{}"']),
    no_number=st.sampled_from(
        ["", "-", "Sin dato", "SIN DATO", "Ilegible", "ILEGIBLE", "Sin acta"]
    ),
    trailing=st.integers(0, 2),
    trailing_in_header=st.booleans(),
    quote_all=st.booleans(),
    renamed=st.sampled_from(
        [
            (),
            (("CODIGO_INTEGRIDAD", "SHA"), ("NO_REGISTRADAS", "NO_REGISTRADOS")),
            (("ID_ESTADO", "ID_ENTIDAD"), ("CODIGO_INTEGRIDAD", "CÓDIGO_INTEGRIDAD")),
        ]
    ),
    order=st.just(()) | st.permutations(range(WIDTH)).map(tuple).filter(_says_which_are_votes),
    last_newline=st.booleans(),
)
