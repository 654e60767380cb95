"""The site's JSON: the two shapes that tell the time of a cut, and everything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_console.cuts.site_json import looks_like_site_json, read_site_json
from prep_console.cuts.stamps import Stamp
from tests.cuts import deliveries as d


def test_the_form_of_2018() -> None:
    cut = read_site_json(d.site_json("20240602_2005", counted=7))
    assert cut is not None
    assert cut.stamp == cut.archive == Stamp.of("20240602_2005")
    assert (cut.figures.expected, cut.figures.counted, cut.test) == (10, 7, False)


@pytest.mark.parametrize(
    ("day", "time"),
    [
        ("02/06/2024", "20:05"),
        ("2/6/2024", "20:05 h"),
        ("2024-06-02", "20:05:31"),
        ("02 de junio de 2024", "20:05 (UTC-6)"),
        ("2 DE JUNIO DEL 2024", "20:05"),
    ],
)
def test_the_form_of_2024(day: str, time: str) -> None:
    data = json.dumps({"ultimoCorte": {"fecha": day, "hora": time}}).encode()
    assert looks_like_site_json(data)
    cut = read_site_json(b"\xef\xbb\xbf" + data)
    assert cut is not None
    assert cut.stamp == Stamp.of("20240602_2005")


@pytest.mark.parametrize(
    ("day", "time"),
    [("31/02/2024", "20:05"), ("02/06/2024", "24:61"), ("", "20:05"), ("ayer", "ya")],
)
def test_a_time_that_is_none(day: str, time: str) -> None:
    cut = read_site_json(json.dumps({"ultimoCorte": {"fecha": day, "hora": time}}).encode())
    assert cut is not None
    assert cut.stamp is None


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b'{"a": 1}', b"\xff", b"[" * 100_000])
def test_any_other_json_is_just_a_file(data: bytes) -> None:
    assert read_site_json(data) is None


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("horaCorte", "fechaCorte", "ultimoCorte", "archivoCorte", "cortePrueba"),
                *("totalActas", "actasCapturadas", "nivelNodo", "totales"),
                "porcentajeParticipacionCiudadana",
            ]
        ),
        _VALUES,
    )
)
def test_whatever_stands_under_the_known_names_can_be_read(document: dict[str, object]) -> None:
    read_site_json(json.dumps(document).encode())
