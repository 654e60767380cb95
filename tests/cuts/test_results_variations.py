"""Any valid results, written in any combination of the variations seen, read back equal."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_console.cuts.actas import Layout
from prep_console.cuts.numbers import read_count, unquoted
from prep_console.cuts.results import looks_like_results, read_results
from tests.cuts.varied import BLANKS, elections, styles
from tests.cuts.writing import (
    CLOSING,
    HEADER,
    IDENTIFICATION,
    PARTIES,
    Acta,
    Election,
    Style,
    columns_of,
    write_results,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Trickle(io.RawIOBase):
    """A stream that cannot be rewound and gives a few bytes at a time, as a pipe may."""

    def __init__(self, data: bytes, at_once: int) -> None:
        self._data = io.BytesIO(data)
        self._at_once = at_once

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        chunk = self._data.read(min(len(view), self._at_once))
        view[: len(chunk)] = chunk
        return len(chunk)


@settings(max_examples=400)
@given(elections, styles, st.sampled_from([7, 61, 4096]))
def test_whatever_the_style_the_election_is_read_back(
    election: Election, style: Style, at_once: int
) -> None:
    data = write_results(election, style)
    rows: list[Sequence[str]] = []
    layouts: list[Layout] = []

    def keep(layout: Layout, row: Sequence[str]) -> None:
        layouts.append(layout)
        rows.append(row)

    stream = io.BufferedReader(Trickle(data, at_once))
    results, findings = read_results(stream, "X.csv", keep)

    assert looks_like_results(data[:4096])
    assert [f.check for f in findings] == []
    assert results.title == election.title
    assert results.stamp == election.stamp
    assert results.delimiter == style.delimiter
    assert results.rows == len(election.actas)
    assert results.encoding == _encoding(data)
    for name, key in HEADER:
        if key:
            said = None if name in style.drop_header else getattr(election.header, key)
            assert getattr(results.figures, key) == said, name

    columns = columns_of(election, style)
    names = [dict(style.renamed).get(n, n) for n in (*election.parties, "NO_REGISTRADAS", "NULOS")]
    for acta, row, layout in zip(election.actas, rows, layouts, strict=True):
        assert {columns[place] for place in layout.votes} == set(names)
        by_name = dict(zip(columns, row, strict=True))
        assert tuple(read_count(by_name[name]) for name in names) == acta.votes
        key = unquoted(by_name["CLAVE_CASILLA"])
        assert key == acta.key
        assert by_name["OBSERVACIONES"] == acta.observations
        assert layout.integrity is not None
        assert row[layout.integrity] == acta.integrity


def _encoding(data: bytes) -> str:
    if data.isascii():
        return "ascii"
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


@pytest.mark.parametrize("at_once", [1, 3, 1 << 20])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_line_end_may_fall_between_two_blocks(newline: str, at_once: int) -> None:
    election = Election(actas=(Acta("220001B0100", (1,) * 8), Acta("220002B0100", (2,) * 8)))
    data = write_results(election, Style(newline=(newline,), blanks=frozenset(BLANKS)))
    results, findings = read_results(io.BufferedReader(Trickle(data, at_once), 16), "X.csv")
    assert (results.rows, findings) == (2, ())


def test_totals_among_the_parties_leave_none_of_them_out() -> None:
    usual = [*IDENTIFICATION, *PARTIES, *CLOSING]
    sacados = usual.index("TOTAL_VOTOS_SACADOS")
    order = list(range(len(usual)))
    order.insert(sacados + 2, order.pop(sacados))
    election = Election(actas=(Acta("220001B0100", (None, 1, *(0,) * 6)),))
    data = write_results(election, Style(order=tuple(order)))
    _, findings = read_results(io.BytesIO(data), "X.csv")
    assert findings == ()
