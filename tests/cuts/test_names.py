"""What names say: the real forms, and any name at all."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_console.cuts import elections
from prep_console.cuts.entry_names import folded, name_fault
from prep_console.cuts.names import FileName, read_name
from prep_console.cuts.stamps import Stamp


def at(compact: str) -> Stamp:
    return Stamp.of(compact)


REAL = {
    "20190603_0547_PREP_DIP_QROO.zip": FileName(at("20190603_0547"), "PREP", "DIP_LOC", "QROO"),
    "20210601_1852_PREP_CAMP.zip": FileName(at("20210601_1852"), "PREP", "", "CAMP"),
    "20210601_1852_PREP_JUNTAS_CAMP.zip": FileName(at("20210601_1852"), "PREP", "JUNTAS", "CAMP"),
    "20210601_1852_PREP_DIP_LOC_CAMP.zip": FileName(at("20210601_1852"), "PREP", "DIP_LOC", "CAMP"),
    "20180702_2000_PREP_GOB_PUE": FileName(at("20180702_2000"), "PREP", "GUB", "PUE"),
    "20180702_1145_PREP_AYUN_QRO": FileName(at("20180702_1145"), "PREP", "AYUN", "QRO"),
    "20180701_2104_PREP.json": FileName(at("20180701_2104"), "PREP"),
    "20240603_2005_PREP.zip": FileName(at("20240603_2005"), "PREP"),
    "20240603_2005_PREP_AYUN_QRO_ext.zip": FileName(
        at("20240603_2005"), "PREP", "AYUN", "QRO", external=True
    ),
    "20180708_1200_COMPUTOS_DIP_QRO.zip": FileName(
        at("20180708_1200"), "COMPUTOS", "DIP_LOC", "QRO"
    ),
    "QROO_DIP_LOC_2019.csv": FileName(election="DIP_LOC", state="QROO"),
    "PUE_GOB_2018.csv": FileName(election="GUB", state="PUE"),
    "QROO_DIP_CANDIDATURAS_2019.csv": FileName(election="DIP_LOC", state="QROO", candidates=True),
    "CAMP_JUNTAS_CANDIDATURA_2021.csv": FileName(election="JUNTAS", state="CAMP", candidates=True),
    "20240602_2005_PREP_SIMULACRO2_AYUN_QRO.zip": FileName(
        at("20240602_2005"), "PREP", "AYUN", "QRO", test=True
    ),
    "LEEME.txt": FileName(),
    "index.html": FileName(),
    "fotos.zip": FileName(),
}


@pytest.mark.parametrize("name", REAL)
def test_real_names_say_what_they_say(name: str) -> None:
    assert read_name(name) == REAL[name]
    assert read_name(f"sitio/descargas/{name}") == REAL[name]


def test_a_year_before_1000_is_written_with_its_zeros() -> None:
    """As the id of a cut it must read back; the hour in the data says that it is wrong."""
    stamp = read_name("01990602_2005_PREP_DIP_LOC_QRO.zip").stamp
    assert stamp is not None
    assert str(stamp) == "01990602_2005"
    assert Stamp.of(str(stamp)) == stamp


@pytest.mark.parametrize(
    "name", ["20240602_2460_PREP.zip", "20240231_2005_PREP.zip", "920240602_2005_PREP.zip"]
)
def test_a_stamp_that_is_no_moment_is_none(name: str) -> None:
    assert read_name(name).stamp is None


_PATHS = st.text(st.characters(codec="utf-8"), max_size=80)


@given(_PATHS)
def test_any_name_can_be_read(name: str) -> None:
    assert isinstance(read_name(name), FileName)


@given(
    st.datetimes(min_value=at("19900101_0000").wall, max_value=at("20991231_2359").wall),
    st.sampled_from(["DIP", "DIP_LOC", "GOB", "GUB", "AYUN", "JUNTAS", "ALC", "SEN", "PRES", ""]),
    st.sampled_from(["QRO", "QROO", "CAMP", "PUE", "NL", ""]),
    st.booleans(),
    st.sampled_from([".zip", ".tar.gz", ".tgz", ".ZIP", "", ".json"]),
)
def test_a_name_in_the_institutes_form_is_read_back(
    moment: datetime, code: str, state: str, external: bool, suffix: str
) -> None:
    stamp = Stamp(moment)
    words = [str(stamp), "PREP", *filter(None, (code, state)), *(["ext"] if external else [])]
    read = read_name("_".join(words) + suffix)
    assert read == FileName(stamp, "PREP", elections.canonical(code), state, external)


@given(_PATHS)
def test_a_name_without_fault_stays_in_its_folder_and_steers_nothing(name: str) -> None:
    if name_fault(name) is None:
        parts = name.split("/")
        assert ".." not in parts
        assert "" not in parts
        assert "\\" not in name
        assert all(len(part.encode()) <= 255 for part in parts)
        assert name.isprintable() or not any(ord(c) < 32 or ord(c) == 127 for c in name)


@given(_PATHS)
def test_folding_a_folded_name_changes_nothing(name: str) -> None:
    assert folded(folded(name)) == folded(name)
    assert folded(name.upper()) == folded(name.upper().lower()) or not name.isascii()


TITLES = {
    "DIPUTACIONES LOCALES": "DIP_LOC",
    "Diputaciones Locales MR": "DIP_LOC",
    "DIPUTACIONES FEDERALES": "DIP_FED",
    "AYUNTAMIENTOS": "AYUN",
    "PRESIDENCIAS MUNICIPALES": "AYUN",
    "JUNTAS": "JUNTAS",
    "GUBERNATURA": "GUB",
    "ALCALDÍAS": "ALC",
    "SENADURÍAS": "SEN",
    "PRESIDENCIA": "PRES",
    "PRESIDENCIA DE LA REPÚBLICA": "PRES",
    "CONSULTA POPULAR": "",
    "DIPUTACIONES LOCALES Y AYUNTAMIENTOS": "",
    "": "",
}


@pytest.mark.parametrize("title", TITLES)
def test_titles_name_elections(title: str) -> None:
    assert elections.from_title(title) == TITLES[title]


@pytest.mark.parametrize("code", ["DIP_LOC", "DIP_FED", "AYUN", "JUNTAS", "GUB", "ALC", "SEN"])
def test_a_canonical_code_is_its_own(code: str) -> None:
    assert elections.canonical(code) == code
    assert elections.canonical(code.lower()) == code
